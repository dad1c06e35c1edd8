/**
 * The seam at which a process on a terminal of its own is born. Two implementations, one contract (test/contract/spawner.test.ts);
 * only the keeper uses them.
 */
import { openFileLimits, setOpenFileLimits } from "../libc/processes.js";
import type { TerminalSize } from "../session.js";

export interface SpawnerOrder {
  /** Absolute path of the program. */
  file: string;
  /** The whole argument vector, the program's own name first. */
  argv: string[];
  /** `NAME=value`: the whole environment. */
  env: string[];
  cwd: string;
  size: TerminalSize;
  /** The soft limit of open files, the umask: the caller's, not Node's. Dispositions and mask of signals are always the default ones. */
  nofileSoft: number;
  umask: number;
}

/** Told once, from the event loop. */
export type SpawnedExit = (status: { code: number | null; signal: number | null }) => void;

export interface Spawned {
  pid: number;
  /** Non-blocking, close-on-exec. */
  master: number;
  /** Close-on-exec, not our controlling terminal. While it is held the master never sees a hang-up: only the wait status is an exit. */
  slave: number;
}

export interface Spawner {
  readonly kind: "posix" | "node-pty";
  /**
   * Who waits for the child. `caller`: nobody but the caller of `spawn`, who peeks and reaps, and `exited` is never called.
   * `spawner`: a waiter of its own collects the child and calls `exited`; a second waiter would make up statuses.
   */
  readonly waiter: "caller" | "spawner";
  /**
   * @throws LibcError with the errno of what failed: ENOENT, EACCES, ENOTDIR, E2BIG, EAGAIN, EMFILE …
   */
  spawn(order: SpawnerOrder, exited: SpawnedExit): Spawned;
}

/** Runs `body` with the order's soft NOFILE and umask as this process's own, which a child inherits. */
export function underLimitsOf<T>(order: Pick<SpawnerOrder, "nofileSoft" | "umask">, body: () => T): T {
  const limits = openFileLimits();
  const asked = BigInt(Math.max(0, Math.trunc(order.nofileSoft)));
  const umask = process.umask(order.umask);
  try {
    setOpenFileLimits({ soft: asked < limits.hard ? asked : limits.hard, hard: limits.hard });
    return body();
  } finally {
    setOpenFileLimits(limits);
    process.umask(umask);
  }
}

/** @param choice `auto`: posix_spawn where libc has all it needs, node-pty elsewhere */
export async function openSpawner(choice: "auto" | "posix" | "node-pty"): Promise<Spawner> {
  const { PosixSpawner } = await import("./spawner-posix.js");
  if (choice === "posix" || (choice === "auto" && PosixSpawner.available())) return new PosixSpawner();
  const { NodePtySpawner } = await import("./spawner-node-pty.js");
  return new NodePtySpawner();
}
