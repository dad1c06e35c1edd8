/** What clients may ask about checkpoints, forks, journals, thoughts and the store: checked, and handed to store and lifecycle. */
import type { Config } from "../config.js";
import { LifeguardError } from "../errors.js";
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
import { checkName, type SessionSpec, type SessionSummary } from "../session.js";
import type { ThinkingApi } from "../thoughts/thinking.js";
import type { Caller, CheckpointInput, KeepingApi } from "./api.js";
import type { Clock } from "../clock.js";
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
}

export class KeepingRequests implements KeepingApi {
  readonly #p: KeepingRequestsParts;

  constructor(parts: KeepingRequestsParts) {
    this.#p = parts;
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

  removeCheckpoint(checkpoint: string): Promise<boolean> {
    return this.#p.keeping.store.checkpoints.remove(checkpoint);
  }

  async restoreCheckpoint(checkpoint: string, options: { force: boolean }, caller: Caller): Promise<SessionSummary> {
    const { table, lifecycle, keeping, config, clock } = this.#p;
    const from = await keeping.store.checkpoints.get(checkpoint);
    const entry = table.byId(from.session);
    this.#p.guard.refuse(entry, caller, "restore");
    if (entry.live && entry.phase !== "retiring") {
      if (!options.force) {
        throw new LifeguardError(
          "BUSY",
          `session ${entry.id} (${entry.spec.name}) is live: kill it first, or pass force to end it and go back to the checkpoint`,
          { state: entry.state },
        );
      }
      await lifecycle.kill(entry, config.session.kill_grace_ms);
    }
    await keeping.wake(entry);
    // Secrets are never on the disk: what this daemon still has of them stays.
    const secrets = Object.fromEntries(Object.entries(entry.spec.env).filter(([name]) => entry.spec.envSecret.includes(name)));
    Object.assign(entry.spec, from.spec, { env: { ...from.spec.env, ...secrets } });
    entry.parentCheckpoint = checkpoint;
    await lifecycle.restart(entry);
    await keeping.remember(entry);
    return entry.summary(clock.now());
  }

  async forkCheckpoint(
    checkpoint: string,
    options: { name: string | undefined; cwd: string | undefined },
  ): Promise<{ fork: Fork; session: SessionSummary }> {
    const { table, lifecycle, keeping, clock, config } = this.#p;
    const { store } = keeping;
    const from = await store.checkpoints.get(checkpoint);
    const spec: SessionSpec = {
      ...from.spec,
      env: { ...from.spec.env },
      labels: { ...from.spec.labels },
      name: this.#name(options.name),
      cwd: options.cwd ?? from.spec.cwd,
    };
    const entry = await lifecycle.create(spec);
    entry.parentCheckpoint = checkpoint;
    try {
      await keeping.remember(entry);
      const fork = await store.forks.create({ checkpoint, session: from.session, forked_session: entry.id, name: options.name ?? null });
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
      await lifecycle.remove(entry);
      throw error;
    }
  }

  #name(given: string | undefined): string {
    const { table } = this.#p;
    if (given === undefined) return table.mintName();
    const checked = checkName(given);
    if ("problem" in checked) throw new LifeguardError("INVALID_PARAMS", checked.problem, { field: "name" });
    table.claim(checked.name, null);
    return checked.name;
  }

  listForks(id: string | null): Fork[] {
    return id === null ? this.#p.keeping.store.forks.list() : this.#p.keeping.store.forks.list(id);
  }

  updateFork(fork: string, status: ForkStatus): Promise<Fork> {
    return this.#p.keeping.store.forks.update(fork, status);
  }

  // ---- journals and thoughts ------------------------------------------------------------------------------------------

  get journals(): Journals {
    return this.#p.keeping.store.journals;
  }

  get archives(): Archives {
    return this.#p.keeping.store.archives;
  }

  get thinking(): ThinkingApi {
    return this.#p.thinking;
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
