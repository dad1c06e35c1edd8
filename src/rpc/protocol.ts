/**
 * The wire: what clients and daemon say to each other, as types. docs/protocol.md is its page for people.
 *
 * Versioned by {@link PROTOCOL} (refused when it differs) and {@link REVISION} (grows with every method or parameter added; each
 * says the revision it came with as `since`). Never change the meaning of a name that is here: add another.
 */
import type { Explanation } from "../explanation.js";
import type { KeptMethods } from "./protocol-kept.js";
import type {
  Backend,
  Confidence,
  Evidence,
  Isolation,
  RestartPolicy,
  SessionExit,
  SessionLimits,
  SessionState,
  SessionSummary,
  TmuxRow,
} from "../session.js";

export type {
  Backend,
  Confidence,
  Evidence,
  ExitReason,
  Health,
  Isolation,
  RestartPolicy,
  RestState,
  SessionExit,
  SessionState,
  SessionSummary,
} from "../session.js";
export type { ErrorName } from "../errors.js";
export type * from "./protocol-kept.js";

/** The major version. A client that asks for a greater one is refused with this one. */
export const PROTOCOL = 1;

/** The contract's revision within the major. */
export const REVISION = "1.2";

/** What this daemon can do beyond the plain method table, for clients that must know before they ask. */
export const FEATURES: readonly string[] = [
  "notify",
  "idempotency",
  "optional",
  "watch.window",
  "watch.pen",
  "events.cursor",
  "screen.restore",
  "cancel",
  "checkpoints",
  "journals",
  "thoughts",
  "tmux",
  "reports",
  "prompts",
];

/** A place in the stream of events. `boot` names one life of the daemon. */
export interface Cursor {
  boot: string;
  seq: number;
}

/** One event: `kind` says which fields come with it. `session` is its session's id. */
export interface WireEvent {
  boot: string;
  seq: number;
  at: number;
  kind: string;
  session?: string;
  /** Only on a connection with several subscriptions: the one this copy is for. */
  subscription?: string;
  [field: string]: unknown;
}

export interface HelloResult {
  protocol: number;
  revision: string;
  version: string;
  boot: string;
  pid: number;
  methods: string[];
  features: string[];
  limits: Record<string, number>;
}

export interface StatusResult {
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
  /** The engine that has them; thought.config.get says more. */
  thoughts: { engine: "none" | "rules" | "command"; healthy: boolean; detail: string | null };
  watches: number;
  connections: number;
  restored: { sessions: number; ms: number } | null;
  loop_stall_ms: number;
  /** Writes on their way to the disk. */
  queue: { items: number; bytes: number; oldest_ms: number; coalesced: number; refused: number };
  /** `damaged`: how many files; store.status names them. */
  store: { ok: boolean; damaged: number };
}

/** Keys of config.toml, as `session.cols`. */
export interface ReloadResult {
  changed: string[];
  restart: string[];
}

/** JSON Schema of every method, by name. */
export interface SchemaResult {
  protocol: number;
  revision: string;
  methods: Record<string, { since: string; summary: string; params: object; result: object }>;
  events: Record<string, { since: string; summary: string; fields: object }>;
  notifications: Record<string, { since: string; summary: string; params: object }>;
  errors: Record<string, number>;
}

export interface CreateParams {
  /** 1–64 of letters, digits, `.`, `_`, `-`; unique among live sessions. Left out: the next number. */
  name?: string;
  /** Absolute and existing. Left out: the daemon's own. */
  cwd?: string;
  /** A tool's name: its profile's command is started where none is given. */
  tool?: string;
  /** Found on the session's PATH before anything is made. Left out: the user's shell. */
  command?: string;
  args?: string[];
  /** On top of `env_base`. */
  env?: Record<string, string>;
  env_base?: "daemon" | "login" | "none";
  /** Names in `env` that are never written to disk. */
  env_secret?: string[];
  /** 2…1000. */
  cols?: number;
  /** 1…500. */
  rows?: number;
  restart?: RestartPolicy;
  isolation?: Isolation;
  /** tmux: in a session of the configured tmux server, where `tmux attach` finds it. */
  backend?: Backend;
  labels?: Record<string, string>;
  /** Where systemd runs: a scope of its own holds the session to these. Elsewhere: UNSUPPORTED. */
  limits?: SessionLimits;
  /** The session may type into and kill itself through the socket. */
  allow_self?: boolean;
  /** Typed when the program is ready, or passed with its command, as the tool's profile says; reported by `session.prompt` events. Blank is none. */
  prompt?: string;
  /** Idempotency: the same key within 10 minutes answers with the session already made. */
  key?: string;
}

