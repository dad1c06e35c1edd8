/** Checkpoints of all sessions: save, list, find, take away, keep as many as the policy says. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import { sessionNumber } from "../session.js";
import { contentDigest, decodeCheckpoint, encodeCheckpoint, encodeDetails } from "./checkpoint-file.js";
import { checkLabel, checkSessionId, checkUuid } from "./checks.js";
import type { Ground } from "./generations.js";
import { checkpointsPlace } from "./places.js";
import type { Damage } from "./quarantine.js";
import { promised } from "./queue.js";
import type { PersistenceQueue } from "./queue.js";
import { CHECKPOINT_KINDS } from "./record-shapes.js";
import type { Checkpoint, CheckpointKind, CheckpointRow, Fork, RegistryRecord } from "./record-shapes.js";
import { Shelf } from "./shelf.js";
import type { Shelved } from "./shelf.js";
import type { Checkpoints, SaveCheckpoint } from "./store.js";

export interface CheckpointBounds {
  /** Of a context as given. At the bound: LIMIT. */
  contextBytes: number;
  /** Of `state`, `extra` and the spec together, as JSON. At the bound: LIMIT. */
  detailBytes: number;
  /** Periodic ones kept per session, and as many made at exit and shutdown; the oldest goes when a newer one is on the disk. */
  kept: number;
}

export interface CheckpointParts extends Ground {
  queue: PersistenceQueue;
  clock: Clock;
  bounds: CheckpointBounds;
  record: (session: string) => Promise<RegistryRecord>;
  has: (session: string) => boolean;
  protecting: (checkpoint: string) => Fork[];
}

/** Kinds that the policy keeps together. */
export const GROUPS: Record<CheckpointKind, readonly CheckpointKind[]> = {
  periodic: ["periodic"],
  exit: ["exit", "shutdown"],
  shutdown: ["exit", "shutdown"],
  manual: [],
};

const FILE_BYTES = 128 * 1024 * 1024;

