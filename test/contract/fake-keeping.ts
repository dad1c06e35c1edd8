/**
 * What is kept, in arrays: enough for the methods' own behaviour (shapes, checks at the door, references, keys, pages). The rules of
 * the store are tested on the store.
 */
import { createHash, randomUUID } from "node:crypto";
import { LifeguardError } from "../../src/errors.js";
import { systemClock } from "../../src/clock.js";
import { thoughtSettings } from "../../src/config.js";
import { silentLog } from "../../src/log.js";
import type { SessionSpec, SessionSummary } from "../../src/session.js";
import type {
  Caller,
  Checkpoint,
  CheckpointInput,
  CheckpointRow,
  Damage,
  Fork,
  ForkStatus,
  JournalEntry,
  JournalHead,
  JournalRead,
  JournalReadOptions,
  Journals,
  Archives,
  KeepingApi,
  PruneReport,
  PublishInput,
  StoredThought,
  StoreStatus,
  VerifyReport,
} from "../../src/supervisor/api.js";
import { Thinking } from "../../src/thoughts/thinking.js";

/** The real one, over a document in memory and no sessions. */
function thinking(): Thinking {
  let kept: { version: number; value: unknown } = { version: 0, value: null };
  return new Thinking({
    settings: thoughtSettings.parse({}),
    documents: {
      get: () => Promise.resolve({ ...kept, problem: null }),
      put: async (_name, value, version) => {
        if (version !== kept.version) throw new LifeguardError("BUSY", `at version ${kept.version}`, { version: kept.version });
        kept = { version: version + 1, value };
        return { version: kept.version };
      },
    },
    world: {
      sessions: () => [],
      session: () => null,
      thought: () => null,
      tail: () => Promise.resolve(""),
      publish: () => ({ accepted: false }),
      follow: () => () => {},
    },
    clock: systemClock,
    log: silentLog,
    env: () => ({}),
    announce: () => {},
  });
}

/** What the fake needs of the sessions. */
export interface FakeSessions {
  get(id: string): SessionSummary;
  make(name: string | undefined, cwd: string | undefined): SessionSummary;
  emit(kind: string, session: string, fields: Record<string, unknown>): void;
}

const AT = 1_700_000_000_000;

interface KeptJournal {
  head: JournalHead;
  entries: JournalEntry[];
}

export class FakeKeeping implements KeepingApi {
  readonly checkpoints: Checkpoint[] = [];
  readonly forks: Fork[] = [];
  readonly callers: Caller[] = [];
  readonly damaged: Damage[] = [];
  pruned: { olderThanMs: number | undefined; dryRun: boolean }[] = [];
  readonly journals: Journals;
  readonly archives: Archives;
  readonly thinking: Thinking = thinking();
  readonly kept = new Map<string, KeptJournal>();
  readonly #thoughts = new Map<string, StoredThought>();
  readonly #texts = new Map<string, string>();
  readonly #sessions: FakeSessions;

