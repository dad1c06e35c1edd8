/** The sessions: a row of each in memory, the record with its environment on the disk and in memory while it is asked for. */
import { hash } from "node:crypto";
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import type { SessionSpec } from "../session.js";
import { sessionNumber } from "../session.js";
import { checkLabels, checkSessionId, checkStoredName, checkUuid } from "./checks.js";
import { Generations } from "./generations.js";
import type { Ground } from "./generations.js";
import type { FileIds } from "./ids.js";
import { IdleCache } from "./idle-cache.js";
import { sessionPlace } from "./places.js";
import { promised } from "./queue.js";
import type { Job, PersistenceQueue } from "./queue.js";
import { registryType } from "./record-shapes.js";
import type { RegistryRecord, SessionRow } from "./record-shapes.js";
import { clearSession } from "./removal.js";
import type { Registry, RemoveOptions } from "./store.js";
import type { Tombstones } from "./tombstones.js";

interface Known {
  row: SessionRow;
  files: Generations<RegistryRecord>;
  /** Of the content on the disk. */
  digest: string | null;
  /** Put and not yet on the disk. */
  newest: RegistryRecord | null;
}

export interface RegistryParts extends Ground {
  queue: PersistenceQueue;
  clock: Clock;
  tombstones: Tombstones;
  ids: FileIds;
  /** Why this session's checkpoints are needed; null when they are not. */
  needed: (id: string) => string | null;
  /** After its files have gone. */
  forget: (id: string) => void;
}

