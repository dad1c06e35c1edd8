/** Forks: who was made from which checkpoint. While one is active its checkpoint stays. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.js";
import { LifeguardError } from "../errors.js";
import { checkSessionId, checkStoredName, checkUuid } from "./checks.js";
import { Generations } from "./generations.js";
import type { Ground } from "./generations.js";
import { FORKS } from "./places.js";
import type { PersistenceQueue } from "./queue.js";
import { FORK_STATUSES, forkType } from "./record-shapes.js";
import type { Fork, ForkStatus } from "./record-shapes.js";
import type { Forks } from "./store.js";

interface Held {
  fork: Fork;
  files: Generations<Fork>;
}

export interface ForkParts extends Ground {
  queue: PersistenceQueue;
  clock: Clock;
  /** Whose checkpoint it is. @throws NOT_FOUND, DAMAGED */
  sessionOf: (checkpoint: string) => string;
}

export class FileForks implements Forks {
  readonly #parts: ForkParts;
  readonly #held = new Map<string, Held>();
  /** By checkpoint, those that are being written: they protect already. */
  readonly #coming = new Map<string, Fork>();
  #order = 0;

  constructor(parts: ForkParts) {
    this.#parts = parts;
  }

  async load(fork: string, present: readonly number[]): Promise<string | null> {
    const files = new Generations(this.#parts, FORKS, fork, forkType, present);
    const loaded = await files.load((meta) => (meta.fork === fork ? null : "it names another fork"));
    if (loaded === null) return files.unsupported;
    this.#held.set(fork, { fork: loaded.meta, files });
    this.#order = Math.max(this.#order, loaded.meta.order);
    return null;
  }

  async create(input: { checkpoint: string; session: string; forked_session: string; name?: string | null }): Promise<Fork> {
    const { queue, clock, sessionOf } = this.#parts;
    const checkpoint = checkUuid("checkpoint", input.checkpoint);
    const session = checkSessionId(input.session);
    checkSessionId(input.forked_session);
    const name = input.name ?? null;
    if (name !== null) checkStoredName(name);
    const whose = sessionOf(checkpoint);
    if (whose !== session)
      throw new LifeguardError("INVALID_PARAMS", `checkpoint ${checkpoint} is of ${whose}, not of ${session}`, { field: "checkpoint" });
    const now = clock.now();
    const fork: Fork = {
      fork: randomUUID(),
      session,
      checkpoint,
      forked_session: input.forked_session,
      name,
      status: "active",
      created_at: now,
      updated_at: now,
      order: ++this.#order,
    };
    const files = new Generations(this.#parts, FORKS, fork.fork, forkType);
    this.#coming.set(fork.fork, fork);
    try {
      // In the lane of the session whose checkpoint it is: no removal of that checkpoint runs at the same time.
      await queue.put({
        class: "entry",
        lane: session,
        kind: `fork ${fork.fork}`,
        bytes: 0,
        run: async () => {
          sessionOf(checkpoint);
          await files.save(fork);
          this.#held.set(fork.fork, { fork, files });
        },
      });
    } finally {
      this.#coming.delete(fork.fork);
    }
    return fork;
  }

  list(session?: string): Fork[] {
    if (session !== undefined) checkSessionId(session);
    return [...this.#held.values()]
      .map(({ fork }) => fork)
      .filter((fork) => session === undefined || fork.session === session)
      .toSorted((a, b) => b.order - a.order);
  }

  get(fork: string): Fork {
    return this.#find(fork).fork;
  }

  #find(fork: string): Held {
    const held = this.#held.get(checkUuid("fork", fork));
    if (held === undefined) throw new LifeguardError("NOT_FOUND", `no fork ${fork}`, { fork });
    return held;
  }

  async update(fork: string, status: ForkStatus): Promise<Fork> {
    const { queue, clock, sessionOf } = this.#parts;
    if (!FORK_STATUSES.includes(status))
      throw new LifeguardError("INVALID_PARAMS", `status is one of ${FORK_STATUSES.join(", ")}`, { field: "status" });
    const held = this.#find(fork);
    return await queue.put({
      class: "entry",
      lane: held.fork.session,
      kind: `fork ${fork}`,
      bytes: 0,
      run: async () => {
        // Active again only while there is something to protect.
        if (status === "active" && held.fork.status !== "active") sessionOf(held.fork.checkpoint);
        const changed: Fork = { ...held.fork, status, updated_at: Math.max(held.fork.created_at, clock.now()) };
        await held.files.save(changed);
        held.fork = changed;
        return changed;
      },
    });
  }

  protecting(checkpoint: string): Fork[] {
    const all = [...this.#coming.values(), ...[...this.#held.values()].map(({ fork }) => fork)];
    return all.filter((fork) => fork.checkpoint === checkpoint && fork.status === "active");
  }

  /** Why a session cannot go: an active fork of one of its checkpoints. */
  needing(session: string): string | null {
    const fork = [...this.#coming.values(), ...this.list(session)].find((each) => each.session === session && each.status === "active");
    return fork === undefined
      ? null
      : `the active fork ${fork.fork} (${fork.forked_session}) was made from its checkpoint ${fork.checkpoint}`;
  }
}
