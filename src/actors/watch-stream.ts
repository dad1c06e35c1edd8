import { BOUNDS } from "../bounds.js";
import type { SpoolRead } from "../spool/ring.js";
import { Pace } from "./pace.js";

export interface WatchSource {
  /** Offsets held: [start, end). */
  readonly start: number;
  readonly end: number;
  read(since: number, max: number): SpoolRead;
}

export interface WatchListener {
  output(offset: number, data: Uint8Array, at: number): void;
  gap(from: number, to: number): void;
}

/**
 * Output on its way to the main thread, while somebody watches. A little goes straight from the read, at once, so that an echo
 * never waits; much of it is joined for a few milliseconds. Once the main thread is behind by its credit nothing is posted, and
 * when it has caught up the stream goes on from where it was, out of the spool. What the spool has overwritten meanwhile is a gap.
 */
/** Reads that go out unjoined within one join's time, and their bytes together: more than a person's keys make, less than a program's output. */
const SINGLE_READS = 4;
const SINGLE_BYTES = 2_048;
/** Reads after an input that go out at once, whatever went before: its echo, and what a program writes to it. */
const ECHO_READS = 2;

export class WatchStream {
  readonly #source: WatchSource;
  readonly #listener: WatchListener;
  readonly #join = Buffer.allocUnsafe(BOUNDS.watchJoinBytes);
  readonly #pace: Pace;
  /** Everything before this has been posted. */
  #posted: number;
  /** Everything before this has been taken by the main thread. */
  #taken: number;
  /** Bytes in `#join`; they follow `#posted`. */
  #joined = 0;
  /** When the oldest byte not yet posted was read. */
  #since = 0;
  /** What has gone out unjoined since `#singlesFrom`. */
  #singles = 0;
  #singleBytes = 0;
  #singlesFrom = Number.NEGATIVE_INFINITY;
  /** Of {@link ECHO_READS}, still to come. */
  #echoes = 0;

  constructor(source: WatchSource, from: number, listener: WatchListener) {
    this.#source = source;
    this.#listener = listener;
    this.#posted = from;
    this.#taken = from;
    this.#pace = new Pace(BOUNDS.watchJoinMs, () => this.#flush());
    if (from < source.end) this.#pace.poke();
  }

  get #credit(): number {
    return this.#taken + BOUNDS.watchCreditBytes - this.#posted - this.#joined;
  }

  /** Output that has just been read and spooled. `bytes` is copied. */
  chunk(offset: number, bytes: Uint8Array, at: number): void {
    const live = offset === this.#posted + this.#joined;
    if (live && this.#joined === 0 && this.#goesAlone(bytes.byteLength)) {
      this.#post(offset, Uint8Array.from(bytes), at);
      return;
    }
    if (live && bytes.byteLength <= this.#credit) {
      // The spool has these bytes already: only what was joined before them may be posted here.
      if (this.#joined + bytes.byteLength > this.#join.length) this.#postJoined();
      if (this.#joined === 0) this.#since = at;
      this.#join.set(bytes, this.#joined);
      this.#joined += bytes.byteLength;
    } else if (live && this.#joined === 0) {
      this.#since = at;
    }
    if (this.#joined >= this.#join.length) this.#pace.flush();
    else this.#pace.poke();
  }

  /** Something has been typed: what is read next is likely its echo. */
  expectEcho(): void {
    this.#echoes = ECHO_READS;
  }

  #goesAlone(bytes: number): boolean {
    if (bytes > SINGLE_BYTES || bytes > this.#credit) return false;
    if (this.#echoes > 0) {
      this.#echoes--;
      return true;
    }
    const now = performance.now();
    if (now - this.#singlesFrom >= BOUNDS.watchJoinMs) {
      this.#singlesFrom = now;
      this.#singles = 0;
      this.#singleBytes = 0;
    }
    this.#singles++;
    this.#singleBytes += bytes;
    return this.#singles <= SINGLE_READS && this.#singleBytes <= SINGLE_BYTES;
  }

  credit(offset: number): void {
    this.#taken = Math.max(this.#taken, Math.min(offset, this.#posted));
    if (this.#posted + this.#joined < this.#source.end) this.#pace.poke();
  }

  /** Posts what has been joined, before an event that comes after it. */
  flush(): void {
    if (this.#joined > 0) this.#pace.flush();
  }

  stop(): void {
    this.#pace.stop();
  }

  #flush(): void {
    this.#postJoined();
    this.#catchUp();
  }

  #postJoined(): void {
    if (this.#joined === 0) return;
    const data = Uint8Array.from(this.#join.subarray(0, this.#joined));
    this.#joined = 0;
    this.#post(this.#posted, data, this.#since);
  }

  /** Posts from the spool as far as the credit goes. */
  #catchUp(): void {
    while (this.#posted < this.#source.end) {
      const room = Math.min(this.#credit, BOUNDS.watchJoinBytes);
      if (room <= 0) return;
      const read = this.#source.read(this.#posted, room);
      if (read.gap > 0) {
        this.#listener.gap(this.#posted, read.offset);
        this.#posted = read.offset;
        this.#taken = Math.max(this.#taken, Math.min(this.#posted, this.#taken + read.gap));
      }
      if (read.data.byteLength === 0) {
        if (read.gap === 0) return;
        continue;
      }
      this.#post(read.offset, read.data, this.#since);
    }
  }

  #post(offset: number, data: Uint8Array, at: number): void {
    this.#posted = offset + data.byteLength;
    this.#listener.output(offset, data, at);
  }
}
