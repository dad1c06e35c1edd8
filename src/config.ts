/**
 * Every path and every setting of the daemon. Each bound says its number, why, and what happens there; what is configurable is
 * read once, merged once, and complete after {@link loadConfig}: nobody writes `?? default` later. What is not configurable is in
 * bounds.ts.
 *
 * Precedence: flags, then environment, then `config.toml`, then these defaults.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { checkSettings, problemText } from "./config-problems.js";
import type { ConfigProblem, KnownKeys } from "./config-problems.js";
import { DETACH_KEY, parseDetachKey } from "./detach-key.js";
import { LifeguardError, fileTrouble, messageOf } from "./errors.js";
import { NOTICES, type Notice } from "./notices.js";
import type { Paths } from "./paths.js";
import type { ThoughtSettings } from "./thought-engine.js";

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
    /** The least important lines that daemon.log and keeper.log get; the keeper's is as it was when that keeper started. */
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
    /** Bytes of the checkpoints of one session; beyond, the oldest go, never the newest and never manual ones. 0: no bound. */
    session_bytes: number;
    /** Bytes of all ended sessions together; beyond, the longest ended go first. 0: no bound. */
    all_bytes: number;
    /** Ended sessions kept, each with its files; beyond, the longest ended are forgotten. They never count against `max_sessions`. */
    exited_sessions: number;
    /** What nobody has asked for in this time (30 min) leaves memory, and comes back when it is asked for. */
    idle_ms: number;
    /** Who waits for something to be on the disk is answered by name (STORE_FULL, UNAVAILABLE) when it is not there after this. */
    answer_ms: number;
    /** Writes on their way to the disk, and their bytes: enough for every session at once. At the bound: snapshots wait, entries are BUSY. */
    queue_items: number;
    queue_bytes: number;
    /** Of those, under way at once. Each that hangs holds one of the 16 threads that all file calls share. */
    writes_at_once: number;
    /** A write under way for so long: the disk hangs, `store.degraded`. */
    stalled_ms: number;
    /** One entry of a journal. At the bound: LIMIT. */
    journal_entry_bytes: number;
    /** A checkpoint's context as given. At the bound: LIMIT; by default the bound of a message (`max_frame_bytes`) is met just before. */
    context_bytes: number;
  };
  session: {
    /** Size of a terminal that nobody gave one. */
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
  prompt: {
    /** From a prompt's text to its showing, and from the submit keys to what shows that it was taken. Later: `typed`. */
    confirm_ms: number;
    /** Prompts that wait for one session. At the bound: LIMIT. */
    queued: number;
    /** How long a prompt waits for a program that starts. At the bound: BUSY, or queued. */
    start_ms: number;
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
  /** Who is told of what happens to sessions (docs/notify.md). */
  notify: {
    /** A program and its arguments; the summary comes as JSON on its stdin. Empty: none. */
    command: string[];
    on: Notice[];
    /** `unwatched`: not while somebody is attached, who sees it anyway. */
    when: "always" | "unwatched";
    /** By notify-send or osascript, where that is. */
    desktop: boolean;
    /** What was over sooner has not `finished`: somebody is still there. */
    finished_after_ms: number;
    /** Least time between two notices of one session. What comes sooner waits, and is told once. */
    session_every_ms: number;
    /** Notices a minute of all sessions. Beyond, they wait and are told together. */
    per_minute: number;
    /** Runs of the command at once. Beyond, as above. */
    at_once: number;
    /** A run that takes longer is killed with everything in its process group. */
    timeout_ms: number;
  };
  thought: ThoughtSettings;
  metrics: {
    /** Where Prometheus may ask over HTTP (`GET /metrics`): an address of this machine only, `127.0.0.1:9464`. Empty: nowhere. */
    listen: string;
    /** What it must show as `Authorization: Bearer …`. Whoever has it sees figures, and nothing of any session. */
    token: string;
    /** A file with the token in its first line, so that it need not stand here. */
    token_file: string;
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

const WORD_BYTES = 4_096;
const word = z
  .string()
  .min(1, "is not empty")
  .max(WORD_BYTES)
  .refine((text) => !text.includes("\0"), "holds a NUL byte");
const period = (least: number, most: number): z.ZodInt =>
  z.int(`is a whole number of milliseconds, ${least}…${most}`).min(least, `is ${least}…${most} ms`).max(most, `is ${least}…${most} ms`);

/** In the order in which they are checked. */
export const thoughtSettings: z.ZodType<ThoughtSettings> = z
  .strictObject({
    engine: z.enum(["none", "rules", "command"], "is none, rules or command").default("rules"),
    command: z.array(word, "is a list of words").max(256).default([]),
    tick_ms: period(250, 300 * SECOND).default(15 * SECOND),
    hot_ms: period(250, 3_600 * SECOND).default(15 * SECOND),
    warm_ms: period(250, 3_600 * SECOND).default(45 * SECOND),
    cold_ms: period(250, 3_600 * SECOND).default(120 * SECOND),
    exchange_ms: period(100, 300 * SECOND).default(30 * SECOND),
  })
  .refine(({ engine, command }) => engine !== "command" || command.length > 0, {
    path: ["command"],
    message: "names no program, which the engine command needs",
  });

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
      exited_sessions: positive.default(10_000),
      idle_ms: positive.default(1_800 * SECOND),
      answer_ms: positive.default(5 * SECOND),
      queue_items: positive.default(256),
      queue_bytes: positive.min(64 * KIB).default(64 * MIB),
      writes_at_once: positive.max(8).default(2),
      stalled_ms: positive.default(10 * SECOND),
      journal_entry_bytes: positive.max(16 * MIB).default(MIB),
      context_bytes: positive.max(64 * MIB).default(16 * MIB),
    })
    // Else the largest of them would be BUSY for ever.
    .refine(({ queue_bytes, context_bytes }) => queue_bytes >= context_bytes + 4 * MIB, {
      path: ["queue_bytes"],
      message: "must hold a whole checkpoint: at least context_bytes and 4 MiB",
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
  prompt: z
    .strictObject({
      confirm_ms: positive.default(3 * SECOND),
      queued: positive.max(1_000).default(16),
      start_ms: positive.default(15 * SECOND),
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
  notify: z
    .strictObject({
      command: z.array(z.string().min(1)).default([]),
      on: z.array(z.enum(NOTICES)).default([...NOTICES]),
      when: z.enum(["always", "unwatched"]).default("always"),
      desktop: z.boolean().default(false),
      finished_after_ms: z
        .int()
        .nonnegative()
        .default(10 * SECOND),
      session_every_ms: positive.default(3 * SECOND),
      per_minute: positive.max(600).default(30),
      at_once: positive.max(64).default(4),
      timeout_ms: positive.default(10 * SECOND),
    })
    .prefault({}),
  thought: thoughtSettings.prefault({} as ThoughtSettings),
  metrics: z
    .strictObject({
      listen: z
        .string()
        .refine((text) => text === "" || isLoopback(text), {
          error: ({ input }) =>
            `${JSON.stringify(input)} is not an address and port of this machine alone: 127.0.0.1:9464, [::1]:9464 or localhost:9464`,
        })
        .default(""),
      token: z.string().default(""),
      token_file: z.string().default(""),
    })
    .refine(({ listen, token, token_file }) => listen === "" || token !== "" || token_file !== "", {
      path: ["listen"],
      message: "needs metrics.token or metrics.token_file: other users of this machine reach the port too",
    })
    .prefault({}),
  attach: z
    .strictObject({
      detach_key: z
        .string()
        .superRefine((name, context) => {
          try {
            parseDetachKey(name);
          } catch (error) {
            context.addIssue({ code: "custom", message: messageOf(error) });
          }
        })
        .default(DETACH_KEY),
    })
    .prefault({}),
});

/** 127.0.0.0/8, ::1 and localhost, with a port. */
function isLoopback(text: string): boolean {
  const [, host, port] = /^(127(?:\.\d{1,3}){3}|\[::1\]|localhost):(\d{1,5})$/.exec(text) ?? [];
  return host !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** What config.toml may say, as JSON Schema: every key with its bounds and its default. */
export function settingsAsJsonSchema(): KnownKeys & Record<string, unknown> {
  return z.toJSONSchema(settingsSchema, { io: "input", unrepresentable: "any" }) as KnownKeys & Record<string, unknown>;
}

/** What a text would be refused for; empty when it would be taken. */
export function settingsProblems(text: string): ConfigProblem[] {
  return checkSettings(text, settingsSchema, settingsAsJsonSchema).problems ?? [];
}

/**
 * Reads `config.toml` (absent is fine) and completes it.
 * @throws LifeguardError INVALID_PARAMS naming file, line and key
 */
export function loadConfig(paths: Paths): Config {
  const { settings, problems } = checkSettings(textOf(paths.config), settingsSchema, settingsAsJsonSchema);
  if (settings !== undefined) return { ...settings, paths };
  const [first, ...more] = problems;
  const others = more.length === 0 ? "" : ` (and ${more.length} more: lifeguard doctor names them)`;
  throw new LifeguardError("INVALID_PARAMS", `${first === undefined ? paths.config : problemText(paths.config, first)}${others}`, {
    field: first?.key ?? "",
    file: paths.config,
    line: first?.line ?? null,
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new LifeguardError("INVALID_PARAMS", `cannot read ${file}: ${fileTrouble(error)}`, {}, { cause: error });
  }
}
