/** The newest snapshot of a terminal on the disk: where in the output it was taken, and when the next one is due. */
import type { SpoolIndex } from "../spool/index-file.js";
import { writeSnapshot } from "../spool/snapshot-file.js";

/** A snapshot is written at most this often … */
const PERIOD_MS = 1_000;
/** … and when so much has come since the last: less is replayed in a few ms. */
const UNSAVED_BYTES = 65_536;
/** A packed terminal with less than that to replay: where a line comes now and then, to write each was a sixth of a thread's work. */
const PACKED_PERIOD_MS = 30_000;

export class DiskSnapshot {
  readonly #directory: string;
  readonly #index: SpoolIndex;
  readonly #mostUnsaved: number;
  #at = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;
  /** The size changed after it was taken, at the same offset. */
  #resized = false;

  /** @param spoolBusyBytes the spool holds so much while busy: what follows the snapshot must never be overwritten */
  constructor(directory: string, index: SpoolIndex, spoolBusyBytes: number) {
    this.#directory = directory;
    this.#index = index;
    this.#mostUnsaved = (spoolBusyBytes * 3) / 4;
  }

  /** Its offset, or that of the blank terminal the process began with: what follows it in the spool is needed. */
  get at(): number {
    return this.#at;
  }

  begin(offset: number): void {
    this.#at = offset;
  }

  resized(): void {
    this.#resized = true;
  }

  isOf(offset: number): boolean {
    return this.#at === offset && !this.#resized;
  }

  /** Whether a terminal that has been fed up to `end` is to be written; `must`: now, even if it takes a cut. */
  due(end: number): "no" | "due" | "must" {
    const unsaved = end - this.#at;
    if (unsaved >= this.#mostUnsaved) return "must";
    return unsaved >= UNSAVED_BYTES && performance.now() - this.#writtenAt >= PERIOD_MS ? "due" : "no";
  }

  /** Milliseconds until a terminal that was packed away at `offset` is to be written; null: it is on the disk. */
  packedDueIn(offset: number): number | null {
    if (this.isOf(offset)) return null;
    if (offset - this.#at >= UNSAVED_BYTES) return 0;
    return Math.max(0, this.#writtenAt + PACKED_PERIOD_MS - performance.now());
  }

  /** The record first: a death in between leaves a record without a snapshot, which is passed over. */
  write(offset: number, bytes: Uint8Array): void {
    this.#writtenAt = performance.now();
    if (this.isOf(offset)) return;
    try {
      this.#index.append({ offset, at: Date.now(), kind: "snapshot", a: 0, b: 0 });
      writeSnapshot(this.#directory, offset, bytes);
      this.#at = offset;
      this.#resized = false;
    } catch {
      // A disk that fails is the spool's to report; the old snapshot and the spool still make the terminal.
    }
  }
}
