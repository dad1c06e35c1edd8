/**
 * A journal's segment: a first line that says what came before it, then one line per entry.
 *
 * ```
 * lifeguard-segment 1 <crc of the JSON> <JSON: what came before>\n
 * <number> <bytes of the JSON> <crc of number and JSON> <JSON>\n
 * ```
 * Lines, so that `tail` shows them to a person and so that what follows a damaged one is found again.
 */
import { crc32 } from "node:zlib";
import { z } from "zod";
import { messageOf } from "../errors.js";
import { ENTRY_KINDS } from "./journal-shapes.js";
import type { JournalEntry } from "./journal-shapes.js";
import { hex } from "./records.js";

export const SEGMENT_VERSION = 1;

/** What a segment's first line carries, so that opening a journal reads its last segment only. */
export interface Carry {
  id: string;
  /** The number of its first entry. */
  first: number;
  /** Of all entries before it. */
  messages: number;
  branches: string[];
  updated_at: number;
  boundary: { seq: number; through: number; archive: string } | null;
}

const carrySchema: z.ZodType<Carry> = z.object({
  id: z.string(),
  first: z.int().positive(),
  messages: z.int().nonnegative(),
  branches: z.array(z.string()),
  updated_at: z.number(),
  boundary: z.object({ seq: z.int().positive(), through: z.int().nonnegative(), archive: z.string() }).nullable(),
});

export function encodeCarry(carry: Carry): Buffer {
  const json = JSON.stringify(carry);
  return Buffer.from(`lifeguard-segment ${SEGMENT_VERSION} ${hex(crc32(json))} ${json}\n`);
}

export type CarryReading =
  | { is: "good"; carry: Carry; end: number }
  | { is: "damaged"; reason: string; end: number }
  | { is: "unsupported"; reason: string };

const FIRST = /^lifeguard-segment (\d{1,6}) ([0-9a-f]{8}) /;

export function decodeCarry(bytes: Buffer): CarryReading {
  const newline = bytes.indexOf(0x0a);
  const end = newline < 0 ? bytes.length : newline + 1;
  const match = FIRST.exec(bytes.toString("latin1", 0, Math.min(end, 40)));
  if (match === null || newline < 0) return { is: "damaged", reason: "its first line is not that of a segment", end };
  const json = bytes.subarray(match[0].length, newline);
  if (hex(crc32(json)) !== match[2]) return { is: "damaged", reason: "the checksum of its first line is wrong", end };
  if (Number(match[1]) > SEGMENT_VERSION)
    return {
      is: "unsupported",
      reason: `it is segment version ${match[1] ?? ""}, this version reads up to ${SEGMENT_VERSION}: left alone`,
    };
  try {
    return { is: "good", carry: carrySchema.parse(JSON.parse(json.toString("utf8"))), end };
  } catch (error) {
    return { is: "damaged", reason: `its first line is not understood: ${messageOf(error).replaceAll(/\s+/g, " ").slice(0, 120)}`, end };
  }
}

/** An entry as it lies in a line, its number apart: that is given when it is written. */
export type EntryBody = Omit<JournalEntry, "seq">;

const entrySchema = z.object({
  at: z.number(),
  kind: z.enum(ENTRY_KINDS),
  author: z.string().exactOptional(),
  branch: z.string().exactOptional(),
  from: z.int().exactOptional(),
  data: z.unknown().optional(),
  data_b64: z.string().exactOptional(),
});

