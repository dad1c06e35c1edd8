/**
 * When a session has been quiet for a while, its terminal is packed away; later what was packed is written, if it was not then. Both take
 * a turn of their thread: of many that were started together, all are quiet at the same moment.
 */
import type { TurnQueue } from "./turn-queue.js";

export interface QuietOptions {
  afterMs: number;
  turns: TurnQueue;
  /** @returns milliseconds until {@link write}; null: there is nothing to write */
  park(): number | null;
  write(): void;
}

export class Quiet {
  readonly #options: QuietOptions;
  #heardAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #writing: NodeJS.Timeout | null = null;
  #over = false;

  constructor(options: QuietOptions) {
    this.#options = options;
  }

  /** Output, or another reason to keep the terminal at hand for a while. */
  heard(): void {
    this.#heardAt = performance.now();
    if (!this.#over) this.#timer ??= setTimeout(this.#due, this.#options.afterMs);
  }

  stop(): void {
    this.#over = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#writing !== null) clearTimeout(this.#writing);
  }

  readonly #due = (): void => {
    const wait = this.#heardAt + this.#options.afterMs - performance.now();
    this.#timer = wait > 0 ? setTimeout(this.#due, wait) : null;
    if (wait <= 0) this.#options.turns.add(this.#turn);
  };

  readonly #turn = (): boolean => {
    // Something was heard while it waited for its turn: that has set a timer of its own.
    if (this.#over || this.#timer !== null) return false;
    const wait = this.#options.park();
    if (wait !== null) this.#writing ??= setTimeout(this.#write, wait);
    return false;
  };

  readonly #write = (): void => {
    this.#writing = null;
    this.#options.turns.add(() => {
      if (!this.#over) this.#options.write();
      return false;
    });
  };
}
