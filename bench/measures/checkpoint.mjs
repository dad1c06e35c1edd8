/** A period of the checkpoint loop with every session changed: what the main thread and the sessions notice, and what is written. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { largest, quantile, timed } from "../statistics.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";

const PERIOD_MS = 10_000;
const DIRTY = ["/bin/sh", ["-c", "while :; do echo changed; sleep 5; done"]];

export const checkpoint = {
  name: "checkpoint",
  what: "1 000 changed sessions saved within 10 s, under a client that asks all the time",
  async run({ scratch, quick, sessions, report, progress }) {
    const count = sessions ?? (quick ? 200 : 1_000);
    for (const [name, settings] of [
      ["saved", `[store]\ncheckpoint_period_ms = ${PERIOD_MS}\n`],
      ["not saved", "[store]\ncheckpoint_period_ms = 3600000\n"],
    ]) {
      progress(`${count} sessions, ${name}`);
      const daemon = await Lifeguard.start(scratch, { settings, countFsyncs: true });
      const panes = [];
      for (let n = 0; n < count; n += 50) panes.push(...(await Promise.all(Array.from({ length: 50 }, () => daemon.pane(...DIRTY)))));
      await sleep(PERIOD_MS);
      const [before, fsyncs] = [written(daemon.pid), daemon.fsyncs];
      const [main, actor] = [[], []];
      const until = performance.now() + PERIOD_MS * 1.5;
      for (let n = 0; performance.now() < until; n++) {
        main.push((await timed(() => daemon.client.call("session.get", { id: panes[0].id }))).ms);
        actor.push((await timed(() => daemon.client.call("session.read", { id: panes[n % count].id, since: 0, max: 1 }))).ms);
        await sleep(1);
      }
      const say = (what, unit, value) => report.sample({ case: what, subject: name, unit, value, less: true });
      say("main thread's answer, p50", "ms", quantile(main, 0.5));
      say("main thread's answer, p99", "ms", quantile(main, 0.99));
      say("main thread's answer, longest", "ms", largest(main));
      say("an actor's answer, p99", "ms", quantile(actor, 0.99));
      say("an actor's answer, longest", "ms", largest(actor));
      say("written in 15 s", "MB", (written(daemon.pid) - before) / 1e6);
      say("times the disk was waited for in 15 s", "fsyncs", daemon.fsyncs - fsyncs);
      await daemon.end();
    }
  },
};

/** Bytes that the process has caused to be written to the disk. */
function written(pid) {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1]);
}
