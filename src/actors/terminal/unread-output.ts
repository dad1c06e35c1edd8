/**
 * Plain output that the terminal has not been fed yet, because nobody has looked: of a flood only what can still be seen is ever
 * parsed. Why the terminal comes out the same, cell for cell:
 *
 * - Plain output (plain-output.ts) changes lines, cursor and colours, and nothing else: no mode, no title, no answer, no bell.
 * - The whole screen scrolls ({@link Terminal.scrollsWhole}). Behind a CR LF that at least `lines` line feeds follow, the cursor is
 *   in column 0, and every line that was there then, on the screen or in the history, has scrolled out at the end: `lines` is the
 *   history, and twice the screen (once until the cursor stands on the last row, once for the rows below it).
 * - So what lies before it leaves its colours, and they are those of its last SGR sequences.
 *
 * In doubt it says so, and everything is parsed.
 */
import { coloursOf, isReset, plainUntil } from "./plain-output.js";

/** Held at most. At the bound: what nobody will see is dropped, or else all is parsed. */
export const UNREAD_BYTES = 1_048_576;
const FIRST_BYTES = 65_536;
/** Colours of a stretch that never resets them. At the bound all is parsed. */
const MOST_COLOURS = 4_096;
/** Lines further back that may not end in CR LF. */
const MOST_ODD_LINES = 64;
const LF = 0x0a;
const CR = 0x0d;
const CARRIAGE_RETURN: Uint8Array = Uint8Array.of(CR);

export class UnreadOutput {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Everything before this is plain and whole. */
  #plain = 0;
  /** What stands for the part that was dropped; null while nothing was. */
  #dropped: Buffer | null = null;

  /** Bytes held, without what was given up. */
  get length(): number {
    return this.#length;
  }

  get empty(): boolean {
    return this.#length === 0 && this.#dropped === null;
  }

  /**
   * @param lines line feeds after which nothing older is left
   * @returns false when the output is no longer plain, or there is no room: what is held, with these bytes, must be fed now
   */
  push(bytes: Uint8Array, lines: number): boolean {
    const needed = this.#length + bytes.byteLength;
    if (needed > UNREAD_BYTES || needed > this.#buffer.length) this.#makeRoom(needed);
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
    const { at, cut } = plainUntil(this.#buffer, this.#plain, needed);
    this.#plain = at;
    if (at < needed && !cut) return false;
    return needed < UNREAD_BYTES - FIRST_BYTES || this.#drop(lines);
  }

  /** What must be fed for the terminal to be as if it had been fed all, in order. Nothing is held afterwards. */
  *take(lines: number): Generator<Uint8Array> {
    this.#drop(lines);
    const dropped = this.#dropped;
    const rest = this.#buffer.subarray(0, this.#length);
    this.clear();
    if (dropped !== null) {
      yield CARRIAGE_RETURN;
      yield dropped;
    }
    yield rest;
  }

  /**
   * Gives up all that will have scrolled out. What is returned must be fed now: of the terminal then, nothing but modes, colours and sizes
   * is left when the {@link length} bytes that are still held have been fed to it.
   * @returns null when there are not enough lines, and nothing has changed
   */
  forget(lines: number): Uint8Array[] | null {
    this.#drop(lines);
    const dropped = this.#dropped;
    if (dropped === null) return null;
    this.#dropped = Buffer.alloc(0);
    return [CARRIAGE_RETURN, dropped];
  }

  clear(): void {
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
    this.#plain = 0;
    this.#dropped = null;
  }

  #makeRoom(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(UNREAD_BYTES, Math.max(FIRST_BYTES, this.#buffer.length * 4))));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  /** @returns false when too much is left */
  #drop(lines: number): boolean {
    const cut = this.#forgotten(lines);
    if (cut === 0) return false;
    const gone = this.#buffer.subarray(0, cut);
    const newest = coloursOf(gone);
    const colours = this.#dropped === null || isReset(newest) ? newest : coloursOf(Buffer.concat([this.#dropped, newest]));
    if (colours.length > MOST_COLOURS) return false;
    this.#dropped = colours;
    this.#buffer.copyWithin(0, cut, this.#length);
    this.#length -= cut;
    this.#plain -= cut;
    return this.#length < UNREAD_BYTES / 2;
  }

  /** Behind the last CR LF that enough lines follow; 0: there is none. */
  #forgotten(lines: number): number {
    let at = this.#plain;
    for (let n = 0; n < lines; n++) {
      at = at === 0 ? -1 : this.#buffer.lastIndexOf(LF, at - 1);
      if (at === -1) return 0;
    }
    for (let n = 0; n < MOST_ODD_LINES; n++) {
      at = at === 0 ? -1 : this.#buffer.lastIndexOf(LF, at - 1);
      if (at < 1) return 0;
      if (this.#buffer[at - 1] === CR) return at + 1;
    }
    return 0;
  }
}
