/**
 * What a listing says of journals that are not open, so that it opens none: noted as a journal leaves memory, and kept over a
 * restart in a cache beside them. A segment only ever grows, so a note is true as long as the last one has its name and size.
 */
import type { Ground } from "./generations.js";
import type { OpenJournal } from "./open-journal.js";
import { journalPlace } from "./places.js";
import { decodeRecord, encodeRecord } from "./records.js";
import { journalIndexType } from "./record-shapes.js";
import type { JournalTally } from "./record-shapes.js";
import type { Place } from "./tree.js";

const PLACE: Place = ["journals.index"];
const INDEX_BYTES = 64 * 1024 * 1024;
export class JournalIndex {
  readonly #ground: Ground;
  /** Noted in this life: nothing has changed since. */
  readonly #notes = new Map<string, JournalTally>();
  /** As the last life has left them, to be looked at before they are believed; null until it is read. */
  #left: Promise<Map<string, JournalTally>> | null = null;
  #behind = false;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** A journal leaves memory. What is damaged is not noted: whoever lists it is to find that again. */
  note(id: string, journal: OpenJournal): void {
    const tally = tallyOf(journal);
    if (tally === null) return;
    this.#notes.set(id, tally);
    this.#behind = true;
  }

  /** It is opened, or removed: what was noted is not true any more. */
  async forget(id: string): Promise<void> {
    this.#behind = this.#notes.delete(id) || this.#behind;
    if (this.#left !== null) (await this.#left).delete(id);
  }

  /** Null when it has to be opened. @param last its last segment as the start has found it, null without any; undefined once it was open */
  async tally(id: string, last: string | null | undefined): Promise<JournalTally | null> {
    const noted = this.#notes.get(id);
    if (noted !== undefined) return noted;
    if (last === undefined) return null;
    if (last === null) return { id, segment: "", bytes: 0, messages: 0, last_seq: 0, branches: [], updated_at: 0, boundary: null };
    this.#left ??= this.#read();
    const left = (await this.#left).get(id);
    if (left?.segment !== last) return null;
    const there = await this.#ground.tree.inspect([...journalPlace(id), last]);
    if (there?.bytes !== left.bytes) return null;
    this.#notes.set(id, left);
    return left;
  }

  async #read(): Promise<Map<string, JournalTally>> {
    const file = await this.#ground.tree.read(PLACE, { max: INDEX_BYTES }).catch(() => null);
    const reading = file === null ? null : decodeRecord(journalIndexType, file);
    return new Map(reading?.is === "good" ? reading.meta.journals.map((tally) => [tally.id, tally]) : []);
  }

  /**
   * Writes the cache when it is behind; nothing depends on it.
   * @param known ids of all journals with an id of their own
   * @param open those in memory
   */
  async write(known: Iterable<string>, open: readonly [string, OpenJournal][]): Promise<void> {
    const inMemory = new Map(open);
    if (!this.#behind && inMemory.size === 0) return;
    this.#left ??= this.#read();
    const left = await this.#left;
    const journals: JournalTally[] = [];
    for (const id of known) {
      const journal = inMemory.get(id);
      const tally = journal === undefined ? (this.#notes.get(id) ?? left.get(id)) : tallyOf(journal);
      if (tally !== null && tally !== undefined) journals.push(tally);
    }
    await this.#ground.tree.writeCache(PLACE, Buffer.concat(encodeRecord(journalIndexType, { journals })));
    this.#behind = false;
  }
}

function tallyOf(journal: OpenJournal): JournalTally | null {
  const last = journal.segments.at(-1);
  if (journal.unsupported !== null || journal.repairs.length > 0 || journal.pending.length > 0) return null;
  const { id, message_count: messages, last_seq, branches, updated_at, boundary } = journal.head();
  return { id, segment: last?.name ?? "", bytes: journal.lastBytes, messages, last_seq, branches, updated_at, boundary };
}
