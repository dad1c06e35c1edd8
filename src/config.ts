/**
 * Every path and every setting of the daemon. Each bound says its number, why, and what happens there; what is configurable is
 * read once, merged once, and complete after {@link loadConfig}: nobody writes `?? default` later. What is not configurable is in
 * bounds.ts.
 *
 * Precedence: flags, then environment, then `config.toml`, then these defaults.
 */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { z } from "zod";
import { LifeguardError, messageOf } from "./errors.js";
import type { Paths } from "./paths.js";

export { makeDirectories, resolvePaths } from "./paths.js";
export type { Paths } from "./paths.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;

/** What `config.toml` says, completed. Names carry their unit: `_bytes`, `_ms`, `_mib`. */
export interface Settings {
  daemon: {
    /** Sessions at once; a machine's ptys and memory end soon after. At the bound: LIMIT. */
    max_sessions: number;
    /** Actor threads; 0 = as many as cores, at least 2 and at most 8. */
    threads: number;
    /** Heap of one actor thread. At the bound the thread dies and its sessions restart on another. */
    thread_heap_mib: number;
    log_level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
    /** All the time a shutdown may take; then it names what was not saved and exits 1. */
    shutdown_budget_ms: number;
    /** `auto`: posix_spawn where libc can, else node-pty. */
    spawner: "auto" | "posix" | "node-pty";
    /**
     * Which sessions come back after a reboot: all that were live, those of tools whose conversation is known, or none. One with the
     * restart policy `always` comes back in any case but `none`.
     */
    restore: "all" | "tools" | "none";
  };
  store: {
    /** A session that has changed is saved once in this time; the sessions are spread over it. */
    checkpoint_period_ms: number;
    /** Ended sessions are forgotten after this (7 days), unless something needs them. */
    exited_ms: number;
    /** Periodic checkpoints kept per session; the oldest goes when a newer one is durable. */
    periodic_kept: number;
    /** Bytes of one ended session, and of all together; beyond, the longest ended go first. 0: no bound. */
    session_bytes: number;
    all_bytes: number;
    /** What nobody has asked for in this time (30 min) leaves memory, and comes back when it is asked for. */
    idle_ms: number;
  };
  session: {
    cols: number;
    rows: number;
    /** Lines kept above the screen: a screenful times 25. At the bound the oldest line goes. */
    history_lines: number;
    /** Raw output kept on disk for replay. At the bound the oldest bytes become a gap. */
    spool_bytes: number;
    /** The same while the session is busy, so that a watcher may fall further behind. */
    spool_busy_bytes: number;
    /** Input waiting for a program that does not read. At the bound: BUSY, with how much was taken. */
    input_queue_bytes: number;
    /** Quiet and unwatched for so long: the terminal is packed away until it is needed. */
    park_after_ms: number;
    /** Silence before a busy session counts as idle: long enough to bridge an agent's pauses between tokens. */
    idle_hold_ms: number;
    /** How long a shell shows `error` after a command failed. */
    error_linger_ms: number;
    /** A finished command that nobody has looked at for so long asks for attention. */
    attention_after_ms: number;
    /** Restarts within `restart_window_ms` before the policy gives up with reason `restart_intensity`. */
    restart_intensity: number;
    restart_window_ms: number;
    /** Wait before a restart: doubles from the first to the second figure. */
    restart_backoff_ms: number;
    restart_backoff_max_ms: number;
    /** Each rung of the kill ladder. */
    kill_grace_ms: number;
    /** All rungs of a kill together. At the bound: TIMEOUT, naming the pids that are left. */
    kill_deadline_ms: number;
    /** A message to an actor that has not been answered by then is TIMEOUT. */
    command_deadline_ms: number;
  };
  rpc: {
    /** Clients at once. At the bound a new one gets one LIMIT error and its connection closes. */
    max_connections: number;
    /** Watches at once, all connections together. At the bound: LIMIT. */
    max_watchers: number;
    /** Bytes waiting for one client. At the bound watches skip to a gap, answers wait, then the connection closes. */
    outbound_bytes: number;
    /** One message. At the bound: PROTOCOL, the connection closes. */
    max_frame_bytes: number;
    /** Maps and arrays inside one another in one message. At the bound: PROTOCOL, the connection closes. */
    max_nesting: number;
    /** Events kept for a client that comes back. Older ones are answered with `gap: true`. */
    event_history: number;
  };
  tmux: {
    /** Adopt every tmux session that is found on `servers`, at the start and every `period_ms`. Adopted ones are looked after in any case. */
    discover: boolean;
    /** Servers by socket name (tmux -L) or path (tmux -S). `new --backend tmux`, `tmux ls` and `tmux adopt` mean the first. */
    servers: string[];
    /** The tmux program, 3.2 or newer. */
    program: string;
    period_ms: number;
    /** One question to tmux. At the bound nobody knows, and nothing is concluded from it. */
    deadline_ms: number;
    /** A server that twice in a row did not answer is not asked again for so long. */
    breaker_ms: number;
  };
  attach: {
    /** The key that leaves an attached session, by its tmux name. */
    detach_key: string;
  };
}

