/**
 * What the RPC methods may ask of the supervisor, and what a watcher hands in. The supervisor implements it; the server and the
 * methods know nothing else of it. Errors are LifeguardError with the names of docs/errors.md.
 */
import type { Screen, ScreenRequest, ReadResult } from "../actors/messages.js";
import type { Explanation } from "../explanation.js";
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
import type {
  Confidence,
  Evidence,
  Isolation,
  RestartPolicy,
  Backend,
  SessionExit,
  SessionLimits,
  SessionState,
  SessionSummary,
  TerminalSize,
  TmuxRow,
} from "../session.js";
import type { ThinkingApi } from "../thoughts/thinking.js";

/** Who asks: needed for the pen, and so that no agent answers its own dialogs. */
export interface Caller {
  /** Unique among all connections since the daemon started. */
  connection: number;
  /** 0 where the system does not say. */
  pid: number;
  uid: number;
}

export interface CreateRequest {
  name?: string | undefined;
  /** Absolute; the daemon's own when left out. */
  cwd?: string | undefined;
  /** A profile's name or alias: its command is started where none is given. */
  tool?: string | undefined;
  /** The user's shell when left out. */
  command?: string | undefined;
  args?: string[] | undefined;
  /** On top of `env_base`. */
  env?: Record<string, string> | undefined;
  env_base?: "daemon" | "login" | "none" | undefined;
  env_secret?: string[] | undefined;
  cols?: number | undefined;
  rows?: number | undefined;
  restart?: RestartPolicy | undefined;
  isolation?: Isolation | undefined;
  backend?: Backend | undefined;
  labels?: Record<string, string> | undefined;
  limits?: SessionLimits | undefined;
  allow_self?: boolean | undefined;
  /** Delivered when the program is ready, or with its command, as the tool's profile says. Blank is none. */
  prompt?: string | undefined;
}

/** What is left out stays. */
export interface SessionChange {
  name?: string | undefined;
  /** The whole set. */
  labels?: Record<string, string> | undefined;
  seen?: boolean | undefined;
  /** Retention never takes a pinned session. */
  pinned?: boolean | undefined;
}

export interface ListRequest {
  all?: boolean | undefined;
  state?: SessionState | undefined;
  /** All of these must match. */
  labels?: Record<string, string> | undefined;
}

export interface EventCursor {
  boot: string;
  seq: number;
}

/** One event as clients get it: `kind` and `session` always under these names, the rest by kind (docs/protocol.md). */
export interface LifeguardEvent {
  boot: string;
  seq: number;
  at: number;
  kind: string;
  session?: string;
  [field: string]: unknown;
}

export interface EventFilter {
  kinds?: string[] | undefined;
  /** A session's id. */
  session?: string | undefined;
}

/** One watcher's outside. All calls come from the main thread, in order of offset; after `closed` none comes. */
export interface WatchSink {
  /** Bytes this watcher can take now. 0 = not before {@link Watch.resume}. */
  room(): number;
  output(offset: number, data: Uint8Array, ageMs: number): void;
  gap(from: number, to: number): void;
  resized(size: TerminalSize, offset: number): void;
  closed(reason: "exited" | "removed" | "unwatched"): void;
  /** Another watch, `writer`, has taken the pen that this one held. */
  penLost?(writer: string): void;
}

export interface WatchRequest {
  since?: number | undefined;
  /** Most unacknowledged bytes under way to this watcher. */
  window?: number | undefined;
  write?: boolean | undefined;
  take?: boolean | undefined;
  answers?: boolean | undefined;
}

export interface Watch {
  /** Unique among all watches since the daemon started. */
  readonly watch: string;
  readonly offset: number;
  readonly gap: number;
  ack(offset: number): void;
  /** The sink has room again. */
  resume(): void;
  end(): void;
}

export interface WaitRequest {
  until: SessionState[];
  timeoutMs: number | undefined;
  signal: AbortSignal;
}

/** Which tmux server: the first configured one when neither is given. */
export interface TmuxAddress {
  /** Path of its socket. */
  socket?: string | undefined;
  socketName?: string | undefined;
}

export interface TmuxApi {
  /** The sessions of one server, ours and others. @throws TIMEOUT, INVALID_PARAMS, UNSUPPORTED */
  list(address: TmuxAddress): Promise<TmuxRow[]>;
  /** @throws NOT_FOUND, TIMEOUT, EXITED, LIMIT, UNSUPPORTED */
  adopt(name: string, address: TmuxAddress): Promise<SessionSummary>;
}

