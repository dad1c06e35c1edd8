/** What the kernel says of a session's processes: an interface, so that a rehearsal can tell what it said then. */
import { readFileSync } from "node:fs";
import { isInteractiveShell, processCwd, readForeground, type Foreground } from "./foreground.js";

export interface SessionProcesses {
  foreground(): Foreground | null;
  /** The session's own process is a shell that people type into. */
  leaderIsShell(): boolean;
  cwd(): string | null;
}

/**
 * @param master the session's pty master, asked for each time
 * @param pid the process that the session runs
 */
export function sessionProcesses(master: () => number, pid: number): SessionProcesses {
  return {
    foreground: () => readForeground(master(), pid),
    leaderIsShell: () => isShellProcess(pid),
    cwd: () => processCwd(pid),
  };
}

/** By what the process is now: a session may begin as `sh -c 'exec zsh'`. */
export function isShellProcess(pid: number): boolean {
  try {
    const [command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    return isInteractiveShell(command, args);
  } catch {
    return false;
  }
}
