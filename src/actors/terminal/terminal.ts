/**
 * The terminal of one session: bytes in; screen, modes, snapshot and renderings out. Everything is synchronous. The result depends on
 * the bytes and sizes alone, never on how they were cut into chunks.
 */
import type { TerminalSize } from "../../session.js";
import type { Screen, ScreenRequest } from "../messages.js";
import { rowText, typedText } from "./cells.js";
import { disposeEngine } from "./engine.js";
import { encodeKeys, encodePaste } from "./keys.js";
import { renderAnsi } from "./render-ansi.js";
import { renderHtml } from "./render-html.js";
import { renderSvg } from "./render-svg.js";
import { renderText } from "./render-text.js";
import { visibleLines } from "./render-lines.js";
import { renderRestore } from "./restore.js";
import { resizeEngine } from "./resize.js";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.js";
import { createState, type StateListener, type TerminalState } from "./state.js";

export { SnapshotError } from "./bytes.js";

export interface TerminalOptions {
  /** Lines kept above the screen. */
  historyLines: number;
  /** Begins mute, see {@link Terminal.mute}. */
  mute?: boolean;
}

/** What a terminal tells while it is fed. Called synchronously; must not feed or resize the same terminal. */
export interface TerminalListener {
  /** Bytes for the program: the answer to a query. */
  reply(bytes: Uint8Array): void;
  title(title: string): void;
  bell(): void;
  /** OSC 7, 9 (with 9;4), 99, 133 and 777: code and raw data, which is agent text of at most 8 KiB. */
  osc(code: number, data: string): void;
}

/** For a terminal that is only looked at. */
export const SILENT: TerminalListener = { reply: () => {}, title: () => {}, bell: () => {}, osc: () => {} };

export class Terminal {
  /** True while old output is replayed: nothing reaches the listener. */
  mute: boolean;
  /** True while an attached terminal answers queries: no replies, everything else as usual. */
  leaveAnswers = false;
  readonly #listener: TerminalListener;
  readonly #options: TerminalOptions;
  #state: TerminalState;

  constructor(size: TerminalSize, options: TerminalOptions, listener: TerminalListener) {
    this.mute = options.mute ?? false;
    this.#options = options;
    this.#listener = listener;
    this.#state = createState(size, options.historyLines, this.#stateListener());
  }

  /** @throws SnapshotError when the bytes are no snapshot, damaged, or of another version */
  static fromSnapshot(bytes: Uint8Array, options: TerminalOptions, listener: TerminalListener): Terminal {
    let terminal: Terminal | undefined;
    decodeSnapshot(bytes, (size) => {
      terminal = new Terminal(size, options, listener);
      return terminal.#state;
    });
    if (terminal === undefined) throw new Error("a snapshot was decoded without a terminal");
    return terminal;
  }

  feed(bytes: Uint8Array): void {
    this.#state.feeder.feed(bytes);
  }

