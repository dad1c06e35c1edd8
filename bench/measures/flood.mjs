/** One pane, a whole workload, until its last line is on the screen: MB/s of what the terminal carried, and processor time for it. */
import { execFileSync } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuMs, total } from "../machine.mjs";
import { roundName } from "../report/report.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";
import { Tmux } from "../subjects/tmux.mjs";
import { rawLoop } from "../subjects/raw.mjs";
import { writeWorkload } from "../workloads/files.mjs";
import { WORKLOADS } from "../workloads/generate.mjs";

const DRIPS = fileURLToPath(new URL("../workloads/drips.mjs", import.meta.url));

export const flood = {
  name: "flood",
  what: "one pane, 50 MB (drips: 0.5 MB), until the final screen is right",
  async run({ scratch, rounds, quick, report, progress }) {
    const bytes = (quick ? 10 : 50) * 1e6;
    const [lifeguard, tmux] = [await Lifeguard.start(scratch), await Tmux.start(scratch)];
    for (const workload of WORKLOADS) {
      const directory = mkdtempSync(join(scratch, "flood-"));
      const token = "END-OF-FLOOD";
      const file = writeWorkload(directory, workload, workload === "drips" ? bytes / 100 : bytes, token);
      const print = workload === "drips" ? `exec "${process.execPath}" "${DRIPS}" "${file.path}"` : `exec cat "${file.path}"`;
      const megabytes = file.terminalBytes / 1e6;
      // The first round does not count: sessions live for days, and what runs has been compiled by then.
      for (let round = -1; round < rounds; round++) {
        progress(`${workload}, ${roundName(round, rounds)}`);
        const raw = await rawLoop(1, "/bin/sh", ["-c", `read x; ${print}`]);
        if (round >= 0) report.sample({ case: workload, subject: "raw", unit: "MB/s", value: raw.bytes[0] / 1e3 / raw.ms });
        for (const subject of round % 2 === 0 ? [lifeguard, tmux] : [tmux, lifeguard]) {
          const { ms, cpu } = await one(subject, directory, print, token);
          if (round < 0) continue;
          report.sample({ case: workload, subject: subject.name, unit: "MB/s", value: (megabytes * 1e3) / ms });
          report.sample({ case: `${workload}, processor`, subject: subject.name, unit: "ms/MB", value: cpu / megabytes, less: true });
        }
      }
    }
    await lifeguard.end();
    await tmux.end();
    for (const workload of WORKLOADS) {
      report.ratio({ case: workload, of: "lifeguard", to: "raw" });
      report.ratio({ case: workload, of: "lifeguard", to: "tmux" });
    }
  },
};

/** The program says through a fifo that it has written everything; then the screen is asked for until it shows the last line. */
async function one(subject, directory, print, token) {
  const fifo = join(directory, "done");
  execFileSync("/usr/bin/mkfifo", [fifo]);
  const pane = await subject.pane("/bin/sh", ["-c", `read x; (${print.replace("exec ", "")}); echo done > "${fifo}"; exec sleep 1000`]);
  const done = once(createReadStream(fifo).resume(), "end");
  const before = total(subject.pids, cpuMs);
  const began = performance.now();
  await pane.type("\r");
  await done;
  while (!(await pane.screen()).includes(token));
  const ms = performance.now() - began;
  const cpu = total(subject.pids, cpuMs) - before;
  await pane.close();
  rmSync(fifo);
  return { ms, cpu };
}