export interface Config extends Settings {
  paths: Paths;
}

const positive = z.int().positive();

/** Every key optional, unknown keys refused by name. */
const settingsSchema: z.ZodType<Settings> = z.strictObject({
  daemon: z
    .strictObject({
      max_sessions: positive.max(100_000).default(2_000),
      threads: z.int().min(0).max(64).default(0),
      thread_heap_mib: positive.min(32).default(1_024),
      log_level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
      shutdown_budget_ms: positive.default(8 * SECOND),
      spawner: z.enum(["auto", "posix", "node-pty"]).default("auto"),
      restore: z.enum(["all", "tools", "none"]).default("tools"),
    })
    .prefault({}),
  store: z
    .strictObject({
      checkpoint_period_ms: positive.default(30 * SECOND),
      exited_ms: positive.default(7 * 24 * 3_600 * SECOND),
      periodic_kept: positive.default(10),
      session_bytes: z.int().nonnegative().default(0),
      all_bytes: z.int().nonnegative().default(0),
      idle_ms: positive.default(1_800 * SECOND),
    })
    .prefault({}),
  session: z
    .strictObject({
      cols: z.int().min(2).max(1_000).default(120),
      rows: z.int().min(1).max(500).default(40),
      history_lines: z.int().min(0).max(100_000).default(1_000),
      spool_bytes: positive.min(64 * KIB).default(MIB),
      spool_busy_bytes: positive.min(64 * KIB).default(4 * MIB),
      input_queue_bytes: positive.default(256 * KIB),
      park_after_ms: positive.default(2 * SECOND),
      idle_hold_ms: positive.default(1_500),
      error_linger_ms: positive.default(4 * SECOND),
      attention_after_ms: positive.default(300 * SECOND),
      restart_intensity: positive.default(3),
      restart_window_ms: positive.default(60 * SECOND),
      restart_backoff_ms: positive.default(SECOND),
      restart_backoff_max_ms: positive.default(30 * SECOND),
      kill_grace_ms: positive.default(5 * SECOND),
      kill_deadline_ms: positive.default(20 * SECOND),
      command_deadline_ms: positive.default(10 * SECOND),
    })
    .prefault({}),
  rpc: z
    .strictObject({
      max_connections: positive.default(256),
      max_watchers: positive.default(1_024),
      outbound_bytes: positive.min(64 * KIB).default(4 * MIB),
      max_frame_bytes: positive.min(4 * KIB).default(16 * MIB),
      max_nesting: positive.default(64),
      event_history: positive.default(10_000),
    })
    .prefault({}),
  tmux: z
    .strictObject({
      discover: z.boolean().default(false),
      servers: z.array(z.string().min(1)).min(1).max(64).default(["default"]),
      program: z.string().min(1).default("tmux"),
      period_ms: positive.min(100).default(10 * SECOND),
      deadline_ms: positive
        .min(50)
        .max(10 * SECOND)
        .default(2 * SECOND),
      breaker_ms: positive.default(30 * SECOND),
    })
    .prefault({}),
  attach: z.strictObject({ detach_key: z.string().default("C-\\") }).prefault({}),
});

/**
 * Reads `config.toml` (absent is fine) and completes it.
 * @throws LifeguardError INVALID_PARAMS naming file and key
 */
export function loadConfig(paths: Paths): Config {
  let text = "";
  try {
    text = readFileSync(paths.config, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new LifeguardError("INVALID_PARAMS", `cannot read ${paths.config}: ${messageOf(error)}`, {}, { cause: error });
  }
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw new LifeguardError("INVALID_PARAMS", `${paths.config} is not TOML: ${messageOf(error)}`, {}, { cause: error });
  }
  const result = settingsSchema.safeParse(raw);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new LifeguardError("INVALID_PARAMS", `${paths.config}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`, {
      field: issue?.path.join(".") ?? "",
    });
  }
  return { ...result.data, paths };
}
