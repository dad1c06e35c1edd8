/**
 * Output of a session whose terminal is packed away. It waits until the thread has a turn for it; whole lines of plain output, which
 * tell nothing but what they show, wait until somebody looks.
 */
import { plainUntil } from "./terminal/plain-output.js";

/** Held at most. At the bound the terminal is brought back at once. */
const HELD_BYTES = 65_536;
/** Lines that wait for a look, at most: of a thousand sessions some MiB. */
const LINES_BYTES = 4_096;
const LINE_FEED = 10;

export class HeldOutput {
  #chunks: { offset: number; bytes: Uint8Array }[] = [];
  #length = 0;
  #plain = true;

  get empty(): boolean {
    return this.#chunks.length === 0;
  }

  /** All that is held is plain output (plain-output.ts) that ends with a line feed, and not much. */
  get wholeLines(): boolean {
    return this.#plain && this.#length <= LINES_BYTES && this.#chunks.at(-1)?.bytes.at(-1) === LINE_FEED;
  }

  /** Keeps a copy. @returns false when there is no more room */
  push(offset: number, bytes: Uint8Array): boolean {
    const last = this.#chunks.at(-1);
    this.#length += bytes.byteLength;
    // Joined while it is little: what waits for long must not be two thousand pieces of two bytes.
    if (last !== undefined && this.#length <= LINES_BYTES) last.bytes = joined(last.bytes, bytes);
    else this.#chunks.push({ offset, bytes: Uint8Array.from(bytes) });
    // A character or a sequence that is cut is not plain yet.
    this.#plain &&= this.#length <= LINES_BYTES && plainUntil(bytes, 0, bytes.byteLength).at === bytes.byteLength;
    return this.#length < HELD_BYTES;
  }

  /** Where it ends in the output; null when nothing is held. */
  get end(): number | null {
    const last = this.#chunks.at(-1);
    return last === undefined ? null : last.offset + last.bytes.byteLength;
  }

  *peek(): Generator<Uint8Array> {
    for (const { bytes } of this.#chunks) yield bytes;
  }

  /** Nothing is held afterwards. */
  take(): { offset: number; bytes: Uint8Array }[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#length = 0;
    this.#plain = true;
    return chunks;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.byteLength + other.byteLength);
  both.set(one);
  both.set(other, one.byteLength);
  return both;
}
