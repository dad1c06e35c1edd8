/** Reading a ring of output by offset: the same for the spool that is written and for one that nobody writes. */
import { readSync } from "node:fs";
import { HEADER_BYTES } from "./spool-header.js";
import type { SpoolHeader } from "./spool-header.js";

/** Raw output from an offset. `gap` bytes between what was asked for and `offset` are not held; `next` is where to go on. */
export interface SpoolRead {
  offset: number;
  data: Buffer;
  next: number;
  gap: number;
}

/** The most that one read answers (8 MiB), whatever was asked for. */
export const MAX_READ_BYTES = 8_388_608;

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * At most `max` bytes from `since`, never across a hole: what is not held is skipped and counted as `gap`. `since` beyond the end
 * answers with the end and no bytes. Bytes that the disk cannot give are a gap too, or a reader would ask for them for ever.
 * @param fd null when there is no file: everything is a gap
 */
export function readHeld(fd: number | null, held: Readonly<SpoolHeader>, since: number, max: number): SpoolRead {
  const wanted = Math.max(0, Math.trunc(since));
  if (!(wanted < held.end)) return { offset: held.end, data: EMPTY, next: held.end, gap: 0 };
  let offset = Math.max(wanted, held.start);
  let limit = held.end;
  for (const hole of held.holes) {
    if (offset >= hole.from && offset < hole.to) offset = Math.min(hole.to, held.end);
    else if (hole.from > offset) {
      limit = Math.min(limit, hole.from);
      break;
    }
  }
  const length = max > 0 ? Math.min(limit - offset, Math.trunc(max), MAX_READ_BYTES) : 0;
  if (length <= 0) return { offset, data: EMPTY, next: offset, gap: offset - wanted };
  const data = Buffer.allocUnsafe(length);
  const got = fillFrom(fd, data, held.modulus, offset);
  if (got === 0) return { offset: offset + length, data: EMPTY, next: offset + length, gap: offset + length - wanted };
  return { offset, data: got < length ? data.subarray(0, got) : data, next: offset + got, gap: offset - wanted };
}

function fillFrom(fd: number | null, into: Buffer, modulus: number, offset: number): number {
  let done = 0;
  try {
    while (fd !== null && done < into.length) {
      const place = (offset + done) % modulus;
      const got = readSync(fd, into, done, Math.min(into.length - done, modulus - place), HEADER_BYTES + place);
      if (got === 0) break;
      done += got;
    }
  } catch {
    return done;
  }
  return done;
}
