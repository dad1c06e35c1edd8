/** Output of a session whose terminal is packed away, until the thread has a turn for it. */

/** Held at most. At the bound the terminal is brought back at once. */
const HELD_BYTES = 65_536;

export class HeldOutput {
  #chunks: { offset: number; bytes: Uint8Array }[] = [];
  #length = 0;

  get empty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Keeps a copy. @returns false when there is no more room */
  push(offset: number, bytes: Uint8Array): boolean {
    this.#chunks.push({ offset, bytes: Uint8Array.from(bytes) });
    this.#length += bytes.byteLength;
    return this.#length < HELD_BYTES;
  }

  /** Nothing is held afterwards. */
  take(): { offset: number; bytes: Uint8Array }[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#length = 0;
    return chunks;
  }
}
