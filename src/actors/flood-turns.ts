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
/** Who prints that much, and not faster than that later on, is no flood: a screen that is drawn anew comes at once. */
const BURST_BYTES = 32_768;
const BYTES_PER_MS = 128;
/** A flood is forgotten a quarter of a second after its end. */
const MOST_BYTES = 2 * BURST_BYTES;

/** One session's part in it. */
export interface Flooding {
  /** Called when its turn has come. */
  readonly goOn: () => void;
  /** What it has printed beyond {@link BYTES_PER_MS}, as of `at`. */
  bytes: number;
  at: number;
}

export class FloodTurns {
  readonly #time: Time;
  readonly #held: () => boolean;
  #current: Flooding | null = null;
  #until = 0;
  #heardAt = 0;
  readonly #waiting: Flooding[] = [];
  #watched = false;

  /** @param held floods wait for something else: whose turn it is, keeps it */
  constructor(held: () => boolean, time: Time) {
    this.#held = held;
    this.#time = time;
  }

  /** So much was read of it. @returns true: it waits, and {@link Flooding.goOn} is called when its turn has come */
  waits(one: Flooding, length: number): boolean {
    const now = this.#time.monotonic();
    one.bytes = Math.min(MOST_BYTES, Math.max(0, one.bytes - (now - one.at) * BYTES_PER_MS) + length);
    one.at = now;
    if (one.bytes < BURST_BYTES) return false;
    if (this.#current !== null && this.#current !== one) {
      this.#waiting.push(one);
      this.#watch();
      return true;
    }
    this.#heardAt = now;
    if (this.#current === one && now < this.#until) return false;
    if (this.#waiting.length === 0) {
      this.#begin(one, now);
      return false;
    }
    this.#waiting.push(one);
    this.#next(now);
    return true;
  }

  #begin(one: Flooding, now: number): void {
    this.#current = one;
    this.#heardAt = now;
    this.#until = now + Math.min(TURN_MS, Math.max(LEAST_MS, ROUND_MS / (this.#waiting.length + 1)));
  }

  #next(now: number): void {
    const next = this.#waiting.shift();
    this.#current = null;
    if (next === undefined) return;
    this.#begin(next, now);
    next.goOn();
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
