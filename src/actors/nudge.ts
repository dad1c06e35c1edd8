/** A redraw of the same size, for a program whose screen may be stale: a resize there and back. */
import { setWindowSize, windowSize } from "../libc/terminals.js";
import type { TerminalSize } from "../session.js";

/** A program that redraws on a change of size must see the change before it is taken back. */
const NUDGE_MS = 100;

export class Nudge {
  readonly #master: () => number;
  readonly #size: () => TerminalSize;
  #timer: NodeJS.Timeout | null = null;

  /** @param size what the terminal's size is meant to be */
  constructor(master: () => number, size: () => TerminalSize) {
    this.#master = master;
    this.#size = size;
  }

  begin(): void {
    if (this.#timer !== null) return;
    const { cols, rows } = windowSize(this.#master());
    setWindowSize(this.#master(), cols, rows > 2 ? rows - 1 : rows + 1);
    this.#timer = setTimeout(() => this.end(), NUDGE_MS);
  }

  /** The size is what it is meant to be afterwards. */
  end(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    const { cols, rows } = this.#size();
    setWindowSize(this.#master(), cols, rows);
  }
}
