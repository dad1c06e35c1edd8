/** What a session's terminal is made of again, from its directory. */
import { readSnapshot } from "../spool/snapshot-file.js";
import type { StoredSnapshot } from "../spool/snapshot-file.js";
import type { ReplayPlan } from "./replay.js";
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
