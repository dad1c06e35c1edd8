/** Processes as /proc shows them: who belongs to a test's daemon, and what a process holds. Linux only, like the tests that use it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessInfo {
  pid: number;
  /** The state letter of /proc/<pid>/stat: `R`, `S`, `Z`, … */
  state: string;
  /** Command line, blanks between the words. */
  command: string;
}

export function isAlive(pid: number): boolean {
  return describeProcess(pid) !== null;
}

/** Gone, or a zombie that its parent has not waited for yet. */
export function hasEnded(pid: number): boolean {
  return (describeProcess(pid)?.state ?? "Z") === "Z";
}

/** Null when there is no such process; a zombie is one. */
export function describeProcess(pid: number): ProcessInfo | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, state, command: command === "" ? `[${name}]` : command };
  } catch {
    return null;
  }
}

/** Every process whose environment has all these texts: a daemon's home, which its keeper and its agents carry in theirs. Zombies have none. */
export function processesNaming(...texts: string[]): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      if (!texts.every((text) => environment.includes(text))) continue;
    } catch {
      continue;
    }
    const info = describeProcess(pid);
    if (info !== null && info.state !== "Z") found.push(info);
  }
  return found;
}

/** Ends them at once. One that has ended meanwhile is what was wanted. */
export function killEach(pids: Iterable<number>): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Direct children of a process, zombies too. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "latin1")
        .split(" ")
        .filter((word) => word !== "")
        .map(Number),
    );
  } catch {
    return [];
  }
}

/** Zombie children of a process. */
export function zombiesOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => describeProcess(child)?.state === "Z");
}

/** Open descriptors of a process, by number: what each is. */
export function descriptorsOf(pid: number): Map<number, string> {
  const found = new Map<number, string>();
  for (const entry of readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(Number(entry), readlinkSync(`/proc/${pid}/fd/${entry}`));
    } catch {
      // Closed meanwhile: the listing's own descriptor among them.
    }
  }
  return found;
}

export function threadsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}

/** Memory that is this process's own or its share of what it shares, bytes (PSS); RSS counts shared pages once for each process. */
export function memoryOf(pid: number): number {
  return rolledUp(pid, "Pss");
}

/** Memory that no file is behind, bytes: heaps, stacks. Of a program's file a process's share (PSS) changes when others begin or end. */
export function anonymousOf(pid: number): number {
  return rolledUp(pid, "Anonymous");
}

function rolledUp(pid: number, field: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? Number.NaN) * 1_024;
}

/** Processor time used since the process began, seconds. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
