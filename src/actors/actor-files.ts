/** What an actor keeps a session's output in: spool, in-flight page and index, opened together. */
import { closeDescriptor } from "../libc/descriptors.js";
import { SpoolIndex } from "../spool/index-file.js";
import type { InflightSlot } from "../spool/inflight.js";
import { Intake } from "../spool/intake.js";
import type { ActorStart } from "./messages.js";

/** Salvages what a death left in the page. @throws what opening throws; `start.master` is then closed, and nothing is left open */
export function openFiles(start: ActorStart, slot: InflightSlot): { intake: Intake; index: SpoolIndex } {
  let intake: Intake | undefined;
  try {
    intake = Intake.open(start.directory, slot, { bytes: start.settings.spoolBytes, busyBytes: start.settings.spoolBusyBytes });
    const { spool } = intake;
    return { intake, index: SpoolIndex.open(start.directory, () => spool.start) };
  } catch (error) {
    intake?.close();
    closeDescriptor(start.master);
    throw error;
  }
}
