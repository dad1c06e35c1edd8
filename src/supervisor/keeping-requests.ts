/** What clients may ask about checkpoints, forks, journals, thoughts and the store: checked, and handed to store and lifecycle. */
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import type {
  Archives,
  Checkpoint,
  CheckpointRow,
  Damage,
  Fork,
  ForkStatus,
  Journals,
  PruneReport,
  PublishInput,
  StoreStatus,
  StoredThought,
  VerifyReport,
} from "../persistence/store.js";
import { type SessionSpec, type SessionSummary } from "../session.js";
import type { ThinkingApi } from "../thoughts/thinking.js";
import type { Caller, CheckpointInput, KeepingApi } from "./api.js";
import { boundedArchives, boundedJournals } from "./bounded-journals.js";
import type { Clock } from "../clock.js";
import type { Log } from "../log.js";
import type { Durably } from "./durably.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Keeping } from "./keeping.js";
import type { Lifecycle } from "./lifecycle.js";
import type { Retention } from "./retention.js";
import type { SelfGuard } from "./self-guard.js";
import type { SessionTable } from "./table.js";

export interface KeepingRequestsParts {
  config: Config;
  clock: Clock;
  table: SessionTable;
  events: EventLog;
  lifecycle: Lifecycle;
  keeping: Keeping;
  retention: Retention;
  guard: SelfGuard;
  thinking: ThinkingApi;
  durably: Durably;
  log: Log;
}

export class KeepingRequests implements KeepingApi {
  readonly journals: Journals;
  readonly archives: Archives;
  readonly #p: KeepingRequestsParts;

  constructor(parts: KeepingRequestsParts) {
    this.#p = parts;
    this.journals = boundedJournals(parts.keeping.store.journals, parts.durably);
    this.archives = boundedArchives(parts.keeping.store.archives, parts.durably);
  }

  // ---- checkpoints ----------------------------------------------------------------------------------------------------

  async saveCheckpoint(id: string, input: CheckpointInput): Promise<CheckpointRow> {
    const entry = this.#p.table.byId(id);
    await this.#p.keeping.wake(entry);
    return this.#p.keeping.checkpoint(entry, "manual", input);
  }

  listCheckpoints(id: string | null): Promise<CheckpointRow[]> {
    return id === null ? this.#p.keeping.store.checkpoints.list() : this.#p.keeping.store.checkpoints.list(id);
  }

  latestCheckpoint(id: string): Promise<{ checkpoint: Checkpoint; skipped: Damage[] }> {
    return this.#p.keeping.store.checkpoints.latest(id);
  }

  getCheckpoint(checkpoint: string): Promise<Checkpoint> {
    return this.#p.keeping.store.checkpoints.get(checkpoint);
  }

  removeCheckpoint(checkpoint: string, caller: Caller): Promise<boolean> {
    const { table, keeping, guard, durably } = this.#p;
    const entry = table.find(keeping.store.checkpoints.ownerOf(checkpoint) ?? "");
    if (entry !== null) guard.refuse(entry, caller, "remove a checkpoint of");
    return durably.within(keeping.store.checkpoints.remove(checkpoint), {
      what: `the removal of checkpoint ${checkpoint}`,
      meanwhile: "It goes on by itself.",
    });
  }

  async restoreCheckpoint(checkpoint: string, options: { force: boolean }, caller: Caller): Promise<SessionSummary> {
    const { table, lifecycle, keeping, durably, config, clock, log } = this.#p;
    const from = await keeping.store.checkpoints.get(checkpoint);
    const entry = table.byId(from.session);
    this.#p.guard.refuse(entry, caller, "restore");
    if (entry.live) {
      if (!options.force) {
        throw new LifeguardError(
          "BUSY",
          `session ${entry.id} (${entry.spec.name}) is live: kill it first, or pass force (--force) to end it and go back to the checkpoint`,
          { state: entry.state },
        );
      }
      await lifecycle.kill(entry, config.session.kill_grace_ms);
    }
    await keeping.wake(entry);
    // Secrets are never on the disk: what this daemon still has of them stays.
    const secrets = Object.fromEntries(Object.entries(entry.spec.env).filter(([name]) => entry.spec.envSecret.includes(name)));
    table.respecify(entry, { ...from.spec, env: { ...from.spec.env, ...secrets } });
    entry.parentCheckpoint = checkpoint;
    await lifecycle.restart(entry);
    const saved = keeping.remember(entry);
    saved.catch(() => undefined);
    // What was asked for is done: it runs. A disk that refuses is no reason to say anything else.
    const reason = await durably.unlessTrouble(saved);
    if (reason !== null)
      log.warn({ session: entry.id, phase: "restore", err: reason }, "a restored session's record is not on the disk yet");
    return entry.summary(clock.now());
  }

