/**
 * A key goes before floods. From the moment a client's key is there until the program has answered it, sessions that print without end
 * leave what they print where it is, in every thread: their programs wait for room then, the one that was typed to finds a processor,
 * and its answer has no reads before it. It costs a flood a few milliseconds a key, and nothing where nobody types.
 */
import { REAL_TIME, type Alarm, type Time } from "./time.js";

/** A program that has not answered by then does not answer at once. */
const MOST_MS = 40;
/** Of all time, so much may be taken from floods … */
const SHARE = 1 / 3;
/** … and so much at a stretch. */
const SAVED_MS = 120;

/** How soon a thread notices that the way is free again. */
const LOOK_MS = 2;

/** What all threads share: until when the way is to be free, or 0; and when it last was answered. */
const UNTIL = 0;
const ANSWERED = 1;

/** The main thread claims; the threads make way. */
export class Precedence {
  readonly shared: SharedArrayBuffer;
  /** No atomics: aligned words are never torn, and to be seen a moment late is soon enough. */
  readonly #until: Float64Array;
  /** What may be taken as of {@link #countedAt}; from when on a claim is not paid for yet. */
  #saved = SAVED_MS;
  #countedAt = Number.NEGATIVE_INFINITY;
  #claimedAt: number | null = null;
  /** What goes on in this thread when the way is free again. */
  readonly #stopped: (() => void)[] = [];
  readonly #letIn: () => void;
  readonly #time: Time;
  #alarm: Alarm | null = null;

  /** @param letIn takes in what waits for this thread: called where a flood makes way, for the key may be among it */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(16), letIn: () => void = () => {}, time: Time = MACHINE_TIME) {
    this.shared = shared;
    this.#letIn = letIn;
    this.#time = time;
    this.#until = new Float64Array(shared);
  }

  /** A key has come. */
  claim(): void {
    const at = this.#time.monotonic();
    this.#pay(at);
    if (this.#saved < MOST_MS) return;
    this.#claimedAt = at;
    this.#until[UNTIL] = at + MOST_MS;
  }

  /** What the last claim has cost, and what has been saved since. */
  #pay(at: number): void {
    if (this.#claimedAt !== null) {
      const until = this.#until[UNTIL] ?? 0;
      const ended = until === 0 ? (this.#until[ANSWERED] ?? 0) : until;
      this.#saved -= Math.max(0, Math.min(at, ended) - this.#claimedAt);
      this.#claimedAt = ended > at ? at : null;
    }
    this.#saved = Math.min(SAVED_MS, this.#saved + (at - this.#countedAt) * SHARE);
    this.#countedAt = at;
  }

  /** The program that was typed to has answered. */
  answered(): void {
    if (this.#until[UNTIL] !== 0) this.#until[ANSWERED] = this.#time.monotonic();
    this.#until[UNTIL] = 0;
    if (this.#alarm === null) return;
    this.#time.cancel(this.#alarm);
    this.#alarm = this.#time.after(0, this.#goOn);
  }

  /** @returns true: the caller stops, and `goOn` is called when the way is free */
  makesWay(goOn: () => void): boolean {
    const left = this.#leftMs;
    if (left <= 0) return false;
    this.#stopped.push(goOn);
    this.#alarm ??= this.#time.after(Math.min(LOOK_MS, left), this.#goOn);
    this.#letIn();
    return true;
  }

  /** A key goes first now. */
  get claimed(): boolean {
    return this.#leftMs > 0;
  }

  get #leftMs(): number {
    const until = this.#until[UNTIL] ?? 0;
    return until === 0 ? 0 : until - this.#time.monotonic();
  }

  readonly #goOn = (): void => {
    const left = this.#leftMs;
    this.#alarm = left > 0 ? this.#time.after(Math.min(LOOK_MS, left), this.#goOn) : null;
    if (left > 0) return;
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
