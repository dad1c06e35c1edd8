/** The store without a disk: what test/contract/store.test.ts holds the one on a disk to, said in as few words as possible. */
import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "../../src/clock.js";
import { LifeguardError } from "../../src/errors.js";
import { checkJournalId, checkLabel, checkLabels, checkSessionId, checkStoredName, checkText, checkUuid, journalNumber } from "../../src/persistence/checks.js";
import type {
  Archives,
  Checkpoint,
  CheckpointRow,
  Checkpoints,
  Documents,
  Fork,
  Forks,
  IdKind,
  Ids,
  JournalEntry,
  JournalHead,
  Journals,
  PruneReport,
  PruneRequest,
  Registry,
  RegistryRecord,
  SessionRow,
  Store,
  StoredThought,
  StoreStatus,
  Thoughts,
} from "../../src/persistence/store.js";
import { checkPublish, merge, passes } from "../../src/persistence/thought-admission.js";
import { sessionNumber } from "../../src/session.js";

interface Journal {
  head: Omit<JournalHead, "message_count" | "last_seq" | "branches" | "boundary">;
  entries: JournalEntry[];
  boundary: { seq: number; through: number; archive: string; summary: string } | null;
}

/** What outlives the store: hand it to the next one. */
export class World {
  marks: Record<IdKind, number> = { session: 0, journal: 0, name: 0 };
  records = new Map<string, RegistryRecord>();
  dead = new Set<string>();
  checkpoints: Checkpoint[] = [];
  forks: Fork[] = [];
  journals = new Map<string, Journal>();
  archives = new Map<string, string>();
  thoughts = new Map<string, StoredThought>();
  documents = new Map<string, { version: number; value: unknown }>();
}

const MIB = 1024 * 1024;
const copy = <T>(value: T): T => structuredClone(value);
const no = (what: string): LifeguardError => new LifeguardError("NOT_FOUND", `no ${what}`);
const invalid = (field: string): LifeguardError => new LifeguardError("INVALID_PARAMS", `${field} is not right`, { field });
const limit = (what: string): LifeguardError => new LifeguardError("LIMIT", `${what} is too large`);

