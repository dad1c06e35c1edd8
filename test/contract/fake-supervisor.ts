/**
 * A supervisor of a few lines, for the server's own behaviour: sessions whose output is what a test says, an event log, watches
 * that push by room, waits that wait. Everything real (processes, terminals) is tested in test/integration.
 */
import { LifeguardError } from "../../src/errors.js";
import type { Explanation } from "../../src/explanation.js";
import { sessionId } from "../../src/session.js";
import type { Evidence, SessionState, SessionSummary } from "../../src/session.js";
import type {
  Caller,
  CreateRequest,
  DaemonStatus,
  EventCursor,
  EventFilter,
  KillResult,
  ReportAnswer,
  ReportRequest,
  LifeguardEvent,
  ListRequest,
  PromptAnswer,
  PromptRequest,
  SupervisorApi,
  WaitRequest,
  Watch,
  WatchRequest,
  WatchSink,
  TmuxApi,
} from "../../src/supervisor/api.js";
import type { ReadResult, Screen, ScreenRequest } from "../../src/actors/messages.js";
import { FakeKeeping } from "./fake-keeping.js";

interface FakeWatch {
  sink: WatchSink;
  position: number;
  acked: number;
  window: number;
}

interface FakeSession {
  summary: SessionSummary;
  output: Buffer;
  input: Buffer[];
  watches: Set<FakeWatch>;
}

const evidence: Evidence = { source: "fake", rule: "fake.idle", confidence: "high", at: 1_700_000_000_000, detail: "fake" };

export class FakeSupervisor implements SupervisorApi {
  readonly boot = "boot-fake";
  readonly sessions = new Map<string, FakeSession>();
  readonly closedConnections: number[] = [];
  readonly callers: Caller[] = [];
  created = 0;
  /** Events kept, as `rpc.event_history`. */
  history = 100;
  #seq = 0;
  #watch = 0;
  readonly #events: LifeguardEvent[] = [];
  readonly #subscribers = new Set<{ filter: EventFilter; listener(event: LifeguardEvent): void }>();
  readonly #waits = new Set<{ id: string; until: string[]; done(state: SessionState): void }>();
  /** What `create` waits for. */
  gate: Promise<void> = Promise.resolve();
  readonly keeping: FakeKeeping = new FakeKeeping({
    get: (id) => this.get(id),
    make: (name, cwd) => this.#make({ name, cwd }),
    emit: (kind, session, fields) => void this.emit(kind, session, fields),
  });