  constructor(sessions: FakeSessions) {
    this.#sessions = sessions;
    this.archives = {
      put: (name, text) => Promise.resolve(void this.#texts.set(name, text)),
      get: async (name) => this.#texts.get(name) ?? missing("archive", name),
      has: (name) => this.#texts.has(name),
    };
    this.journals = this.#journals();
  }

  async saveCheckpoint(id: string, input: CheckpointInput): Promise<CheckpointRow> {
    const session = this.#sessions.get(id);
    const context = input.context === undefined ? null : Buffer.from(input.context);
    const spec: SessionSpec = {
      name: session.name,
      cwd: session.cwd,
      tool: null,
      command: session.command,
      args: session.args,
      env: { TOKEN: "secret-value" },
      envSecret: ["TOKEN"],
      cols: session.cols,
      rows: session.rows,
      restart: "never",
      isolation: "shared",
      backend: "pty",
      labels: session.labels,
      allowSelf: false,
    };
    const saved: Checkpoint = {
      checkpoint: randomUUID(),
      session: id,
      generation: this.checkpoints.length + 1,
      kind: "manual",
      label: input.label ?? null,
      parent: null,
      created_at: AT,
      epoch: 1,
      offset: 2 ** 40,
      tasks_completed: input.tasks_completed ?? 0,
      token_count: input.token_count ?? 0,
      state_size_bytes: input.state === undefined ? 0 : JSON.stringify(input.state).length,
      context_bytes: context?.length ?? 0,
      context_stored_bytes: context?.length ?? 0,
      codec: "none",
      checksum: context === null ? null : createHash("sha256").update(context).digest("hex"),
      terminal_bytes: 3,
      bytes: 100,
      session_state: session.state,
      spec,
      state: input.state,
      extra: input.extra,
      context,
      terminal: Buffer.from("abc"),
    };
    this.checkpoints.unshift(saved);
    this.#sessions.emit("checkpoint.saved", id, { checkpoint: saved.checkpoint, generation: saved.generation, reason: "manual" });
    return rowOf(saved);
  }

  async listCheckpoints(id: string | null): Promise<CheckpointRow[]> {
    return this.checkpoints.filter(({ session }) => id === null || session === id).map(rowOf);
  }

  async latestCheckpoint(id: string): Promise<{ checkpoint: Checkpoint; skipped: Damage[] }> {
    const checkpoint = this.checkpoints.find(({ session }) => session === id) ?? missing("checkpoint of", id);
    return { checkpoint, skipped: this.damaged };
  }

  async getCheckpoint(checkpoint: string): Promise<Checkpoint> {
    return this.checkpoints.find((each) => each.checkpoint === checkpoint) ?? missing("checkpoint", checkpoint);
  }

  async restoreCheckpoint(checkpoint: string, { force }: { force: boolean }, caller: Caller): Promise<SessionSummary> {
    this.callers.push(caller);
    const { session } = await this.getCheckpoint(checkpoint);
    const summary = this.#sessions.get(session);
    if (summary.state !== "exited" && !force) throw new LifeguardError("BUSY", `${session} is live; force ends it first`);
    return summary;
  }

  async forkCheckpoint(
    checkpoint: string,
    { name, cwd }: { name: string | undefined; cwd: string | undefined },
  ): Promise<{ fork: Fork; session: SessionSummary }> {
    const from = await this.getCheckpoint(checkpoint);
    const session = this.#sessions.make(name, cwd);
    const fork: Fork = {
      fork: randomUUID(),
      session: from.session,
      checkpoint,
      forked_session: session.id,
      name: name ?? null,
      status: "active",
      created_at: AT,
      updated_at: AT,
      order: this.forks.length + 1,
    };
    this.forks.unshift(fork);
    return { fork, session };
  }

  async removeCheckpoint(checkpoint: string): Promise<boolean> {
    const needed = this.forks.find((fork) => fork.checkpoint === checkpoint && fork.status === "active");
    if (needed !== undefined) throw new LifeguardError("BUSY", `needed by the active fork ${needed.fork}`);
    const at = this.checkpoints.findIndex((each) => each.checkpoint === checkpoint);
    if (at >= 0) this.checkpoints.splice(at, 1);
    return at >= 0;
  }

  listForks(id: string | null): Fork[] {
    return this.forks.filter(({ session }) => id === null || session === id);
  }

  async updateFork(fork: string, status: ForkStatus): Promise<Fork> {
    const found = this.forks.find((each) => each.fork === fork) ?? missing("fork", fork);
    return Object.assign(found, { status });
  }

  publishThought(id: string, input: PublishInput): { accepted: boolean; reason?: string } {
    const old = this.#thoughts.get(id);
    const seen = old?.watermark ?? null;
    const { stream_instance_id, emission_seq, ...said } = input;
    if (
      stream_instance_id !== undefined &&
      emission_seq !== undefined &&
      stream_instance_id === seen?.stream_instance_id &&
      emission_seq <= seen.emission_seq
    )
      return { accepted: false, reason: `emission ${emission_seq} is not after ${seen.emission_seq}` };
    const watermark = stream_instance_id === undefined || emission_seq === undefined ? seen : { stream_instance_id, emission_seq };
    this.#thoughts.set(id, { ...(old ?? NO_THOUGHT), ...said, watermark });
    return { accepted: true };
  }

  getThought(id: string): StoredThought | null {
    return this.#thoughts.get(id) ?? null;
  }

  listThoughts(): { id: string; thought: StoredThought }[] {
    return [...this.#thoughts].map(([id, thought]) => ({ id, thought }));
  }

  storeStatus(): StoreStatus {
    return {
      ok: this.damaged.length === 0,
      trouble: null,
      queue: { items: 1, bytes: 2, oldest_ms: 3, coalesced: 4, refused: 5, written: 6, failed: 0, waiting: 0 },
      sessions: 0,
      in_memory: { sessions: 0, journals: this.kept.size },
      damaged: this.damaged,
      unsupported: [],
      foreign: [],
    };
  }

  async verifyStore(): Promise<VerifyReport> {
    return { checked: 7, damaged: this.damaged, unsupported: [], foreign: ["readme"] };
  }

  async pruneStore(request: { olderThanMs: number | undefined; dryRun: boolean }): Promise<PruneReport> {
    this.pruned.push(request);
    return {
      removed: [{ kind: "session", id: "sess_1", session: "sess_1", reason: "it ended 200 h ago", bytes: 9 }],
      kept: [],
      foreign: [],
      bytes: 9,
    };
  }

  #journal(id: string): KeptJournal {
    let journal = this.kept.get(id);
    if (journal === undefined) {
      if (id.startsWith("jrnl_")) missing("journal", id);
      this.#sessions.get(id);
      this.kept.set(id, (journal = { head: headOf(id, null, null, ""), entries: [] }));
    }
    return journal;
  }

  #newest(agent: string, createdBy: string): JournalHead | undefined {
    return [...this.kept.values()].findLast(({ head }) => head.agent === agent && head.created_by === createdBy)?.head;
  }

