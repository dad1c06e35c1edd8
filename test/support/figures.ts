/** What a test measured, and how many of the full count it took. Each figure is printed again at the end of the run. */

/** Begins every line that the closing report repeats. */
export const FIGURE = "  · ";

export const FULL: boolean = process.env["LIFEGUARD_FULL"] === "1";

/**
 * The count to run: all of it under `npm run test:full` (LIFEGUARD_FULL=1), a sample under `npm test`.
 * @param what names the count in the report: `figure` lines that follow belong to it
 */
export function sample(what: string, full: number, quick: number): number {
  const count = FULL ? full : quick;
  console.log(`${FIGURE}${what}: ${count}${FULL ? "" : ` of ${full}`}`);
  return count;
}

export function figure(what: string, value: number | string, unit = ""): void {
  const shown = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(value < 10 ? 2 : 1) : String(value);
  console.log(`${FIGURE}${what}: ${shown}${unit === "" ? "" : ` ${unit}`}`);
}

/** The value below which `part` (0…1) of the sorted samples lie; NaN of none. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/**
 * Random numbers in [0, 1) that are the same in every run (mulberry32). LIFEGUARD_SEED overrides the seed; it is printed, so that
 * a failure can be had again.
 */
export function seeded(what: string, seed: number): () => number {
  let state = Number(process.env["LIFEGUARD_SEED"] ?? seed) >>> 0;
  console.log(`${FIGURE}${what}: seed ${state}`);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
