/** The terminal while `top` has it: alternate screen, raw keys, no cursor; given back whatever happens. */
import { writeSync } from "node:fs";
import type { TerminalSize } from "../../session.js";
import type { Terminal } from "../terminal.js";
import { terminalSize } from "../terminal.js";
import { readKeys } from "./top-keys.js";
import { Painter } from "./top-paint.js";

const TAKE = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const GIVE_BACK = "\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";

export interface TopListener {
  key(key: string): void;
  resized(): void;
  /** A signal, or the terminal has gone. */
  over(): void;
}

export class TopScreen {
  readonly #terminal: Terminal;
  readonly #listener: TopListener;
  readonly #painter = new Painter();
  #undo: (() => void)[] = [];

  constructor(terminal: Terminal, listener: TopListener) {
    this.#terminal = terminal;
    this.#listener = listener;
  }

  get size(): TerminalSize {
    return terminalSize(this.#terminal) ?? { cols: 80, rows: 24 };
  }

  take(): void {
    const { stdin, stdout } = this.#terminal;
    const typed = (chunk: Buffer): void => {
      for (const key of readKeys(chunk.toString("utf8"))) this.#listener.key(key);
    };
    const resized = (): void => {
      stdout.write(this.#painter.forget());
      this.#listener.resized();
    };
    const over = (): void => this.#listener.over();
    const lastResort = (): void => this.#giveBack();
    const continued = (): void => {
      stdin.setRawMode(false);
      stdin.setRawMode(true);
      stdout.write(TAKE);
      resized();
    };
    stdin.setRawMode(true);
    stdin.on("data", typed);
    stdin.on("end", over);
    stdin.resume();
    stdout.on("resize", resized);
    process.on("exit", lastResort);
    process.on("SIGCONT", continued);
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.on(signal, over);
    this.#undo = [
      () => stdin.off("data", typed),
      () => stdin.off("end", over),
      () => stdout.off("resize", resized),
      () => process.off("exit", lastResort),
      () => process.off("SIGCONT", continued),
      () => ["SIGTERM", "SIGHUP", "SIGINT"].forEach((signal) => process.off(signal, over)),
    ];
    stdout.write(TAKE + this.#painter.forget());
  }

  giveBack(): void {
    if (this.#undo.length === 0) return;
    for (const undo of this.#undo.splice(0)) undo();
    this.#giveBack();
    this.#terminal.stdin.setRawMode(false);
    this.#terminal.stdin.pause();
  }

  /** Only lines that changed. A terminal that is slower than us gets no further frame until it has taken this one. */
  show(lines: readonly string[]): void {
    const { stdout } = this.#terminal;
    if (this.#undo.length === 0 || stdout.writableNeedDrain) return;
    const bytes = this.#painter.paint(lines);
    if (bytes !== "") stdout.write(bytes);
  }

  redraw(): void {
    this.#terminal.stdout.write(this.#painter.forget());
  }

  #giveBack(): void {
    try {
      writeSync((this.#terminal.stdout as NodeJS.WriteStream & { fd: number }).fd, GIVE_BACK);
    } catch {
      // The terminal itself has gone.
    }
  }
}
