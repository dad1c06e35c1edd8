/** Figures that are counted as things happen, cheap enough for every chunk of output. Imports nothing: actor threads count too. */

/** A histogram's state: `counts[i]` observations of at most `SECONDS[i]`, and above the last in `counts[SECONDS.length]`. */
export interface HistogramReading {
  counts: number[];
  /** Of all observations, in seconds. */
  sum: number;
}

/** Upper ends of the classes of every histogram, in seconds: from what nobody feels to what everybody calls a hang. */
export const SECONDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Histogram {
  readonly #counts: number[] = Array.from({ length: SECONDS.length + 1 }, () => 0);
  #sum = 0;

  /** @param ms milliseconds */
  observe(ms: number): void {
    const seconds = ms / 1_000;
    let index = 0;
    while (index < SECONDS.length && seconds > (SECONDS[index] ?? 0)) index++;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += seconds;
  }

  add(reading: HistogramReading): void {
    for (const [index, count] of reading.counts.entries()) this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.#sum += reading.sum;
  }

  reading(): HistogramReading {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}

/** How often each of a few names was counted. The caller sees to it that they are few. */
export class Tally {
  readonly #counts = new Map<string, number>();

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  entries(): [string, number][] {
    return [...this.#counts];
  }
}
