/** What is known of the programs in a tmux pane: from the kernel by the pane's first process, and from tmux where the kernel is mute. */
import { readFileSync } from "node:fs";
import { commandName, isShellName, processCwd, type Foreground } from "./foreground.js";
import { isShellProcess, type SessionProcesses } from "./session-processes.js";

/** As tmux has told it last. */
export interface PaneProcess {
  pid: number;
  command: string;
  path: string;
}

export function tmuxProcesses(pane: () => PaneProcess): SessionProcesses {
  return {
    foreground: () => foregroundOf(pane()),
    leaderIsShell: () => isShellProcess(pane().pid) || (process.platform !== "linux" && isShellName(pane().command)),
    cwd: () => {
      const { pid, path } = pane();
      return path === "" ? processCwd(pid) : path;
    },
  };
}

function foregroundOf({ pid, command }: PaneProcess): Foreground | null {
  const group = terminalGroup(pid);
  if (group !== null) return { group, isLeader: group === pid, command: commandName(group) };
  // Without /proc: a shell in front is taken for the pane's own.
  return command === "" ? null : { group: pid, isLeader: isShellName(command), command };
}

/** The foreground process group of the terminal that a process is on: field 8 of /proc/pid/stat. */
export function terminalGroup(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const group = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[5]);
    return group > 0 ? group : null;
  } catch {
    return null;
  }
}

/** A zombie counts as there: tmux has not looked yet. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