/** What a hook, a plugin or an engine knows of a session; fields as in `session.report`. */
export interface ReportRequest {
  source: string;
  event: string;
  state?: "busy" | "idle" | "attention" | "error" | undefined;
  detail?: string | undefined;
  at?: number | undefined;
  tool?: string | undefined;
  conversation_id?: string | undefined;
  transcript?: string | undefined;
  model?: string | undefined;
  token_count?: number | undefined;
  context_limit?: number | undefined;
  skill?: string | undefined;
  cwd?: string | undefined;
  pid?: number | undefined;
}

export interface ReportAnswer {
  accepted: boolean;
  /** Why it was not. */
  reason?: string;
}

export interface PromptRequest {
  text: string;
  /** When it cannot be delivered now: keep it until the session rests. */
  queue: boolean;
  /** Also while somebody else holds the pen. */
  force: boolean;
  /** Also where terminal or tool change some of its characters. */
  lossy: boolean;
  /** Answers when the session is in one of these states, after the prompt's turn has begun. */
  wait?: { until: SessionState[]; timeoutMs: number | undefined } | undefined;
  /** Ends the wait; a delivery that has begun goes on. */
  signal: AbortSignal;
}

export interface PromptEvidence {
  /** Stable name (docs/prompts.md). */
  rule: string;
  confidence: Confidence;
  /** For people. */
  detail: string;
}

export interface PromptAnswer {
  /** Names it in events. */
  prompt: string;
  delivery: "submitted" | "typed" | "queued";
  evidence: PromptEvidence;
  /** With `wait`: the state reached. */
  state?: SessionState;
}

export interface KillResult {
  exit: SessionExit | null;
  /** How many processes were ended. */
  processes: number;
}

export interface DaemonStatus {
  pid: number;
  version: string;
  boot: string;
  started_at: number;
  uptime_ms: number;
  keepers: { pid: number; version: string; sessions: number; draining: boolean }[];
  sessions: Record<SessionState, number>;
  threads: { id: number; actors: number; heap_bytes: number }[];
  fds: number;
  ptys: number;
  memory: { daemon_rss: number; keeper_rss: number };
  /** The store's writes: waiting and under way, the oldest's age, replaced by newer ones before they were written, refused. */
  queue: { items: number; bytes: number; oldest_ms: number; coalesced: number; refused: number };
  /** `damaged`: how many files; `store.status` names them. */
  store: { ok: boolean; damaged: number };
  /** The engine that has thoughts. */
  thoughts: { engine: "none" | "rules" | "command"; healthy: boolean; detail: string | null };
  watches: number;
  restored: { sessions: number; ms: number } | null;
  /** Longest stretch the main loop was held up since the last status, ms. */
  loop_stall_ms: number;
}

/** What the socket has counted since the start. Names come from short lists of ours. */
export interface SocketFigures {
  connections: number;
  /** Bytes that wait for clients. */
  outboundBytes: number;
  accepted: number;
  /** Of other users, or beyond the limit. */
  turnedAway: number;
  calls: { method: string; outcome: string; count: number }[];
  notifications: { name: string; count: number }[];
}

export interface SupervisorApi {
  readonly boot: string;
  readonly keeping: KeepingApi;
  readonly tmux: TmuxApi;

  /** @throws LIMIT, ALREADY_EXISTS, INVALID_PARAMS (cwd, command), SPAWN_FAILED */
  create(request: CreateRequest, caller: Caller): Promise<SessionSummary>;
  list(request: ListRequest): { sessions: SessionSummary[]; cursor: EventCursor };
  /**
   * The session that a user's words mean: exact id, exact name (live before exited), then, where `prefix` allows, an unambiguous
   * prefix of either.
   * @throws NOT_FOUND, INVALID_PARAMS naming the candidates when ambiguous
   */
  resolve(reference: string, options: { prefix: boolean }): string;
  get(id: string): SessionSummary;

  /**
   * Takes what the session's input queue has room for; less than given is for the caller to send later.
   * @throws BUSY when that is nothing, EXITED, NOT_WRITER, FORBIDDEN
   */
  input(id: string, data: Uint8Array, caller: Caller): Promise<{ accepted: number }>;
  keys(id: string, keys: string[], caller: Caller): Promise<{ accepted: number }>;
  paste(id: string, text: string, caller: Caller): Promise<{ accepted: number }>;
  resize(id: string, size: TerminalSize, caller: Caller): Promise<{ offset: number }>;
  /**
   * Delivers a prompt with proof.
   * @throws BLOCKED, BUSY, EXITED, NOT_WRITER, FORBIDDEN, LIMIT, UNSUPPORTED, UNAVAILABLE, INVALID_PARAMS: nothing was typed. TIMEOUT and EXITED
   * with `delivery` in the data: that became of it, and the wait ended so
   */
  prompt(id: string, request: PromptRequest, caller: Caller): Promise<PromptAnswer>;

