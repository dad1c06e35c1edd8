/** Many panes that flood at once: MB/s of all together, and how fairly they share. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Lifeguard } from "../subjects/lifeguard.mjs";
import { Tmux } from "../subjects/tmux.mjs";
import { rawLoop } from "../subjects/raw.mjs";
import { writeWorkload } from "../workloads/files.mjs";

const TOKEN = "END-OF-FLEET";

export const fleetFlood = {
  name: "fleet-flood",
  what: "4, 16 and 64 panes that flood at once with colour logs, until all final screens are right",
  async run({ scratch, rounds, quick, report, progress }) {
    const [lifeguard, tmux] = [await Lifeguard.start(scratch), await Tmux.start(scratch)];
    await tmux.unwatched();
    const directory = mkdtempSync(join(scratch, "fleet-"));
    for (const panes of [4, 16, 64]) {
      const file = writeWorkload(directory, "logs", ((quick ? 20 : 60) * 1e6) / panes, TOKEN);
      const megabytes = (file.terminalBytes * panes) / 1e6;
      const name = `${panes} panes`;
      for (let round = 0; round < rounds; round++) {
        progress(`${name} ${round + 1}/${rounds}`);
        const raw = await rawLoop(panes, "/bin/sh", ["-c", `read x; exec cat "${file.path}"`]);
        report.sample({ case: name, subject: "raw", unit: "MB/s", value: raw.bytes.reduce((a, b) => a + b) / 1e3 / raw.ms });
        for (const subject of round % 2 === 0 ? [lifeguard, tmux] : [tmux, lifeguard]) {
          const { ms, shares } = await one(subject, panes, file.path);
          report.sample({ case: name, subject: subject.name, unit: "MB/s", value: (megabytes * 1e3) / ms });
          report.sample({ case: `${name}, slowest's share of a fair one`, subject: subject.name, unit: "", value: shares });
        }
      }
      report.ratio({ case: name, of: "lifeguard", to: "raw" });
      report.ratio({ case: name, of: "lifeguard", to: "tmux", aim: panes === 16 ? 1.5 : null });
    }
    rmSync(directory, { recursive: true });
    await lifeguard.end();
    await tmux.end();
  },
};

/** The fair share is all panes' work in all the time; a pane that ended after `t` of `all` ms had `all / t` of it at least. */
async function one(subject, count, path) {
  const panes = [];
  for (let n = 0; n < count; n++) panes.push(await subject.pane("/bin/sh", ["-c", `read x; cat "${path}"; exec sleep 1000`]));
  const began = performance.now();
  await Promise.all(panes.map((pane) => pane.type("\r")));
  const ends = await Promise.all(
    panes.map(async (pane) => {
      while (!(await pane.screen()).includes(TOKEN)) await new Promise((resolve) => setTimeout(resolve, 10));
      return performance.now() - began;
    }),
  );
  const ms = Math.max(...ends);
  for (const pane of panes) await pane.close();
  const middle = ends.toSorted((a, b) => a - b)[ends.length >> 1];
  return { ms, shares: middle / ms };
}
