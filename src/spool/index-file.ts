/**
 * The spool's side index: what happened at which offset, so that output can be replayed at the sizes and with the resets it was
 * made with, and in its own time. Fixed records, appended; a torn tail is cut off, everything before it stays.
 *
 * ```
 * file    magic 8 │ version u32 │ – to 32 bytes │ record │ record │ …
 * record  offset u64 │ at f64 │ kind u8 │ – 3 │ a u32 │ b u32 │ crc32 u32           32 bytes
 * ```
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { LifeguardError, messageOf } from "../errors.js";

const KINDS = { size: 1, snapshot: 2, mark: 3, epoch: 4 } as const;
export type IndexKind = keyof typeof KINDS;

export interface IndexRecord {
  offset: number;
  /** Milliseconds since 1970. */
  at: number;
  /** `size`: a = cols, b = rows, from this offset on. `epoch`: a = epoch, a new process begins here. `snapshot`: one of this offset
   * was written. `mark`: the byte at this offset came at this time. */
  kind: IndexKind;
  a: number;
  b: number;
}

const RECORD_BYTES = 32;
/** 128 KiB. At the bound what the spool no longer reaches is dropped, then every second mark. */
const MAX_RECORDS = 4_096;
/** Records that could not be written yet. At the bound the oldest mark goes. */
const MAX_PENDING = 256;
const MAGIC = "LGINDEX\0";
const VERSION = 1;

export class SpoolIndex {
  readonly path: string;
  /** What opening found wrong and mended, null when nothing. */
  readonly note: string | null;
  readonly #heldFrom: () => number;
  #fd: number;
  #count: number;
  #trouble: string | null = null;
  /** The header is on the disk. */
  #begun = true;
  /** Ordered; written before anything newer. */
  #pending: IndexRecord[] = [];
  /** As they were when it was opened: who begins with them asks at once, and the file need not be read again. */
  #opened: IndexRecord[] | null;

  private constructor(path: string, fd: number, records: IndexRecord[], note: string | null, heldFrom: () => number) {
    this.path = path;
    this.#fd = fd;
    this.#count = records.length;
    this.#opened = records;
    this.note = note;
    this.#heldFrom = heldFrom;
  }

  /**
   * Opens the index in `directory`, making it (0600) when there is none; a damaged one is moved aside (`index.damaged`).
   * @param heldFrom the spool's start: what lies before it may be dropped when the index is full
   * @throws LifeguardError UNSUPPORTED for a newer version's file, UNAVAILABLE when it cannot be opened or made
   */
  static open(directory: string, heldFrom: () => number): SpoolIndex {
    const path = join(directory, "index");
    try {
      let fd = openOrMake(path);
      let note: string | null = null;
      const bytes = readWhole(fd);
      if (bytes.length >= RECORD_BYTES && bytes.toString("latin1", 0, 8) !== MAGIC) {
        closeSync(fd);
        renameSync(path, `${path}.damaged`);
        note = `the index does not begin like one and is ${path}.damaged now`;
        fd = openSync(path, "wx+", 0o600);
        bytes.fill(0);
      } else if (bytes.length >= RECORD_BYTES && bytes.readUInt32LE(8) > VERSION) {
        closeSync(fd);
        throw new LifeguardError(
          "UNSUPPORTED",
          `${path} has version ${bytes.readUInt32LE(8)}, made by a newer lifeguard: it is left alone`,
          { path },
        );
      }
      const whole = note === null ? parseRecords(bytes) : [];
      const length = RECORD_BYTES * (1 + whole.length);
      if (note === null && bytes.length > length) note = `${bytes.length - length} bytes at the end of the index were torn and are gone`;
      const index = new SpoolIndex(path, fd, whole, note, heldFrom);
      if (bytes.length < RECORD_BYTES || note !== null) index.#begin(length);
      return index;
    } catch (error) {
      if (error instanceof LifeguardError) throw error;
      throw new LifeguardError("UNAVAILABLE", `cannot use the index ${path}: ${messageOf(error)}`, { path }, { cause: error });
    }
  }

