/**
 * One journal in memory: where its segments are, what its last one ends with, and the entries on their way to the disk. The entries
 * themselves stay on the disk. Opening reads the last segment, however many there are before it.
 */
import { LifeguardError, messageOf } from "../errors.js";
import type { Ground } from "./generations.js";
import type { JournalDamage } from "./journal-shapes.js";
import type { JournalHead, StoredHead } from "./record-shapes.js";
import { decodeCarry, decodeEntry, encodeCarry, encodeLine, scanLines } from "./segment.js";
import type { Carry } from "./segment.js";
import type { Place } from "./tree.js";

export interface Segment {
  name: string;
  first: number;
  /** It begins with a boundary that sums up all up to this number. */
  through: number | null;
}

const NAME = /^seg\.([1-9][0-9]{0,15})(?:\.b([0-9]{1,16}))?$/;

/** The segments among names, by the number of their first entry. */
export function segmentsOf(names: Iterable<string>): Segment[] {
  const found: Segment[] = [];
  for (const name of names) {
    const match = NAME.exec(name);
    if (match !== null) found.push({ name, first: Number(match[1]), through: match[2] === undefined ? null : Number(match[2]) });
  }
  return found.toSorted((a, b) => a.first - b.first);
}

/** A segment is closed when it has so many bytes: it bounds what a restart reads, and what a damage can take along. */
const SEGMENT_BYTES = 1024 * 1024;
/** Segments are read whole: one segment and one batch. */
export const SEGMENT_READ_BYTES: number = 256 * 1024 * 1024;

/** An entry on its way. */
export interface Pending {
  json: Buffer;
  at: number;
  message: boolean;
  branch: string | null;
  /** It is a boundary: `through` null is everything before it. */
  boundary: { archive: string; through: number | null } | null;
  outcome: { seq: number } | { error: unknown } | null;
}

export class OpenJournal {
  readonly id: string;
  readonly place: Place;
  readonly #ground: Ground;
  stored: StoredHead;
  segments: Segment[] = [];
  /** Bytes of the last segment that are good. */
  lastBytes = 0;
  next = 1;
  /** What was found and mended, or could not be, when it was opened. */
  readonly repairs: JournalDamage[] = [];
  /** A newer version's file is in it: it is read by that version only, and written by none other. */
  unsupported: string | null = null;
  pending: Pending[] = [];
  #messages = 0;
  #branches = new Set<string>();
  #updatedAt: number;
  #boundary: Carry["boundary"] = null;
  /** What an earlier life left is on the disk for certain. */
  #firm = false;

  constructor(ground: Ground, id: string, place: Place, stored: StoredHead) {
    this.#ground = ground;
    this.id = id;
    this.place = place;
    this.stored = stored;
    this.#updatedAt = stored.created_at;
  }

  get boundary(): Carry["boundary"] {
    return this.#boundary;
  }

  head(): JournalHead {
    return {
      ...this.stored,
      updated_at: Math.max(this.stored.updated_at, this.#updatedAt),
      message_count: this.#messages,
      last_seq: this.next - 1,
      branches: [...this.#branches],
      boundary:
        this.#boundary === null
          ? null
          : { seq: this.#boundary.seq, archive: this.#boundary.archive === "" ? null : this.#boundary.archive },
    };
  }

  hasBranch(branch: string): boolean {
    return this.#branches.has(branch);
  }

  get branchCount(): number {
    return this.#branches.size;
  }

  /** Takes over what lies in its directory. */
  async load(names: Iterable<string>): Promise<void> {
    this.segments = segmentsOf(names);
    // Back to the newest segment whose first line can be believed: what came before it is known from there.
    let from = this.segments.length - 1;
    const loaded: { segment: Segment; bytes: Buffer }[] = [];
    let carry: Carry | null = null;
    for (; from >= 0; from--) {
      const segment = this.segments[from];
      if (segment === undefined) break;
      const bytes = (await this.#ground.tree.read([...this.place, segment.name], { max: SEGMENT_READ_BYTES })) ?? Buffer.alloc(0);
      loaded.unshift({ segment, bytes });
      const reading = decodeCarry(bytes);
      if (reading.is === "unsupported") {
        this.unsupported = reading.reason;
        return;
      }
      const wrong = reading.is === "damaged" ? reading.reason : this.#misplaced(reading.carry, segment);
      if (reading.is === "good" && wrong === null) {
        carry = reading.carry;
        break;
      }
      this.#damaged(segment.name, { offset: 0, reason: wrong ?? "damaged" });
    }
    if (carry !== null) {
      this.#messages = carry.messages;
      this.#branches = new Set(carry.branches);
      this.#updatedAt = Math.max(this.#updatedAt, carry.updated_at);
      this.#boundary = carry.boundary;
    }
    for (const { segment, bytes } of loaded) await this.#loadSegment(segment, bytes);
  }

  #misplaced(carry: Carry, segment: Segment): string | null {
    if (carry.id === this.id && carry.first === segment.first) return null;
    return `it says it is segment ${carry.first} of ${JSON.stringify(carry.id.slice(0, 40))}`;
  }

  async #loadSegment(segment: Segment, bytes: Buffer): Promise<void> {
    const isLast = segment === this.segments.at(-1);
    const reading = decodeCarry(bytes);
    const scan = scanLines(bytes, "end" in reading ? reading.end : 0, segment.first);
    for (const damage of scan.damage) this.#damaged(segment.name, damage);
    for (const line of scan.lines) {
      try {
        const { kind, at, branch } = decodeEntry(bytes, line);
        if (kind === "message") this.#messages++;
        if (branch !== undefined) this.#branches.add(branch);
        this.#updatedAt = Math.max(this.#updatedAt, at);
      } catch (error) {
        this.#damaged(segment.name, { seq: line.seq, offset: line.start, reason: messageOf(error).replaceAll(/\s+/g, " ").slice(0, 120) });
      }
    }
    if (segment.through !== null && this.#boundary?.seq !== segment.first)
      this.#boundary = { seq: segment.first, through: segment.through, archive: "" };
    this.next = Math.max(this.next, scan.next);
    if (!isLast) return;
    this.lastBytes = scan.good;
    if (scan.good < bytes.length) await this.#cutTail(segment, bytes.subarray(scan.good), scan.good);
  }

  /** Nothing that was acknowledged is in a torn tail; all the same its bytes are kept in quarantine before they are cut. */
  async #cutTail(segment: Segment, tail: Buffer, good: number): Promise<void> {
    const { tree, quarantine } = this.#ground;
    const place = [...this.place, segment.name];
    const reason = `a torn tail of ${tail.length} bytes after entry ${this.next - 1} was cut`;
    this.repairs.push({ offset: good, segment: segment.name, reason });
    try {
      await quarantine.keep(place, "journal", reason, tail);
      await tree.cut(place, good);
    } catch (error) {
      // The next append cuts it first.
      quarantine.report(place, "journal", `a torn tail of ${tail.length} bytes could not be cut now: ${messageOf(error)}`, `@${good}`);
    }
  }

  #damaged(segment: string, damage: { seq?: number; offset: number; reason: string }): void {
    this.repairs.push({ ...damage, segment });
    this.#ground.quarantine.report(
      [...this.place, segment],
      "journal",
      damage.seq === undefined ? damage.reason : `entry ${damage.seq}: ${damage.reason}`,
      `@${damage.offset}`,
    );
  }

