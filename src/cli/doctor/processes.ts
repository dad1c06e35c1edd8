/** What /proc says of processes and locks. Where there is no /proc, as little as signal 0 tells. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return stateOf(pid) !== "Z";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** `R`, `S`, `D`, `T` (stopped), `Z`; empty when it is not known. */
export function stateOf(pid: number): string {
  return /^State:\s+(\S)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "";
}

export function commandOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0").filter(Boolean);
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** A zombie. A process whose first thread has ended looks like one while its others live. */
function hasEnded(pid: number): boolean {
  return stateOf(pid) === "Z" && read(`/proc/${pid}/status`).match(/^Threads:\s+(\d+)/m)?.[1] === "1";
}

/** Who holds an flock of this file; null: nobody, or nobody can tell. */
export function holderOf(file: string): number | null {
  const inode = statSync(file, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return null;
  const said = Number(read(file).trim());
  const locks = read("/proc/locks");
  if (locks === "") return said > 0 && isAlive(said) ? said : null;
  for (const line of locks.split("\n")) {
    // `1: FLOCK  ADVISORY  WRITE 9661 fe:00:2204123 0 EOF`; who waits for one has an arrow in the second place.
    const [, kind, , , pid, where] = line.trim().split(/\s+/);
    if (kind !== "FLOCK" || where?.split(":").at(-1) !== String(inode)) continue;
    return Number(pid) > 0 ? Number(pid) : said;
  }
  return null;
}

export interface KeeperProcess {
  pid: number;
  alive: boolean;
  /** Processes it holds that live. */
  running: number;
  /** Those that have ended, and that no daemon has been told of. */
  ended: number;
  sockets: string[];
}

/** By their sockets in the runtime directory. */
export function keepersIn(runtime: string): KeeperProcess[] {
  let names: string[];
  try {
    names = readdirSync(runtime);
  } catch {
    return [];
  }
  const byPid = new Map<number, string[]>();
  for (const name of names) {
    const pid = Number(/^keeper-(\d+)\./.exec(name)?.[1] ?? 0);
    if (pid > 0) byPid.set(pid, [...(byPid.get(pid) ?? []), join(runtime, name)]);
  }
  return [...byPid].map(([pid, sockets]) => {
    // A pid comes again: what has it now must also be a keeper.
    const alive = isAlive(pid) && (commandOf(pid).length === 0 || commandOf(pid).some((word) => word.includes("keeper")));
    const children = alive ? childrenOf(pid) : [];
    const ended = children.filter(hasEnded).length;
    return { pid, alive, running: children.length - ended, ended, sockets };
  });
}

/** A line of /proc/<pid>/limits: `Max open files`. Infinity for unlimited; null where there is no /proc, or it is not ours to read. */
export function limitOf(pid: number | "self", name: string): { soft: number; hard: number } | null {
  const line = read(`/proc/${pid}/limits`)
    .split("\n")
    .find((one) => one.startsWith(name));
  const [soft, hard] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  if (soft === undefined || hard === undefined) return null;
  const number = (word: string): number => (word === "unlimited" ? Number.POSITIVE_INFINITY : Number(word));
  return { soft: number(soft), hard: number(hard) };
}

export function openDescriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

export function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