export function memoryStore(world: World, clock: Clock, kept = 10): Store {
  const live = (id: string): RegistryRecord => {
    const found = world.records.get(checkSessionId(id));
    if (found === undefined) throw no(`session ${id}`);
    return found;
  };
  const active = (checkpoint: string): Fork | undefined => world.forks.find((fork) => fork.checkpoint === checkpoint && fork.status === "active");
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
        .map(
          (each): SessionRow => ({
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
          }),
        ),
    has: (id) => world.records.has(checkSessionId(id)),
    get: async (id) => copy(live(id)),
    put: async (given) => {
      checkSessionId(given.id);
      checkStoredName(given.spec.name);
      checkLabels(given.spec.labels);
      if (world.dead.has(given.id)) throw no(`session ${given.id} any more`);
      const env = Object.fromEntries(Object.entries(given.spec.env).filter(([name]) => !given.spec.envSecret.includes(name)));
      world.records.set(given.id, copy({ ...given, spec: { ...given.spec, env } }));
      ids.seen("session", sessionNumber(given.id) ?? 0);
    },
    remove: async (id, options = {}) => {
      if (!world.records.has(checkSessionId(id))) return false;
      const fork = world.forks.find((each) => each.session === id && each.status === "active");
      const reason = options.unless?.() ?? (fork === undefined ? null : `fork ${fork.fork}`);
      if (reason !== null) throw new LifeguardError("BUSY", reason);
      world.dead.add(id);
      world.records.delete(id);
      world.thoughts.delete(id);
      world.journals.delete(id);
      world.checkpoints = world.checkpoints.filter((each) => each.session !== id);
      return true;
    },
  };

  const same = (a: Checkpoint, b: Checkpoint): boolean => {
    const content = (each: Checkpoint): string =>
      JSON.stringify({ ...each, checkpoint: 0, generation: 0, created_at: 0, parent: 0, context: each.context?.toString("hex"), terminal: each.terminal?.toString("hex") });
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
      const fork: Fork = { fork: randomUUID(), session, checkpoint, forked_session, name, status: "active", created_at: now, updated_at: now, order: world.forks.length + 1 };
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

  const journal = (id: string): Journal => {
    checkJournalId(id);
    const found = world.journals.get(id);
    if (found !== undefined) return found;
    if (journalNumber(id) !== null) throw no(`journal ${id}`);
    const created = live(id).created_at;
    const own: Journal = { head: { id, agent: null, created_by: null, title: "", summary: "", created_at: created, updated_at: created }, entries: [], boundary: null };
    world.journals.set(id, own);
    return own;
  };
  const headOf = ({ head, entries, boundary }: Journal): JournalHead => ({
    ...head,
    updated_at: Math.max(head.updated_at, ...entries.map(({ at }) => at)),
    message_count: entries.filter(({ kind }) => kind === "message").length,
    last_seq: entries.length,
    branches: [...new Set(entries.flatMap(({ branch }) => (branch === undefined ? [] : [branch])))],
    boundary: boundary === null ? null : { seq: boundary.seq, archive: boundary.archive },
  });
  const newestOf = (agent: string, createdBy: string): Journal | undefined =>
    [...world.journals.values()]
      .filter(({ head }) => head.agent === agent && head.created_by === createdBy)
      .toSorted((a, b) => (journalNumber(a.head.id) ?? 0) - (journalNumber(b.head.id) ?? 0))
      .at(-1);
  const journals: Journals = {
    create: async ({ agent, created_by, title = "" }) => {
      checkText("agent", agent);
      checkText("created_by", created_by);
      const id = `jrnl_${ids.mint("journal").number}`;
      const now = clock.now();
      const made: Journal = { head: { id, agent, created_by, title, summary: "", created_at: now, updated_at: now }, entries: [], boundary: null };
      world.journals.set(id, made);
      return headOf(made);
    },
    open: async (input) => {
      checkText("agent", input.agent);
      checkText("created_by", input.created_by);
      const there = newestOf(input.agent, input.created_by);
      return there === undefined ? { head: await journals.create(input), created: true } : { head: headOf(there), created: false };
    },
    latest: async ({ agent, created_by }) => {
      const there = newestOf(checkText("agent", agent), checkText("created_by", created_by));
      if (there === undefined) throw no("journal of this pair");
      return headOf(there);
    },
    get: async (id) => headOf(journal(id)),
    list: async () =>
      [...world.journals.values()]
        .filter(({ head }) => journalNumber(head.id) !== null)
        .toSorted((a, b) => (journalNumber(b.head.id) ?? 0) - (journalNumber(a.head.id) ?? 0))
        .map(headOf),
    update: async (id, { title, summary }) => {
      const { head } = journal(id);
      if (title !== undefined) head.title = title;
      if (summary !== undefined) head.summary = summary;
      head.updated_at = clock.now();
      return headOf(journal(id));
    },
    remove: async (id) => {
      if (journalNumber(checkJournalId(id)) === null) throw invalid("id");
      return world.journals.delete(id);
    },
    append: async (id, { kind, data, author, branch, from }) => {
      if (!["message", "thought", "event", "note"].includes(kind)) throw invalid("kind");
      if (author !== undefined) checkText("author", author);
      if (branch !== undefined) checkLabel("branch", branch);
      const { entries } = journal(id);
      if (from !== undefined && (!Number.isSafeInteger(from) || from < 1 || from > entries.length)) throw invalid("from");
      if (Buffer.byteLength(JSON.stringify(data ?? null)) > MIB) throw limit("entry");
      const seq = entries.length + 1;
      const at = clock.now();
      entries.push({
        seq,
        at,
        kind,
        ...(author === undefined ? {} : { author }),
        ...(branch === undefined ? {} : { branch }),
        ...(from === undefined ? {} : { from }),
        data: data instanceof Uint8Array ? Buffer.from(data) : copy(data ?? null),
      });
      return { seq, at };
    },
    read: async (id, { since = 1, limit: most = 1_000, branch, from_boundary = false } = {}) => {
      if (branch !== undefined) checkLabel("branch", branch);
      if (!Number.isSafeInteger(since) || since < 0) throw invalid("since");
      if (!Number.isInteger(most) || most < 1) throw invalid("limit");
      const { entries, boundary: last } = journal(id);
      const boundary = from_boundary ? last : null;
      const start = Math.max(since, boundary === null ? 1 : boundary.through + 1);
      const wanted = entries.filter(({ seq }) => seq >= start && seq !== boundary?.seq);
      const looked = branch === undefined ? wanted.slice(0, most) : upTo(wanted, branch, most);
      const more = looked.length < wanted.length;
      const found = looked.filter((each) => branch === undefined || each.branch === branch);
      const text = boundary === null ? undefined : world.archives.get(boundary.archive);
      return {
        entries: found,
        next: more ? (looked.at(-1)?.seq ?? start - 1) + 1 : Math.max(start, entries.length + 1),
        more,
        damage: [],
        ...(boundary === null
          ? {}
          : {
              boundary: {
                seq: boundary.seq,
                archive: boundary.archive,
                archive_missing: text === undefined,
                prefix: text ?? (boundary.summary === "" ? `[archive ${boundary.archive}: missing]` : boundary.summary),
              },
            }),
      };
    },
    compact: async (id, { archive, summary = "", through }) => {
      checkLabel("archive", archive);
      const held = journal(id);
      if (through !== undefined && (!Number.isSafeInteger(through) || through < 0 || through > held.entries.length)) throw invalid("through");
      const seq = held.entries.length + 1;
      const at = clock.now();
      held.entries.push({ seq, at, kind: "compact", data: { archive, summary, ...(through === undefined ? {} : { through }) } });
      held.boundary = { seq, through: Math.max(held.boundary?.through ?? 0, through ?? seq - 1), archive, summary };
      return { seq };
    },
  };

  const archives: Archives = {
    put: async (name, text) => void world.archives.set(checkLabel("name", name), text),
    get: async (name) => {
      const text = world.archives.get(checkLabel("name", name));
      if (text === undefined) throw no(`archive ${name}`);
      return text;
    },
    has: (name) => world.archives.has(checkLabel("name", name)),
  };

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
    list: () => [...world.thoughts].map(([id, thought]) => ({ id, thought })).toSorted((a, b) => (sessionNumber(a.id) ?? 0) - (sessionNumber(b.id) ?? 0)),
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
    for (const { id, state, exit, last_activity_at: last, pinned } of registry.list()) {
      const age = Math.max(0, clock.now() - (exit?.at ?? last));
      if (state !== "exited" || age <= request.olderThanMs) continue;
      const fork = world.forks.find((each) => each.session === id && each.status === "active");
      const reason = pinned ? "it is pinned" : fork === undefined ? request.keep(id) : `fork ${fork.fork}`;
      if (reason !== null) {
        report.kept.push({ id, reason });
        continue;
      }
      if (!request.dryRun) await registry.remove(id);
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
    status,
    verify: async () => ({ checked: 0, damaged: [], unsupported: [], foreign: [] }),
    prune,
    evictIdle: () => 0,
    drain: async () => ({ ms: 0, not_saved: [] }),
    close: async () => undefined,
  };
}

/** Entries looked at until `most` of the branch were found. */
function upTo(entries: JournalEntry[], branch: string, most: number): JournalEntry[] {
  let found = 0;
  const end = entries.findIndex((each) => each.branch === branch && ++found === most);
  return end < 0 ? entries : entries.slice(0, end + 1);
}
