/**
 * A session's terminal while nobody needs it: a compressed snapshot (of one that nothing was written to, its size), and the output that
 * has come since.
 */
import type { TerminalSize } from "../session.js";
import { HeldOutput } from "./held-output.js";
import type { Screen, ScreenRequest } from "./messages.js";
import { SILENT, Terminal, type TerminalListener } from "./terminal/terminal.js";

/** Two looks within this time: more will follow. */
const LOOKS_AGAIN_MS = 2_000;

export class PackedTerminal {
  readonly #historyLines: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #snapshot: Uint8Array | null = null;
  /** A terminal that nothing was written to is its size; most of a start's time would go into making it. */
  #blank: TerminalSize | null = null;
  /** Behind the end of a line, plain output finds a blank row. */
  #blankBelow = true;
  /** Comes after the snapshot. */
  readonly #held = new HeldOutput();

  constructor(historyLines: number) {
    this.#historyLines = historyLines;
  }

  /** Nothing is packed away: the terminal is in use, behind, or off. */
  get none(): boolean {
    return this.#snapshot === null && this.#blank === null;
  }

  /** As it was packed away, without what has come since; null: it is blank, or {@link none}. */
  get snapshot(): Uint8Array | null {
    return this.#snapshot;
  }

  /** Output has come since. */
  get waits(): boolean {
    return !this.#held.empty;
  }

  /** Where that ends; null without any. */
  get end(): number | null {
    return this.#held.end;
  }

  /** Nothing but whole lines of plain output has come since: the cursor stands on a blank row, and the rest is as it was. */
  get linesWait(): boolean {
    return this.#blankBelow && this.#held.wholeLines;
  }

  blank(size: TerminalSize): void {
    this.#snapshot = null;
    this.#blank = size;
    this.#blankBelow = true;
  }

  /** @param snapshot of `terminal`, compressed */
  pack(snapshot: Uint8Array, terminal: Terminal): void {
    this.#snapshot = snapshot;
    this.#blank = null;
    this.#blankBelow = terminal.blankBelow;
  }

  /** @returns false when it must be unpacked for that */
  resize(size: TerminalSize): boolean {
    if (this.#blank === null || this.waits) return false;
    this.#blank = size;
    return true;
  }

  /** @returns false when there is no room for more */
  hold(offset: number, bytes: Uint8Array): boolean {
    return this.#held.push(offset, bytes);
  }

  /** What has come since, once. */
  takeHeld(): { offset: number; bytes: Uint8Array }[] {
    return this.#held.take();
  }

  /** The terminal as it was packed away, once; null when there is {@link none}. @throws SnapshotError */
  unpack(listener: TerminalListener): Terminal | null {
    const [snapshot, blank] = [this.#snapshot, this.#blank];
    this.#snapshot = null;
    this.#blank = null;
    return open(snapshot, blank, this.#historyLines, listener);
  }

  /**
   * What it shows, with the lines that wait: made anew from no more history than is asked for (1.2 ms, where bringing back 1 000 full lines
   * takes 2.5), and let go of at once.
   * @returns null when there is {@link none}, or it is to be brought back: something waits that may ask or tell, it was looked at a moment
   * ago and will be again, or something is wrong with it
   */
  glimpse(request: ScreenRequest): Omit<Screen, "epoch" | "offset"> | null {
    const again = performance.now() - this.#lookedAt < LOOKS_AGAIN_MS;
    this.#lookedAt = performance.now();
    if (this.none || again || (this.waits && !this.linesWait)) return null;
    const history = request.format === "restore" ? this.#historyLines : Math.min(request.scrollback, this.#historyLines);
    let terminal: Terminal | null = null;
    try {
      terminal = open(this.#snapshot, this.#blank, history, SILENT);
      for (const bytes of this.#held.peek()) terminal?.feed(bytes);
      return terminal?.render(request) ?? null;
    } catch {
      return null; // Once it is back, an error costs it and nothing else.
    } finally {
      terminal?.dispose();
    }
  }

  clear(): void {
    this.#snapshot = null;
    this.#blank = null;
    this.#held.take();
  }
}

function open(snapshot: Uint8Array | null, blank: TerminalSize | null, historyLines: number, listener: TerminalListener): Terminal | null {
  if (snapshot !== null) return Terminal.fromSnapshot(snapshot, { historyLines }, listener);
  return blank === null ? null : new Terminal(blank, { historyLines }, listener);
}