  #journals(): Journals {
    const create: Journals["create"] = async ({ agent, created_by, title = "" }) => {
      const head = headOf(`jrnl_${this.kept.size + 1}`, agent, created_by, title);
      this.kept.set(head.id, { head, entries: [] });
      return head;
    };
    return {
      create,
      open: async (input) => {
        const head = this.#newest(input.agent, input.created_by);
        return head === undefined ? { head: await create(input), created: true } : { head, created: false };
      },
      latest: async ({ agent, created_by }) => this.#newest(agent, created_by) ?? missing("journal of", agent),
      get: async (id) => this.#journal(id).head,
      list: async () => [...this.kept.values()].map(({ head }) => head).filter(({ id }) => id.startsWith("jrnl_")),
      update: async (id, change) => Object.assign(this.#journal(id).head, change),
      remove: async (id) => this.kept.delete(id),
      append: async (id, entry) => {
        const journal = this.#journal(id);
        const seq = ++journal.head.last_seq;
        // As from the disk: bytes are Buffers.
        const data = entry.data instanceof Uint8Array ? Buffer.from(entry.data) : entry.data;
        journal.entries.push({ ...entry, seq, at: AT, data });
        return { seq, at: AT };
      },
      read: async (id, options = {}) => readEntries(this.#journal(id), options, this.#texts),
      compact: async (id, { archive, summary = "" }) => {
        const journal = this.#journal(id);
        const seq = ++journal.head.last_seq;
        journal.entries.push({ seq, at: AT, kind: "compact", data: { archive, summary } });
        journal.head.boundary = { seq, archive };
        return { seq };
      },
    };
  }
}

function readEntries({ head, entries }: KeptJournal, options: JournalReadOptions, texts: Map<string, string>): JournalRead {
  const { since = 1, limit = 1_000, branch, from_boundary } = options;
  const boundary = from_boundary === true ? head.boundary : null;
  const wanted = entries.filter(
    ({ seq, branch: its }) => seq >= since && seq > (boundary?.seq ?? 0) && (branch === undefined || its === branch),
  );
  const answered = wanted.slice(0, limit);
  const more = wanted.length > limit;
  const archive = boundary?.archive ?? "";
  const text = texts.get(archive);
  return {
    entries: answered,
    next: more ? (answered.at(-1)?.seq ?? 0) + 1 : head.last_seq + 1,
    more,
    ...(boundary === null
      ? {}
      : { boundary: { seq: boundary.seq, archive, archive_missing: text === undefined, prefix: text ?? `[archive ${archive}: missing]` } }),
    damage: [],
  };
}

function headOf(id: string, agent: string | null, createdBy: string | null, title: string): JournalHead {
  return {
    id,
    agent,
    created_by: createdBy,
    title,
    summary: "",
    created_at: AT,
    updated_at: AT,
    message_count: 0,
    last_seq: 0,
    branches: [],
    boundary: null,
  };
}

function rowOf({ session_state: _1, spec: _2, state: _3, extra: _4, context: _5, terminal: _6, ...row }: Checkpoint): CheckpointRow {
  return row;
}

function missing(what: string, name: string): never {
  throw new LifeguardError("NOT_FOUND", `no ${what} ${name}`);
}

const NO_THOUGHT: StoredThought = {
  text: "",
  state: "active",
  source: "rule",
  rest_state: "active",
  commit_candidate: false,
  action_cues: [],
  objective_fingerprint: null,
  objective_changed_at: null,
  token_count: null,
  context_limit: null,
  updated_at: AT,
  watermark: null,
};
