/** Reading the spool of a session that nobody writes: it has exited, or its actor is not up. Changes nothing on the disk. */
import { closeSync, openSync, readSync } from "node:fs";
import { LifeguardError, messageOf } from "../errors.js";
import { readHeld } from "./ring.js";
import type { SpoolRead } from "./ring.js";
import { HEADER_BYTES, parseHeader } from "./spool-header.js";
import { spoolPath } from "./spool.js";

export interface SpoolReader {
  readonly start: number;
  readonly end: number;
  /** See {@link readHeld}. */
  read(since: number, max: number): SpoolRead;
  close(): void;
}

/**
 * Opens the spool in `directory` as it stands.
 * @param end where the in-flight slot says it ends, when the last writer did not close it
 * @throws LifeguardError NOT_FOUND when there is none, UNSUPPORTED for a newer version's, DAMAGED with the reason
 */
export function openSpoolReader(directory: string, end: number | null = null): SpoolReader {
  const path = spoolPath(directory);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new LifeguardError(
      absent ? "NOT_FOUND" : "UNAVAILABLE",
      `cannot read the spool ${path}: ${messageOf(error)}`,
      { path },
      { cause: error },
    );
  }
  const bytes = Buffer.alloc(HEADER_BYTES);
  const parsed = parseHeader(bytes.subarray(0, readSync(fd, bytes, 0, HEADER_BYTES, 0)));
  if (parsed.kind !== "ok") {
    closeSync(fd);
    if (parsed.kind === "newer")
      throw new LifeguardError("UNSUPPORTED", `${path} has version ${parsed.version}, made by a newer lifeguard`, { path });
    throw new LifeguardError("DAMAGED", `${path} is damaged: ${parsed.reason}`, { path });
  }
  const { header } = parsed;
  header.end = Math.max(header.end, end ?? 0);
  header.start = Math.max(header.start, header.end - header.modulus);
  return {
    start: header.start,
    end: header.end,
    read: (since, max) => readHeld(fd, header, since, max),
    close: () => closeSync(fd),
  };
}
