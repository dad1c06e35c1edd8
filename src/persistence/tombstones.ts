/**
 * A removal begins with a tombstone on the disk and ends without one: whatever dies in between, the next start goes on with it, and
 * no late write brings the dead back.
 */
import { isFull } from "./file-layer.js";
import { Generations } from "./generations.js";
import type { Ground } from "./generations.js";
import { TOMBSTONES } from "./places.js";
import { tombstoneType } from "./record-shapes.js";

export class Tombstones {
  readonly #ground: Ground;
  readonly #now: () => number;
  /** Those removed in this life stay known after their tombstone has gone. */
  readonly #dead = new Map<string, Generations<{ id: string; at: number }>>();

  constructor(ground: Ground, now: () => number) {
    this.#ground = ground;
    this.#now = now;
  }

  has(id: string): boolean {
    return this.#dead.has(id);
  }

  /** From an earlier life. The name alone says it: a damaged tombstone is still one. */
  found(id: string, present: readonly number[]): void {
    this.#dead.set(id, new Generations(this.#ground, TOMBSTONES, id, tombstoneType, present));
  }

  /**
   * Durable when it resolves. Also on a disk without room, where removing is how room is made: the tombstone is an empty file then.
   * @param makeRoom what may go of it before that, when not even a name could be written
   */
  async bury(id: string, makeRoom?: () => Promise<void>): Promise<void> {
    if (this.#dead.has(id)) return;
    const files = new Generations(this.#ground, TOMBSTONES, id, tombstoneType);
    try {
      await files.save({ id, at: this.#now() });
    } catch (error) {
      if (!isFull(error)) throw error;
      await makeRoom?.();
      await files.saveName();
    }
    this.#dead.set(id, files);
  }

  /**
   * Everything of it has gone, durably. Where there is no room to note that its number is taken, the tombstone stays: its name says
   * the same, and the next start goes on here.
   * @param left what stayed because it is not ours: the tombstone stays with it
   * @param firm notes the number
   */
  async done(id: string, left: readonly string[], firm: () => Promise<void>): Promise<void> {
    try {
      await firm();
    } catch (error) {
      if (isFull(error)) return;
      throw error;
    }
    if (left.length === 0) await this.#dead.get(id)?.remove();
  }
}
