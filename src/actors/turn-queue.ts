/**
 * Long work of many actors in small slices: one thread runs at most `budgetMs` of it per turn of its event loop, one slice of
 * each job in turn. With a slice per actor and turn instead, a thread that restarts 500 actors would not answer for a second.
 *
 * While many actors are started the work of those that are up lets the others begin first, unless somebody waits for it.
 */
export class TurnQueue {
  readonly #jobs: (() => boolean)[] = [];
  readonly #budgetMs: number;
  #scheduled = false;
  #pause: NodeJS.Timeout | null = null;
  #pausedAt: number | null = null;
  /** Somebody waits for what is in the queue. */
  #pressed = false;

  constructor(budgetMs = 4) {
    this.#budgetMs = budgetMs;
  }

  /** @param job does one slice and says whether there is more. It must not throw: its owner catches for itself. */
  add(job: () => boolean): void {
    this.#jobs.push(job);
    this.#schedule();
  }

  /** No turn for `ms` from now on, and not for more than {@link PAUSED_MS} however often it is called before the next turn. */
  pause(ms: number): void {
    if (this.#pressed) return;
    const now = performance.now();
    this.#pausedAt ??= now;
    const left = Math.min(ms, this.#pausedAt + PAUSED_MS - now);
    if (left <= 0) return;
    clearTimeout(this.#pause ?? undefined);
    this.#pause = setTimeout(() => this.#goOn(), left);
  }

  /** Somebody waits: no pause until all that is in the queue now is done. */
  press(): void {
    this.#pressed = this.#jobs.length > 0;
    if (this.#pause !== null) this.#goOn();
  }

  #goOn(): void {
    clearTimeout(this.#pause ?? undefined);
    this.#pause = null;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#pause !== null || this.#jobs.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#pause !== null) return;
    this.#pausedAt = null;
    const until = performance.now() + this.#budgetMs;
    do {
      const job = this.#jobs.shift();
      if (job === undefined) break;
      if (job()) this.#jobs.push(job);
    } while (performance.now() < until);
    if (this.#jobs.length === 0) this.#pressed = false;
    this.#schedule();
  };
}

/** Longer than a thousand actors take to begin. */
const PAUSED_MS = 500;
