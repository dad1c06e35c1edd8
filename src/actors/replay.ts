/**
 * The exact terminal again: the newest snapshot, and everything after it in the spool, with the sizes it was made at. In slices,
 * because a whole spool takes 100 ms of parsing.
 */
import type { TerminalSize } from "../session.js";
import type { IndexRecord } from "../spool/index-file.js";
import type { SpoolRead } from "../spool/ring.js";
import type { StoredSnapshot } from "../spool/snapshot-file.js";

export interface ReplayPlan {
  /** Null: begin with a blank terminal of `size`. */
  snapshot: StoredSnapshot | null;
  size: TerminalSize;
  /** The first offset that is fed. */
  from: number;
  /** Bytes between what is known and `from`: the spool no longer has them, and the screen is not exact. */
  lostBytes: number;
  /** Sizes that came into force later, in order. */
  sizes: SizeChange[];
  /** Offset of the newest process's first byte. */
  epochStart: number;
}

export interface SizeChange extends TerminalSize {
  offset: number;
}

/**
 * @param records all that the index holds, in the order they were made: a snapshot's own record separates the sizes it already
 *   has from those that came at the same offset after it
 * @param held the first offset the spool still has
 * @param fallback the size where nothing else is known
 */
export function planReplay(
  snapshot: StoredSnapshot | null,
  records: readonly IndexRecord[],
  held: number,
  fallback: TerminalSize,
): ReplayPlan {
  const epochAt = records.findLastIndex((record) => record.kind === "epoch");
  const epochStart = records[epochAt]?.offset ?? 0;
  const snapshotAt =
    snapshot === null ? -1 : records.findLastIndex((record) => record.kind === "snapshot" && record.offset === snapshot.offset);
  // A snapshot from before the newest process: its terminal is another one's.
  const usable = snapshot !== null && snapshot.offset >= epochStart && (snapshotAt === -1 || snapshotAt > epochAt) ? snapshot : null;

  const base = usable?.offset ?? epochStart;
  const after = usable === null ? Math.max(0, epochAt) : snapshotAt + 1;
  const later = records.slice(after).filter((record) => record.kind === "size" && record.offset >= base);
  const before = records.slice(0, after).findLast((record) => record.kind === "size" && record.offset <= base);
  const sizes = later.map((record): SizeChange => ({ offset: record.offset, cols: record.a, rows: record.b }));
  const size = before === undefined ? fallback : { cols: before.a, rows: before.b };
  return { snapshot: usable, size, from: Math.max(base, held), lostBytes: Math.max(0, held - base), sizes, epochStart };
}

export interface ReplaySource {
  readonly end: number;
  read(since: number, max: number): SpoolRead;
}

/** The part of a terminal that a replay needs. */
export interface ReplayTarget {
  feed(bytes: Uint8Array): void;
  resize(size: TerminalSize): void;
}

export class Replay {
  /** Everything before this has been fed. */
  offset: number;
  lostBytes: number;
  readonly #source: ReplaySource;
  readonly #target: ReplayTarget;
  readonly #sizes: SizeChange[];
  /** In order; the source has none of it. */
  readonly #unkept: { offset: number; bytes: Uint8Array }[] = [];

  constructor(plan: ReplayPlan, source: ReplaySource, target: ReplayTarget) {
    this.offset = plan.from;
    this.lostBytes = plan.lostBytes;
    this.#source = source;
    this.#target = target;
    this.#sizes = [...plan.sizes];
  }

  /** A size that came into force while the replay runs. */
  resized(change: SizeChange): void {
    this.#sizes.push(change);
  }

  /** Output that came while the replay runs, on a disk that could not take it. Whoever says so reads no more until it is over. */
  unkept(offset: number, bytes: Uint8Array): void {
    this.#unkept.push({ offset, bytes: Uint8Array.from(bytes) });
  }

  /** Feeds at most `max` bytes, not beyond `until`. @returns whether there is more before `until` */
  step(max: number, until: number = this.#source.end): boolean {
    for (let left = max; left > 0;) {
      this.#applySizes();
      if (this.offset >= until) return false;
      const read = this.#read(left, Math.min(until, this.#sizes[0]?.offset ?? until));
      this.lostBytes += read.gap;
      if (read.data.byteLength > 0) this.#target.feed(read.data);
      if (read.next <= this.offset) return false;
      left -= read.data.byteLength;
      this.offset = read.next;
    }
    this.#applySizes();
    return this.offset < until;
  }

  #read(max: number, limit: number): { data: Uint8Array; next: number; gap: number } {
    const { offset } = this;
    const unkept = this.#unkept[0];
    if (unkept === undefined || offset < unkept.offset) {
      const { data, next, gap } = this.#source.read(offset, Math.min(max, limit - offset, (unkept?.offset ?? limit) - offset));
      // What was lost before goes on into what is unkept: one hole to the source.
      const beyond = Math.max(0, next - (unkept?.offset ?? next));
      return { data, next: next - beyond, gap: gap - beyond };
    }
    const from = offset - unkept.offset;
    const data = unkept.bytes.subarray(from, from + Math.min(max, limit - offset));
    if (from + data.byteLength === unkept.bytes.byteLength) this.#unkept.shift();
    return { data, next: offset + data.byteLength, gap: 0 };
  }

  #applySizes(): void {
    for (let next = this.#sizes[0]; next !== undefined && next.offset <= this.offset; next = this.#sizes[0]) {
      this.#target.resize({ cols: next.cols, rows: next.rows });
      this.#sizes.shift();
    }
  }
}