  /** A disk that is full is no reason not to run a session: the header is tried again with the first record. */
  #begin(length: number): void {
    try {
      const header = fileHeader();
      if (writeSync(this.#fd, header, 0, header.length, 0) < header.length) throw new Error("ENOSPC: the disk took only a part");
      ftruncateSync(this.#fd, length);
      this.#begun = true;
      this.#trouble = null;
    } catch (error) {
      this.#begun = false;
      this.#trouble = messageOf(error);
    }
  }

  /** Why records wait in memory (`ENOSPC: …`), null when they are all on the disk. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Appends one record. Does not throw for what a disk may do: the record then waits in memory for the next append. */
  append(record: IndexRecord): void {
    this.#opened = null;
    this.#pending.push(record);
    if (this.#pending.length > MAX_PENDING) {
      const mark = this.#pending.findIndex((waiting) => waiting.kind === "mark");
      this.#pending.splice(Math.max(0, mark), 1);
    }
    if (!this.#begun) this.#begin(RECORD_BYTES * (1 + this.#count));
    if (!this.#begun) return;
    try {
      if (this.#count + this.#pending.length > MAX_RECORDS) this.#rewrite(this.#heldFrom());
      const bytes = encodeRecords(this.#pending);
      const wrote = writeSync(this.#fd, bytes, 0, bytes.length, RECORD_BYTES * (1 + this.#count));
      if (wrote < bytes.length) throw new Error("ENOSPC: the disk took only a part");
      this.#count += this.#pending.length;
      this.#pending = [];
      this.#trouble = null;
    } catch (error) {
      this.#trouble = messageOf(error);
    }
  }

  /** The records at or after an offset, in the order they were made. */
  since(offset: number): IndexRecord[] {
    return this.#all().filter((record) => record.offset >= offset);
  }

  /** The newest record of a kind at or before an offset: the size in force there, the epoch it belongs to. */
  newest(kind: IndexKind, offset: number): IndexRecord | null {
    return this.#all().findLast((record) => record.kind === kind && record.offset <= offset) ?? null;
  }

  #all(): IndexRecord[] {
    return this.#opened ?? [...parseRecords(readWhole(this.#fd)), ...this.#pending];
  }

  /** What was read at opening is not asked for any more. */
  forgetOpened(): void {
    this.#opened = null;
  }

  /** Drops what lies before `before`, except the newest of each kind there but marks: the size and epoch that are in force. */
  compact(before: number): void {
    try {
      this.#rewrite(before);
    } catch (error) {
      this.#trouble = messageOf(error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rewrite(before: number): void {
    this.#opened = null;
    let kept = dropBefore(parseRecords(readWhole(this.#fd)), before);
    // Slow output for a long time: all of it is held still. Every second mark tells the time nearly as well.
    while (kept.length > (MAX_RECORDS * 3) / 4) {
      const thinner = everySecondMark(kept);
      if (thinner.length === kept.length) {
        kept = kept.slice(-MAX_RECORDS / 2);
        break;
      }
      kept = thinner;
    }
    const temporary = `${this.path}.new`;
    const fd = openSync(temporary, "w+", 0o600);
    try {
      const bytes = Buffer.concat([fileHeader(), encodeRecords(kept)]);
      if (writeSync(fd, bytes, 0, bytes.length, 0) < bytes.length) throw new Error("ENOSPC: the disk took only a part");
      renameSync(temporary, this.path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(this.#fd);
    this.#fd = fd;
    this.#count = kept.length;
  }
}

/** The records of the index in `directory` that lie at or after `offset`, for a session that has no actor; [] when there is none. */
export function readIndex(directory: string, offset = 0): IndexRecord[] {
  return parseRecords(readFileOf(directory)).filter((record) => record.offset >= offset);
}

/** When the newest output came, ms since 1970, for a session that has no actor; null when the index has no mark. */
export function newestMarkAt(directory: string): number | null {
  const bytes = readFileOf(directory);
  // From the end: parsing a whole index takes 3 ms, and after a reboot a thousand are asked.
  for (let n = Math.floor(bytes.length / RECORD_BYTES) - 1; n > 0; n--) {
    const record = parseRecord(bytes, n * RECORD_BYTES);
    if (record?.kind === "mark") return record.at;
  }
  return null;
}

/** Header and records; empty when there is no index, or it is none that this version reads. */
function readFileOf(directory: string): Buffer {
  const none = Buffer.alloc(0);
  let fd: number;
  try {
    fd = openSync(join(directory, "index"), "r");
  } catch {
    return none;
  }
  try {
    const bytes = readWhole(fd);
    return bytes.toString("latin1", 0, 8) !== MAGIC || bytes.length < RECORD_BYTES || bytes.readUInt32LE(8) > VERSION ? none : bytes;
  } finally {
    closeSync(fd);
  }
}

function dropBefore(records: IndexRecord[], before: number): IndexRecord[] {
  const inForce = new Map<IndexKind, IndexRecord>();
  for (const record of records) if (record.offset < before && record.kind !== "mark") inForce.set(record.kind, record);
  return records.filter((record) => record.offset >= before || inForce.get(record.kind) === record);
}

function everySecondMark(records: IndexRecord[]): IndexRecord[] {
  let marks = 0;
  return records.filter((record) => record.kind !== "mark" || marks++ % 2 === 0);
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(RECORD_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(VERSION, 8);
  return header;
}

function openOrMake(path: string): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    closeSync(openSync(path, "a", 0o600));
    return openSync(path, "r+");
  }
}

function readWhole(fd: number): Buffer {
  const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, RECORD_BYTES * (1 + MAX_RECORDS)));
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
}

function encodeRecords(records: readonly IndexRecord[]): Buffer {
  const bytes = Buffer.alloc(records.length * RECORD_BYTES);
  records.forEach((record, i) => {
    const at = i * RECORD_BYTES;
    bytes.writeBigUInt64LE(BigInt(record.offset), at);
    bytes.writeDoubleLE(record.at, at + 8);
    bytes.writeUInt8(KINDS[record.kind], at + 16);
    bytes.writeUInt32LE(record.a, at + 20);
    bytes.writeUInt32LE(record.b, at + 24);
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 28)), at + 28);
  });
  return bytes;
}

const kindOf = new Map<number, IndexKind>(Object.entries(KINDS).map(([kind, number]) => [number, kind as IndexKind]));

/** The whole records of a file, up to the first that is torn or damaged. */
function parseRecords(bytes: Buffer): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (let at = RECORD_BYTES; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const record = parseRecord(bytes, at);
    if (record === null) break;
    records.push(record);
  }
  return records;
}

/** Null when it is damaged. */
function parseRecord(bytes: Buffer, at: number): IndexRecord | null {
  const kind = kindOf.get(bytes.readUInt8(at + 16));
  if (kind === undefined || bytes.readUInt32LE(at + 28) !== crc32(bytes.subarray(at, at + 28))) return null;
  return {
    offset: Number(bytes.readBigUInt64LE(at)),
    at: bytes.readDoubleLE(at + 8),
    kind,
    a: bytes.readUInt32LE(at + 20),
    b: bytes.readUInt32LE(at + 24),
  };
}
