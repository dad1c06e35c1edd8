/**
 * The words all parts share about a session. Nothing here does anything.
 * Times are milliseconds since 1970, offsets are bytes of output since the session began (they survive restarts of both the
 * daemon and the session's process), sizes are cells.
 */

export const SESSION_STATES = ["starting", "busy", "idle", "attention", "error", "exited"] as const;
export type SessionState = (typeof SESSION_STATES)[number];

export type RestState = "active" | "drowsy" | "sleeping" | "deep_sleep";
export type RestartPolicy = "never" | "on-failure" | "always";
export type Isolation = "shared" | "thread";
export type Backend = "pty" | "tmux";
export type Health = "ok" | "recovering" | "degraded" | "unresponsive";
export type ExitReason = "process_exit" | "killed" | "spawn_failed" | "lost" | "startup_missing" | "restart_intensity";
export type Confidence = "high" | "medium" | "low";

/** Why a state is what it is. `rule` is stable, `detail` is for people. */
export interface Evidence {
  source: string;
  rule: string;
  confidence: Confidence;
  at: number;
  detail: string;
}

/** How a session's process ended. Both code and signal are null when the status is lost (the keeper that would know died). */
export interface SessionExit {
  code: number | null;
  /** The signal's name, `SIGKILL`. */
  signal: string | null;
  at: number;
  reason: ExitReason;
}

/** What one session may take, where systemd can hold it to that. */
export interface SessionLimits {
  /** Bytes, swap not counted. At the bound the kernel ends processes of this session alone. */
  memory_max?: number | undefined;
  /** 1…10 000; everybody else has 100. */
  cpu_weight?: number | undefined;
  /** Processes and threads. */
  tasks_max?: number | undefined;
}

export interface TerminalSize {
  cols: number;
  rows: number;
}

/** What `session.create` asked for, complete: enough to start the process again. */
export interface SessionSpec {
  name: string;
  cwd: string;
  tool: string | null;
  /** As the user wrote it. */
  command: string;
  /** Without the command itself. */
  args: string[];
  /** The whole environment the process gets, private variables of the daemon already taken out. */
  env: Record<string, string>;
  /** The names in `env` that must never be written to disk. */
  envSecret: string[];
  cols: number;
  rows: number;
  restart: RestartPolicy;
  isolation: Isolation;
  backend: Backend;
  labels: Record<string, string>;
  /** True when the session may type into and kill itself through the socket. */
  allowSelf: boolean;
  limits?: SessionLimits | undefined;
}

/** The public shape of a session, field names as on the wire (docs/protocol.md). */
export interface SessionSummary {
  id: string;
  name: string;
  labels: Record<string, string>;
  tool: string | null;
  command: string;
  args: string[];
  cwd: string;
  pid: number | null;
  cols: number;
  rows: number;
  created_at: number;
  started_at: number | null;
  last_activity_at: number;
  state: SessionState;
  state_since: number;
  evidence: Evidence;
  rest_state: RestState;
  exit: SessionExit | null;
  title: string;
  current_command: string | null;
  conversation_id: string | null;
  thought: { text: string; state: string; source: string; updated_at: number } | null;
  last_skill: string | null;
  repo: { root: string; branch: string | null; colour: string } | null;
  prompt_delivery: string | null;
  token_count: number | null;
  context_limit: number | null;
  model: string | null;
  epoch: number;
  offset: number;
  watchers: number;
  /** The watch that holds the pen, null when everybody may type. */
  writer: string | null;
  backend: Backend;
  /** Where tmux has it, for `tmux -S socket attach -t session`; null (or left out, before 1.2) with a terminal of its own. */
  tmux?: { name: string; socket: string; session: string } | null;
  health: Health;
  restarts: number;
  /** Retention never takes it. */
  pinned: boolean;
  dirty: boolean;
  last_checkpoint_at: number | null;
  recovered_from: "worker" | "daemon" | "checkpoint" | null;
}

const ID = /^sess_([1-9][0-9]{0,15})$/;

/** The number in a session id, or null when this is no session id. */
export function sessionNumber(id: string): number | null {
  const match = ID.exec(id);
  return match === null ? null : Number(match[1]);
}

export function sessionId(number: number): string {
  return `sess_${number}`;
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const LOOKS_LIKE_ID = /^(sess|jrnl)_[0-9]+$/;
/** Names of devices on systems whose people share backups with ours. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** A name as stored (trimmed), or why it is none. */
export function checkName(raw: string): { name: string } | { problem: string } {
  const name = raw.trim();
  if (!NAME.test(name)) return { problem: `a name has 1–64 of letters, digits, '.', '_', '-', got ${JSON.stringify(raw.slice(0, 80))}` };
  if (name === "." || name === "..") return { problem: `a name is not ${JSON.stringify(name)}` };
  if (DEVICE.test(name)) return { problem: `a name is not that of a device, got ${JSON.stringify(name)}` };
  if (LOOKS_LIKE_ID.test(name)) return { problem: `a name must not look like an id, got ${JSON.stringify(name)}` };
  return { name };
}

/** A tmux session, ours or not. */
export interface TmuxRow {
  name: string;
  socket: string;
  /** tmux's own id, `$3`. */
  session: string;
  created_at: number;
  /** Clients that look at it, ours among them. */
  attached: number;
  windows: number;
  /** The session of ours that it is; null: it is not adopted. */
  id: string | null;
}