/** What a hook, a plugin or an engine knows of a session. docs/detection.md says what becomes of it. */
export interface ReportParams {
  id: string;
  /** Who says so: `claude-hook`, `codex-notify`, any word of 1–64 of letters, digits, `.`, `_`, `-`. */
  source: string;
  /** The tool's own name of what has happened: `Stop`. */
  event: string;
  /** Only where the reporter itself is sure; left out, the table of events in the tool's profile decides. */
  state?: "busy" | "idle" | "attention" | "error";
  /** For people. */
  detail?: string;
  /** When it happened, ms since 1970; now when left out. */
  at?: number;
  /** A profile's name or alias. */
  tool?: string;
  conversation_id?: string;
  /** Path of the tool's own record of the conversation. */
  transcript?: string;
  model?: string;
  token_count?: number;
  context_limit?: number;
  /** The last skill or slash command the tool was given. */
  skill?: string;
  cwd?: string;
  /** Of the process it is about. */
  pid?: number;
}

export type ScreenFormatName = "text" | "ansi" | "html" | "svg" | "restore";

/** Screen and offset are of the same instant. The rendering is in the field named by the format. */
export interface ScreenResult {
  epoch: number;
  offset: number;
  cols: number;
  rows: number;
  cursor: { x: number; y: number; visible: boolean };
  alternate: boolean;
  title: string;
  truncated: boolean;
  /** It is from this checkpoint, because the session has ended and its own files do not make it. */
  checkpoint: string | null;
  text?: string;
  ansi?: string;
  html?: string;
  svg?: string;
  /** Bytes that recreate it all in a fresh terminal of the same size; `restore_b64` in JSON. */
  restore?: Uint8Array;
}

/** Raw output. `data` begins at `offset`; `gap` bytes before it are no longer held; ask on from `next`. */
export interface ReadAnswer {
  offset: number;
  /** `data_b64` in JSON. */
  data: Uint8Array;
  next: number;
  gap: number;
}

export interface WatchAnswer {
  watch: string;
  offset: number;
  gap: number;
}

/** Which tmux server: the first configured one when neither is given. */
export interface TmuxServerParams {
  /** Path of its socket, as tmux -S. */
  socket?: string;
  /** As tmux -L. */
  socket_name?: string;
}

/** What became of a prompt's text. */
export interface PromptResult {
  /** Names it in events. */
  prompt: string;
  delivery: "submitted" | "typed" | "queued";
  evidence: { rule: string; confidence: Confidence; detail: string };
  /** With `wait`: the state reached. */
  state?: SessionState;
}

type Empty = Record<string, never>;
type ById = { id: string };

