/**
 * The in-flight file: one mapped file of slots, one slot per session. read(2) puts a session's output straight into its slot's
 * page, so the bytes are safe from the moment they have left the kernel: they outlive the thread and the process that read them,
 * and whoever comes next finds an unclean page and salvages it (intake.ts has the protocol).
 *
 * ```
 * file   header 16 KiB │ slot 0 │ slot 1 │ …          grown by 256 slots at a time, blocks written, never sparse
 * slot   base u64 │ end u64 │ owner u64 │ length u32 │ – to 64 bytes │ page 8192 bytes, 0xFF when clean
 * ```
 */
import { hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { LifeguardError, messageOf } from "../errors.js";
import { tryLock } from "../libc/descriptors.js";
import { mapShared } from "../libc/memory.js";

/**
 * Larger than most reads from a terminal (4 KiB; of a flood 0.2 % fill any page), so that libuv takes a short read for the end of what
 * there is and gives other fds their turn.
 */
export const PAGE_BYTES = 8_192;

const SLOT_HEADER_BYTES = 64;
const SLOT_BYTES = SLOT_HEADER_BYTES + PAGE_BYTES;
/** A whole number of pages, of 4 KiB and of 16 KiB (macOS on ARM): both header and chunk are offsets for mmap. */
const FILE_HEADER_BYTES = 16_384;
const CHUNK_SLOTS = 256;
const CHUNK_BYTES = CHUNK_SLOTS * SLOT_BYTES;
/** Far above any number of sessions; a greater slot number is a mistake and would fill the disk. At the bound: RangeError. */
const MAX_SLOTS = 65_536;
const MAGIC = "LGFLIGHT";
const VERSION = 1;
/** Growing writes 2 MiB; who waits longer than this waits for a stopped process. At the bound: UNAVAILABLE. */
const LOCK_WAIT_MS = 5_000;

const CLEAN = 0xff;
const CLEAN_PAGE = Buffer.alloc(PAGE_BYTES, CLEAN);

export class InflightSlot {
  readonly index: number;
  /** Where read(2) puts output. */
  readonly page: Buffer;
  readonly #words: BigUint64Array;
  readonly #length: Uint32Array;

  /** @param memory the slot's bytes, 8-byte aligned */
  constructor(index: number, memory: Buffer) {
    this.index = index;
    this.page = memory.subarray(SLOT_HEADER_BYTES);
    this.#words = new BigUint64Array(memory.buffer, memory.byteOffset, 3);
    this.#length = new Uint32Array(memory.buffer, memory.byteOffset + 24, 1);
  }

  // Atomics, not for other threads (one reader has the slot) but because a store is then one instruction in program order: a
  // SIGKILL falls between two stores, never into one.

  /** Offset of the first byte of the chunk under way. Means something while `length` is not 0. */
  get base(): number {
    return Number(Atomics.load(this.#words, 0));
  }
  set base(offset: number) {
    Atomics.store(this.#words, 0, BigInt(offset));
  }

  /** Offset after the last byte that is in the spool. */
  get end(): number {
    return Number(Atomics.load(this.#words, 1));
  }
  set end(offset: number) {
    Atomics.store(this.#words, 1, BigInt(offset));
  }

  /** Whose slot this is ({@link slotOwner}), 0 when nobody's. */
  get owner(): number {
    return Number(Atomics.load(this.#words, 2));
  }

  /** Bytes of the chunk under way, 0 when there is none. */
  get length(): number {
    return Atomics.load(this.#length, 0);
  }
  set length(bytes: number) {
    Atomics.store(this.#length, 0, bytes);
  }

  /** Bytes in the page up to the last one that is not 0xFF: what was read and never announced. */
  get unannounced(): number {
    // Most pages are, and a start looks at each of a thousand.
    if (this.page.equals(CLEAN_PAGE)) return 0;
    let n = this.page.length;
    while (n > 0 && this.page[n - 1] === CLEAN) n--;
    return n;
  }

  /** Makes the page clean. `bytes`: how much of it may be dirty. */
  clear(bytes: number = PAGE_BYTES): void {
    this.page.fill(CLEAN, 0, bytes);
    this.length = 0;
  }

  /** Gives the slot to a session whose spool ends at `end`. What was left in it is gone. */
  claim(owner: number, end: number): void {
    this.release();
    this.base = end;
    this.end = end;
    Atomics.store(this.#words, 2, BigInt(owner));
  }

  /** Makes the slot nobody's. */
  release(): void {
    Atomics.store(this.#words, 2, 0n);
    this.clear();
  }
}

/**
 * A session's mark in its slot: from the name of its directory, which no other session ever has. A slot that was handed on
 * without being released is then not taken for the new session's.
 */
export function slotOwner(directory: string): number {
  return hash("sha256", basename(directory), "buffer").readUIntBE(0, 6) + 1;
}

export class InflightFile {
  readonly path: string;
  readonly #fd: number;
  readonly #chunks: (Buffer | undefined)[] = [];

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens the file, making it (0600) when there is none.
   * @throws LifeguardError UNSUPPORTED for a newer version's file, DAMAGED for what is no in-flight file, UNAVAILABLE for disk trouble
   */
  static open(path: string): InflightFile {
    let fd: number;
    try {
      fd = openSync(path, "a+", 0o600);
      closeSync(fd);
      fd = openSync(path, "r+");
    } catch (error) {
      throw unavailable(path, error);
    }
    const file = new InflightFile(path, fd);
    try {
      if (fstatSync(fd).size < FILE_HEADER_BYTES) file.#growTo(FILE_HEADER_BYTES);
      file.#checkHeader();
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return file;
  }

  /** The slot with this number, growing the file when it is too short. */
  slot(n: number): InflightSlot {
    if (!Number.isInteger(n) || n < 0 || n >= MAX_SLOTS)
      throw new RangeError(`slot must be a whole number from 0 to ${MAX_SLOTS - 1}, got ${n}`);
    const chunk = this.#chunk(Math.floor(n / CHUNK_SLOTS));
    const at = (n % CHUNK_SLOTS) * SLOT_BYTES;
    return new InflightSlot(n, chunk.subarray(at, at + SLOT_BYTES));
  }

  /** How many slots there are in the file now. */
  get slots(): number {
    return Math.floor(Math.max(0, fstatSync(this.#fd).size - FILE_HEADER_BYTES) / CHUNK_BYTES) * CHUNK_SLOTS;
  }

  /** Closes the file. Its mappings stay: slots in use go on working. */
  close(): void {
    closeSync(this.#fd);
  }

  #chunk(number: number): Buffer {
    let chunk = this.#chunks[number];
    if (chunk === undefined) {
      const from = FILE_HEADER_BYTES + number * CHUNK_BYTES;
      if (fstatSync(this.#fd).size < from + CHUNK_BYTES) this.#growTo(from + CHUNK_BYTES);
      chunk = mapShared(this.#fd, CHUNK_BYTES, from);
      this.#chunks[number] = chunk;
    }
    return chunk;
  }

  /**
   * Writes what is missing up to `size`. Under a lock: two processes that grow at once would wipe each other's slots. A chunk
   * that a death or a full disk left unfinished is nobody's yet and is written again as a whole.
   */
  #growTo(size: number): void {
    let lock: number | undefined;
    try {
      lock = openSync(this.path, "r+");
      waitForLock(lock, this.path);
      let have = fstatSync(lock).size;
      if (have < FILE_HEADER_BYTES) {
        writeAll(lock, fileHeader(), 0);
        have = FILE_HEADER_BYTES;
      }
      const whole = Math.floor((have - FILE_HEADER_BYTES) / CHUNK_BYTES);
      for (let at = FILE_HEADER_BYTES + whole * CHUNK_BYTES; at < size; at += CHUNK_BYTES) writeAll(lock, cleanChunk(), at);
    } catch (error) {
      throw error instanceof LifeguardError ? error : unavailable(this.path, error);
    } finally {
      if (lock !== undefined) closeSync(lock);
    }
  }

  #checkHeader(): void {
    const header = Buffer.alloc(16);
    readSync(this.#fd, header, 0, header.length, 0);
    if (header.toString("latin1", 0, 8) !== MAGIC)
      throw new LifeguardError("DAMAGED", `${this.path} is no in-flight file: move it away`, { path: this.path });
    const version = header.readUInt32LE(8);
    if (version !== VERSION) {
      throw new LifeguardError(
        "UNSUPPORTED",
        `${this.path} has version ${version}, this lifeguard knows ${VERSION}: start the version that made it, or move it away once no keeper runs`,
        { path: this.path },
      );
    }
  }
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(SLOT_BYTES, 12);
  return header;
}

function cleanChunk(): Buffer {
  const chunk = Buffer.alloc(CHUNK_BYTES, CLEAN);
  for (let at = 0; at < CHUNK_BYTES; at += SLOT_BYTES) chunk.fill(0, at, at + SLOT_HEADER_BYTES);
  return chunk;
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

function waitForLock(fd: number, path: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !tryLock(fd); waited++) {
    if (waited >= LOCK_WAIT_MS)
      throw new LifeguardError("UNAVAILABLE", `another process has been growing ${path} for ${LOCK_WAIT_MS} ms`, { path });
    Atomics.wait(pause, 0, 0, 1);
  }
}

function unavailable(path: string, error: unknown): LifeguardError {
  return new LifeguardError("UNAVAILABLE", `cannot use the in-flight file ${path}: ${messageOf(error)}`, { path }, { cause: error });
}
