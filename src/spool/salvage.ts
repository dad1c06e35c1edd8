/** After daemon and keeper died together: what their sessions' slots hold is brought into the spools, and the slots are nobody's again. */
import { InflightFile, slotOwner } from "./inflight.js";
import { Intake } from "./intake.js";
import type { SpoolOptions } from "./spool.js";

/**
 * @param inflightPath of the in-flight file; nobody may read these sessions' terminals any more
 * @param directories of the sessions that have no process
 * @returns bytes that were in pages, and sessions whose spool's end only their slot knew
 */
export function salvageLeft(
  inflightPath: string,
  directories: readonly string[],
  options: SpoolOptions,
): { bytes: number; sessions: number } {
  const found = { bytes: 0, sessions: 0 };
  if (directories.length === 0) return found;
  const left = new Map(directories.map((directory) => [slotOwner(directory), directory]));
  const inflight = InflightFile.open(inflightPath);
  try {
    for (let n = 0; n < inflight.slots && left.size > 0; n++) {
      const slot = inflight.slot(n);
      const directory = left.get(slot.owner);
      if (directory === undefined) continue;
      left.delete(slot.owner);
      const intake = Intake.open(directory, slot, options);
      found.bytes += intake.salvaged;
      found.sessions += 1;
      intake.close();
      slot.release();
    }
  } finally {
    inflight.close();
  }
  return found;
}
