/** When a changed setting is heeded: at once, by sessions that start from then on, or by the daemon's next start. */
import type { Settings } from "./config.js";

export type Applies = "at once" | "new sessions" | "restart";

/** Read where they are used, each time. */
const AT_ONCE: ReadonlySet<string> = new Set([
  "daemon.log_level",
  "daemon.shutdown_budget_ms",
  // Asked at a start, and at no other time.
  "daemon.restore",
  "store.exited_ms",
  "store.session_bytes",
  "store.all_bytes",
  "store.exited_sessions",
  "store.idle_ms",
  "session.cols",
  "session.rows",
  "session.restart_intensity",
  "session.restart_window_ms",
  "session.restart_backoff_ms",
  "session.kill_grace_ms",
  "session.kill_deadline_ms",
  "rpc.max_connections",
  "rpc.max_watchers",
  "rpc.outbound_bytes",
  // Of connections that are made from then on.
  "rpc.max_frame_bytes",
  "rpc.max_nesting",
  "metrics.listen",
  "metrics.token",
  "metrics.token_file",
  "attach.detach_key",
  "notify.command",
  "notify.on",
  "notify.when",
  "notify.desktop",
  "notify.finished_after_ms",
  "notify.session_every_ms",
  "notify.per_minute",
  "notify.at_once",
  "notify.timeout_ms",
  "prompt.queued",
  "prompt.start_ms",
]);

/** Handed to a session when it starts. */
const NEW_SESSIONS: ReadonlySet<string> = new Set([
  "session.history_lines",
  "prompt.confirm_ms",
  "session.spool_bytes",
  "session.spool_busy_bytes",
  "session.input_queue_bytes",
  "session.park_after_ms",
  "session.idle_hold_ms",
  "session.error_linger_ms",
  "session.attention_after_ms",
]);

/** @param key `session.cols` */
export function whenApplied(key: string): Applies {
  if (AT_ONCE.has(key)) return "at once";
  return NEW_SESSIONS.has(key) ? "new sessions" : "restart";
}

export interface Changes {
  /** Heeded from now on, or by sessions that start from now on. */
  changed: string[];
  /** Different in the file, and left as they were: the daemon reads them when it starts. */
  restart: string[];
}

/**
 * Brings `running` to what `fresh` says, in place: whoever holds a section of it sees the new values. Keys that need a restart stay,
 * so that the running settings never say what is not so.
 */
export function adoptSettings(running: Settings, fresh: Settings): Changes {
  const changes: Changes = { changed: [], restart: [] };
  const sections = running as unknown as Record<string, Record<string, unknown>>;
  for (const [section, values] of Object.entries(fresh as unknown as Record<string, Record<string, unknown>>)) {
    const mine = sections[section];
    if (mine === undefined) continue;
    for (const [name, value] of Object.entries(values)) {
      if (JSON.stringify(mine[name]) === JSON.stringify(value)) continue;
      const key = `${section}.${name}`;
      if (whenApplied(key) === "restart") changes.restart.push(key);
      else {
        mine[name] = value;
        changes.changed.push(key);
      }
    }
  }
  return changes;
}
