/** The store on a disk: built here from left to right, opened by looking at everything once. */
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import { FileArchives } from "./archives.js";
import { FileCheckpoints } from "./checkpoints.js";
import { FileDocuments } from "./documents.js";
import type { FileLayer } from "./file-layer.js";
import { openingFiles, realFiles } from "./file-layer.js";
import { FileForks } from "./forks.js";
import { Generations, generationsOf } from "./generations.js";
import { FileIds, pastLostMarks } from "./ids.js";
import { FileJournals } from "./journals.js";
import type { DamageListener } from "./quarantine.js";
import { Quarantine } from "./quarantine.js";
import { PersistenceQueue } from "./queue.js";
import type { QueueListener } from "./queue.js";
import { formatType, marksType } from "./record-shapes.js";
import { Recovery } from "./recovery.js";
import { FileRegistry } from "./registry.js";
import { prune } from "./retention.js";
import type { DrainReport, PruneReport, PruneRequest, RecoveryReport, Store, StoreStatus, Trouble, VerifyReport } from "./store.js";
import { FileThoughts } from "./thoughts.js";
import { Tombstones } from "./tombstones.js";
import { Tree } from "./tree.js";
import { verify } from "./verify.js";

const KIB = 1024;
const MIB = 1024 * KIB;

export interface StoreBounds {
  /** Writes admitted and not yet durable, and their bytes. At the bound: snapshots wait, entries are BUSY. */
  queueItems: number;
  queueBytes: number;
  /** Writes at once: of libuv's threads, two that hang leave the rest of the daemon running (facts.md 23). */
  concurrency: number;
  /** Wait after a write that the disk refused: doubles from the first to the second figure. */
  retryMs: number;
  retryMaxMs: number;
  /** A write under way for so long: the disk hangs, `store.degraded`. */
  stalledMs: number;
  /** A checkpoint's context as given. At the bound: LIMIT. */
  contextBytes: number;
  /** A checkpoint's state, extra and spec as JSON. At the bound: LIMIT. */
  detailBytes: number;
  /** Periodic checkpoints per session. The oldest goes when a newer one is durable. */
  periodicKept: number;
  journalEntryBytes: number;
  journalBranches: number;
  archiveBytes: number;
}

export const DEFAULT_BOUNDS: StoreBounds = {
  queueItems: 256,
  queueBytes: 64 * MIB,
  concurrency: 2,
  retryMs: 250,
  retryMaxMs: 5_000,
  stalledMs: 10_000,
  contextBytes: 16 * MIB,
  detailBytes: 4 * MIB,
  periodicKept: 10,
  journalEntryBytes: MIB,
  journalBranches: 1_000,
  archiveBytes: 16 * MIB,
};

export interface StoreListener extends QueueListener {
  damaged: DamageListener;
}

export interface FileStoreOptions {
  /** Made when absent, 0700; its parent must be there. Nobody else may have it open: the daemon's lock sees to that. */
  directory: string;
  clock: Clock;
  listener: StoreListener;
  bounds?: Partial<StoreBounds>;
  files?: FileLayer;
}

const LAYOUT = 1;

interface Parts {
  tree: Tree;
  quarantine: Quarantine;
  queue: PersistenceQueue;
  clock: Clock;
  ids: FileIds;
  registry: FileRegistry;
  checkpoints: FileCheckpoints;
  forks: FileForks;
  journals: FileJournals;
  archives: FileArchives;
  thoughts: FileThoughts;
  documents: FileDocuments;
}

export class FileStore implements Store {
  readonly ids: FileIds;
  readonly registry: FileRegistry;
  readonly checkpoints: FileCheckpoints;
  readonly forks: FileForks;
  readonly journals: FileJournals;
  readonly archives: FileArchives;
  readonly thoughts: FileThoughts;
  readonly documents: FileDocuments;
  readonly recovery: RecoveryReport;
  readonly #parts: Parts;

  private constructor(parts: Parts, recovery: RecoveryReport) {
    this.#parts = parts;
    this.ids = parts.ids;
    this.registry = parts.registry;
    this.checkpoints = parts.checkpoints;
    this.forks = parts.forks;
    this.journals = parts.journals;
    this.archives = parts.archives;
    this.thoughts = parts.thoughts;
    this.documents = parts.documents;
    this.recovery = recovery;
  }

