/** The store without a disk: what test/contract/store.test.ts holds the one on a disk to, said in as few words as possible. */
import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "../../src/clock.js";
import { LifeguardError } from "../../src/errors.js";
import { checkLabel, checkLabels, checkSessionId, checkStoredName, checkUuid } from "../../src/persistence/checks.js";
import type {
  Checkpoint,
  CheckpointRow,
  Checkpoints,
  Documents,
  Fork,
  Forks,
  Ids,
  PruneReport,
  PruneRequest,
  Registry,
  RegistryRecord,
  SessionRow,
  Store,
  StoreStatus,
  Thoughts,
} from "../../src/persistence/store.js";
import { memoryJournals } from "./memory-journals.js";
import type { World } from "./memory-journals.js";
import { checkPublish, merge, passes } from "../../src/persistence/thought-admission.js";
import { sessionNumber } from "../../src/session.js";

export { World } from "./memory-journals.js";

const MIB = 1024 * 1024;
const copy = <T>(value: T): T => structuredClone(value);
const no = (what: string): LifeguardError => new LifeguardError("NOT_FOUND", `no ${what}`);
const invalid = (field: string): LifeguardError => new LifeguardError("INVALID_PARAMS", `${field} is not right`, { field });
const limit = (what: string): LifeguardError => new LifeguardError("LIMIT", `${what} is too large`);