/** The JSON of an entry. Bytes as `data` become base64. */
export function encodeEntry(body: EntryBody): Buffer {
  const { data, ...rest } = body;
  if (data instanceof Uint8Array)
    return Buffer.from(
      JSON.stringify({ ...rest, data_b64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") }),
    );
  return Buffer.from(JSON.stringify({ ...rest, data: data ?? null }));
}

export function encodeLine(seq: number, json: Buffer): Buffer[] {
  const number = `${seq} `;
  return [Buffer.from(`${number}${json.length} ${hex(crc32(json, crc32(number)))} `), json, NEWLINE];
}

const NEWLINE = Buffer.from("\n");
const PREFIX = /^([1-9]\d{0,15}) (\d{1,8}) ([0-9a-f]{8}) /;
const PREFIX_BYTES = 40;

interface Line {
  seq: number;
  /** Of the JSON. */
  start: number;
  end: number;
}

function lineAt(bytes: Buffer, position: number): { line: Line; good: boolean; whole: boolean } | null {
  const match = PREFIX.exec(bytes.toString("latin1", position, Math.min(position + PREFIX_BYTES, bytes.length)));
  if (match === null) return null;
  const start = position + match[0].length;
  const end = start + Number(match[2]);
  const whole = end < bytes.length && bytes[end] === 0x0a;
  const good = whole && hex(crc32(bytes.subarray(start, end), crc32(`${match[1] ?? ""} `))) === match[3];
  return { line: { seq: Number(match[1]), start, end }, good, whole };
}

export interface Scan {
  /** Good entries in order, as they lie in the bytes. */
  lines: Line[];
  /** `seq` is where numbers say that something is missing. */
  damage: { seq?: number; offset: number; reason: string }[];
  /** Where what can be kept ends; less than the bytes given when the tail is torn. */
  good: number;
  /** The number after the last entry, damaged ones counted. */
  next: number;
}

/**
 * Reads lines from `position` on. After one that is wrong it looks for the next good line; what lies between is damage when
 * something good or a whole line follows, and a torn tail when nothing does.
 */
export function scanLines(bytes: Buffer, position: number, first: number): Scan {
  const scan: Scan = { lines: [], damage: [], good: position, next: first };
  while (position < bytes.length) {
    const found = lineAt(bytes, position);
    if (found?.good === true && found.line.seq >= scan.next) {
      if (found.line.seq > scan.next) missing(scan, found.line.seq, position, "it is missing");
      scan.lines.push(found.line);
      scan.next = found.line.seq + 1;
      position = scan.good = found.line.end + 1;
      continue;
    }
    const after = nextGood(bytes, position, scan.next);
    if (after !== null) {
      const seq = lineAt(bytes, after)?.line.seq ?? scan.next;
      if (seq === scan.next) scan.damage.push({ offset: position, reason: `${after - position} bytes that are no entry` });
      else missing(scan, seq, position, "its checksum or length is wrong");
      position = scan.good = after;
      continue;
    }
    // Nothing good follows. Whole lines are damaged entries, their numbers stay taken; what is left of them is a torn write.
    for (
      let newline = bytes.indexOf(0x0a, position);
      newline >= 0 && looksWhole(bytes, position, newline);
      newline = bytes.indexOf(0x0a, position)
    ) {
      missing(scan, scan.next + 1, position, "its checksum is wrong");
      position = scan.good = newline + 1;
    }
    break;
  }
  return scan;
}

function looksWhole(bytes: Buffer, position: number, newline: number): boolean {
  const found = lineAt(bytes, position);
  return found !== null && found.whole && found.line.end === newline;
}

/** Entries from the next expected up to `seq` are damaged; all of them are named, up to a bound. */
function missing(scan: Scan, seq: number, offset: number, reason: string): void {
  const named = Math.min(seq - scan.next, 1_000);
  for (let each = 0; each < named; each++) scan.damage.push({ seq: scan.next + each, offset, reason });
  if (named < seq - scan.next) scan.damage.push({ offset, reason: `and ${seq - scan.next - named} more up to ${seq - 1}` });
  scan.next = seq;
}

function nextGood(bytes: Buffer, position: number, least: number): number | null {
  const good = (start: number): boolean => {
    const found = lineAt(bytes, start);
    return found?.good === true && found.line.seq >= least;
  };
  // Where the line's own length says that the next one begins: what is damaged may be the newline between them.
  const told = lineAt(bytes, position)?.line.end;
  const beside = told !== undefined && told < bytes.length && good(told + 1) ? told + 1 : null;
  for (let newline = bytes.indexOf(0x0a, position); newline >= 0; newline = bytes.indexOf(0x0a, newline + 1)) {
    if (beside !== null && beside <= newline) break;
    if (good(newline + 1)) return newline + 1;
  }
  return beside;
}

/** @throws Error when the JSON under a good checksum is no entry */
export function decodeEntry(bytes: Buffer, line: Line): JournalEntry {
  const { data, data_b64, ...rest } = entrySchema.parse(JSON.parse(bytes.toString("utf8", line.start, line.end)));
  return { seq: line.seq, ...rest, data: data_b64 === undefined ? data : Buffer.from(data_b64, "base64") };
}
