/**
 * A removal begins with a tombstone on the disk and ends without one: whatever dies in between, the next start goes on with it, and
 * no late write brings the dead back.
 */
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

  /** Durable when it resolves. */
  async bury(id: string): Promise<void> {
    if (this.#dead.has(id)) return;
    const files = new Generations(this.#ground, TOMBSTONES, id, tombstoneType);
    await files.save({ id, at: this.#now() });
    this.#dead.set(id, files);
  }

  /** Everything of it has gone, durably. */
  async done(id: string): Promise<void> {
    await this.#dead.get(id)?.remove();
  }
}
