/**
 * A key goes before floods. From the moment a client's key is there until the program has answered it, sessions that print without end
 * leave what they print where it is, in every thread: their programs wait for room then, the one that was typed to finds a processor,
 * and its answer has no reads before it. It costs a flood a few milliseconds a key, and nothing where nobody types.
 */

import { REAL_TIME, type Alarm, type Time } from "./time.js";

/** Longer than a program takes that answers a key at once. */
const MOST_MS = 4;
/** Between two claims: whoever sends keys as fast as they are taken slows floods down by no more than a third. */
const APART_MS = 12;

/** The main thread claims; the threads make way. All of them share one word: until when, or 0. */
export class Precedence {
  readonly shared: SharedArrayBuffer;
  /** No atomics: an aligned word is never torn, and to be seen a moment late is soon enough. */
  readonly #until: Float64Array;
  #claimedAt = Number.NEGATIVE_INFINITY;
  /** What goes on in this thread when the way is free again. */
  readonly #stopped: (() => void)[] = [];
  readonly #time: Time;
  #alarm: Alarm | null = null;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(8), time: Time = MACHINE_TIME) {
    this.shared = shared;
    this.#time = time;
    this.#until = new Float64Array(shared);
  }

  /** A key has come. */
  claim(): void {
    const at = this.#time.monotonic();
    if (at - this.#claimedAt < APART_MS) return;
    this.#claimedAt = at;
    this.#until[0] = at + MOST_MS;
  }

  /** The program that was typed to has answered. */
  answered(): void {
    this.#until[0] = 0;
    if (this.#alarm === null) return;
    this.#time.cancel(this.#alarm);
    this.#alarm = this.#time.after(0, this.#goOn);
  }

  /** @returns true: the caller stops, and `goOn` is called when the way is free */
  makesWay(goOn: () => void): boolean {
    const until = this.#until[0] ?? 0;
    if (until === 0) return false;
    const left = until - this.#time.monotonic();
    if (left <= 0) return false;
    this.#stopped.push(goOn);
    this.#alarm ??= this.#time.after(left, this.#goOn);
    return true;
  }

  readonly #goOn = (): void => {
    this.#alarm = null;
    for (const goOn of this.#stopped.splice(0)) goOn();
  };
}

/** Since the machine's start, and so the same in all threads. */
const MACHINE_TIME: Time = {
  ...REAL_TIME,
  monotonic: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1e6;
  },
};
