import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Terminals that were parked are garbage V8 is in no hurry to collect (2.7 MB each): collect after so many … */
const BATCH = 16;
/** … but not more often than this (a collection stops the thread for some 12 ms), … */
const PERIOD_MS = 5_000;
/** … and after this for fewer. */
const LATEST_MS = 30_000;

/** Collects a thread's garbage after terminals were parked. `malloc_trim` must follow on another thread: see pool.ts. */
export class Collector {
  /** Collections so far. */
  collections = 0;
  #collect: (() => void) | null = null;
  #waiting = 0;
  #timer: NodeJS.Timeout | null = null;
  #due = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  parked(): void {
    this.#waiting++;
    const now = performance.now();
    const due = Math.max(now + 100, this.#lastAt + (this.#waiting >= BATCH ? PERIOD_MS : LATEST_MS));
    if (this.#timer !== null && due >= this.#due) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#run(), due - now);
  }

  #run(): void {
    this.#timer = null;
    this.#waiting = 0;
    this.#collect ??= exposeCollection();
    this.#collect();
    this.collections++;
    this.#lastAt = performance.now();
  }
}

function exposeCollection(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
