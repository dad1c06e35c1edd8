/** Numbers that are never given twice: the counter is on the disk before anybody may rely on it. */
import type { Generations } from "./generations.js";
import type { PersistenceQueue } from "./queue.js";
import type { IdKind, Ids } from "./store.js";

type Marks = Record<IdKind, number>;

export class FileIds implements Ids {
  readonly #files: Generations<Marks>;
  readonly #queue: PersistenceQueue;
  readonly #marks: Marks;
  #durable: Promise<void> | null = null;

  constructor(files: Generations<Marks>, queue: PersistenceQueue, marks: Marks) {
    this.#files = files;
    this.#queue = queue;
    this.#marks = { ...marks };
  }

  mint(kind: IdKind): { number: number; durable: Promise<void> } {
    const number = ++this.#marks[kind];
    const durable = this.#queue.put({
      class: "snapshot",
      lane: "marks",
      kind: "marks",
      bytes: 0,
      // As they are when it runs: all that were minted meanwhile are saved with one write.
      run: async () => void (await this.#files.save({ ...this.#marks })),
    });
    // Who does not wait for it has other proof on the disk that the number is taken.
    if (durable !== this.#durable) durable.catch(() => undefined);
    this.#durable = durable;
    return { number, durable };
  }

  seen(kind: IdKind, number: number): void {
    this.#marks[kind] = Math.max(this.#marks[kind], number);
  }

  next(kind: IdKind): number {
    return this.#marks[kind] + 1;
  }
}
