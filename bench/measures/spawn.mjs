/** How fast sessions are made: one after another, and many under way; when the first output is there. */
import { largest, quantile, timed } from "../statistics.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";
import { Tmux } from "../subjects/tmux.mjs";

const IDLE = ["/bin/sleep", ["100000"]];
const UNDER_WAY = 64;

export const spawn = {
  name: "spawn",
  what: "1, 100 and 1 000 sessions made, one after another and 64 under way",
  async run({ scratch, quick, sessions, report, progress }) {
    const most = sessions ?? (quick ? 300 : 1_000);
    for (const count of new Set([1, 100, most].filter((n) => n <= most))) {
      for (const inFlight of count === 1 ? [1] : [1, UNDER_WAY]) {
        const name = `${count}${inFlight === 1 ? "" : `, ${inFlight} under way`}`;
        for (const Subject of [Lifeguard, Tmux]) {
          progress(`${name} ${Subject.name}`);
          const subject = await Subject.start(scratch);
          await subject.pane(...IDLE);
          const { times, ms } = await make(subject, count, inFlight);
          const sample = (what, unit, value, less = true) =>
            report.sample({ case: `${name}: ${what}`, subject: subject.name, unit, value, less });
          sample("rate", "/s", (count * 1e3) / ms, false);
          if (count > 1) {
            sample("each, p50", "ms", quantile(times, 0.5));
            sample("each, p99", "ms", quantile(times, 0.99));
            sample("longest", "ms", largest(times));
          }
          if (inFlight === 1 && count === most)
            sample("last hundred to first, p50", "×", quantile(times.slice(-100), 0.5) / quantile(times.slice(0, 100), 0.5));
          if (count === 1) for (let n = -2; n < 10; n++) await untilOutput(subject, n < 0 ? () => {} : sample);
          await subject.end();
        }
        report.ratio({ case: `${name}: rate`, of: "lifeguard", to: "tmux" });
      }
    }
  },
};

/** The first ones of a thread load what a terminal needs: they do not count. */
async function untilOutput(subject, sample) {
  const { ms } = await timed(async () => {
    const pane = await subject.pane("/bin/sh", ["-c", "echo here; exec sleep 1000"]);
    while (!(await pane.screen()).includes("here"));
  });
  sample("until its first output shows", "ms", ms);
}

async function make(subject, count, inFlight) {
  const times = [];
  let next = 0;
  const { ms } = await timed(() =>
    Promise.all(
      Array.from({ length: inFlight }, async () => {
        while (next < count) {
          const n = next++;
          times[n] = (await timed(() => subject.pane(...IDLE))).ms;
        }
      }),
    ),
  );
  return { times, ms };
}
