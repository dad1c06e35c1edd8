/**
 * The one way a session's output comes in, for the actor and for the keeper alike: page → spool → clean page.
 *
 * ```
 * read(2) fills the page        ┐ a death here: length 0, page dirty   → what lies in the page is appended
 * base = end; length = n        ┤ here: end == base                    → page[0, length) is written at base (again)
 * spool ← page[0, n)            ┤ here: the same, and the write is the same bytes at the same place
 * end = base + n                ┤ here: end == base + length           → the page is only cleaned
 * page ← 0xFF; length = 0       ┘ clean
 * ```
 * Two limits. A thread that is stopped from outside (its heap is full) reads once more without running this code; a read that fills the
 * page is then followed by another one in the same place, and what that overwrites is lost. And bytes 0xFF at the very end of a chunk
 * look like a clean page in the first case. Terminals' output has none (UTF-8 never contains 0xFF), and only a death in the few µs
 * before `length = n` can meet it.
 */
import { PAGE_BYTES, slotOwner } from "./inflight.js";
import type { InflightSlot } from "./inflight.js";
import { Spool } from "./spool.js";
import type { SpoolOptions } from "./spool.js";

/** Output that is in the spool. `bytes` is valid until the next commit in this thread: copy what is kept. */
export interface Taken {
  offset: number;
  bytes: Buffer;
}

/**
 * One per thread. The caller works on this copy, not on the page, so that the page is clean before anything slow or fallible
 * runs: a thread that is stopped in the middle of parsing still makes one turn of its loop, which reads into the page again.
 */
const taken = Buffer.allocUnsafeSlow(PAGE_BYTES);

export class Intake {
  readonly spool: Spool;
  readonly slot: InflightSlot;
  /** Bytes that a death left in the page and that are in the spool now. */
  readonly salvaged: number;

  private constructor(slot: InflightSlot, spool: Spool, ours: boolean) {
    this.slot = slot;
    this.spool = spool;
    this.salvaged = ours ? this.#salvage() : 0;
  }

  /**
   * Opens spool and slot together and salvages at once. A slot that was this session's before says where the spool ends; another
   * one, or one from before a power loss (behind the spool's header), is claimed for it.
   * @throws what {@link Spool.open} throws
   */
  static open(directory: string, slot: InflightSlot, options: SpoolOptions): Intake {
    const owner = slotOwner(directory);
    const known = slot.owner === owner;
    const spool = Spool.open(directory, options, known ? slot.end : null);
    const ours = known && slot.end === spool.end;
    if (!ours) slot.claim(owner, spool.end);
    return new Intake(slot, spool, ours);
  }

  /** Where read(2) puts output: {@link PAGE_BYTES} bytes. */
  get page(): Buffer {
    return this.slot.page;
  }
  get end(): number {
    return this.spool.end;
  }

  /** Takes `length` bytes that were read into the page. The page may be read into again when this returns. */
  commit(length: number): Taken {
    if (!Number.isInteger(length) || length < 0 || length > PAGE_BYTES)
      throw new RangeError(`length must be a whole number from 0 to ${PAGE_BYTES}, got ${length}`);
    const { slot, spool } = this;
    const offset = spool.end;
    if (length === 0) return { offset, bytes: taken.subarray(0, 0) };
    slot.base = offset;
    slot.length = length;
    slot.end = spool.append(slot.page.subarray(0, length));
    slot.page.copy(taken, 0, 0, length);
    slot.clear(length);
    spool.persist();
    return { offset, bytes: taken.subarray(0, length) };
  }

  /** Closes the spool. The slot stays this session's, for whoever reads next. */
  close(): void {
    this.spool.close();
  }

  #salvage(): number {
    const { slot } = this;
    const announced = Math.min(slot.length, PAGE_BYTES);
    const inSpool = announced > 0 && slot.end !== slot.base;
    const left = inSpool ? 0 : announced > 0 ? announced : slot.unannounced;
    if (left > 0) this.commit(left);
    // Not one that is clean: to write it again would make every page of the file dirty at each start.
    if (left > 0 || announced > 0) slot.clear();
    return left;
  }
}
