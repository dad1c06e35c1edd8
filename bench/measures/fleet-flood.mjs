/** Many panes that flood at once: MB/s of all together, and how fairly they share. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cpuMs, total } from "../machine.mjs";
import { largest, quantile, sum } from "../statistics.mjs";
import { roundName } from "../report/report.mjs";
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
    const directory = mkdtempSync(join(scratch, "fleet-"));
    for (const panes of [4, 16, 64]) {
      const file = writeWorkload(directory, "logs", ((quick ? 30 : 120) * 1e6) / panes, TOKEN);
      const megabytes = (file.terminalBytes * panes) / 1e6;
      const name = `${panes} panes`;
      for (let round = -1; round < rounds; round++) {
        progress(`${name}, ${roundName(round, rounds)}`);
        const raw = await rawLoop(panes, "/bin/sh", ["-c", `read x; exec cat "${file.path}"`]);
        if (round >= 0) report.sample({ case: name, subject: "raw", unit: "MB/s", value: sum(raw.bytes) / 1e3 / raw.ms });
        for (const subject of round % 2 === 0 ? [lifeguard, tmux] : [tmux, lifeguard]) {
          const { ms, cpu, fairness } = await one(subject, directory, file.path, panes);
          if (round < 0) continue;
          report.sample({ case: name, subject: subject.name, unit: "MB/s", value: (megabytes * 1e3) / ms });
          report.sample({ case: `${name}, processor`, subject: subject.name, unit: "ms/MB", value: cpu / megabytes, less: true });
          report.sample({ case: `${name}, slowest pane's part of a fair share`, subject: subject.name, unit: "", value: fairness });
        }
      }
      report.ratio({ case: name, of: "lifeguard", to: "raw" });
      report.ratio({ case: name, of: "lifeguard", to: "tmux" });
    }
    await lifeguard.end();
    await tmux.end();
  },
};

/**
 * Each program says through a fifo that it has written everything; only then its screen is asked for, so that asking is no part of
 * the work. Fair is that all end together: the share of the pane that ended last is what the middle one took of the last one's time.
 */
async function one(subject, directory, path, count) {
  const panes = [];
  for (let n = 0; n < count; n++) {
    const fifo = join(directory, `done-${n}`);
    execFileSync("/usr/bin/mkfifo", [fifo]);
    const pane = await subject.pane("/bin/sh", ["-c", `read x; cat "${path}"; echo done > "${fifo}"; exec sleep 1000`]);
    panes.push({ ...pane, fifo, done: once(createReadStream(fifo).resume(), "end") });
  }
  const cpu = total(subject.pids, cpuMs);
  const began = performance.now();
  await Promise.all(panes.map((pane) => pane.type("\r")));
  const ends = await Promise.all(
    panes.map(async (pane) => {
      await pane.done;
      const end = performance.now() - began;
      while (!(await pane.screen()).includes(TOKEN));
      return end;
    }),
  );
  const ms = performance.now() - began;
  const used = total(subject.pids, cpuMs) - cpu;
  for (const pane of panes) {
    await pane.close();
    rmSync(pane.fifo);
  }
  return { ms, cpu: used, fairness: quantile(ends, 0.5) / largest(ends) };
}