  screen(id: string, request: ScreenRequest): Promise<Screen>;
  /** Why its state is what it is. @throws EXITED */
  explain(id: string): Promise<Explanation>;
  read(id: string, since: number, max: number): Promise<ReadResult>;
  watch(id: string, request: WatchRequest, sink: WatchSink, caller: Caller): Promise<Watch>;
  /** @throws TIMEOUT, EXITED (unless `exited` is among the states), NOT_FOUND when the session is removed meanwhile */
  wait(id: string, request: WaitRequest): Promise<{ state: SessionState; evidence: Evidence }>;

  /** @throws FORBIDDEN when the caller runs inside another session */
  report(id: string, report: ReportRequest, caller: Caller): Promise<ReportAnswer>;

  kill(id: string, options: { signal: string | undefined; graceMs: number | undefined }, caller: Caller): Promise<KillResult>;
  restart(id: string, caller: Caller): Promise<SessionSummary>;
  /** @param options.mode of a tmux session: `detach` leaves it to tmux, `kill` ends it there, also when it is live @throws BUSY, UNSUPPORTED */
  remove(id: string, options: { force: boolean; mode?: "detach" | "kill" | undefined }, caller: Caller): Promise<void>;
  update(id: string, change: SessionChange): Promise<SessionSummary>;

  /** @param since null: from now on */
  subscribe(
    since: EventCursor | null,
    filter: EventFilter,
    listener: (event: LifeguardEvent) => void,
  ): { cursor: EventCursor; gap: boolean; missed: LifeguardEvent[]; end(): void };

  status(): Promise<DaemonStatus>;
  /** Prometheus text. */
  metrics(socket: SocketFigures): Promise<string>;
  /** @throws INVALID_PARAMS when the file is refused, FORBIDDEN from inside a session */
  reload(caller: Caller): Promise<{ changed: string[]; restart: string[] }>;
  /** Asks the daemon to end; answers before it does, with the live sessions: they go on under the keeper, or, with `all`, have been ended. @throws FORBIDDEN for `all` from inside one of them */
  stop(options: { all: boolean }, caller: Caller): Promise<{ sessions: number }>;
  /** Everything of this connection: its watches end, its pens fall. */
  connectionClosed(connection: number): void;
}

export type * from "../persistence/store.js";
export type { ThinkingApi };

// ---- what is kept -----------------------------------------------------------------------------------------------------

/** The caller's own part of a checkpoint, given back as it was. */
export interface CheckpointInput {
  label?: string | undefined;
  /** JSON values. */
  state?: unknown;
  extra?: unknown;
  /** At most 16 MiB. */
  context?: Uint8Array | undefined;
  tasks_completed?: number | undefined;
  token_count?: number | undefined;
}

/** Checkpoints, forks, journals, thoughts, and the store's own state. Sessions are ids here; references are resolved before. */
export interface KeepingApi {
  /** A manual checkpoint, with the terminal. @throws NOT_FOUND, LIMIT, BUSY, STORE_FULL, UNAVAILABLE */
  saveCheckpoint(id: string, input: CheckpointInput): Promise<CheckpointRow>;
  listCheckpoints(id: string | null): Promise<CheckpointRow[]>;
  latestCheckpoint(id: string): Promise<{ checkpoint: Checkpoint; skipped: Damage[] }>;
  getCheckpoint(checkpoint: string): Promise<Checkpoint>;
  /** The session starts again from it. @throws BUSY when it is live and not `force`, FORBIDDEN, NOT_FOUND, DAMAGED */
  restoreCheckpoint(checkpoint: string, options: { force: boolean }, caller: Caller): Promise<SessionSummary>;
  /** A new session from it; the parent is untouched. @throws FORBIDDEN from inside the parent: a copy of itself would answer for it */
  forkCheckpoint(
    checkpoint: string,
    options: { name: string | undefined; cwd: string | undefined },
    caller: Caller,
  ): Promise<{ fork: Fork; session: SessionSummary }>;
  /** Whether it existed. @throws BUSY naming the active fork that needs it, FORBIDDEN from inside its session */
  removeCheckpoint(checkpoint: string, caller: Caller): Promise<boolean>;
  listForks(id: string | null): Fork[];
  updateFork(fork: string, status: ForkStatus): Promise<Fork>;

  readonly journals: Journals;
  readonly archives: Archives;

  readonly thinking: ThinkingApi;

  publishThought(id: string, input: PublishInput): { accepted: boolean; reason?: string };
  getThought(id: string): StoredThought | null;
  listThoughts(): { id: string; thought: StoredThought }[];

  storeStatus(): StoreStatus;
  verifyStore(): Promise<VerifyReport>;
  pruneStore(request: { olderThanMs: number | undefined; dryRun: boolean }): Promise<PruneReport>;
}
