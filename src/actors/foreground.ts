/** Who has a terminal's foreground, from the kernel. A few system calls each time: call it when the answer is needed. */
import { closeSync, openSync, readSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { foregroundGroup } from "../libc/terminals.js";

export interface Foreground {
  /** The foreground process group; also the pid of the process that leads it. */
  group: number;
  /** True when it is the session's own process, and not something that runs in front of it. */
  isLeader: boolean;
  /** What people call it: `vim`, `npm`, `claude`; null when its process is gone or this system does not say (macOS). */
  command: string | null;
}

/** Enough for a path of the longest kind and the argument after it. */
const CMDLINE_BYTES = 8_192;
const MAX_NAME = 64;

/**
 * @param master the session's pty master
 * @param leader pid of the process that the session runs
 * @returns null when the terminal has no foreground
 */
export function readForeground(master: number, leader: number): Foreground | null {
  const group = foregroundGroup(master);
  if (group === 0) return null;
  return { group, isLeader: group === leader, command: commandName(group) };
}

/** Where a process works; null when it is gone, not ours, or this system does not say. */
export function processCwd(pid: number): string | null {
  if (process.platform !== "linux") return null;
  try {
    const path = readlinkSync(`/proc/${pid}/cwd`);
    return path.endsWith(" (deleted)") ? null : path;
  } catch {
    return null;
  }
}

/** What people call the program that a process runs. */
export function commandName(pid: number): string | null {
  if (process.platform !== "linux") return null;
  const args = readProc(`/proc/${pid}/cmdline`).split("\0");
  return nameOf(args) ?? cut(readProc(`/proc/${pid}/comm`).trim());
}

/** Programs that are known by what they run. */
const INTERPRETER = /^(?:node|nodejs|bun|deno|python[0-9.]*|ruby[0-9.]*|perl[0-9.]*|sh|bash|zsh|dash|fish|ksh)$/;
const SCRIPT_SUFFIX = /\.(?:[cm]?js|ts|py|rb|pl|sh)$/;

/** The name in an argument vector: of the script when an interpreter runs one, without login shells' dash. */
export function nameOf(args: readonly string[]): string | null {
  // A program that writes its own title (`claude`, `sshd: user@pts/1`) puts it all into the first one.
  const [first = "", script = ""] = args;
  const name = basename((first.split(" ", 1)[0] ?? "").replace(/^-/, ""));
  if (INTERPRETER.test(name) && script !== "" && !script.startsWith("-")) return cut(basename(script).replace(SCRIPT_SUFFIX, ""));
  return cut(name);
}

const SHELL = /^-?(?:sh|bash|zsh|dash|ash|fish|ksh|mksh|tcsh|csh|nu|xonsh|elvish|pwsh)$/;

export function isShellName(command: string): boolean {
  return SHELL.test(basename(command));
}

/** Whether a command line is a shell that people type into, rather than one that runs a script or a `-c` string. */
export function isInteractiveShell(command: string, args: readonly string[]): boolean {
  if (!isShellName(command)) return false;
  for (const [i, arg] of args.entries()) {
    if (/^-[a-z]*i/.test(arg)) return true;
    if (/^-[a-z]*c/.test(arg) || arg === "--command") return false;
    if (arg === "--rcfile" || arg === "--init-file" || arg === "-o" || arg === "+o") continue;
    const before = args[i - 1];
    const value = before === "--rcfile" || before === "--init-file" || before === "-o" || before === "+o";
    if (!arg.startsWith("-") && !arg.startsWith("+") && !value) return false;
  }
  return true;
}

function cut(name: string): string | null {
  // eslint-disable-next-line no-control-regex -- a process names itself as it likes
  const clean = name.replace(/[\u0000-\u001f\u007f-\u009f]+/g, "").slice(0, MAX_NAME);
  return clean === "" ? null : clean;
}

/** The beginning of a file of /proc, "" when the process is gone. */
function readProc(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const bytes = Buffer.allocUnsafe(CMDLINE_BYTES);
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, 0));
  } catch {
    return "";
  } finally {
    closeSync(fd);
  }
}