  async forkCheckpoint(
    checkpoint: string,
    options: { name: string | undefined; cwd: string | undefined },
    caller: Caller,
  ): Promise<{ fork: Fork; session: SessionSummary }> {
    const { table, lifecycle, keeping, durably, guard } = this.#p;
    const from = await keeping.store.checkpoints.get(checkpoint);
    const parent = table.find(from.session);
    if (parent !== null) guard.refuse(parent, caller, "fork");
    const spec: SessionSpec = {
      ...from.spec,
      env: { ...from.spec.env },
      labels: { ...from.spec.labels },
      name: table.nameForNew(options.name),
      cwd: options.cwd ?? from.spec.cwd,
    };
    const entry = await lifecycle.create(spec);
    entry.parentCheckpoint = checkpoint;
    keeping.rememberSoon(entry);
    return durably.within(this.#fork(entry, from, options.name ?? null), {
      what: `the fork of checkpoint ${checkpoint}`,
      meanwhile: `Its session ${entry.id} runs; it becomes the fork when the disk takes it, and is removed when the disk refuses.`,
    });
  }

  async #fork(entry: SessionEntry, from: Checkpoint, name: string | null): Promise<{ fork: Fork; session: SessionSummary }> {
    const { table, lifecycle, keeping, clock, config, log } = this.#p;
    try {
      const fork = await keeping.store.forks.create({
        checkpoint: from.checkpoint,
        session: from.session,
        forked_session: entry.id,
        name,
      });
      // Its state is the checkpoint's: its own first checkpoint says so, and survives the parent's.
      await keeping.checkpoint(entry, "manual", {
        ...(from.label === null ? {} : { label: from.label }),
        state: from.state,
        extra: from.extra,
        ...(from.context === null ? {} : { context: from.context }),
        tasks_completed: from.tasks_completed,
        token_count: from.token_count,
      });
      return { fork, session: table.byId(entry.id).summary(clock.now()) };
    } catch (error) {
      // A fork that is not registered would not protect its checkpoint: better none at all.
      await lifecycle.kill(entry, config.session.kill_grace_ms);
      await lifecycle
        .remove(entry)
        .catch((left: unknown) => log.warn({ session: entry.id, phase: "fork", err: messageOf(left) }, "a failed fork is still there"));
      throw error;
    }
  }

  listForks(id: string | null): Fork[] {
    return id === null ? this.#p.keeping.store.forks.list() : this.#p.keeping.store.forks.list(id);
  }

  updateFork(fork: string, status: ForkStatus): Promise<Fork> {
    return this.#p.durably.within(this.#p.keeping.store.forks.update(fork, status), {
      what: `the status of fork ${fork}`,
      meanwhile: "It may still come to be there: look (listing the forks) before changing it again.",
    });
  }

  // ---- journals and thoughts ------------------------------------------------------------------------------------------

  get thinking(): ThinkingApi {
    const { thinking, durably } = this.#p;
    return {
      configuration: () => thinking.configuration(),
      configure: (change) =>
        durably.within(thinking.configure(change), {
          what: "the thought configuration",
          meanwhile: "It counts as soon as it is there: look (thought.config.get) before changing it again.",
        }),
      test: (change, signal) => thinking.test(change, signal),
    };
  }

  publishThought(id: string, input: PublishInput): { accepted: boolean; reason?: string } {
    const { table, keeping, events } = this.#p;
    const entry = table.byId(id);
    const published = keeping.store.thoughts.publish(id, input);
    if (!published.accepted) return { accepted: false, reason: published.reason };
    keeping.showThought(entry);
    events.append("session.thought", id, { thought: entry.thought, degraded: published.degraded });
    return { accepted: true };
  }

  getThought(id: string): StoredThought | null {
    return this.#p.keeping.store.thoughts.get(id);
  }

  listThoughts(): { id: string; thought: StoredThought }[] {
    return this.#p.keeping.store.thoughts.list();
  }

  // ---- the store ------------------------------------------------------------------------------------------------------

  storeStatus(): StoreStatus {
    return this.#p.keeping.store.status();
  }

  verifyStore(): Promise<VerifyReport> {
    return this.#p.keeping.store.verify();
  }

  pruneStore(request: { olderThanMs: number | undefined; dryRun: boolean }): Promise<PruneReport> {
    return this.#p.retention.run(request);
  }
}