  /** Writes everything that waits, in batches that each are one write and one fsync. Who failed has it in its outcome. */
  async flush(): Promise<void> {
    while (this.pending.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#write(batch);
      } catch (error) {
        for (const each of batch) each.outcome = { error };
        return;
      }
    }
  }

  /** Up to the next boundary, which begins a segment, or until a segment is full. */
  #nextBatch(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const each of this.pending) {
      if (count > 0 && (each.boundary !== null || bytes > SEGMENT_BYTES)) break;
      bytes += each.json.length;
      count++;
    }
    return this.pending.splice(0, count);
  }

  async #write(batch: Pending[]): Promise<void> {
    if (this.unsupported !== null) throw new LifeguardError("UNSUPPORTED", `journal ${this.id}: ${this.unsupported}`, { id: this.id });
    await this.#makeFirm();
    const first = this.next;
    const lines = batch.flatMap((each, index) => encodeLine(first + index, each.json));
    const last = this.segments.at(-1);
    const boundary = batch[0]?.boundary ?? null;
    if (last === undefined || boundary !== null || this.lastBytes >= SEGMENT_BYTES) await this.#newSegment(first, boundary, lines);
    else await this.#extend(last, lines);
    for (const [index, each] of batch.entries()) {
      if (each.message) this.#messages++;
      if (each.branch !== null) this.#branches.add(each.branch);
      this.#updatedAt = Math.max(this.#updatedAt, each.at);
      each.outcome = { seq: first + index };
    }
    this.next = first + batch.length;
  }

  async #newSegment(first: number, boundary: Pending["boundary"], lines: Buffer[]): Promise<void> {
    const { tree } = this.#ground;
    // Not beyond what is there, and never behind an older boundary: what was summed up stays so.
    const through = boundary === null ? null : Math.max(this.#boundary?.through ?? 0, Math.min(boundary.through ?? first - 1, first - 1));
    const next = boundary === null || through === null ? this.#boundary : { seq: first, through, archive: boundary.archive };
    const carry: Carry = {
      id: this.id,
      first,
      messages: this.#messages,
      branches: [...this.#branches],
      updated_at: this.#updatedAt,
      boundary: next,
    };
    const start = encodeCarry(carry);
    const segment: Segment = { name: `seg.${first}${through === null ? "" : `.b${through}`}`, first, through };
    const place = [...this.place, segment.name];
    try {
      await tree.write(place, [start, ...lines]);
    } catch (error) {
      // Refused is refused: it must not be there after a restart because only the last step failed.
      await tree.unlink(place).catch(() => false);
      throw error;
    }
    this.segments.push(segment);
    this.lastBytes = start.length + sum(lines);
    this.#boundary = next;
  }

  async #extend(last: Segment, lines: Buffer[]): Promise<void> {
    const { tree } = this.#ground;
    const place = [...this.place, last.name];
    try {
      await tree.extend(place, this.lastBytes, Buffer.concat(lines));
    } catch (error) {
      await tree.cut(place, this.lastBytes).catch(() => undefined);
      throw error;
    }
    this.lastBytes += sum(lines);
  }

  /**
   * What an earlier life wrote without living to fsync it is visible but not durable: before anything is built on it, it is.
   * Else a power cut could take entries from the middle.
   */
  async #makeFirm(): Promise<void> {
    const last = this.segments.at(-1);
    if (this.#firm || last === undefined) return;
    await this.#ground.tree.cut([...this.place, last.name], this.lastBytes);
    await this.#ground.tree.seal(this.place);
    this.#firm = true;
  }
}

function sum(parts: readonly Buffer[]): number {
  return parts.reduce((total, { length }) => total + length, 0);
}
