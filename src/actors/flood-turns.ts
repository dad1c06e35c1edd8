/**
 * Floods of one thread are read in turns: while one is read, the programs of the others wait for room in their terminals. What they have
 * written by then is read at a stretch when their turn has come, and a key that comes meanwhile finds few programs awake.
 */
import type { Time } from "./time.js";

/** A turn, while others wait; of many it is shorter: each has its own within {@link ROUND_MS}, or it lasts {@link LEAST_MS}. */
const TURN_MS = 5;
const ROUND_MS = 100;
const LEAST_MS = 1;
/** Who has written nothing for so long has no turn. */
const PAUSE_MS = 2;

export class FloodTurns {
  readonly #time: Time;
  readonly #held: () => boolean;
  #current: (() => void) | null = null;
  #until = 0;
  #heardAt = 0;
  readonly #waiting: (() => void)[] = [];
  #watched = false;

  /** @param held floods wait for something else: whose turn it is, keeps it */
  constructor(held: () => boolean, time: Time) {
    this.#held = held;
    this.#time = time;
  }

  /** Something was read of a flood. @param goOn always the same for one. @returns true: it waits, and `goOn` is called when its turn has come */
  waits(goOn: () => void): boolean {
    const now = this.#time.monotonic();
    if (this.#current !== null && this.#current !== goOn) {
      this.#waiting.push(goOn);
      this.#watch();
      return true;
    }
    this.#heardAt = now;
    if (this.#current === goOn && now < this.#until) return false;
    if (this.#waiting.length === 0) {
      this.#begin(goOn, now);
      return false;
    }
    this.#waiting.push(goOn);
    this.#next(now);
    return true;
  }

  #begin(goOn: () => void, now: number): void {
    this.#current = goOn;
    this.#heardAt = now;
    this.#until = now + Math.min(TURN_MS, Math.max(LEAST_MS, ROUND_MS / (this.#waiting.length + 1)));
  }

  #next(now: number): void {
    const next = this.#waiting.shift();
    this.#current = null;
    if (next === undefined) return;
    this.#begin(next, now);
    next();
  }

  #watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    this.#time.after(PAUSE_MS, this.#look);
  }

  readonly #look = (): void => {
    this.#watched = false;
    const now = this.#time.monotonic();
    if (this.#held()) this.#heardAt = now;
    else if (now - this.#heardAt >= PAUSE_MS) this.#next(now);
    if (this.#waiting.length > 0) this.#watch();
  };
}
