/** Numbers that are never given twice: the counter is on the disk before anybody may rely on it. */
import type { Generations } from "./generations.js";
import type { PersistenceQueue } from "./queue.js";
import type { IdKind, Ids } from "./store.js";

type Marks = Record<IdKind, number>;

export class FileIds implements Ids {
  readonly #files: Generations<Marks>;
  readonly #queue: PersistenceQueue;
  readonly #marks: Marks;
  /** As they are on the disk. */
  #saved: Marks;
  /** The write under way; the next one begins after it. */
  #writing: Promise<void> = Promise.resolve();
  #durable: Promise<void> | null = null;

  constructor(files: Generations<Marks>, queue: PersistenceQueue, marks: Marks) {
    this.#files = files;
    this.#queue = queue;
    this.#marks = { ...marks };
    this.#saved = { ...marks };
  }

  mint(kind: IdKind): { number: number; durable: Promise<void> } {
    const number = ++this.#marks[kind];
    const durable = this.#queue.put({ class: "snapshot", lane: "marks", kind: "marks", bytes: 0, run: () => this.#firmAll() });
    // Who does not wait for it has other proof on the disk that the number is taken.
    if (durable !== this.#durable) durable.catch(() => undefined);
    this.#durable = durable;
    return { number, durable };
  }

  /** Jobs of different kinds are joined, so the one that runs saves all. */
  async #firmAll(): Promise<void> {
    for (const kind of ["session", "journal", "name"] as const) await this.firm(kind, this.#marks[kind]);
  }

  /**
   * Makes sure that this number is not given again, whatever else of it is taken from the disk. Not by way of the queue: a removal,
   * which needs it, is in the queue already.
   */
  firm(kind: IdKind, number: number): Promise<void> {
    this.seen(kind, number);
    const write = async (): Promise<void> => {
      if (this.#saved[kind] >= number) return;
      // As they are when it runs: all that were minted meanwhile are saved with one write.
      const marks = { ...this.#marks };
      await this.#files.save(marks);
      this.#saved = marks;
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  seen(kind: IdKind, number: number): void {
    this.#marks[kind] = Math.max(this.#marks[kind], number);
  }

  next(kind: IdKind): number {
    return this.#marks[kind] + 1;
  }
}
