/** The journals: those with an id of their own, found again by who made them, and one of every session. */
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import { checkJournalId, checkLabel, journalNumber } from "./checks.js";
import { Generations, generationsOf } from "./generations.js";
import type { Ground } from "./generations.js";
import type { FileIds } from "./ids.js";
import { IdleCache } from "./idle-cache.js";
import { checkEntry, checkPair, checkSummary, checkTitle } from "./journal-checks.js";
import type { Pair } from "./journal-checks.js";
import { emptyHead, listedHead, pairKey, placed, shownHead } from "./journal-head.js";
import type { ShownHead } from "./journal-head.js";
import { JournalIndex } from "./journal-index.js";
import { readJournal } from "./journal-read.js";
import type { AppendInput, CompactInput, JournalRead, JournalReadOptions } from "./journal-shapes.js";
import { OpenJournal, segmentsOf } from "./open-journal.js";
import type { Pending } from "./open-journal.js";
import { journalPlace } from "./places.js";
import type { PersistenceQueue } from "./queue.js";
import { headType } from "./record-shapes.js";
import type { JournalHead, SessionRow, StoredHead } from "./record-shapes.js";
import { clearJournal } from "./removal.js";
import { encodeEntry } from "./segment.js";
import type { Archives, Journals } from "./store.js";
import type { Tombstones } from "./tombstones.js";

export interface JournalBounds {
  /** Of an entry's JSON. At the bound: LIMIT. */
  entryBytes: number;
  /** Different branches of one journal. At the bound: LIMIT. */
  branches: number;
}

export interface JournalParts extends Ground {
  queue: PersistenceQueue;
  clock: Clock;
  ids: FileIds;
  tombstones: Tombstones;
  archives: Archives;
  bounds: JournalBounds;
  session: (id: string) => SessionRow | undefined;
}

interface Known {
  id: string;
  pair: string;
  files: Generations<StoredHead>;
  /** Null when it could not be read. */
  head: ShownHead | null;
  /** Its last segment at the start, null without any; undefined once it has been open. */
  last: string | null | undefined;
}

