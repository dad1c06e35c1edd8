/**
 * Numbers that are never given twice: those up to a mark on the disk may be given, and the mark goes ahead of them, so that nobody
 * waits for the disk to get one. What was ahead when the daemon was killed is never given; an orderly end takes the mark back.
 */
import type { Generations } from "./generations.js";
import type { PersistenceQueue } from "./queue.js";
import type { IdKind, Ids } from "./store.js";

type Marks = Record<IdKind, number>;

const KINDS = ["session", "journal", "name"] as const;
/**
 * How far ahead: as many as were given in this life, so that a gap is never the greater part of what was used, and within these.
 * The greatest is what is made in the time of a slow fsync.
 */
const AHEAD = { least: 16, most: 512 };

/** Where one may go on after the newest file is lost: its spare is older by one step ahead, and by those who waited for that step. */
export function pastLostMarks(spare: Marks): Marks {
  return Object.fromEntries(KINDS.map((kind) => [kind, spare[kind] === 0 ? 0 : spare[kind] + 2 * AHEAD.most])) as Marks;
}

const NOTHING_TO_WAIT_FOR = Promise.resolve();

export class FileIds implements Ids {
  readonly #files: Generations<Marks>;
  readonly #queue: PersistenceQueue;
  /** The greatest that was given, or seen. */
  readonly #marks: Marks;
  /** As they are on the disk, or less. */
  #saved: Marks;
  readonly #given: Marks = { session: 0, journal: 0, name: 0 };
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
    this.#given[kind]++;
    const left = this.#saved[kind] - number;
    if (left >= this.#ahead(kind) / 2) return { number, durable: NOTHING_TO_WAIT_FOR };
    const durable = this.#queue.put({
      class: "snapshot",
      lane: "marks",
      kind: "marks",
      // Behind the records of the sessions that have just been made, the next ones would wait for as long as those take together.
      urgent: true,
      bytes: 0,
      run: () => this.#goAhead(),
    });
    // Who does not wait for it has other proof on the disk that the number is taken.
    if (durable !== this.#durable) durable.catch(() => undefined);
    this.#durable = durable;
    return { number, durable: left >= 0 ? NOTHING_TO_WAIT_FOR : durable };
  }

  #ahead(kind: IdKind): number {
    const given = this.#given[kind];
    return given === 0 ? 0 : Math.min(AHEAD.most, Math.max(AHEAD.least, given));
  }

  /** Jobs are joined, so the one that runs sees to all kinds; of two that were not joined, the first has done it. */
  async #goAhead(): Promise<void> {
    await this.#write(() => KINDS.some((kind) => this.#saved[kind] - this.#marks[kind] < this.#ahead(kind) / 2));
  }

  /**
   * Makes sure that this number is not given again, whatever else of it is taken from the disk. Not by way of the queue: a removal,
   * which needs it, is in the queue already.
   */
  firm(kind: IdKind, number: number): Promise<void> {
    this.seen(kind, number);
    return this.#write(() => this.#saved[kind] < number);
  }

  #write(needed: () => boolean): Promise<void> {
    const write = async (): Promise<void> => {
      if (!needed()) return;
      // As they are when it runs: all that were minted meanwhile are saved with one write.
      const marks = { ...this.#marks };
      for (const kind of KINDS) marks[kind] = Math.max(this.#saved[kind], marks[kind] + this.#ahead(kind));
      await this.#files.save(marks);
      this.#saved = marks;
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  /** For an orderly end: the next life goes on with the next number. What is minted from now on waits for the disk again. */
  settle(): Promise<void> {
    const settle = async (): Promise<void> => {
      if (KINDS.every((kind) => this.#saved[kind] === this.#marks[kind])) return;
      // Before the write: nothing is given on the word of a mark that is being taken back.
      this.#saved = { ...this.#marks };
      for (const kind of KINDS) this.#given[kind] = 0;
      await this.#files.save(this.#saved);
    };
    this.#writing = this.#writing.then(settle, settle);
    return this.#writing;
  }

  seen(kind: IdKind, number: number): void {
    this.#marks[kind] = Math.max(this.#marks[kind], number);
  }

  next(kind: IdKind): number {
    return this.#marks[kind] + 1;
  }
}