export function memoryStore(world: World, clock: Clock, kept = 10): Store {
  /** Until the next start; ids are never minted again, so nobody has them then. */
  const dead = new Set<string>();
  const live = (id: string): RegistryRecord => {
    const found = world.records.get(checkSessionId(id));
    if (found === undefined) throw no(`session ${id}`);
    return found;
  };
  const active = (checkpoint: string): Fork | undefined =>
    world.forks.find((fork) => fork.checkpoint === checkpoint && fork.status === "active");
  const find = (checkpoint: string): Checkpoint => {
    const found = world.checkpoints.find((each) => each.checkpoint === checkUuid("checkpoint", checkpoint));
    if (found === undefined) throw no(`checkpoint ${checkpoint}`);
    return found;
  };
  const forget = (checkpoint: string): boolean => {
    const found = world.checkpoints.findIndex((each) => each.checkpoint === checkUuid("checkpoint", checkpoint));
    if (found < 0) return false;
    if (active(checkpoint) !== undefined) throw new LifeguardError("BUSY", "an active fork needs it");
    world.checkpoints.splice(found, 1);
    return true;
  };
  const rowOf = (checkpoint: Checkpoint): CheckpointRow => {
    const { session_state: _, spec: __, state: ___, extra: ____, context: _____, terminal: ______, ...row } = checkpoint;
    return row;
  };

  const ids: Ids = {
    mint: (kind) => ({ number: ++world.marks[kind], durable: Promise.resolve() }),
    seen: (kind, number) => void (world.marks[kind] = Math.max(world.marks[kind], number)),
    next: (kind) => world.marks[kind] + 1,
  };

  const registry: Registry = {
    list: () =>
      [...world.records.values()]
        .toSorted((a, b) => (sessionNumber(a.id) ?? 0) - (sessionNumber(b.id) ?? 0))
        .map((each): SessionRow => ({
          id: each.id,
          name: each.spec.name,
          labels: each.spec.labels,
          state: each.state,
          created_at: each.created_at,
          last_activity_at: each.last_activity_at,
          exit: each.exit,
          epoch: each.epoch,
          offset: each.offset,
          pinned: each.pinned,
          conversation_id: each.conversation_id,
        })),
    has: (id) => world.records.has(checkSessionId(id)),
    get: async (id) => copy(live(id)),
    put: async (given) => {
      checkSessionId(given.id);
      checkStoredName(given.spec.name);
      checkLabels(given.spec.labels);
      if (dead.has(given.id)) throw no(`session ${given.id} any more`);
      const env = Object.fromEntries(Object.entries(given.spec.env).filter(([name]) => !given.spec.envSecret.includes(name)));
      world.records.set(given.id, copy({ ...given, spec: { ...given.spec, env } }));
      ids.seen("session", sessionNumber(given.id) ?? 0);
    },
    remove: async (id, options = {}) => {
      if (!world.records.has(checkSessionId(id))) return false;
      const fork = world.forks.find((each) => each.session === id && each.status === "active");
      const reason = options.unless?.() ?? (fork === undefined ? null : `fork ${fork.fork}`);
      if (reason !== null) throw new LifeguardError("BUSY", reason);
      dead.add(id);
      world.records.delete(id);
      world.thoughts.delete(id);
      world.journals.delete(id);
      world.checkpoints = world.checkpoints.filter((each) => each.session !== id);
      return true;
    },
  };

  const same = (a: Checkpoint, b: Checkpoint): boolean => {
    const content = (each: Checkpoint): string =>
      JSON.stringify({
        ...each,
        checkpoint: 0,
        generation: 0,
        created_at: 0,
        parent: 0,
        context: each.context?.toString("hex"),
        terminal: each.terminal?.toString("hex"),
      });
    return content(a) === content(b);
  };
  const checkpoints: Checkpoints = {
    save: async (input) => {
      const held = live(input.session);
      if (input.label !== undefined && input.label !== null) checkLabel("label", input.label);
      if ((input.context?.byteLength ?? 0) > 16 * MIB) throw limit("context");
      if (input.parent !== undefined && input.parent !== null) find(input.parent);
      const ofSession = world.checkpoints.filter((each) => each.session === input.session);
      const newest = ofSession.at(-1);
      const context = input.context === undefined || input.context === null ? null : Buffer.from(input.context);
      const terminal = input.terminal === undefined || input.terminal === null ? null : Buffer.from(input.terminal);
      const saved: Checkpoint = {
        checkpoint: randomUUID(),
        session: input.session,
        generation: (newest?.generation ?? 0) + 1,
        kind: input.kind,
        label: input.label ?? null,
        parent: input.parent === undefined ? held.parent_checkpoint : input.parent,
        created_at: clock.now(),
        epoch: input.epoch,
        offset: input.offset,
        tasks_completed: input.tasks_completed ?? 0,
        token_count: input.token_count ?? 0,
        state_size_bytes: Buffer.byteLength(JSON.stringify(input.state ?? null)),
        context_bytes: context?.length ?? 0,
        context_stored_bytes: context?.length ?? 0,
        codec: "none",
        checksum: context === null ? null : createHash("sha256").update(context).digest("hex"),
        terminal_bytes: terminal?.length ?? 0,
        bytes: 0,
        session_state: input.session_state,
        spec: copy(input.spec),
        state: copy(input.state ?? null),
        extra: copy(input.extra ?? null),
        context,
        terminal,
      };
      if (newest?.kind === "periodic" && saved.kind === "periodic" && same(newest, saved)) return rowOf(newest);
      world.checkpoints.push(saved);
      if (saved.kind !== "manual") {
        const group = saved.kind === "periodic" ? ["periodic"] : ["exit", "shutdown"];
        const mine = world.checkpoints.filter((each) => each.session === input.session && group.includes(each.kind));
        for (const old of mine.slice(0, -kept)) if (active(old.checkpoint) === undefined) forget(old.checkpoint);
      }
      return rowOf(saved);
    },
    list: async (session) => {
      if (session !== undefined) live(session);
      return world.checkpoints
        .filter((each) => session === undefined || each.session === session)
        .toSorted((a, b) => (sessionNumber(a.session) ?? 0) - (sessionNumber(b.session) ?? 0) || b.generation - a.generation)
        .map(rowOf);
    },
    latest: async (session) => {
      live(session);
      const newest = world.checkpoints.findLast((each) => each.session === session);
      if (newest === undefined) throw no(`checkpoint of ${session}`);
      return { checkpoint: newest, skipped: [] };
    },
    get: async (checkpoint) => find(checkpoint),
    ownerOf: (checkpoint) => world.checkpoints.find((each) => each.checkpoint === checkUuid("checkpoint", checkpoint))?.session ?? null,
    remove: async (checkpoint, options = {}) => {
      const reason = options.unless?.() ?? null;
      if (reason !== null) throw new LifeguardError("BUSY", reason);
      return forget(checkpoint);
    },
    removeAll: async (session) => {
      live(session);
      const mine = world.checkpoints.filter((each) => each.session === session);
      if (mine.some(({ checkpoint }) => active(checkpoint) !== undefined)) throw new LifeguardError("BUSY", "an active fork needs one");
      for (const { checkpoint } of mine) forget(checkpoint);
      return mine.length;
    },
  };

  const forks: Forks = {
    create: async ({ checkpoint, session, forked_session, name = null }) => {
      checkUuid("checkpoint", checkpoint);
      checkSessionId(session);
      checkSessionId(forked_session);
      if (name !== null) checkStoredName(name);
      if (find(checkpoint).session !== session) throw invalid("checkpoint");
      const now = clock.now();
      const fork: Fork = {
        fork: randomUUID(),
        session,
        checkpoint,
        forked_session,
        name,
        status: "active",
        created_at: now,
        updated_at: now,
        order: world.forks.length + 1,
      };
      world.forks.push(fork);
      return fork;
    },
    list: (session) => world.forks.filter((each) => session === undefined || each.session === checkSessionId(session)).toReversed(),
    get: (fork) => {
      const found = world.forks.find((each) => each.fork === checkUuid("fork", fork));
      if (found === undefined) throw no(`fork ${fork}`);
      return found;
    },
    update: async (fork, status) => {
      if (!["active", "merged", "abandoned", "archived"].includes(status)) throw invalid("status");
      const found = forks.get(fork);
      if (status === "active" && found.status !== "active") find(found.checkpoint);
      const changed: Fork = { ...found, status, updated_at: clock.now() };
      world.forks = world.forks.map((each) => (each.fork === fork ? changed : each));
      return changed;
    },
    protecting: (checkpoint) => world.forks.filter((each) => each.checkpoint === checkpoint && each.status === "active"),
  };

  const { journals, archives } = memoryJournals(world, clock, ids, live);

  const thoughts: Thoughts = {
    publish: (id, input) => {
      checkPublish(input);
      live(id);
      const old = world.thoughts.get(id) ?? null;
      const reason = passes(old?.watermark ?? null, input);
      if (reason !== null) return { accepted: false, reason };
      const thought = merge(old, input, clock.now());
      world.thoughts.set(id, thought);
      return { accepted: true, thought, degraded: false, durable: Promise.resolve() };
    },
    get: (id) => world.thoughts.get(checkSessionId(id)) ?? null,
    list: () =>
      [...world.thoughts]
        .map(([id, thought]) => ({ id, thought }))
        .toSorted((a, b) => (sessionNumber(a.id) ?? 0) - (sessionNumber(b.id) ?? 0)),
  };

  const documents: Documents = {
    get: async (name) => ({ version: 0, value: null, problem: null, ...world.documents.get(name) }),
    put: async (name, value, version) => {
      const at = world.documents.get(name)?.version ?? 0;
      if (at !== version) throw new LifeguardError("BUSY", "another version", { version: at });
      world.documents.set(name, { version: at + 1, value: copy(value) });
      return { version: at + 1 };
    },
  };

  const prune = async (request: PruneRequest): Promise<PruneReport> => {
    const report: PruneReport = { removed: [], kept: [], foreign: [], bytes: 0 };
    const age = ({ exit, last_activity_at: last }: SessionRow): number => Math.max(0, clock.now() - (exit?.at ?? last));
    const ended = registry.list().filter(({ state }) => state === "exited");
    let left = ended.length;
    for (const row of ended.toSorted((a, b) => age(b) - age(a))) {
      const { id, pinned } = row;
      if (age(row) <= request.olderThanMs && left <= request.sessionsKept) continue;
      const fork = world.forks.find((each) => each.session === id && each.status === "active");
      const reason = pinned ? "it is pinned" : fork === undefined ? request.keep(id) : `fork ${fork.fork}`;
      if (reason !== null) {
        report.kept.push({ id, reason });
        continue;
      }
      if (!request.dryRun) await (request.remove?.(id, () => null) ?? registry.remove(id));
      left -= 1;
      report.removed.push({ kind: "session", id, session: id, reason: "old", bytes: 0 });
    }
    return report;
  };

  const queue = { items: 0, bytes: 0, oldest_ms: 0, coalesced: 0, refused: 0, written: 0, failed: 0, waiting: 0 };
  const status = (): StoreStatus => ({
    ok: true,
    trouble: null,
    queue,
    sessions: world.records.size,
    in_memory: { sessions: world.records.size, journals: world.journals.size },
    damaged: [],
    unsupported: [],
    foreign: [],
  });
  return {
    ids,
    registry,
    checkpoints,
    forks,
    journals,
    archives,
    thoughts,
    documents,
    recovery: {
      sessions: world.records.size,
      journals: world.journals.size,
      checkpoints: world.checkpoints.length,
      temporaries_swept: 0,
      removals_finished: [],
      damaged: [],
      unsupported: [],
      foreign: [],
      ms: 0,
    },
    trouble: null,
    status,
    verify: async () => ({ checked: 0, damaged: [], unsupported: [], foreign: [] }),
    prune,
    evictIdle: () => 0,
    drain: async () => ({ ms: 0, not_saved: [] }),
    close: async () => undefined,
  };
}