export class FileCheckpoints implements Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #shelves = new Map<string, Shelf>();
  readonly #sessionOf = new Map<string, string>();
  readonly #damaged = new Map<string, Damage>();

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#sessionOf.size;
  }

  /** What lies in a session's directory; answers what is not ours. */
  found(session: string, names: Iterable<string>): string[] {
    const shelf = this.shelf(session);
    const foreign = shelf.found(names);
    for (const { uuid } of shelf.files()) this.#sessionOf.set(uuid, session);
    return foreign;
  }

  /** From quarantine: so that it is DAMAGED and not merely unknown. */
  foundDamaged(uuid: string, damage: Damage): void {
    this.#damaged.set(uuid, damage);
  }

  shelf(session: string): Shelf {
    let shelf = this.#shelves.get(session);
    if (shelf === undefined) this.#shelves.set(session, (shelf = new Shelf(this.#parts, session)));
    return shelf;
  }

  forget(session: string): void {
    for (const { uuid } of this.#shelves.get(session)?.files() ?? []) this.#sessionOf.delete(uuid);
    this.#shelves.delete(session);
  }

  save(input: SaveCheckpoint): Promise<CheckpointRow> {
    return promised(() => this.#save(input));
  }

  #save(input: SaveCheckpoint): Promise<CheckpointRow> {
    const { queue, bounds, tree, clock, record, has } = this.#parts;
    const session = checkSessionId(input.session);
    if (!CHECKPOINT_KINDS.includes(input.kind))
      throw new LifeguardError("INVALID_PARAMS", `kind is one of ${CHECKPOINT_KINDS.join(", ")}`, { field: "kind" });
    if (input.label !== undefined && input.label !== null) checkLabel("label", input.label);
    if (!has(session)) throw new LifeguardError("NOT_FOUND", `no session ${session} in the store`, { session });
    const contextBytes = input.context?.byteLength ?? 0;
    if (contextBytes > bounds.contextBytes) throw tooLarge("context", contextBytes, bounds.contextBytes);
    const details = encodeDetails(input);
    if (details.length > bounds.detailBytes)
      throw tooLarge("state, extra and the session's spec together", details.length, bounds.detailBytes);
    if (input.parent !== undefined && input.parent !== null) this.#find(input.parent);
    let start: { checkpoint: string; generation: number } | undefined;
    return queue.put({
      class: input.kind === "manual" ? "entry" : "snapshot",
      lane: session,
      kind: `checkpoint ${input.kind}`,
      bytes: contextBytes + details.length + (input.terminal?.byteLength ?? 0),
      run: async () => {
        const held = await record(session);
        const shelf = this.shelf(session);
        const content = await contentDigest(input, details);
        if (input.kind === "periodic") {
          const same = await this.#lastPeriodic(shelf, content);
          if (same !== null) return same;
        }
        // Once per save, not per try: a try that failed late may have left its file under this very name.
        start ??= { checkpoint: randomUUID(), generation: shelf.nextGeneration() };
        const parent = input.parent === undefined ? held.parent_checkpoint : input.parent;
        const { row, parts } = await encodeCheckpoint(input, { ...start, parent, created_at: clock.now() }, details, content);
        await tree.write(shelf.place({ uuid: row.checkpoint, generation: row.generation, kind: row.kind }), parts);
        shelf.add(row, content);
        this.#sessionOf.set(row.checkpoint, session);
        await this.#thin(shelf, GROUPS[input.kind], bounds.kept);
        return row;
      },
    });
  }

  /** Reads one file at most: what a periodic save costs does not depend on how many there are. */
  async #lastPeriodic(shelf: Shelf, content: string): Promise<CheckpointRow | null> {
    const newest = shelf.newest();
    if (newest?.kind !== "periodic") return null;
    const damage = await shelf.know(newest);
    if (damage !== null) this.#lost(newest, damage);
    return newest.row !== null && newest.content === content ? newest.row : null;
  }

  #lost(file: Shelved, damage: Damage): void {
    this.#sessionOf.delete(file.uuid);
    this.#damaged.set(file.uuid, damage);
  }

  /** Only once a newer one is on the disk. What cannot be taken away now is tried again with the next one. */
  async #thin(shelf: Shelf, group: readonly CheckpointKind[], kept: number): Promise<void> {
    for (const file of this.surplus(shelf, group, kept)) {
      try {
        await this.#parts.tree.unlink(shelf.place(file));
      } catch {
        return;
      }
      this.#off(shelf, file);
    }
  }

  /** Oldest first; by name alone. The newest is never one of them. */
  surplus(shelf: Shelf, group: readonly CheckpointKind[], kept: number): Shelved[] {
    if (group.length === 0) return [];
    const due = shelf.ofKinds(group).slice(0, -Math.max(1, kept));
    return due.filter(({ uuid, unsupported }) => unsupported === null && this.#parts.protecting(uuid).length === 0);
  }

  #off(shelf: Shelf, file: Shelved): void {
    shelf.delete(file.uuid);
    this.#sessionOf.delete(file.uuid);
  }

  async #complete(shelf: Shelf): Promise<void> {
    for (const { file, damage } of await shelf.complete()) this.#lost(file, damage);
  }

  async list(session?: string): Promise<CheckpointRow[]> {
    if (session !== undefined && !this.#parts.has(checkSessionId(session)))
      throw new LifeguardError("NOT_FOUND", `no session ${session} in the store`, { session });
    const sessions =
      session === undefined ? [...this.#shelves.keys()].toSorted((a, b) => (sessionNumber(a) ?? 0) - (sessionNumber(b) ?? 0)) : [session];
    const rows: CheckpointRow[] = [];
    for (const each of sessions) {
      const shelf = this.#shelves.get(each);
      if (shelf === undefined) continue;
      await this.#complete(shelf);
      for (const { row } of shelf.files()) if (row !== null) rows.push(row);
    }
    return rows;
  }

  async latest(session: string): Promise<{ checkpoint: Checkpoint; skipped: Damage[] }> {
    if (!this.#parts.has(checkSessionId(session))) throw new LifeguardError("NOT_FOUND", `no session ${session} in the store`, { session });
    return await this.newest(session);
  }

  /** {@link latest}, also of a session whose record is lost. */
  async newest(session: string): Promise<{ checkpoint: Checkpoint; skipped: Damage[] }> {
    const skipped: Damage[] = [];
    const shelf = this.shelf(session);
    for (const file of shelf.files()) {
      try {
        return { checkpoint: await this.#read(shelf, file), skipped };
      } catch (error) {
        const damage = this.#damaged.get(file.uuid);
        if (damage === undefined && !(error instanceof LifeguardError && (error.name === "UNSUPPORTED" || error.name === "NOT_FOUND")))
          throw error;
        if (damage !== undefined) skipped.push(damage);
      }
    }
    throw new LifeguardError(
      "NOT_FOUND",
      `${session} has no checkpoint${skipped.length > 0 ? ` that is not damaged (${skipped.length} are)` : ""}`,
      { session },
    );
  }

  #find(checkpoint: string): { shelf: Shelf; file: Shelved } {
    const session = this.#sessionOf.get(checkUuid("checkpoint", checkpoint));
    const file = session === undefined ? undefined : this.shelf(session).file(checkpoint);
    if (session !== undefined && file !== undefined) return { shelf: this.shelf(session), file };
    const damage = this.#damaged.get(checkpoint);
    if (damage !== undefined) throw damagedError(checkpoint, damage);
    throw new LifeguardError("NOT_FOUND", `no checkpoint ${checkpoint}`, { checkpoint });
  }

  /** Whose it is. @throws NOT_FOUND, DAMAGED */
  sessionOf(checkpoint: string): string {
    return this.#find(checkpoint).shelf.session;
  }

  ownerOf(checkpoint: string): string | null {
    return this.#sessionOf.get(checkUuid("checkpoint", checkpoint)) ?? null;
  }

  async get(checkpoint: string): Promise<Checkpoint> {
    const { shelf, file } = this.#find(checkpoint);
    return await this.#read(shelf, file);
  }

  async #read(shelf: Shelf, file: Shelved): Promise<Checkpoint> {
    const { tree, quarantine } = this.#parts;
    const place = shelf.place(file);
    const bytes = await tree.read(place, { max: FILE_BYTES, whole: true });
    if (bytes === null) {
      this.#off(shelf, file);
      throw new LifeguardError("NOT_FOUND", `no checkpoint ${file.uuid}: its file is gone`, { checkpoint: file.uuid });
    }
    const reading = await decodeCheckpoint(bytes, shelf.session, file);
    if (reading.is === "good") return reading.checkpoint;
    if (reading.is === "unsupported")
      throw new LifeguardError("UNSUPPORTED", `checkpoint ${file.uuid}: ${reading.reason}`, { checkpoint: file.uuid });
    const damage = await quarantine.take(place, "checkpoint", reading.reason);
    this.#off(shelf, file);
    this.#damaged.set(file.uuid, damage);
    throw damagedError(file.uuid, damage);
  }

  async remove(checkpoint: string, options: { unless?: () => string | null } = {}): Promise<boolean> {
    const session = this.#sessionOf.get(checkUuid("checkpoint", checkpoint));
    if (session === undefined) return false;
    const { queue, tree } = this.#parts;
    return await queue.put({
      class: "delete",
      lane: session,
      kind: `remove checkpoint ${checkpoint}`,
      bytes: 0,
      run: async () => {
        const shelf = this.#shelves.get(session);
        const file = shelf?.file(checkpoint);
        if (shelf === undefined || file === undefined) return false;
        this.#refuseNeeded(checkpoint);
        const reason = options.unless?.() ?? null;
        if (reason !== null) throw new LifeguardError("BUSY", `checkpoint ${checkpoint} is not removed: ${reason}`, { checkpoint });
        await tree.unlink(shelf.place(file));
        await tree.seal(checkpointsPlace(session));
        this.#off(shelf, file);
        return true;
      },
    });
  }

  #refuseNeeded(checkpoint: string): void {
    const [fork] = this.#parts.protecting(checkpoint);
    if (fork !== undefined) {
      throw new LifeguardError(
        "BUSY",
        `checkpoint ${checkpoint} is needed by the active fork ${fork.fork} (${fork.forked_session}): say what became of it first, with fork.update (lifeguard api call fork.update '{"fork":"${fork.fork}","status":"abandoned"}')`,
        {
          checkpoint,
          fork: fork.fork,
        },
      );
    }
  }

  async removeAll(session: string): Promise<number> {
    const { queue, tree, has } = this.#parts;
    if (!has(checkSessionId(session))) throw new LifeguardError("NOT_FOUND", `no session ${session} in the store`, { session });
    return await queue.put({
      class: "delete",
      lane: session,
      kind: "remove checkpoints",
      bytes: 0,
      run: async () => {
        const shelf = this.shelf(session);
        const files = shelf.files();
        for (const { uuid } of files) this.#refuseNeeded(uuid);
        for (const file of files) await tree.unlink(shelf.place(file));
        if (files.length > 0) await tree.seal(checkpointsPlace(session));
        for (const file of files) this.#off(shelf, file);
        return files.length;
      },
    });
  }

  /** For verify and close. */
  shelves(): Shelf[] {
    return [...this.#shelves.values()];
  }

  async readFile(shelf: Shelf, file: Shelved): Promise<void> {
    await this.#read(shelf, file);
  }
}

function tooLarge(field: string, received: number, limit: number): LifeguardError {
  return new LifeguardError("LIMIT", `${field} has ${received} bytes, at most ${limit} are kept`, { field, received, limit });
}

function damagedError(checkpoint: string, damage: Damage): LifeguardError {
  return new LifeguardError("DAMAGED", `checkpoint ${checkpoint} is damaged: ${damage.reason}; checkpoint.latest has the one before it`, {
    checkpoint,
    path: damage.path,
    reason: damage.reason,
    ...(damage.quarantined_to === undefined ? {} : { quarantined_to: damage.quarantined_to }),
  });
}
