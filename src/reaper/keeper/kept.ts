/** A session as the keeper holds it, and the table of them. */
import { closeDescriptor } from "../../libc/descriptors.js";
import type { ExitRecord, KeptRecord } from "../keeper-protocol.js";
import type { ProcessHandle } from "../process-handle.js";
import type { Peer } from "./peer.js";

/**
 * Who learns of the process's end. `child`: it is ours, waitid(2) tells, and it stays a zombie until acknowledged. `spawner`: the
 * spawner's own waiter tells. `handle`: another keeper's child, adopted: only that it is gone can be seen, never how.
 */
export type Waiter = { by: "child" } | { by: "spawner" } | { by: "handle"; handle: ProcessHandle | null };

export interface Kept {
  readonly session: number;
  readonly pid: number;
  readonly startTime: number | null;
  record: Uint8Array;
  readonly slot: number;
  generation: number;
  readonly directory: string;
  readonly spool: { bytes: number; busyBytes: number };
  readonly master: number;
  /** Held so that the master never sees a hang-up; null when it could not be opened. */
  readonly slave: number | null;
  /** The daemon that reads; null: we do. */
  lease: Peer | null;
  waiter: Waiter;
  exit: ExitRecord | null;
}

export function recordOf(kept: Kept): KeptRecord {
  const { session, pid, startTime, record, slot, generation, directory, spool, exit } = kept;
  return { session, pid, startTime, record, slot, generation, directory, spool, exit };
}

export class KeptTable {
  readonly #bySession = new Map<number, Kept>();
  /** Children and adopted processes whose number cannot have been given to another process. */
  readonly #byPid = new Map<number, Kept>();

  get size(): number {
    return this.#bySession.size;
  }
  get(session: number): Kept | undefined {
    return this.#bySession.get(session);
  }
  byPid(pid: number): Kept | undefined {
    return this.#byPid.get(pid);
  }
  all(): Iterable<Kept> {
    return this.#bySession.values();
  }

  add(kept: Kept): void {
    this.#bySession.set(kept.session, kept);
    this.#byPid.set(kept.pid, kept);
  }

  /** The number of an ended process is free for others unless its zombie is ours to keep. */
  forgetPid(kept: Kept): void {
    if (this.#byPid.get(kept.pid) === kept) this.#byPid.delete(kept.pid);
  }

  /** Closes what the session held. */
  remove(kept: Kept): void {
    this.#bySession.delete(kept.session);
    this.forgetPid(kept);
    if (kept.waiter.by === "handle") kept.waiter.handle?.close();
    if (kept.slave !== null) closeDescriptor(kept.slave);
    closeDescriptor(kept.master);
  }
}