  resize(size: TerminalSize): void {
    resizeEngine(this.#state.engine, size);
  }

  /** Blank again, as new; the listener is told nothing. */
  reset(): void {
    const { size } = this;
    disposeEngine(this.#state.engine);
    this.#state = createState(size, this.#options.historyLines, this.#stateListener());
  }

  dispose(): void {
    disposeEngine(this.#state.engine);
  }

  get size(): TerminalSize {
    const { cols, rows } = this.#state.engine.core;
    return { cols, rows };
  }

  get title(): string {
    return this.#state.engine.handler._windowTitle;
  }

  /** Column and row of the screen, from 0. In a pending wrap x is still the last column. */
  get cursor(): { x: number; y: number; visible: boolean } {
    const { core } = this.#state.engine;
    const { x, y } = core._bufferService.buffers.active;
    return { x: Math.min(x, core.cols - 1), y, visible: !core.coreService.isCursorHidden };
  }

  /** True when the alternate screen is shown, as full-screen programs do. */
  get alternate(): boolean {
    const { buffers } = this.#state.engine.core._bufferService;
    return buffers.active === buffers.alt;
  }

  /** True when every line feed on the last row moves the oldest line out: the primary screen, without margins. */
  get scrollsWhole(): boolean {
    const { core } = this.#state.engine;
    const { buffers } = core._bufferService;
    return buffers.active === buffers.normal && buffers.normal.scrollTop === 0 && buffers.normal.scrollBottom === core.rows - 1;
  }

  /** True when plain output (plain-output.ts) that ends with a line feed leaves the cursor on a blank row. */
  get blankBelow(): boolean {
    if (!this.scrollsWhole) return false;
    const { rows } = this.size;
    for (let y = this.cursor.y + 1; y < rows; y++) if (this.row(y) !== "") return false;
    return true;
  }

  get bracketedPaste(): boolean {
    return this.#state.engine.core.coreService.decPrivateModes.bracketedPasteMode;
  }

  /** True in the middle of a frame (DEC mode 2026): what is on the screen is not what the program wants to show. */
  get drawing(): boolean {
    return this.#state.engine.core.coreService.decPrivateModes.synchronizedOutput;
  }

  /** Lines of history above the screen. */
  get historyLength(): number {
    return this.#state.engine.core._bufferService.buffers.active.ybase;
  }

  /** True when a snapshot may be taken: no sequence begun, no half character. */
  get atRest(): boolean {
    return this.#state.feeder.atRest;
  }

  /**
   * The exact state. About 1 byte a cell in use; `compress` deflates it to a tenth, for some ms. `withoutLines`: all lines are blank, for
   * a terminal of which none will be left ({@link ../flood.ts}).
   * @throws Error when not {@link atRest}
   */
  snapshot(options: { compress?: boolean; withoutLines?: boolean } = {}): Uint8Array {
    if (!this.atRest) throw new Error("a terminal can be snapshot only at rest: a sequence or a character has begun");
    return encodeSnapshot(this.#state, options);
  }

  render(request: ScreenRequest): Omit<Screen, "epoch" | "offset"> {
    const { cols, rows } = this.size;
    const { cursor, alternate, title } = this;
    const { content, truncated } = this.#content(request);
    return { cols, rows, cursor, alternate, title, content, truncated };
  }

  /** Rows of the screen as text, blanks at their ends and empty rows at the end left out; for rules that look at the screen. */
  screenText(): string[] {
    const text = renderText(visibleLines(this.#state, 0));
    return text === "" ? [] : text.split("\n");
  }

  /** One row of the screen as text, blanks at its end left out; "" beyond the screen. `columns`: only so many of its cells. */
  row(y: number, columns: number = Number.POSITIVE_INFINITY): string {
    const { core } = this.#state.engine;
    const buffer = core._bufferService.buffers.active;
    const line = y < 0 || y >= core.rows ? undefined : buffer.lines.get(buffer.ybase + y);
    return line === undefined ? "" : rowText(line, Math.min(columns, core.cols));
  }

  /** The same row without hints, which are faint: what was typed. */
  typedRow(y: number): string {
    const { core } = this.#state.engine;
    const buffer = core._bufferService.buffers.active;
    const line = y < 0 || y >= core.rows ? undefined : buffer.lines.get(buffer.ybase + y);
    return line === undefined ? "" : typedText(line, core.cols, y === buffer.y ? this.cursor.x : null);
  }

  /** Keys by their tmux names, in the modes the program has set. What is no name is typed as it is. */
  encodeKeys(keys: readonly string[]): Uint8Array {
    const { core } = this.#state.engine;
    const { applicationCursorKeys, applicationKeypad } = core.coreService.decPrivateModes;
    const { keyboard } = this.#state;
    return encodeKeys(keys, {
      applicationCursor: applicationCursorKeys,
      applicationKeypad,
      kitty: keyboard.flags.current,
      modifyOtherKeys: keyboard.modifyOtherKeys,
    });
  }

  /** Text as a paste: bracketed when the program asked for it. */
  encodePaste(text: string): Uint8Array {
    return encodePaste(text, this.bracketedPaste);
  }

  #content(request: ScreenRequest): { content: string; truncated: boolean } {
    if (request.format === "restore") return { content: renderRestore(this.#state), truncated: false };
    const lines = visibleLines(this.#state, request.scrollback);
    const { truncated } = lines;
    switch (request.format) {
      case "text":
        return { content: renderText(lines), truncated };
      case "ansi":
        return { content: renderAnsi(lines, this.#state), truncated };
      case "html":
        return { content: renderHtml(lines, this.#state), truncated };
      case "svg":
        return { content: renderSvg(lines, this.#state, { cursor: this.cursor, title: this.title }), truncated };
    }
  }

  #stateListener(): StateListener {
    return {
      answer: (text) => {
        if (!this.mute && !this.leaveAnswers) this.#listener.reply(Buffer.from(text));
      },
      title: (title) => {
        if (!this.mute) this.#listener.title(title);
      },
      bell: () => {
        if (!this.mute) this.#listener.bell();
      },
      osc: (code, data) => {
        if (!this.mute) this.#listener.osc(code, data);
      },
    };
  }
}
