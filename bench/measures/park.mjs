/** Terminals that are packed away when nobody needs them: memory before and after, how soon one is shown, and how soon one is back. */
import { setTimeout as sleep } from "node:timers/promises";
import { pssKib, settledKib, total } from "../machine.mjs";
import { largest, quantile, sum, timed } from "../statistics.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";

const FULL = ["/bin/sh", ["-c", 'i=0; while [ $i -lt 1040 ]; do printf "%0119d\\n" $i; i=$((i+1)); done; exec sleep 100000']];

export const park = {
  name: "park",
  what: "200 terminals with 1 000 full lines: memory in use and packed away, time to show one, and to bring one back",
  async run({ scratch, quick, sessions, report, progress }) {
    const count = Math.min(sessions ?? 200, quick ? 50 : 200);
    const daemon = await Lifeguard.start(scratch, { settings: "[session]\npark_after_ms = 6000\n" });
    // Once there and back, and settled: what the first session of a daemon brings into memory is not each one's.
    await (await daemon.pane(...FULL)).screen();
    const before = sum(await settledKib(daemon.pids));
    progress(`${count} sessions`);
    const panes = await Promise.all(Array.from({ length: count }, () => daemon.pane(...FULL)));
    await Promise.all(
      panes.map(async (pane) => {
        while (!(await pane.screen()).includes("1039")) await sleep(20);
      }),
    );
    const say = (what, unit, value) => report.sample({ case: what, subject: "lifeguard", unit, value, less: true });
    say("each, in use", "KiB", (total(daemon.pids, pssKib) - before) / count);
    say("each, packed away", "KiB", (sum(await settledKib(daemon.pids)) - before) / count);
    // A first look shows what is packed; a second one, soon after, brings it back.
    const [shown, back] = [[], []];
    for (const { screen } of panes) {
      shown.push((await timed(screen)).ms);
      back.push((await timed(screen)).ms);
    }
    const answers = { "a packed screen answers": shown, "one that is brought back answers": back };
    for (const [what, times] of Object.entries(answers)) {
      say(`${what}, p50`, "ms", quantile(times, 0.5));
      say(`${what}, p95`, "ms", quantile(times, 0.95));
      say(`${what}, longest`, "ms", largest(times));
    }
    await daemon.end();
  },
};
