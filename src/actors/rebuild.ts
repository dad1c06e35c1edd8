/** What a session's terminal is made of again, from its directory. */
import { readSnapshot } from "../spool/snapshot-file.js";
import type { TerminalSize } from "../session.js";
import type { StoredSnapshot } from "../spool/snapshot-file.js";
import type { ReplayPlan, ReplayTarget } from "./replay.js";
import { Terminal } from "./terminal/terminal.js";
import type { TerminalListener, TerminalOptions } from "./terminal/terminal.js";

/** The newest snapshot, null when there is none that can be used: damaged, or of a newer version. */
export function storedSnapshot(directory: string): StoredSnapshot | null {
  try {
    return readSnapshot(directory).snapshot;
  } catch {
    return null;
  }
}

/** Where a replay begins. @throws SnapshotError when the plan's snapshot is not one that this version reads: plan without it */
export function startingTerminal(plan: ReplayPlan, options: TerminalOptions, listener: TerminalListener): Terminal {
  if (plan.snapshot === null) return new Terminal(plan.size, options, listener);
  return Terminal.fromSnapshot(plan.snapshot.bytes, options, listener);
}

/** A replay's target whose terminal is made with the first slice: restoring 500 of them at once would stop the thread. */
export class LateTerminal implements ReplayTarget {
  terminal: Terminal | null = null;
  size: TerminalSize;
  /** Something was fed, or its size has changed. */
  touched = false;

  constructor(size: TerminalSize) {
    this.size = size;
  }

  feed(bytes: Uint8Array): void {
    this.touched = true;
    this.terminal?.feed(bytes);
  }
  resize(size: TerminalSize): void {
    this.touched = true;
    this.size = size;
    this.terminal?.resize(size);
  }
}