export class FileRegistry implements Registry {
  readonly #parts: RegistryParts;
  readonly #known = new Map<string, Known>();
  readonly #unsupported = new Map<string, string>();
  readonly #records: IdleCache<RegistryRecord>;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#records = new IdleCache(() => parts.clock.monotonic());
  }

  get size(): number {
    return this.#known.size;
  }

  get inMemory(): number {
    return this.#records.size;
  }

  /** Reads what is in a session's directory. True when it is a session of ours. */
  async load(id: string, present: readonly number[]): Promise<{ record: RegistryRecord | null; unsupported: string | null }> {
    const files = new Generations(this.#parts, sessionPlace(id), "record", registryType, present);
    const loaded = await files.load(placed(id));
    if (files.unsupported !== null) {
      this.#unsupported.set(id, files.unsupported);
      return { record: null, unsupported: files.unsupported };
    }
    if (loaded === null) return { record: null, unsupported: null };
    this.#known.set(id, { row: rowOf(loaded.meta), files, digest: digestOf(loaded.meta), newest: null });
    this.#records.set(id, loaded.meta);
    return { record: loaded.meta, unsupported: null };
  }

  /** A record made from something else; the next put writes it. */
  adopt(record: RegistryRecord): void {
    const files = new Generations(this.#parts, sessionPlace(record.id), "record", registryType);
    this.#known.set(record.id, { row: rowOf(record), files, digest: null, newest: record });
  }

  /** Its file was found damaged: what is in memory is written again. */
  async rewrite(id: string): Promise<void> {
    const known = this.#known.get(id);
    const record = known?.newest ?? this.#records.peek(id);
    if (known === undefined || record === undefined) return;
    known.digest = null;
    await this.put(record);
  }

  list(): SessionRow[] {
    return [...this.#known.values()].map(({ row }) => row).toSorted((a, b) => (sessionNumber(a.id) ?? 0) - (sessionNumber(b.id) ?? 0));
  }

  has(id: string): boolean {
    return this.#known.has(checkSessionId(id));
  }

  row(id: string): SessionRow | undefined {
    return this.#known.get(id)?.row;
  }

  async get(id: string): Promise<RegistryRecord> {
    const known = this.#find(id);
    return known.newest ?? (await this.#records.get(id, () => this.#read(id, known)));
  }

  #find(id: string): Known {
    const known = this.#known.get(checkSessionId(id));
    if (known !== undefined) return known;
    const unsupported = this.#unsupported.get(id);
    if (unsupported !== undefined) throw new LifeguardError("UNSUPPORTED", `${id}: ${unsupported}`, { session: id });
    throw new LifeguardError("NOT_FOUND", `no session ${id} in the store`, { session: id });
  }

  async #read(id: string, known: Known): Promise<RegistryRecord> {
    const loaded = await known.files.load(placed(id));
    if (loaded === null)
      throw new LifeguardError("DAMAGED", `the record of ${id} cannot be read any more: see store.status`, { session: id });
    return loaded.meta;
  }

  put(given: RegistryRecord): Promise<void> {
    return promised(() => this.#put(given));
  }

  #put(given: RegistryRecord): Promise<void> {
    const { queue, tombstones } = this.#parts;
    const id = checkSessionId(given.id);
    checkStoredName(given.spec.name);
    checkLabels(given.spec.labels);
    if (given.parent_checkpoint !== null) checkUuid("parent_checkpoint", given.parent_checkpoint);
    if (this.#unsupported.has(id)) this.#find(id);
    if (tombstones.has(id)) throw new LifeguardError("NOT_FOUND", `${id} has been removed: nothing more is saved for it`, { session: id });
    const record: RegistryRecord = { ...given, spec: withoutSecrets(given.spec) };
    let known = this.#known.get(id);
    if (known === undefined) {
      known = {
        row: rowOf(record),
        files: new Generations(this.#parts, sessionPlace(id), "record", registryType),
        digest: null,
        newest: record,
      };
      this.#known.set(id, known);
    }
    this.#parts.ids.seen("session", sessionNumber(id) ?? 0);
    const held = known;
    held.row = rowOf(record);
    held.newest = record;
    this.#records.set(id, record);
    // The record is found through `held` when it runs: an older one is not kept waiting.
    return queue.put(this.#job(id, held));
  }

  #job(id: string, held: Known): Job<void> {
    return { class: "snapshot", lane: id, kind: "record", bytes: 0, run: () => this.#save(id, held) };
  }

  async #save(id: string, known: Known): Promise<void> {
    const record = known.newest;
    if (record === null) return;
    if (this.#parts.tombstones.has(id))
      throw new LifeguardError("NOT_FOUND", `${id} has been removed: nothing more is saved for it`, { session: id });
    const digest = digestOf(record);
    if (digest !== known.digest) {
      await known.files.save(record);
      known.digest = digest;
    }
    if (known.newest === record) known.newest = null;
  }

  async remove(id: string, options: RemoveOptions = {}): Promise<boolean> {
    const { queue, tombstones, tree, ids, needed, forget } = this.#parts;
    checkSessionId(id);
    if (this.#unsupported.has(id)) this.#find(id);
    if (!this.#known.has(id)) return false;
    return await queue.put({
      class: "delete",
      lane: id,
      kind: "remove",
      bytes: 0,
      run: async () => {
        if (!this.#known.has(id)) return false;
        const reason = tombstones.has(id) ? null : (options.unless?.() ?? needed(id));
        if (reason !== null) throw new LifeguardError("BUSY", `${id} is not removed: ${reason}`, { session: id });
        await tombstones.bury(id, options.makeRoom);
        const left = await clearSession(tree, sessionPlace(id));
        await tombstones.done(id, left, () => ids.firm("session", sessionNumber(id) ?? 0));
        // Last, because each of the steps may have to be tried again.
        this.#known.delete(id);
        this.#records.delete(id);
        forget(id);
        return true;
      },
    });
  }

  /** Lets go of records of exited sessions; live ones are asked for all the time. */
  evict(idleMs: number): number {
    return this.#records.evict(idleMs, (id) => this.#known.get(id)?.row.state === "exited" && !this.#parts.queue.pending(id)).length;
  }
}

function placed(id: string): (record: RegistryRecord) => string | null {
  return (record) => (record.id === id ? null : `it says it is ${JSON.stringify(record.id.slice(0, 40))} and lies in the place of ${id}`);
}

/** Never trusted to the caller: what is named secret does not reach the disk. */
function withoutSecrets(spec: SessionSpec): SessionSpec {
  const secret = new Set(spec.envSecret);
  return { ...spec, env: Object.fromEntries(Object.entries(spec.env).filter(([name]) => !secret.has(name))) };
}

function digestOf(record: RegistryRecord): string {
  return hash("sha256", JSON.stringify(record), "base64");
}

function rowOf(record: RegistryRecord): SessionRow {
  return {
    id: record.id,
    name: record.spec.name,
    labels: record.spec.labels,
    state: record.state,
    created_at: record.created_at,
    last_activity_at: record.last_activity_at,
    exit: record.exit,
    epoch: record.epoch,
    offset: record.offset,
    pinned: record.pinned,
    conversation_id: record.conversation_id,
  };
}
