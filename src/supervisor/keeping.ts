/**
 * What outlives the daemon: every session's record and checkpoints. Writes go through the store's bounded queue; nothing here waits
 * for a disk except where a client asked for something durable.
 */
import type { Clock } from "../clock.js";
import { LifeguardError, messageOf } from "../errors.js";
import { Histogram } from "../figures.js";
import type { Log } from "../log.js";
import type { CheckpointRow, RegistryRecord, Store } from "../persistence/store.js";
import type { CheckpointInput } from "./api.js";
import type { Durably } from "./durably.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Hosting } from "./hosting.js";
import { recordOf } from "./remember.js";

interface TerminalCopy {
  offset: number;
  bytes: Uint8Array;
}

export interface KeepingParts {
  store: Store;
  hosting: Hosting;
  events: EventLog;
  durably: Durably;
  clock: Clock;
  log: Log;
}

export class Keeping {
  readonly #p: KeepingParts;
  /** From the decision to save a checkpoint to its being durable. */
  readonly checkpointTimes: Histogram = new Histogram();

  constructor(parts: KeepingParts) {
    this.#p = parts;
  }

  get store(): Store {
    return this.#p.store;
  }

  /** Saves the session's record; the promise is for those who need it durable. Failures mark the session dirty and are logged here. */
  async remember(entry: SessionEntry): Promise<void> {
    entry.dirty = false;
    entry.saving++;
    try {
      await this.#p.store.registry.put(this.#record(entry));
    } catch (error) {
      if (entry.removed) return;
      entry.dirty = true;
      this.#p.log.warn({ session: entry.id, phase: "remember", err: messageOf(error) }, "a session's record was not saved");
      throw error;
    } finally {
      entry.saving--;
    }
  }

  /** The same for those who do not wait: it is retried with the next checkpoint. */
  rememberSoon(entry: SessionEntry): void {
    this.remember(entry).catch(() => undefined);
  }

  /**
   * A checkpoint of now. Periodic and shutdown ones go without the terminal: snapshot and spool make it. Manual and exit ones carry
   * it, because they are meant to outlive the spool.
   */
  async checkpoint(entry: SessionEntry, kind: CheckpointRow["kind"], input: CheckpointInput = {}): Promise<CheckpointRow> {
    const terminal = kind === "manual" || kind === "exit" ? this.#terminal(entry) : Promise.resolve(null);
    // The actor stays until its last screen is here.
    if (kind === "exit") entry.lastScreen = terminal;
    const saved = this.#save(entry, kind, input, terminal);
    if (kind !== "manual") return saved;
    saved.catch(() => undefined);
    // The session's own time for its screen is not the disk's.
    await terminal;
    return this.#p.durably.within(saved, {
      what: `a checkpoint of ${entry.id}`,
      meanwhile: "It may still come to be there: look (checkpoint.list) before saving another.",
    });
  }

  async #save(
    entry: SessionEntry,
    kind: CheckpointRow["kind"],
    input: CheckpointInput,
    taken: Promise<TerminalCopy | null>,
  ): Promise<CheckpointRow> {
    const { store, events, log, clock } = this.#p;
    const began = clock.monotonic();
    entry.dirty = false;
    entry.saving++;
    try {
      // The record is retried until the disk takes it; what was asked for by name is not held up by that, and is refused by name.
      const recorded = this.remember(entry);
      recorded.catch(() => undefined);
      const [terminal] = await Promise.all([taken, kind === "manual" && store.registry.has(entry.id) ? null : recorded]);
      const row = await store.checkpoints.save({
        session: entry.id,
        kind,
        label: input.label ?? null,
        offset: terminal?.offset ?? entry.offset,
        epoch: entry.epoch,
        session_state: entry.state,
        spec: entry.spec,
        terminal: terminal?.bytes ?? null,
        context: input.context ?? null,
        ...defined({ state: input.state, extra: input.extra, tasks_completed: input.tasks_completed, token_count: input.token_count }),
      });
      entry.lastCheckpointAt = row.created_at;
      this.checkpointTimes.observe(clock.monotonic() - began);
      events.append("checkpoint.saved", entry.id, { checkpoint: row.checkpoint, generation: row.generation, reason: kind });
      return row;
    } catch (error) {
      // What was removed meanwhile has nothing to be saved.
      if (!entry.removed) {
        entry.dirty = true;
        log.warn({ session: entry.id, phase: "checkpoint", err: messageOf(error) }, "a checkpoint was not saved");
        events.append("checkpoint.failed", entry.id, { reason: kind, message: messageOf(error) });
      }
      throw error;
    } finally {
      entry.saving--;
    }
  }

  async #terminal(entry: SessionEntry): Promise<TerminalCopy | null> {
    if (entry.actor === null) return null;
    try {
      return await this.#p.hosting.askAgain(entry, "snapshot");
    } catch (error) {
      this.#p.log.info({ session: entry.id, phase: "checkpoint", err: messageOf(error) }, "a checkpoint goes without its terminal");
      return null;
    }
  }

  #record(entry: SessionEntry): RegistryRecord {
    if (entry.asleep) throw new LifeguardError("INTERNAL", `${entry.id} is not in memory`);
    return recordOf(entry);
  }

  /** The summary's thought is the store's. */
  showThought(entry: SessionEntry): void {
    const thought = this.#p.store.thoughts.get(entry.id);
    entry.restWord = thought;
    entry.thought =
      thought === null ? null : { text: thought.text, state: thought.state, source: thought.source, updated_at: thought.updated_at };
  }

  /** Ended sessions that nobody has asked for: their environments leave memory once the record is durable. */
  evict(entries: Iterable<SessionEntry>, idleMs: number): void {
    const { clock, store } = this.#p;
    for (const entry of entries) {
      const quiet = clock.now() - Math.max(entry.stateSince, entry.lastActivityAt, entry.lastCheckpointAt ?? 0);
      if (entry.phase !== "ended" || entry.asleep || entry.dirty || entry.saving > 0 || quiet < idleMs) continue;
      entry.spec.env = {};
      entry.asleep = true;
    }
    store.evictIdle(idleMs);
  }

  /** Brings back what {@link evict} let go of, unchanged. */
  async wake(entry: SessionEntry): Promise<void> {
    if (!entry.asleep) return;
    const record = await this.#p.store.registry.get(entry.id);
    if (!entry.asleep) return;
    entry.spec.env = record.spec.env;
    entry.asleep = false;
  }
}

/** Without the fields that are undefined: left out and undefined differ to the store. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
