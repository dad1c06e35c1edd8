/**
 * Runs an action at most once per interval: the first poke runs it at once (or `leadMs` later), pokes within the interval run it
 * once at its end. Between bursts there is no timer, so an idle session costs nothing.
 */
export class Pace {
  readonly #action: () => void;
  readonly #intervalMs: number;
  readonly #leadMs: number;
  #timer: NodeJS.Timeout | null = null;
  #ranAt = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, action: () => void, leadMs = 0) {
    this.#intervalMs = intervalMs;
    this.#leadMs = leadMs;
    this.#action = action;
  }

  poke(): void {
    if (this.#timer !== null) return;
    const wait = Math.max(this.#leadMs, this.#ranAt + this.#intervalMs - performance.now());
    if (wait <= 0) this.#run();
    else this.#timer = setTimeout(this.#run, wait);
  }

  /** Runs now, and drops the run that was waiting. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#run();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #run = (): void => {
    this.#timer = null;
    this.#ranAt = performance.now();
    this.#action();
  };
}
