/**
 * A process that is meant and never another one that gets its number later: a pidfd where the system has them, the number with
 * its start time elsewhere.
 */
import { readFileSync } from "node:fs";
import { closeDescriptor, pollInput } from "../libc/descriptors.js";
import { openPidfd, signalPidfd } from "../libc/processes.js";

/** Fields of /proc/<pid>/stat. */
export interface ProcessStat {
  /** `R`, `S`, `T` (stopped), `Z` (zombie), … */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Clock ticks since the machine started; with the pid it names one process for good. */
  startTime: number;
}

/** Null when there is no such process, or no /proc. */
export function readProcessStat(pid: number): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // The command's name, in parentheses, may hold spaces and parentheses of its own.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "X",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
  };
}

/** True for a process that has ended, whether or not its parent has collected it. */
export function hasEnded(stat: ProcessStat | null): boolean {
  return stat === null || stat.state === "Z" || stat.state === "X";
}

export class ProcessHandle {
  readonly pid: number;
  /** Null where the system does not tell. */
  readonly startTime: number | null;
  #pidfd: number | null;

  private constructor(pid: number, startTime: number | null, pidfd: number | null) {
    this.pid = pid;
    this.startTime = startTime;
    this.#pidfd = pidfd;
  }

  /** Null when the process is gone, or its number belongs to another one (`startTime` given and not equal). */
  static open(pid: number, startTime: number | null = null): ProcessHandle | null {
    const pidfd = openPidfd(pid);
    const stat = readProcessStat(pid);
    // Read after the pidfd was opened: if the start time is the right one now, the pidfd names the right process.
    const wrong = stat === null ? process.platform === "linux" || !exists(pid) : startTime !== null && stat.startTime !== startTime;
    if (wrong) {
      if (pidfd !== null) closeDescriptor(pidfd);
      return null;
    }
    return new ProcessHandle(pid, stat?.startTime ?? null, pidfd);
  }

  /** True once it has ended; a zombie counts as ended. */
  gone(): boolean {
    if (this.#pidfd !== null) return pollInput([this.#pidfd]).length > 0;
    const stat = readProcessStat(this.pid);
    if (stat === null) return process.platform === "linux" || !exists(this.pid);
    return hasEnded(stat) || (this.startTime !== null && stat.startTime !== this.startTime);
  }

  /**
   * False when the process is gone.
   * @throws when it may not be signalled (EPERM)
   */
  signal(signal: number): boolean {
    if (this.#pidfd !== null) return signalPidfd(this.#pidfd, signal);
    if (this.gone()) return false;
    try {
      return process.kill(this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  }

  close(): void {
    if (this.#pidfd !== null) closeDescriptor(this.#pidfd);
    this.#pidfd = null;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