  get waiting(): number {
    return this.#waits.size;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  emit(kind: string, session?: string, fields: Record<string, unknown> = {}): LifeguardEvent {
    const event: LifeguardEvent = {
      boot: this.boot,
      seq: ++this.#seq,
      at: 1_700_000_000_000 + this.#seq,
      kind,
      ...(session === undefined ? {} : { session }),
      ...fields,
    };
    this.#events.push(event);
    if (this.#events.length > this.history) this.#events.shift();
    for (const { filter, listener } of [...this.#subscribers]) if (matches(filter, event)) listener(event);
    return event;
  }

  /** Adds output and pushes it to whoever watches. */
  print(id: string, data: Uint8Array): void {
    const session = this.#session(id);
    session.output = Buffer.concat([session.output, data]);
    session.summary.offset = session.output.length;
    for (const watch of session.watches) this.#push(session, watch);
  }

  enter(id: string, state: SessionState): void {
    this.#session(id).summary.state = state;
    for (const wait of [...this.#waits]) if (wait.id === id && wait.until.includes(state)) wait.done(state);
  }

  async create(request: CreateRequest, caller: Caller): Promise<SessionSummary> {
    this.callers.push(caller);
    await this.gate;
    return this.#make(request);
  }

  #make(request: CreateRequest): SessionSummary {
    this.created++;
    const id = sessionId(this.sessions.size + 1);
    const summary: SessionSummary = {
      id,
      name: request.name ?? String(this.sessions.size + 1),
      labels: request.labels ?? {},
      tool: null,
      command: request.command ?? "sh",
      args: request.args ?? [],
      cwd: request.cwd ?? "/",
      pid: 4_242,
      cols: request.cols ?? 120,
      rows: request.rows ?? 40,
      created_at: 1_700_000_000_000,
      started_at: 1_700_000_000_000,
      last_activity_at: 1_700_000_000_000,
      state: "idle",
      state_since: 1_700_000_000_000,
      evidence,
      rest_state: "active",
      exit: null,
      title: "",
      current_command: null,
      conversation_id: null,
      thought: null,
      last_skill: null,
      repo: null,
      prompt_delivery: null,
      token_count: null,
      context_limit: null,
      model: null,
      epoch: 1,
      offset: 0,
      watchers: 0,
      writer: null,
      backend: "pty",
      tmux: null,
      health: "ok",
      restarts: 0,
      pinned: false,
      dirty: false,
      last_checkpoint_at: null,
      recovered_from: null,
    };
    this.sessions.set(id, { summary, output: Buffer.alloc(0), input: [], watches: new Set() });
    this.emit("session.created", id, { summary });
    return summary;
  }

  list(request: ListRequest): { sessions: SessionSummary[]; cursor: EventCursor } {
    const sessions = [...this.sessions.values()]
      .map(({ summary }) => summary)
      .filter((summary) => request.state === undefined || summary.state === request.state);
    return { sessions, cursor: { boot: this.boot, seq: this.#seq } };
  }

  resolve(words: string, { prefix }: { prefix: boolean }): string {
    for (const { summary } of this.sessions.values())
      if (summary.id === words || summary.name === words || (prefix && summary.name.startsWith(words))) return summary.id;
    throw new LifeguardError("NOT_FOUND", `no session ${JSON.stringify(words)}`, { field: "id" });
  }

  get(id: string): SessionSummary {
    return this.#session(id).summary;
  }

  input(id: string, data: Uint8Array): Promise<{ accepted: number }> {
    this.#session(id).input.push(Buffer.from(data));
    return Promise.resolve({ accepted: data.length });
  }

  keys(id: string, keys: string[]): Promise<{ accepted: number }> {
    return this.input(id, Buffer.from(keys.join(" ")));
  }

  async prompt(id: string, request: PromptRequest, caller: Caller): Promise<PromptAnswer> {
    this.callers.push(caller);
    this.#session(id).input.push(Buffer.from(`${request.text}\r`));
    const answer = {
      prompt: `prompt-${this.#session(id).input.length}`,
      delivery: "submitted",
      evidence: { rule: "fake", confidence: "high", detail: "fake" },
    } as const;
    if (request.wait === undefined) return answer;
    const { until, timeoutMs } = request.wait;
    return { ...answer, state: (await this.wait(id, { until, timeoutMs, signal: request.signal })).state };
  }

  paste(id: string, text: string): Promise<{ accepted: number }> {
    return this.input(id, Buffer.from(text));
  }

  resize(id: string, size: { cols: number; rows: number }): Promise<{ offset: number }> {
    const { summary, watches, output } = this.#session(id);
    Object.assign(summary, size);
    for (const watch of watches) watch.sink.resized(size, output.length);
    return Promise.resolve({ offset: output.length });
  }

  explain(id: string): Promise<Explanation> {
    const { state, state_since: since, evidence } = this.get(id);
    return Promise.resolve({
      state,
      since,
      evidence,
      tool: null,
      held: null,
      report: null,
      candidates: [{ source: "silence", rule: "output_lately", state: "busy", region: "stream", outcome: "no_match", text: "quiet" }],
      inputs: {
        title: "",
        progress: "",
        foreground: "sh",
        foreground_is_leader: true,
        cursor_line: "$ ",
        shell_phase: null,
        quiet_ms: 5,
        alternate_screen: false,
      },
      would_change: ["busy, when something is printed"],
    });
  }

  screen(id: string, request: ScreenRequest): Promise<Screen> {
    const { summary, output } = this.#session(id);
    if (summary.name === "broken") return Promise.reject(new TypeError("a secret of the inside"));
    return Promise.resolve({
      epoch: 1,
      offset: 2 ** 40 + output.length,
      cols: summary.cols,
      rows: summary.rows,
      cursor: { x: 0, y: 0, visible: true },
      alternate: false,
      title: "t",
      content: `${request.format} é`,
      truncated: false,
    });
  }

  read(id: string, since: number, max: number): Promise<ReadResult> {
    const { output } = this.#session(id);
    const data = output.subarray(since, since + max);
    return Promise.resolve({ offset: since, data, next: since + data.length, gap: 0 });
  }

  watch(id: string, request: WatchRequest, sink: WatchSink): Promise<Watch> {
    const session = this.#session(id);
    const from = request.since ?? session.output.length;
    const watch: FakeWatch = { sink, position: from, acked: from, window: request.window ?? Infinity };
    session.watches.add(watch);
    // Harder than the real one: the first bytes come before the answer.
    this.#push(session, watch);
    return Promise.resolve({
      watch: `w_${++this.#watch}`,
      offset: from,
      gap: 0,
      ack: (offset) => {
        watch.acked = offset;
        this.#push(session, watch);
      },
      resume: () => this.#push(session, watch),
      end: () => {
        if (session.watches.delete(watch)) sink.closed("unwatched");
      },
    });
  }

  wait(id: string, request: WaitRequest): Promise<{ state: SessionState; evidence: Evidence }> {
    const { summary } = this.#session(id);
    if (request.until.includes(summary.state)) return Promise.resolve({ state: summary.state, evidence });
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waits.delete(wait);
        clearTimeout(timer);
        request.signal.removeEventListener("abort", cancelled);
        settle();
      };
      const cancelled = (): void => end(() => reject(new LifeguardError("TIMEOUT", "the wait was cancelled")));
      const wait = { id, until: request.until as string[], done: (state: SessionState) => end(() => resolve({ state, evidence })) };
      const timer =
        request.timeoutMs === undefined
          ? undefined
          : setTimeout(() => end(() => reject(new LifeguardError("TIMEOUT", `not within ${request.timeoutMs} ms`))), request.timeoutMs);
      request.signal.addEventListener("abort", cancelled);
      this.#waits.add(wait);
    });
  }

  kill(id: string): Promise<KillResult> {
    const session = this.#session(id);
    session.summary.state = "exited";
    session.summary.exit = { code: null, signal: "SIGHUP", at: 1, reason: "killed" };
    for (const watch of session.watches) watch.sink.closed("exited");
    session.watches.clear();
    return Promise.resolve({ exit: session.summary.exit, processes: 1 });
  }

  report(id: string, report: ReportRequest): Promise<ReportAnswer> {
    const { summary } = this.#session(id);
    if (summary.state === "exited") return Promise.resolve({ accepted: false, reason: `${summary.id} is not running` });
    summary.conversation_id = report.conversation_id ?? summary.conversation_id;
    return Promise.resolve({ accepted: true });
  }

  restart(id: string): Promise<SessionSummary> {
    return Promise.resolve(this.get(id));
  }

  get tmux(): TmuxApi {
    return {
      list: () => Promise.resolve([{ name: "a b", socket: "/tmp/tmux", session: "$3", created_at: 1, attached: 0, windows: 1, id: null }]),
      adopt: (name) => Promise.reject(new LifeguardError("NOT_FOUND", `no tmux session ${name}`)),
    };
  }

  remove(id: string, { force }: { force: boolean }): Promise<void> {
    if (this.get(id).state !== "exited" && !force)
      return Promise.reject(new LifeguardError("BUSY", `${id} is live; kill it first, or force`));
    this.sessions.delete(id);
    return Promise.resolve();
  }

  update(id: string, change: { name?: string | undefined; labels?: Record<string, string> | undefined }): Promise<SessionSummary> {
    const { summary } = this.#session(id);
    if (change.name !== undefined) summary.name = change.name;
    if (change.labels !== undefined) summary.labels = change.labels;
    return Promise.resolve(summary);
  }

  subscribe(
    since: EventCursor | null,
    filter: EventFilter,
    listener: (event: LifeguardEvent) => void,
  ): { cursor: EventCursor; gap: boolean; missed: LifeguardEvent[]; end(): void } {
    const subscriber = { filter, listener };
    this.#subscribers.add(subscriber);
    const oldest = this.#seq - this.#events.length + 1;
    const gap = since !== null && (since.boot !== this.boot || since.seq + 1 < oldest || since.seq > this.#seq);
    const missed = since === null || gap ? [] : this.#events.filter((event) => event.seq > since.seq && matches(filter, event));
    return { cursor: { boot: this.boot, seq: this.#seq }, gap, missed, end: () => void this.#subscribers.delete(subscriber) };
  }

  status(): Promise<DaemonStatus> {
    const { ok, damaged, queue } = this.keeping.storeStatus();
    const { items, bytes, oldest_ms, coalesced, refused } = queue;
    return Promise.resolve({
      pid: process.pid,
      version: "0.0.0",
      boot: this.boot,
      started_at: 1,
      uptime_ms: 1,
      keepers: [],
      sessions: { starting: 0, busy: 0, idle: this.sessions.size, attention: 0, error: 0, exited: 0 },
      threads: [],
      fds: 1,
      ptys: 0,
      memory: { daemon_rss: process.memoryUsage.rss(), keeper_rss: 0 },
      queue: { items, bytes, oldest_ms, coalesced, refused },
      store: { ok, damaged: damaged.length },
      thoughts: { engine: "rules", healthy: true, detail: null },
      watches: 0,
      restored: null,
      loop_stall_ms: 0,
    });
  }

  metrics(): Promise<string> {
    return Promise.resolve("# nothing\n");
  }

  reload(): Promise<{ changed: string[]; restart: string[] }> {
    return Promise.resolve({ changed: [], restart: [] });
  }

  stop(): Promise<{ sessions: number }> {
    return Promise.resolve({ sessions: this.sessions.size });
  }

  connectionClosed(connection: number): void {
    this.closedConnections.push(connection);
  }

  #session(id: string): FakeSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new LifeguardError("NOT_FOUND", `no session ${id}`);
    return session;
  }

  #push(session: FakeSession, watch: FakeWatch): void {
    while (watch.position < session.output.length) {
      const most = Math.min(watch.sink.room(), watch.window - (watch.position - watch.acked), 16_384);
      if (most <= 0) return;
      const data = session.output.subarray(watch.position, watch.position + most);
      const at = watch.position;
      watch.position += data.length;
      watch.sink.output(at, data, 0);
    }
  }
}

function matches(filter: EventFilter, event: LifeguardEvent): boolean {
  return (
    (filter.kinds === undefined || filter.kinds.includes(event.kind)) && (filter.session === undefined || filter.session === event.session)
  );
}
