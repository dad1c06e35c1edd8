/** What is judged of a session's screen; of a terminal that is packed away, as it was when it was last at hand. */
import type { Shown } from "./screen-regions.js";
import type { Terminal } from "./terminal/terminal.js";

export interface ScreenAtHand {
  /** The terminal when it is at hand; null when it is parked, behind or off. To ask may mean to parse a flood. */
  readonly atHand: Terminal | null;
  /** True when the alternate screen is shown, which neither floods nor lines that wait change; null as above. */
  readonly alternate: boolean | null;
  /** To look at it means to bring it back; the cursor stands on a blank row of the screen that it showed last. */
  readonly linesWait: boolean;
}

export class LastScreen {
  readonly #screen: () => ScreenAtHand;
  #cursorLine = "";
  #alternate = false;
  #kept: Shown | null = null;

  constructor(screen: () => ScreenAtHand) {
    this.#screen = screen;
  }

  /** True when the alternate screen is shown. */
  get alternate(): boolean {
    return this.#screen().alternate ?? this.#alternate;
  }

  /** @returns the line up to the cursor */
  look(): string {
    const screen = this.#screen();
    if (screen.linesWait) return "";
    const terminal = screen.atHand;
    if (terminal !== null) {
      const { x, y } = terminal.cursor;
      this.#cursorLine = terminal.row(y, x + 1);
      this.#alternate = terminal.alternate;
      this.#kept = null;
    }
    return this.#cursorLine;
  }

  /** `terminal` is about to be packed away, and rules will ask for what it shows. */
  keep(terminal: Terminal, progress: string): void {
    const { cols, rows } = terminal.size;
    const text = Array.from({ length: rows }, (_, y) => terminal.row(y));
    this.#kept = { cols, rows, row: (y) => text[y] ?? "", title: terminal.title, progress };
  }

  /** What rules look at; null while the terminal is behind or off. A parked one shows what it showed. */
  shown(title: string, progress: string): Shown | null {
    const terminal = this.#screen().atHand;
    if (terminal === null) return this.#kept === null ? null : { ...this.#kept, title, progress };
    const { cols, rows } = terminal.size;
    return { cols, rows, row: (y) => terminal.row(y), title: terminal.title, progress };
  }
}
