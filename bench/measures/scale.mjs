/** What many sessions cost: idle, with a full history, and at an agent's real rate. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuMs, descriptorsAndThreads, kernelKib, pssKib, settledKib, total } from "../machine.mjs";
import { sum } from "../statistics.mjs";
import { Lifeguard } from "../subjects/lifeguard.mjs";
import { Tmux } from "../subjects/tmux.mjs";

const AGENT = fileURLToPath(new URL("../workloads/agents.mjs", import.meta.url));
const FULL = ["/bin/sh", ["-c", 'i=0; while [ $i -lt 1040 ]; do printf "%0119d\\n" $i; i=$((i+1)); done; exec sleep 100000']];
const IDLE = ["/bin/sleep", ["100000"]];
/** Sessions that come and go before memory is looked at first. */
const WARM = 64;
const KINDS = [
  { kind: "empty", command: IDLE },
  { kind: "1 000 full lines", command: FULL },
];

export const scale = {
  name: "scale",
  what: "100 to 2 000 sessions: memory, processor, descriptors, threads",
  async run({ scratch, quick, sessions, report, progress }) {
    const most = sessions ?? (quick ? 300 : 2_000);
    const seconds = quick ? 5 : 20;
    const steps = quick ? [most] : [100, 500, 1_000, 2_000].filter((n) => n <= most);
    for (const { kind, command } of KINDS)
      for (const Subject of [Lifeguard, Tmux]) {
        const counts = kind === "empty" ? steps : steps.filter((count) => count <= 1_000);
        const subject = await Subject.start(scratch);
        await grow({ subject, kind, command, counts, seconds, report, progress });
        await subject.end();
      }
    await atAgentsRate(scratch, quick ? 20 : 100, seconds, report, progress);
  },
};

/** tmux gives nothing back. */
async function settled(subject) {
  if (subject instanceof Lifeguard) return await settledKib(subject.pids);
  await sleep(3_000);
  return subject.pids.map(pssKib);
}

/** The same server with more and more sessions. */
async function grow({ subject, kind, command, counts, seconds, report, progress }) {
  // What the first sessions bring into memory is not each one's, and what a start leaves is collected only when something has come after it.
  progress(`${kind} ${subject.name}`);
  for (const pane of await make(subject, WARM, command)) await pane.close();
  await subject.pane(...command);
  const [before, kernel] = [await settled(subject), kernelKib()];
  let made = 0;
  for (const count of counts) {
    progress(`${count} ${kind} ${subject.name}`);
    await make(subject, count - made, command);
    made = count;
    const after = await settled(subject);
    const say = (what, unit, value) => report.sample({ case: `${count} ${kind}: ${what}`, subject: subject.name, unit, value, less: true });
    say("memory each", "KiB", (sum(after) - sum(before)) / count);
    if (after.length > 1) say("of it the keeper", "KiB", (after[1] - before[1]) / count);
    say("kernel memory each, whole machine", "KiB", (kernelKib() - kernel) / count);
    if (kind !== "empty") continue;
    const cpu = total(subject.pids, cpuMs);
    await sleep(seconds * 1_000);
    say("processor, idle", "% of a core", (total(subject.pids, cpuMs) - cpu) / (seconds * 10));
    const all = subject.pids.map(descriptorsAndThreads);
    say("descriptors", "", sum(all.map(({ fds }) => fds)));
    say("threads", "", sum(all.map(({ threads }) => threads)));
  }
}

/** Each redraws its screen ten times a second, 4 KB/s: as an agent that works. */
async function atAgentsRate(scratch, count, seconds, report, progress) {
  for (const Subject of [Lifeguard, Tmux]) {
    progress(`${count} busy ${Subject.name}`);
    const subject = await Subject.start(scratch);
    await make(subject, count, [process.execPath, [AGENT]]);
    await sleep(5_000);
    const cpu = total(subject.pids, cpuMs);
    await sleep(seconds * 1_000);
    const used = total(subject.pids, cpuMs) - cpu;
    report.sample({
      case: `${count} at an agent's rate: processor`,
      subject: subject.name,
      unit: "% of a core",
      value: used / (seconds * 10),
      less: true,
    });
    await subject.end();
  }
  report.ratio({ case: `${count} at an agent's rate: processor`, of: "lifeguard", to: "tmux" });
}

async function make(subject, count, [command, args]) {
  const panes = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (next++ < count) panes.push(await subject.pane(command, args));
    }),
  );
  return panes;
}
