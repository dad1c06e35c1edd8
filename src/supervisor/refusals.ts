/** What a client is told in more words than fit where it is refused. */
import { LifeguardError } from "../errors.js";
import type { SessionEntry } from "./entry.js";

export function takesNoInput(entry: SessionEntry, given: number): LifeguardError {
  return new LifeguardError(
    "BUSY",
    `session ${entry.id} takes no more input: none of ${given} bytes were taken, its program does not read. Send them later`,
    { accepted: 0, retry_after_ms: 50 },
  );
}
