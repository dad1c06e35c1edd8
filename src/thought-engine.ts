/** The engine that has thoughts about the sessions: what is said to it, what it says of itself, and what a trial of it gives. */

/** What has thoughts about the sessions, and how often. Said here, and overridden as a whole by `thought.config.set`. */
export interface ThoughtSettings {
  /** `rules`: from title, state and the agent's last tool line. `command`: a process of the user's (docs/thoughts.md). */
  engine: "none" | "rules" | "command";
  /** The command and its arguments. */
  command: string[];
  /** Once in this time the command is asked about the sessions whose turn it is. */
  tick_ms: number;
  /** A session's turn, by the age of its objective: below 5 min, below an hour, and beyond. */
  hot_ms: number;
  warm_ms: number;
  cold_ms: number;
  /** What an answer may take. At the bound the process is ended, and started again later. */
  exchange_ms: number;
}

export interface EngineStatus {
  engine: ThoughtSettings["engine"];
  /** Advisory: an engine that is not well is tried on, and nothing waits for it. */
  healthy: boolean;
  /** Why it is not, or what went wrong last; null: nothing. */
  detail: string | null;
  /** The rest is of the `command` engine; 0 and null otherwise. */
  name: string | null;
  pid: number | null;
  /** In a row. */
  failures: number;
  /** How often the command was started. */
  starts: number;
  /** Exchanges that were answered, how long the last took, and when it was, ms since 1970. */
  syncs: number;
  last_sync_ms: number | null;
  last_sync_at: number | null;
  /** Updates: taken, refused by their watermark, and not understood or not asked for. */
  taken: number;
  refused: number;
  ignored: number;
  /** The last words on its stderr. */
  stderr: string;
}

/** What an engine answered about a session that does not exist. */
export interface ThoughtTest {
  ok: boolean;
  engine: ThoughtSettings["engine"];
  ms: number;
  /** What the command calls itself. */
  name: string | null;
  /** The thoughts it had, as they would be shown. */
  updates: { session: string; text: string | null; state: string | null; source: string }[];
  /** What it answered that is not understood. */
  ignored: number;
  error: string | null;
  stderr: string;
}