  /** @throws UNSUPPORTED when a newer version made the directory; FORBIDDEN when it is a symbolic link; the error of the disk */
  static async open(options: FileStoreOptions): Promise<FileStore> {
    const { clock, listener } = options;
    const began = clock.monotonic();
    const bounds: StoreBounds = { ...DEFAULT_BOUNDS, ...options.bounds };
    const tree = new Tree(options.files ?? realFiles, options.directory, options.files ?? openingFiles);
    await tree.makeRoot();
    const quarantine = new Quarantine(tree, clock, (damage) => listener.damaged(damage));
    const ground = { tree, quarantine };
    const names = ((await tree.list([])) ?? []).flatMap(({ name, kind }) => (kind === "file" ? [name] : []));
    await checkFormat(new Generations(ground, [], "format", formatType, generationsOf("format", names)));
    const marks = new Generations(ground, [], "marks", marksType, generationsOf("marks", names));
    const present = marks.newest;
    const loaded = await marks.load();
    const minted =
      loaded === null ? { session: 0, journal: 0, name: 0 } : loaded.generation < present ? pastLostMarks(loaded.meta) : loaded.meta;

    const { queueItems: items, queueBytes: bytes, concurrency, retryMs, retryMaxMs, stalledMs } = bounds;
    const queue = new PersistenceQueue({ items, bytes, concurrency, retryMs, retryMaxMs, stalledMs, clock, listener });
    const shared = { ...ground, queue, clock };
    const ids = new FileIds(marks, queue, minted);
    const tombstones = new Tombstones(ground, () => clock.now());
    const forks: FileForks = new FileForks({ ...shared, sessionOf: (checkpoint) => checkpoints.sessionOf(checkpoint) });
    const registry: FileRegistry = new FileRegistry({
      ...shared,
      tombstones,
      ids,
      needed: (id) => forks.needing(id),
      forget: (id) => {
        checkpoints.forget(id);
        thoughts.forget(id);
        journals.forget(id);
      },
    });
    const has = (id: string): boolean => registry.has(id) && !tombstones.has(id);
    const checkpoints: FileCheckpoints = new FileCheckpoints({
      ...shared,
      bounds: { contextBytes: bounds.contextBytes, detailBytes: bounds.detailBytes, kept: bounds.periodicKept },
      record: (session) => registry.get(session),
      has,
      protecting: (checkpoint) => forks.protecting(checkpoint),
    });
    const thoughts = new FileThoughts({ ...shared, has });
    const archives = new FileArchives({ ...shared, bytes: bounds.archiveBytes });
    const documents = new FileDocuments(ground, queue);
    const journals: FileJournals = new FileJournals({
      ...shared,
      ids,
      tombstones,
      archives,
      bounds: { entryBytes: bounds.journalEntryBytes, branches: bounds.journalBranches },
      session: (id) => (has(id) ? registry.row(id) : undefined),
    });

    const recovery = new Recovery({ ...ground, ids, tombstones, registry, thoughts, checkpoints, forks, archives, documents, journals });
    await recovery.run();
    tree.opened();
    const parts: Parts = { tree, quarantine, queue, clock, ids, registry, checkpoints, forks, journals, archives, thoughts, documents };
    return new FileStore(parts, {
      ...recovery.report,
      sessions: registry.size,
      journals: journals.size,
      checkpoints: checkpoints.size,
      damaged: quarantine.damages(),
      ms: Math.round(clock.monotonic() - began),
    });
  }

  get trouble(): Trouble | null {
    return this.#parts.queue.trouble;
  }

  status(): StoreStatus {
    const { queue, quarantine, registry, journals } = this.#parts;
    const damaged = quarantine.damages();
    return {
      ok: queue.trouble === null && damaged.length === 0,
      trouble: queue.trouble?.reason ?? null,
      queue: queue.stats(),
      sessions: registry.size,
      in_memory: { sessions: registry.inMemory, journals: journals.inMemory },
      damaged,
      unsupported: this.recovery.unsupported,
      foreign: this.recovery.foreign,
    };
  }

  verify(): Promise<VerifyReport> {
    return verify({ ...this.#parts, foreign: () => this.recovery.foreign });
  }

  prune(request: PruneRequest): Promise<PruneReport> {
    return prune({ ...this.#parts, foreign: () => this.recovery.foreign }, request);
  }

  evictIdle(idleMs: number): number {
    return this.registry.evict(idleMs) + this.journals.evict(idleMs);
  }

  async drain(budgetMs: number): Promise<DrainReport> {
    const { queue, clock } = this.#parts;
    const began = clock.monotonic();
    const notSaved = await queue.drain(budgetMs);
    return { ms: Math.round(clock.monotonic() - began), not_saved: notSaved };
  }

  async close(): Promise<void> {
    const { queue, ids, checkpoints, journals } = this.#parts;
    const clean = queue.trouble === null && !queue.busy;
    queue.close();
    // On a disk in trouble a cache is not worth waiting for.
    if (!clean) return;
    await ids.settle().catch(() => undefined);
    await journals.writeIndex().catch(() => undefined);
    for (const shelf of checkpoints.shelves()) await shelf.writeIndex().catch(() => undefined);
  }
}

/** The first file that is read and the first that is written: a directory of a newer layout is not touched at all. */
async function checkFormat(format: Generations<{ layout: number }>): Promise<void> {
  const loaded = await format.load();
  const reason =
    format.unsupported ??
    (loaded !== null && loaded.meta.layout > LAYOUT ? `its layout is ${loaded.meta.layout}, this version knows ${LAYOUT}` : null);
  if (reason !== null)
    throw new LifeguardError(
      "UNSUPPORTED",
      `the store was made by a newer lifeguard: ${reason}; start that version, or move the directory away`,
    );
  if (loaded === null) await format.save({ layout: LAYOUT });
}
