/** Output that waits to be read by the terminal until somebody looks at it: of a flood most is never seen (unread-output.ts). */
import type { Spool } from "../spool/spool.js";
import type { Terminal } from "./terminal/terminal.js";
import { UnreadOutput } from "./terminal/unread-output.js";

/** A chunk from which a flood may begin: programs that people look at write less at a time. */
export const FLOOD_BYTES = 1_024;
/** With more lines than this nothing of a flood would ever be left out. */
const MOST_LINES = 8_192;

export class Flood {
  readonly #historyLines: number;
  readonly #unread = new UnreadOutput();
  #end = 0;

  constructor(historyLines: number) {
    this.#historyLines = historyLines;
  }

  get empty(): boolean {
    return this.#unread.empty;
  }

  /**
   * Takes output that ends at offset `end`, where it may wait; the terminal has read everything before what waits already.
   * @returns `refused`: it is the caller's to feed; `full`: taken, and {@link read} must follow
   */
  take(terminal: Terminal, bytes: Uint8Array, end: number): "taken" | "full" | "refused" {
    const lines = this.#lines(terminal);
    const begins = bytes.byteLength >= FLOOD_BYTES && lines <= MOST_LINES && terminal.atRest && terminal.scrollsWhole;
    if (this.#unread.empty && !begins) return "refused";
    this.#end = end;
    return this.#unread.push(bytes, lines) ? "taken" : "full";
  }

  /** The terminal as if it had read everything. @returns the offset it has read to */
  read(terminal: Terminal): number {
    for (const bytes of this.#unread.take(this.#lines(terminal))) terminal.feed(bytes);
    return this.#end;
  }

  /**
   * A snapshot that becomes this terminal when output is read on from its offset, although nothing was read up for it: so much has come that
   * no line of the terminal as it is will be left.
   * @param spool what is kept of the output
   * @returns null when a line may still be seen, or not all that is needed is kept
   */
  snapshot(terminal: Terminal, spool: Pick<Spool, "holdsFrom">): { offset: number; bytes: Uint8Array } | null {
    const gone = this.#unread.forget(this.#lines(terminal));
    if (gone === null) return null;
    for (const bytes of gone) terminal.feed(bytes);
    const offset = this.#end - this.#unread.length;
    return !spool.holdsFrom(offset) ? null : { offset, bytes: terminal.snapshot({ withoutLines: true }) };
  }

  clear(): void {
    this.#unread.clear();
  }

  /** Line feeds after which nothing older is left: the history, and the screen twice. */
  #lines(terminal: Terminal): number {
    return this.#historyLines + 2 * terminal.size.rows + 1;
  }
}
