/** Errors of one terminal: what breaks it is in the spool, and may break it again. */

/** Within a minute. At the bound the terminal is given up. */
export const MOST_FAILURES = 3;
const WINDOW_MS = 60_000;

export class FailureCount {
  #at: number[] = [];

  /** One more. @returns how many there were within the last minute */
  add(): number {
    const now = performance.now();
    this.#at = [...this.#at.filter((at) => now - at < WINDOW_MS), now];
    return this.#at.length;
  }
}