/** Every method: what goes in (MessagePack shapes: bytes are Uint8Array) and what comes out. */
export interface Methods extends KeptMethods {
  "daemon.hello": {
    params: { client?: string; protocol?: number; notify?: { method: string; args?: unknown[] } | null };
    result: HelloResult;
  };
  "daemon.status": { params: Empty; result: StatusResult };
  "daemon.metrics": { params: Empty; result: string };
  "daemon.reload": { params: Empty; result: ReloadResult };
  "daemon.schema": { params: Empty; result: SchemaResult };
  "daemon.stop": { params: { all?: boolean }; result: { sessions: number } };
  "session.create": { params: CreateParams; result: SessionSummary };
  "session.list": {
    params: { all?: boolean; state?: SessionState; labels?: Record<string, string>; fields?: string[] };
    result: { sessions: SessionSummary[]; cursor: Cursor };
  };
  "session.get": { params: ById; result: SessionSummary };
  "session.input": { params: ById & { data: Uint8Array | string }; result: { accepted: number } };
  "session.keys": { params: ById & { keys: string[] }; result: { accepted: number } };
  "session.paste": { params: ById & { text: string }; result: { accepted: number } };
  "session.prompt": {
    params: ById & {
      text: string;
      queue?: boolean;
      force?: boolean;
      lossy?: boolean;
      key?: string;
      wait?: { until: SessionState[]; timeout_ms?: number };
    };
    result: PromptResult;
  };
  "session.resize": { params: ById & { cols: number; rows: number }; result: { offset: number } };
  "session.screen": { params: ById & { format?: ScreenFormatName; scrollback?: number }; result: ScreenResult };
  "session.read": { params: ById & { since?: number; max?: number }; result: ReadAnswer };
  "session.watch": {
    params: ById & { since?: number; window?: number; write?: boolean; take?: boolean; answers?: boolean };
    result: WatchAnswer;
  };
  "session.unwatch": { params: { watch: string }; result: Empty };
  "session.ack": { params: { watch: string; offset: number }; result: Empty };
  "session.wait": { params: ById & { until: SessionState[]; timeout_ms?: number }; result: { state: SessionState; evidence: Evidence } };
  "session.kill": { params: ById & { signal?: string; grace_ms?: number }; result: { exit: SessionExit | null; processes: number } };
  "session.restart": { params: ById; result: SessionSummary };
  "session.remove": { params: ById & { force?: boolean; mode?: "detach" | "kill" }; result: Empty };
  "session.explain": { params: ById; result: Explanation };
  "session.report": { params: ReportParams; result: { accepted: boolean; reason?: string } };
  "session.update": {
    params: ById & { name?: string; labels?: Record<string, string>; seen?: boolean; pinned?: boolean };
    result: SessionSummary;
  };
  "events.subscribe": {
    params: { since?: Cursor; kinds?: string[]; session?: string };
    result: { subscription: string; boot: string; seq: number; gap: boolean };
  };
  "events.unsubscribe": { params: { subscription: string }; result: Empty };
  "tmux.list": { params: TmuxServerParams; result: { sessions: TmuxRow[] } };
  "tmux.adopt": { params: TmuxServerParams & { name: string }; result: SessionSummary };
  "rpc.cancel": { params: { id: number | string }; result: { cancelled: boolean } };
}

export type MethodName = keyof Methods;
export type Params<N extends MethodName> = Methods[N]["params"];
export type Result<N extends MethodName> = Methods[N]["result"];

/** What the daemon sends unasked. */
export interface Notifications {
  event: WireEvent;
  /** Events `from`…`to` (seq, inclusive) are no longer held, or of another boot: list again. `from` is null when unknown. */
  "events.gap": { subscription: string; boot: string; from: number | null; to: number };
  /** `age_ms`: how long ago the first of these bytes was read. `data_b64` in JSON. */
  "session.output": { watch: string; id: string; offset: number; data: Uint8Array; age_ms: number };
  "session.gap": { watch: string; id: string; from: number; to: number };
  "session.resized": { watch: string; id: string; cols: number; rows: number; offset: number };
  /** Another watch, `writer`, has taken the pen that `watch` held; the watch goes on. */
  "session.writer": { watch: string; id: string; writer: string };
  "session.closed": { watch: string; id: string; reason: "exited" | "removed" | "unwatched" };
}

export type NotificationName = keyof Notifications;

/** A message of either dialect, decoded. */
export type Message =
  | { type: "request"; id: number | string; method: string; params: unknown }
  | { type: "notification"; method: string; params: unknown }
  | { type: "response"; id: number | string | null; error: WireError | null; result: unknown };

/** An error as it arrives: JSON carries `data`, MessagePack code, name and message. */
export interface WireError {
  code: number;
  name: string;
  message: string;
  data: Record<string, unknown>;
}
