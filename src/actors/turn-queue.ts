/**
 * Long work of many actors in small slices: one thread runs at most `budgetMs` of it per turn of its event loop, one slice of
 * each job in turn. With a slice per actor and turn instead, a thread that restarts 500 actors would not answer for a second.
 */
export class TurnQueue {
  readonly #jobs: (() => boolean)[] = [];
  readonly #budgetMs: number;
  #scheduled = false;

  constructor(budgetMs = 4) {
    this.#budgetMs = budgetMs;
  }

  /** @param job does one slice and says whether there is more. It must not throw: its owner catches for itself. */
  add(job: () => boolean): void {
    this.#jobs.push(job);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#jobs.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    const until = performance.now() + this.#budgetMs;
    do {
      const job = this.#jobs.shift();
      if (job === undefined) return;
      if (job()) this.#jobs.push(job);
    } while (performance.now() < until);
    this.#schedule();
  };
}
