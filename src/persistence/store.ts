/**
 * What the daemon sees of the store. Two implementations: file-store.ts, and one in memory for tests (test/support/memory-store.ts);
 * test/contract/store.test.ts holds both to the same behaviour.
 *
 * Every `Promise<void>` or value of something that writes resolves when the change is on the disk, and not before. Names of
 * fields that reach clients are as on the wire (docs/protocol.md). All ids, names, labels and branches are checked here too:
 * INVALID_PARAMS. Reading an unknown id is NOT_FOUND, a damaged file DAMAGED, a newer version's file UNSUPPORTED, and a disk
 * that does not answer UNAVAILABLE or the error of the system.
 */
import type { RegistryRecord, SessionRow, StoredThought } from "./record-shapes.js";
import type { Checkpoint, CheckpointRow, Fork, ForkStatus, JournalHead } from "./record-shapes.js";
import type { Damage } from "./quarantine.js";
import type { QueueStats, Trouble } from "./queue.js";
import type { AppendInput, CompactInput, JournalRead, JournalReadOptions } from "./journal-shapes.js";
import type { PublishInput, Published } from "./thought-admission.js";

export type { Damage, QueueStats, Trouble };
export type * from "./record-shapes.js";
export type * from "./journal-shapes.js";
export type { PublishInput, Published };

export interface Store {
  readonly ids: Ids;
  readonly registry: Registry;
  readonly checkpoints: Checkpoints;
  readonly forks: Forks;
  readonly journals: Journals;
  readonly archives: Archives;
  readonly thoughts: Thoughts;
  readonly documents: Documents;
  /** What opening found. */
  readonly recovery: RecoveryReport;
  /** Why writes are not done now; null when they are. */
  readonly trouble: Trouble | null;
  status(): StoreStatus;
  /** Reads every byte of everything and says what it found; moves what is damaged to quarantine. */
  verify(): Promise<VerifyReport>;
  prune(request: PruneRequest): Promise<PruneReport>;
  /** Lets go of what nobody has asked for within `idleMs` and what is durable; answers how many were let go. */
  evictIdle(idleMs: number): number;
  /** Waits for all writes, at most so long. */
  drain(budgetMs: number): Promise<DrainReport>;
  /** After {@link drain}: writes caches, refuses what is left. The store answers UNAVAILABLE from then on. */
  close(): Promise<void>;
}

/** Numbers that are never used twice: greater than every one seen in any file, tombstones included. */
export interface Ids {
  /**
   * The next number. `seen` numbers (the keeper's) are passed over with {@link Ids.seen} first.
   * @returns at once; `durable` resolves when it can no longer be given again, even after a power cut
   */
  mint(kind: IdKind): { number: number; durable: Promise<void> };
  /** Never mint this number or a smaller one. */
  seen(kind: IdKind, number: number): void;
  next(kind: IdKind): number;
}

/** `name` is the counter behind names given to sessions without one. */
export type IdKind = "session" | "journal" | "name";

export interface Registry {
  /** All sessions, one consistent moment, by number. In memory: asks no disk. */
  list(): SessionRow[];
  has(id: string): boolean;
  /** @throws NOT_FOUND, UNSUPPORTED */
  get(id: string): Promise<RegistryRecord>;
  /**
   * Keeps the newest record of a session: newest wins while it waits, unchanged content writes nothing. Values of `env_secret`
   * never reach the disk. The record must not be changed afterwards by the caller.
   * @throws NOT_FOUND when the session has been removed, UNSUPPORTED when a newer version's record is there
   */
  put(record: RegistryRecord): Promise<void>;
  /**
   * Tombstone, then files: record, thought, checkpoints, journal. Files that are not ours stay.
   * @returns false when there was none
   * @throws BUSY naming the fork that needs one of its checkpoints, or with the reason `unless` gave
   */
  remove(id: string, options?: RemoveOptions): Promise<boolean>;
}

export interface RemoveOptions {
  /** Looked at when the delete runs: a reason not to, or null. */
  unless?: () => string | null;
  /** Called on a full disk, once nothing speaks against the removal: what the session has outside the store may go first. */
  makeRoom?: () => Promise<void>;
}

export interface SaveCheckpoint {
  session: string;
  kind: CheckpointRow["kind"];
  label?: string | null;
  /** Left out: the checkpoint that this session was last restored or forked from. */
  parent?: string | null;
  /** Bytes of output since the session began, to which `terminal` belongs. */
  offset: number;
  epoch: number;
  /** The session's own state, `busy`, … */
  session_state: string;
  spec: RegistryRecord["spec"];
  terminal?: Uint8Array | null;
  /** The caller's own, given back as it was. `state` and `extra` are JSON values. */
  state?: unknown;
  extra?: unknown;
  context?: Uint8Array | null;
  tasks_completed?: number;
  token_count?: number;
}

export interface Checkpoints {
  /**
   * Periodic ones: newest wins while waiting, and content equal to the last one's writes nothing and answers with that one's row.
   * @throws NOT_FOUND (session, parent), LIMIT (context), BUSY, STORE_FULL, UNAVAILABLE
   */
  save(input: SaveCheckpoint): Promise<CheckpointRow>;
  /** Newest first, by generation; of one session or of all (then sessions by number). Rows of damaged files are not in it. */
  list(session?: string): Promise<CheckpointRow[]>;
  /** The newest that is good; `skipped` says which newer ones were damaged. @throws NOT_FOUND */
  latest(session: string): Promise<{ checkpoint: Checkpoint; skipped: Damage[] }>;
  /** @throws NOT_FOUND, DAMAGED, UNSUPPORTED */
  get(checkpoint: string): Promise<Checkpoint>;
  /** Whose it is, null when there is none. Asks no disk. */
  ownerOf(checkpoint: string): string | null;
  /** Whether it existed. @throws BUSY naming the active fork that needs it */
  remove(checkpoint: string, options?: { unless?: () => string | null }): Promise<boolean>;
  /** How many there were. Files that are not ours stay. @throws BUSY */
  removeAll(session: string): Promise<number>;
}

