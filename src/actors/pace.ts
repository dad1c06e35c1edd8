/**
 * Runs an action at most once per interval: the first poke runs it at once (or `leadMs` later), pokes within the interval run it
 * once at its end. Between bursts there is no timer, so an idle session costs nothing.
 */
import { REAL_TIME, type Alarm, type Time } from "./time.js";

export class Pace {
  readonly #action: () => void;
  readonly #intervalMs: number;
  readonly #leadMs: number;
  readonly #time: Time;
  #timer: Alarm | null = null;
  #ranAt = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, action: () => void, leadMs = 0, time: Time = REAL_TIME) {
    this.#time = time;
    this.#intervalMs = intervalMs;
    this.#leadMs = leadMs;
    this.#action = action;
  }

  poke(): void {
    if (this.#timer !== null) return;
    const wait = Math.max(this.#leadMs, this.#ranAt + this.#intervalMs - this.#time.monotonic());
    if (wait <= 0) this.#run();
    else this.#timer = this.#time.after(wait, this.#run);
  }

  /** Runs now, and drops the run that was waiting. */
  flush(): void {
    if (this.#timer !== null) this.#time.cancel(this.#timer);
    this.#run();
  }

  stop(): void {
    if (this.#timer !== null) this.#time.cancel(this.#timer);
    this.#timer = null;
  }

  readonly #run = (): void => {
    this.#timer = null;
    this.#ranAt = this.#time.monotonic();
    this.#action();
  };
}
