/** A breaker: after repeated silence nobody asks for a while, so that what hangs costs nobody anything. Pure. */

/** Once may be a busy machine. */
const SILENCES = 2;

export class Breaker {
  readonly #openMs: number;
  readonly #now: () => number;
  #silences = 0;
  #openUntil = Number.NEGATIVE_INFINITY;

  /** @param now monotonic, ms */
  constructor(openMs: number, now: () => number) {
    this.#openMs = openMs;
    this.#now = now;
  }

  /** Milliseconds until somebody may ask again; 0: now. After that one question decides. */
  get waitMs(): number {
    return Math.max(0, this.#openUntil - this.#now());
  }

  answered(): void {
    this.#silences = 0;
    this.#openUntil = Number.NEGATIVE_INFINITY;
  }

  silent(): void {
    this.#silences += 1;
    if (this.#silences >= SILENCES) this.#openUntil = this.#now() + this.#openMs;
  }
}