export class FileJournals implements Journals {
  readonly #parts: JournalParts;
  /** Those with an id of their own, whose head could be read. */
  readonly #known = new Map<string, Known>();
  readonly #unsupported = new Map<string, string>();
  /** By pair, ids in order of number. */
  readonly #pairs = new Map<string, string[]>();
  readonly #opening = new Map<string, Promise<{ head: JournalHead; created: boolean }>>();
  readonly #open: IdleCache<OpenJournal>;
  readonly #index: JournalIndex;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#index = new JournalIndex(parts);
    this.#open = new IdleCache(() => parts.clock.monotonic());
  }

  get size(): number {
    return this.#known.size;
  }

  get inMemory(): number {
    return this.#open.size;
  }

  /** At the start, by number: reads its head only. */
  async load(id: string, names: readonly string[]): Promise<{ unsupported: string | null }> {
    const files = new Generations(this.#parts, journalPlace(id), "head", headType, generationsOf("head", names));
    const loaded = await files.load(placed(id));
    if (files.unsupported !== null) this.#unsupported.set(id, files.unsupported);
    const last = segmentsOf(names).at(-1)?.name ?? null;
    if (files.unsupported === null && loaded !== null)
      this.#add({ id, pair: pairKey(loaded.meta), files, head: shownHead(loaded.meta), last });
    // A directory without a good head still has its entries: by its id they can be read.
    else if (files.unsupported === null && last !== null) this.#add({ id, pair: "", files, head: null, last });
    return { unsupported: files.unsupported };
  }

  #add(known: Known): void {
    this.#known.set(known.id, known);
    const ids = this.#pairs.get(known.pair) ?? [];
    ids.push(known.id);
    ids.sort((a, b) => (journalNumber(a) ?? 0) - (journalNumber(b) ?? 0));
    this.#pairs.set(known.pair, ids);
  }

  async create(input: Pair & { title?: string }): Promise<JournalHead> {
    const { ids, clock, queue } = this.#parts;
    checkPair(input);
    checkTitle(input.title);
    const { number, durable } = ids.mint("journal");
    const id = `jrnl_${number}`;
    const now = clock.now();
    const head: StoredHead = {
      id,
      agent: input.agent,
      created_by: input.created_by,
      title: input.title ?? "",
      summary: "",
      created_at: now,
      updated_at: now,
    };
    const files = new Generations(this.#parts, journalPlace(id), "head", headType);
    const written = queue.put({
      class: "entry",
      lane: id,
      kind: "journal",
      bytes: 0,
      run: async () => {
        await files.save(head);
      },
    });
    await Promise.all([durable, written]);
    this.#add({ id, pair: pairKey(head), files, head: shownHead(head), last: undefined });
    const journal = new OpenJournal(this.#parts, id, journalPlace(id), head);
    this.#open.set(id, journal);
    return journal.head();
  }

  async open(input: Pair & { title?: string }): Promise<{ head: JournalHead; created: boolean }> {
    checkPair(input);
    const key = pairKey(input);
    const under = this.#opening.get(key);
    if (under !== undefined) return { head: (await under).head, created: false };
    const opening = this.#getOrCreate(input, key).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return await opening;
  }

  async #getOrCreate(input: Pair & { title?: string }, key: string): Promise<{ head: JournalHead; created: boolean }> {
    const newest = this.#pairs.get(key)?.at(-1);
    return newest === undefined ? { head: await this.create(input), created: true } : { head: await this.get(newest), created: false };
  }

  async latest(input: Pair): Promise<JournalHead> {
    checkPair(input);
    const newest = this.#pairs.get(pairKey(input))?.at(-1);
    if (newest === undefined)
      throw new LifeguardError(
        "NOT_FOUND",
        `no journal of agent ${JSON.stringify(input.agent)} created by ${JSON.stringify(input.created_by)}`,
        { ...input },
      );
    return await this.get(newest);
  }

  async get(id: string): Promise<JournalHead> {
    return (await this.#opened(id)).head();
  }

  async list(): Promise<JournalHead[]> {
    const ids = [...this.#known.keys()].toSorted((a, b) => (journalNumber(b) ?? 0) - (journalNumber(a) ?? 0));
    const heads: JournalHead[] = [];
    let opened = 0;
    for (const id of ids) {
      try {
        const there = this.#open.peek(id)?.head() ?? (await this.#closedHead(id));
        if (there === null) opened += 1;
        heads.push(there ?? (await this.get(id)));
      } catch (error) {
        // Removed meanwhile, or not to be read: get() of that one says so, and status has named it.
        if (!(error instanceof Error)) throw error;
      }
    }
    // After a death nobody has written the index: the first listing opens what it needs, for all later ones.
    if (opened > 0) await this.writeIndex().catch(() => undefined);
    return heads;
  }

  /** Of a journal that is not open; null when it must be. */
  async #closedHead(id: string): Promise<JournalHead | null> {
    const known = this.#known.get(id);
    if (known === undefined || known.head === null) return null;
    const tally = await this.#index.tally(id, known.last);
    if (tally === null) return null;
    const { summary } = known.head;
    const head = summary === null ? (await known.files.load(placed(id)))?.meta : { ...known.head, summary };
    return head === undefined ? null : listedHead(head, tally);
  }

  async writeIndex(): Promise<void> {
    await this.#index.write(this.#known.keys(), this.#open.loaded());
  }

  #opened(id: string): Promise<OpenJournal> {
    checkJournalId(id);
    return this.#open.get(id, async () => {
      const { tree, session } = this.#parts;
      const known = this.#known.get(id);
      const row = journalNumber(id) === null ? session(id) : undefined;
      if (known === undefined && row === undefined) {
        const unsupported = this.#unsupported.get(id);
        if (unsupported !== undefined) throw new LifeguardError("UNSUPPORTED", `journal ${id}: ${unsupported}`, { id });
        throw new LifeguardError("NOT_FOUND", `no journal ${id}`, { id });
      }
      await this.#index.forget(id);
      if (known !== undefined) known.last = undefined;
      const place = journalPlace(id);
      const names = ((await tree.list(place)) ?? []).flatMap(({ name, kind }) => (kind === "file" ? [name] : []));
      const files = new Generations(this.#parts, place, "head", headType, generationsOf("head", names));
      const stored = (await files.load(placed(id)))?.meta ?? emptyHead(id, row?.created_at ?? 0);
      const journal = new OpenJournal(this.#parts, id, place, stored);
      journal.unsupported = files.unsupported;
      await journal.load(names);
      return journal;
    });
  }

  async update(id: string, change: { title?: string; summary?: string }): Promise<JournalHead> {
    const { queue, clock } = this.#parts;
    checkTitle(change.title);
    checkSummary(change.summary);
    const journal = await this.#opened(id);
    await queue.put({
      class: "entry",
      lane: id,
      kind: "journal",
      bytes: Buffer.byteLength(change.summary ?? ""),
      run: async () => {
        this.#refuseDead(id);
        if (journal.unsupported !== null) throw new LifeguardError("UNSUPPORTED", `journal ${id}: ${journal.unsupported}`, { id });
        const stored: StoredHead = {
          ...journal.stored,
          title: change.title ?? journal.stored.title,
          summary: change.summary ?? journal.stored.summary,
          updated_at: Math.max(journal.stored.created_at, clock.now()),
        };
        await (await this.#headFiles(id)).save(stored);
        journal.stored = stored;
        const known = this.#known.get(id);
        if (known !== undefined) known.head = shownHead(stored);
      },
    });
    return journal.head();
  }

  async #headFiles(id: string): Promise<Generations<StoredHead>> {
    const known = this.#known.get(id);
    if (known !== undefined) return known.files;
    const names = ((await this.#parts.tree.list(journalPlace(id))) ?? []).map(({ name }) => name);
    return new Generations(this.#parts, journalPlace(id), "head", headType, generationsOf("head", names));
  }

  async remove(id: string): Promise<boolean> {
    const { queue, tombstones, tree, ids } = this.#parts;
    checkJournalId(id);
    if (journalNumber(id) === null)
      throw new LifeguardError("INVALID_PARAMS", `${id} is a session: its journal goes with it`, { field: "id" });
    if (!this.#known.has(id)) {
      if (this.#unsupported.has(id)) await this.#opened(id);
      return false;
    }
    return await queue.put({
      class: "delete",
      lane: id,
      kind: "remove",
      bytes: 0,
      run: async () => {
        const known = this.#known.get(id);
        if (known === undefined) return false;
        await tombstones.bury(id);
        const left = await clearJournal(tree, journalPlace(id));
        await tombstones.done(id, left, () => ids.firm("journal", journalNumber(id) ?? 0));
        this.#known.delete(id);
        await this.#index.forget(id);
        this.#pairs.set(
          known.pair,
          (this.#pairs.get(known.pair) ?? []).filter((other) => other !== id),
        );
        this.#open.delete(id);
        return true;
      },
    });
  }

  /** A session has gone, and its journal with it. */
  forget(id: string): void {
    this.#open.delete(id);
  }

  #refuseDead(id: string): void {
    if (this.#parts.tombstones.has(id))
      throw new LifeguardError("NOT_FOUND", `${id} has been removed: nothing more is saved for it`, { id });
  }

  async append(id: string, entry: AppendInput): Promise<{ seq: number; at: number }> {
    checkEntry(entry);
    const journal = await this.#opened(id);
    const { bounds, clock } = this.#parts;
    if (entry.from !== undefined && (!Number.isSafeInteger(entry.from) || entry.from < 1 || entry.from >= journal.next)) {
      throw new LifeguardError(
        "INVALID_PARAMS",
        `from is the number of an entry that is there (1–${journal.next - 1}), got ${String(entry.from)}`,
        { field: "from" },
      );
    }
    if (entry.branch !== undefined && !journal.hasBranch(entry.branch) && journal.branchCount >= bounds.branches) {
      throw new LifeguardError("LIMIT", `journal ${id} has ${journal.branchCount} branches, at most ${bounds.branches} are kept`, {
        limit: bounds.branches,
      });
    }
    const at = clock.now();
    const { kind, author, branch, from, data } = entry;
    const json = encodeEntry({
      at,
      kind,
      ...(author === undefined ? {} : { author }),
      ...(branch === undefined ? {} : { branch }),
      ...(from === undefined ? {} : { from }),
      data,
    });
    const seq = await this.#append(journal, {
      json,
      at,
      message: kind === "message",
      branch: branch ?? null,
      boundary: null,
      outcome: null,
    });
    return { seq, at };
  }

  async #append(journal: OpenJournal, entry: Pending): Promise<number> {
    const { queue, bounds } = this.#parts;
    const { id } = journal;
    if (entry.json.length > bounds.entryBytes) {
      throw new LifeguardError(
        "LIMIT",
        `an entry has ${entry.json.length} bytes, at most ${bounds.entryBytes} are kept: put large texts into an archive`,
        {
          limit: bounds.entryBytes,
          received: entry.json.length,
        },
      );
    }
    return await queue.put({
      class: "entry",
      lane: id,
      kind: "journal entry",
      bytes: entry.json.length,
      admitted: () => journal.pending.push(entry),
      run: async () => {
        this.#refuseDead(id);
        // The first of those that wait writes them all: one fsync for many.
        if (entry.outcome === null) await journal.flush();
        if (entry.outcome === null) throw new LifeguardError("INTERNAL", `an entry of ${id} was passed over`);
        if ("error" in entry.outcome) throw entry.outcome.error;
        return entry.outcome.seq;
      },
    });
  }

  async read(id: string, options: JournalReadOptions = {}): Promise<JournalRead> {
    if (options.branch !== undefined) checkLabel("branch", options.branch);
    return await readJournal(this.#parts, await this.#opened(id), options);
  }

  async compact(id: string, input: CompactInput): Promise<{ seq: number }> {
    checkLabel("archive", input.archive);
    checkSummary(input.summary);
    const journal = await this.#opened(id);
    const through = input.through ?? null;
    if (through !== null && (!Number.isSafeInteger(through) || through < 0 || through >= journal.next)) {
      throw new LifeguardError(
        "INVALID_PARAMS",
        `through is the number of the last entry summed up (up to ${journal.next - 1}), got ${String(through)}`,
        { field: "through" },
      );
    }
    const at = this.#parts.clock.now();
    const data = { archive: input.archive, summary: input.summary ?? "", ...(through === null ? {} : { through }) };
    const json = encodeEntry({ at, kind: "compact", data });
    return {
      seq: await this.#append(journal, {
        json,
        at,
        message: false,
        branch: null,
        boundary: { archive: input.archive, through },
        outcome: null,
      }),
    };
  }

  evict(idleMs: number): number {
    const gone = this.#open.evict(idleMs, (id) => !this.#parts.queue.pending(id));
    for (const [id, journal] of gone) if (this.#known.has(id)) this.#index.note(id, journal);
    return gone.length;
  }

  /** For verify. */
  ids(): string[] {
    return [...this.#known.keys()];
  }
}
