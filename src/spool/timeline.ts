/** When a byte of output came, from the marks of the spool's index. */
import type { IndexRecord } from "./index-file.js";

/** A mark is written at most this often while there is output: what lies between two marks came within this time of the first. */
export const MARK_INTERVAL_MS = 250;

export class Timeline {
  readonly #marks: { offset: number; at: number }[] = [];

  /** @param records in the order they were made; kinds other than `mark` tell the time too */
  constructor(records: readonly IndexRecord[]) {
    for (const { offset, at } of records) {
      const last = this.#marks.at(-1);
      if (last !== undefined && offset < last.offset) continue;
      // A clock that stepped back stands still until it has caught up.
      this.#marks.push({ offset, at: last === undefined ? at : Math.max(at, last.at) });
    }
  }

  /** Milliseconds since 1970 at which the byte at `offset` came: never less for a greater offset; null when nothing is known. */
  timeAt(offset: number): number | null {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#marks[middle]?.offset ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    const before = this.#marks[low - 1];
    const after = this.#marks[low];
    if (before === undefined) return after?.at ?? null;
    if (after === undefined) return before.at;
    const share = (offset - before.offset) / (after.offset - before.offset);
    return before.at + share * Math.min(after.at - before.at, MARK_INTERVAL_MS);
  }
}