export interface Forks {
  /** @throws NOT_FOUND when the checkpoint is not there, INVALID_PARAMS when it is not of `session` */
  create(input: { checkpoint: string; session: string; forked_session: string; name?: string | null }): Promise<Fork>;
  /** Newest first. Of one session: those forked from it. */
  list(session?: string): Fork[];
  get(fork: string): Fork;
  update(fork: string, status: ForkStatus): Promise<Fork>;
  /** The active forks that need this checkpoint. */
  protecting(checkpoint: string): Fork[];
}

export interface Journals {
  /** Always a new one. */
  create(input: { agent: string; created_by: string; title?: string }): Promise<JournalHead>;
  /** The newest of exactly this pair, or a new one. One call at a time per pair: two at once get the same. */
  open(input: { agent: string; created_by: string; title?: string }): Promise<{ head: JournalHead; created: boolean }>;
  /** @throws NOT_FOUND */
  latest(input: { agent: string; created_by: string }): Promise<JournalHead>;
  /** @param id `jrnl_<n>`, or a session's id for its own journal, which is always there */
  get(id: string): Promise<JournalHead>;
  /** Those with an id of their own, newest first. */
  list(): Promise<JournalHead[]>;
  update(id: string, change: { title?: string; summary?: string }): Promise<JournalHead>;
  /** Whether it existed. */
  remove(id: string): Promise<boolean>;
  /** Numbered from 1 in the order of the calls. @throws LIMIT (1 MiB), BUSY, STORE_FULL, UNAVAILABLE: then it is not there */
  append(id: string, entry: AppendInput): Promise<{ seq: number; at: number }>;
  read(id: string, options?: JournalReadOptions): Promise<JournalRead>;
  /** Writes a boundary: replay from it begins after `through` (default: everything before it is summed up). */
  compact(id: string, input: CompactInput): Promise<{ seq: number }>;
}

/** Texts with names. */
export interface Archives {
  put(name: string, text: string): Promise<void>;
  /** @throws NOT_FOUND, DAMAGED */
  get(name: string): Promise<string>;
  has(name: string): boolean;
}

export interface Thoughts {
  /** Moves the watermark only when the update was admitted for saving; answers then, without waiting for the disk. */
  publish(id: string, input: PublishInput): Published;
  get(id: string): StoredThought | null;
  list(): { id: string; thought: StoredThought }[];
}

/** Small values of the daemon's own (the thought engine's configuration), with an optimistic version. */
export interface Documents {
  /** `version` 0 and `value` null when there is none; `problem` says when there was one and it was damaged. */
  get(name: DocumentName): Promise<{ version: number; value: unknown; problem: string | null }>;
  /** @throws BUSY with `data.version` when it is no longer at `version` */
  put(name: DocumentName, value: unknown, version: number): Promise<{ version: number }>;
}

export type DocumentName = "thought-config";

export interface RecoveryReport {
  sessions: number;
  journals: number;
  checkpoints: number;
  /** Files of writes that were under way when the last daemon died. */
  temporaries_swept: number;
  /** Ids whose removal was finished now: their other files (spools) are to go too. */
  removals_finished: string[];
  damaged: Damage[];
  /** Left alone: made by a newer version. */
  unsupported: { path: string; reason: string }[];
  /** Left alone: not ours. */
  foreign: string[];
  ms: number;
}

export interface StoreStatus {
  ok: boolean;
  trouble: string | null;
  queue: QueueStats;
  sessions: number;
  in_memory: { sessions: number; journals: number };
  damaged: Damage[];
  unsupported: { path: string; reason: string }[];
  foreign: string[];
}

export interface VerifyReport {
  /** Files read. */
  checked: number;
  damaged: Damage[];
  unsupported: { path: string; reason: string }[];
  foreign: string[];
}

export interface PruneRequest {
  /** Exited for longer than this: 7 days. */
  olderThanMs: number;
  /** Ended sessions kept; beyond, the longest ended go. What may not go counts, and is passed over. */
  sessionsKept: number;
  /** Periodic checkpoints kept per session; as many of those made at exit and shutdown. */
  periodicKept: number;
  /** Of one exited session, and of all together; beyond, the longest exited go first. Null: no bound. */
  sessionBytes: number | null;
  allBytes: number | null;
  dryRun: boolean;
  /** What the store cannot know. Asked again when each delete runs. */
  keep(id: string): string | null;
  /** Bytes kept for a session outside the store: its spool. */
  bytesOutside?(id: string): number;
  /** Takes a session away, inside the store and outside; the registry's `remove` when left out. */
  remove?(id: string, unless: () => string | null): Promise<boolean>;
  /** Bounds the wait for one removal of a checkpoint. */
  within?<T>(removal: Promise<T>): Promise<T>;
}

export interface PruneReport {
  removed: { kind: "session" | "checkpoint"; id: string; session: string; reason: string; bytes: number }[];
  /** Kept although it was due. */
  kept: { id: string; reason: string }[];
  foreign: string[];
  bytes: number;
}

export interface DrainReport {
  ms: number;
  /** `<session> <kind>`, empty when all is durable. */
  not_saved: string[];
}
