/** Durations as people write and read them. */
import { UsageError } from "./verb.js";

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$/;
/** The longest that a timer of Node can hold, about 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/**
 * `5s`, `1.5m`, `250ms`, `7d` → milliseconds.
 * @throws UsageError with what was received and what would do
 */
export function parseDuration(word: string): number {
  const ms = parseAge(word);
  if (ms > LONGEST) throw new UsageError(`${JSON.stringify(word)} is longer than 24 days, which is the most there can be`);
  return ms;
}

/** The same without a timer's bound, for how old something is. */
export function parseAge(word: string): number {
  const match = DURATION.exec(word.trim());
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2]];
  if (match === null || unit === undefined) {
    const hint = /^[0-9.]+$/.test(word) ? `did you mean ${word}s?` : "write a number and a unit: 500ms, 5s, 10m, 2h, 7d";
    throw new UsageError(`${JSON.stringify(word)} is no duration: ${hint}`);
  }
  const ms = Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(ms)) throw new UsageError(`${JSON.stringify(word)} is longer than there has been time`);
  return ms;
}

/** How long something has been so, in at most five characters: `0s`, `59s`, `4m`, `3h12`, `23d`. */
export function briefAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.floor(hours / 24)}d`;
}
