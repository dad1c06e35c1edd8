/**
 * The spool: the last bytes of a session's raw output in a ring file, addressed by byte offset since the session began.
 *
 * ```
 * file    header 4096 │ ring of `modulus` bytes (sparse), offset o at o % modulus
 * offsets 0 ······ start ▒▒▒▒▒▒ hole ▒▒▒▒▒▒▒▒▒▒ end          held: [start, end) without the holes
 * ```
 * While a session is busy up to `busyBytes` are held; {@link Spool.settle} shrinks it to `bytes` when it goes quiet, and gives the
 * rest back to the disk. Writes are synchronous: when append returns, the page cache has the bytes and SIGKILL takes none.
 * A full or failing disk never throws out of append: offsets count on, what could not be written is a hole, `trouble` says why.
 */
import { closeSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { LifeguardError, messageOf } from "../errors.js";
import { punchHole } from "../libc/memory.js";
import { readHeld } from "./ring.js";
import type { SpoolRead } from "./ring.js";
import { HEADER_BYTES, MAX_HOLES, encodeHeader, parseHeader } from "./spool-header.js";
import type { SpoolHeader } from "./spool-header.js";

export interface SpoolOptions {
  /** Kept when quiet. */
  bytes: number;
  /** Kept at most: the ring's modulus when the file is made. */
  busyBytes: number;
  /** For tests: the write that may fail (as fs.writeSync), and the clock of the retries. */
  write?: SpoolWrite;
  monotonic?: () => number;
}

export type SpoolWrite = (fd: number, bytes: Uint8Array, from: number, length: number, position: number) => number;

/** The header is written again after so much output, so that a reader without the slot is not far behind. */
const PERSIST_BYTES = 65_536;
/** A disk that failed is tried again so often. */
const RETRY_MS = 1_000;
/** `to` of a hole that has not ended: a death before its end is known must not turn old ring bytes into output. */
const OPEN_END: number = Number.MAX_SAFE_INTEGER;

/** The file as found or made. `fd` null: it cannot be used now, for the reason in `trouble`. */
interface Opened {
  fd: number | null;
  made: boolean;
  header: SpoolHeader;
  note: string | null;
  trouble: string | null;
}

/** One a thread, filled anew for each write: a thousand idle sessions would keep 4 MiB for it. */
const headerBytes: Buffer = Buffer.alloc(HEADER_BYTES);

export function spoolPath(directory: string): string {
  return join(directory, "spool");
}

export class Spool {
  readonly path: string;
  /** What opening had to leave behind (a damaged file, moved aside), null when nothing. */
  readonly note: string | null;
  readonly #options: SpoolOptions;
  readonly #write: SpoolWrite;
  readonly #now: () => number;
  /** Where this life of the spool began: bytes before it are the file's, if it can be read. */
  readonly #openedAt: number;
  #fd: number | null;
  #held: SpoolHeader;
  #persisted: number;
  #trouble: string | null = null;
  #retryAt = 0;
  #closed = false;

  private constructor(path: string, options: SpoolOptions, opened: Opened) {
    this.path = path;
    this.note = opened.note;
    this.#options = options;
    this.#write = options.write ?? writeSync;
    this.#now = options.monotonic ?? (() => performance.now());
    this.#fd = opened.fd;
    this.#held = opened.header;
    this.#openedAt = opened.header.end;
    this.#persisted = opened.header.end;
    this.#trim();
    if (opened.trouble !== null) this.#fail(opened.trouble);
    else if (opened.made) this.#writeHeader();
  }

  /**
   * Opens the spool in `directory`, making it (0600) when there is none.
   *
   * @param end where the in-flight slot says it ends: believed over the header when it lies further on. A damaged file is moved
   *   aside (`spool.damaged`, said in `note`) and the new one begins here, so that an offset never goes back.
   * @throws LifeguardError UNSUPPORTED for a newer version's file; UNAVAILABLE when a file is there, cannot be read, and nothing
   *   says where it ended
   */
  static open(directory: string, options: SpoolOptions, end: number | null = null): Spool {
    const path = spoolPath(directory);
    const opened = openFile(path, options, end);
    if (opened.trouble !== null && opened.fd === null && end === null && opened.header.end === OPEN_END) {
      throw new LifeguardError("UNAVAILABLE", `cannot read the spool ${path}: ${opened.trouble}`, { path });
    }
    return new Spool(path, options, opened);
  }

  /** The oldest offset that may still be read. */
  get start(): number {
    return this.#held.start;
  }
  /** Offset after the newest byte. */
  get end(): number {
    return this.#held.end;
  }
  /** Why bytes are being lost (`ENOSPC: …`), null when the disk works. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Whether everything from `offset` on can be read again. */
  holdsFrom(offset: number): boolean {
    return this.#trouble === null && offset >= this.#held.start && this.#held.holes.every(({ to }) => to <= offset);
  }

  /**
   * Appends and returns the new end. Does not throw for what a disk may do; the bytes it could not write are a hole.
   * The header is not touched: call {@link persist} once the slot knows the new end too.
   */
  append(bytes: Uint8Array): number {
    if (this.#closed) throw new Error(`append to the closed spool ${this.path}`);
    const ready = this.#ready();
    const held = this.#held;
    const from = held.end;
    const to = from + bytes.byteLength;
    const first = Math.max(from, to - held.modulus);
    const wrote = ready ? this.#writeRing(bytes, first - from, first) : first;
    held.end = to;
    if (wrote < to) this.#lose(wrote, to);
    if (to - held.modulus > held.start) {
      held.start = to - held.modulus;
      if (held.holes.length > 0) this.#trim();
    }
    return to;
  }

  /** Writes the header when enough has come since the last time. */
  persist(): void {
    if (this.#held.end - this.#persisted >= PERSIST_BYTES && this.#trouble === null) this.#writeHeader();
  }

  /** See {@link readHeld}. */
  read(since: number, max: number): SpoolRead {
    return readHeld(this.#fd, this.#held, since, max);
  }

  /**
   * The session is quiet: shrinks to `bytes` and gives the rest back to the disk (where it can punch holes; elsewhere the file
   * keeps its size). `needed`: an offset from which everything must stay, such as the newest snapshot's.
   */
  settle(needed: number = Number.POSITIVE_INFINITY): void {
    const held = this.#held;
    const from = held.start;
    const to = Math.max(from, Math.min(held.end - this.#options.bytes, needed));
    held.start = to;
    this.#trim();
    if (this.#fd === null || (to === from && this.#persisted === held.end)) return;
    // The header first: punched bytes read as zeros, and must never count as held.
    if (!this.#writeHeader() || to === from) return;
    for (let at = from; at < to;) {
      const place = at % held.modulus;
      const length = Math.min(to - at, held.modulus - place);
      punchHole(this.#fd, HEADER_BYTES + place, length);
      at += length;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#fd === null) return;
    this.#writeHeader();
    closeSync(this.#fd);
    this.#fd = null;
  }

  /** True when a write may be tried: the disk works, or it is time to look again. */
  #ready(): boolean {
    if (this.#trouble === null) return true;
    if (this.#now() < this.#retryAt) return false;
    if (this.#fd !== null) return true;
    const opened = tryOpenFile(this.path, this.#options, this.#openedAt);
    if (opened.fd === null) {
      this.#fail(opened.trouble ?? "it cannot be opened");
      return false;
    }
    // The file of before is back: what it holds goes before what was lost since.
    this.#fd = opened.fd;
    this.#held = {
      modulus: opened.header.modulus,
      start: opened.header.start,
      end: this.#held.end,
      holes: [...opened.header.holes, ...this.#held.holes],
    };
    this.#trim();
    return true;
  }

  /** Writes bytes[skip…] at `offset`; returns the offset up to which it came. */
  #writeRing(bytes: Uint8Array, skip: number, offset: number): number {
    const { modulus } = this.#held;
    let done = skip;
    let at = offset;
    try {
      while (this.#fd !== null && done < bytes.byteLength) {
        const place = at % modulus;
        const wrote = this.#write(this.#fd, bytes, done, Math.min(bytes.byteLength - done, modulus - place), HEADER_BYTES + place);
        if (wrote <= 0) throw new Error("EIO: the disk took no bytes");
        done += wrote;
        at += wrote;
      }
    } catch (error) {
      this.#fail(messageOf(error));
      return at;
    }
    if (this.#trouble !== null) {
      this.#trouble = null;
      this.#writeHeader();
    }
    return at;
  }

  #fail(reason: string): void {
    this.#trouble = reason;
    this.#retryAt = this.#now() + RETRY_MS;
  }

  /** Notes that [from, to) is not on the disk. A new hole is said in the header at once, its end when writes work again. */
  #lose(from: number, to: number): void {
    const { holes } = this.#held;
    const last = holes.at(-1);
    if (last !== undefined && last.to >= from) {
      last.to = to;
      return;
    }
    holes.push({ from, to });
    this.#trim();
    this.#writeHeader();
  }

  /**
   * Holes that lie before the start are forgotten, a start inside one moves behind it, and too many become part of the past.
   * One that reaches the end stays: it may still grow.
   */
  #trim(): void {
    const held = this.#held;
    held.start = Math.min(Math.max(held.start, held.end - held.modulus), held.end);
    while (held.holes.length > 0) {
      const first = held.holes[0];
      if (first === undefined || first.to >= held.end || (first.from > held.start && held.holes.length <= MAX_HOLES)) return;
      held.start = Math.max(held.start, first.to);
      held.holes.shift();
    }
  }

  #writeHeader(): boolean {
    if (this.#fd === null) return false;
    const held = this.#held;
    const last = held.holes.at(-1);
    const open = this.#trouble !== null && last !== undefined && last.to === held.end;
    encodeHeader(open ? { ...held, holes: [...held.holes.slice(0, -1), { from: last.from, to: OPEN_END }] } : held, headerBytes);
    try {
      for (let done = 0; done < HEADER_BYTES;) {
        const wrote = this.#write(this.#fd, headerBytes, done, HEADER_BYTES - done, done);
        if (wrote <= 0) throw new Error("EIO: the disk took no bytes");
        done += wrote;
      }
      this.#persisted = held.end;
      return true;
    } catch (error) {
      this.#fail(messageOf(error));
      return false;
    }
  }
}

function openFile(path: string, options: SpoolOptions, end: number | null): Opened {
  const fresh = (at: number): SpoolHeader => ({ modulus: Math.max(options.bytes, options.busyBytes), start: at, end: at, holes: [] });
  let note: string | null = null;
  let fd: number | null = null;
  try {
    fd = openExisting(path);
    if (fd !== null) {
      const bytes = Buffer.alloc(HEADER_BYTES);
      const length = readSync(fd, bytes, 0, HEADER_BYTES, 0);
      // A death between making the file and its first header.
      if (length === 0) return { fd, made: true, header: fresh(end ?? 0), note, trouble: null };
      const parsed = parseHeader(bytes.subarray(0, length));
      if (parsed.kind === "newer")
        throw new LifeguardError("UNSUPPORTED", `${path} has version ${parsed.version}, made by a newer lifeguard: it is left alone`, {
          path,
        });
      if (parsed.kind === "ok") {
        const { header } = parsed;
        header.end = Math.max(header.end, end ?? 0);
        for (const hole of header.holes) hole.to = Math.min(hole.to, header.end);
        return { fd, made: false, header, note, trouble: null };
      }
      closeSync(fd);
      fd = null;
      renameSync(path, `${path}.damaged`);
      note = `the spool was damaged (${parsed.reason}) and is ${path}.damaged now`;
    }
  } catch (error) {
    if (fd !== null) closeSync(fd);
    if (error instanceof LifeguardError) throw error;
    return { fd: null, made: false, header: fresh(end ?? OPEN_END), note, trouble: messageOf(error) };
  }
  try {
    return { fd: openSync(path, "wx+", 0o600), made: true, header: fresh(end ?? 0), note, trouble: null };
  } catch (error) {
    return { fd: null, made: false, header: fresh(end ?? 0), note, trouble: messageOf(error) };
  }
}

/** As {@link openFile}, where a file that has become unreadable in between is one more trouble. */
function tryOpenFile(path: string, options: SpoolOptions, end: number): Opened {
  try {
    return openFile(path, options, end);
  } catch (error) {
    return { fd: null, made: false, header: { modulus: 1, start: end, end, holes: [] }, note: null, trouble: messageOf(error) };
  }
}

function openExisting(path: string): number | null {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
