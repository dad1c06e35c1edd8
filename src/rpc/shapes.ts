/** What answers look like, as schemas: `daemon.schema` and docs/protocol.md are made from them, the contract suite holds answers against them. */
import { z } from "zod";
import { SESSION_STATES } from "../session.js";

const time = (what: string): z.ZodType => z.number().describe(`${what}, ms since 1970`);
const count: z.ZodType = z.int().min(0);

export const stateShape: z.ZodType = z.enum(SESSION_STATES);

export const evidenceShape: z.ZodObject = z.object({
  source: z.string(),
  rule: z.string().describe("stable name of the rule"),
  confidence: z.enum(["high", "medium", "low"]),
  at: time("when it was seen"),
  detail: z.string().describe("for people"),
});

export const explanationShape: z.ZodObject = z.object({
  state: stateShape,
  since: time("in this state since"),
  evidence: evidenceShape.nullable(),
  tool: z
    .object({
      name: z.string(),
      title: z.string(),
      revision: z.int(),
      verified: z.string().nullable().describe("versions it was checked against, and when; null: it was not"),
      files: z.array(z.string()),
    })
    .nullable()
    .describe("the profile whose rules decide"),
  held: z
    .object({ state: stateShape, rule: z.string(), hold_ms: count, text: z.string() })
    .nullable()
    .describe("what shows now and is said once it has lasted"),
  report: z
    .object({
      source: z.string(),
      event: z.string(),
      state: stateShape.nullable(),
      reliable: z.boolean().describe("known to be so whenever it is told"),
      at: time("when it happened"),
      age_ms: count,
      outcome: z
        .enum(["won", "outranked", "contradicted", "evidence", "no_state"])
        .describe("`contradicted`: what the screen showed later has ended it; `evidence`: it decides nothing alone"),
      text: z.string(),
    })
    .nullable()
    .describe("the newest report, and what became of it"),
  candidates: z
    .array(
      z.object({
        source: z.string(),
        rule: z.string(),
        state: stateShape,
        region: z.string(),
        outcome: z.enum(["won", "outranked", "contradicted", "no_match"]),
        text: z.string().describe("what it matched, or what it lacked"),
      }),
    )
    .describe("in order of precedence"),
  inputs: z.object({
    title: z.string(),
    progress: z.string(),
    foreground: z.string().nullable(),
    foreground_is_leader: z.boolean().nullable(),
    cursor_line: z.string(),
    shell_phase: z.string().nullable(),
    quiet_ms: count.nullable(),
    alternate_screen: z.boolean(),
  }),
  would_change: z.array(z.string()),
});

export const exitShape: z.ZodObject = z.object({
  code: z.int().nullable(),
  signal: z.string().nullable().describe("`SIGKILL`; with code null: the status is lost when both are"),
  at: time("when it ended"),
  reason: z.enum(["process_exit", "killed", "spawn_failed", "lost", "startup_missing", "restart_intensity"]),
});

export const summaryShape: z.ZodObject = z.object({
  id: z.string().describe("`sess_<n>`, never used twice"),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  tool: z.string().nullable(),
  command: z.string(),
  args: z.array(z.string()),
  cwd: z.string(),
  pid: z.int().nullable(),
  cols: z.int(),
  rows: z.int(),
  created_at: time("made"),
  started_at: time("its process was started").nullable(),
  last_activity_at: time("newest output"),
  state: stateShape,
  state_since: time("in this state since"),
  evidence: evidenceShape,
  rest_state: z.enum(["active", "drowsy", "sleeping", "deep_sleep"]),
  exit: exitShape.nullable(),
  title: z.string(),
  current_command: z.string().nullable(),
  conversation_id: z.string().nullable(),
  thought: z.object({ text: z.string(), state: z.string(), source: z.string(), updated_at: z.number() }).nullable(),
  last_skill: z.string().nullable(),
  repo: z.object({ root: z.string(), branch: z.string().nullable(), colour: z.string() }).nullable(),
  prompt_delivery: z.string().nullable(),
  token_count: z.number().nullable(),
  context_limit: z.number().nullable(),
  model: z.string().nullable(),
  epoch: count.describe("how often its process was started"),
  offset: count.describe("bytes of output since it began"),
  watchers: count,
  writer: z.string().nullable().describe("the watch that holds the pen; null: everybody may type"),
  backend: z.enum(["pty", "tmux"]),
  tmux: z
    .object({ name: z.string(), socket: z.string(), session: z.string().describe("tmux's own id, `$3`") })
    .nullable()
    .optional()
    .describe("where tmux has it: `tmux -S socket attach -t session`"),
  health: z.enum(["ok", "recovering", "degraded", "unresponsive"]),
  restarts: count,
  pinned: z.boolean().describe("retention never takes it"),
  dirty: z.boolean(),
  last_checkpoint_at: z.number().nullable(),
  recovered_from: z.enum(["worker", "daemon", "checkpoint"]).nullable(),
});

export const promptShape: z.ZodObject = z.object({
  prompt: z.string().describe("names it in events"),
  delivery: z.enum(["submitted", "typed", "queued"]),
  evidence: z.object({
    rule: z.string().describe("stable name, docs/prompts.md"),
    confidence: z.enum(["high", "medium", "low"]),
    detail: z.string().describe("for people"),
  }),
  state: stateShape.optional().describe("with `wait`: the state reached"),
});

/** The names that `session.list fields` takes. */
export const SUMMARY_FIELDS: readonly string[] = Object.keys(summaryShape.shape);

/** With `fields` given, only those (and `id`). */
export const partialSummaryShape: z.ZodObject = summaryShape.partial().required({ id: true });

export const cursorShape: z.ZodObject = z.object({ boot: z.string(), seq: count });

/** Bytes in an answer: bin in MessagePack; in JSON base64, in the same name with `_b64`. */
export const bytesShape: z.ZodType = z.custom<Uint8Array>((value) => value instanceof Uint8Array).meta({ bytes: true });

export const helloShape: z.ZodObject = z.object({
  protocol: z.int(),
  revision: z.string().describe("of the contract; what is newer says so as `since`"),
  version: z.string(),
  boot: z.string().describe("names this life of the daemon"),
  pid: z.int(),
  methods: z.array(z.string()),
  features: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
});

export const statusShape: z.ZodObject = z.object({
  pid: z.int(),
  version: z.string(),
  boot: z.string(),
  started_at: time("started"),
  uptime_ms: z.number(),
  keepers: z.array(z.object({ pid: z.int(), version: z.string(), sessions: count, draining: z.boolean() })),
  sessions: z.record(z.string(), count).describe("how many in each state"),
  threads: z.array(z.object({ id: z.int(), actors: count, heap_bytes: z.number() })),
  fds: count,
  ptys: count,
  memory: z.object({ daemon_rss: z.number(), keeper_rss: z.number() }).describe("bytes"),
  thoughts: z
    .object({ engine: z.enum(["none", "rules", "command"]), healthy: z.boolean(), detail: z.string().nullable() })
    .describe("the engine that has them; `thought.config.get` says more"),
  watches: count,
  connections: count,
  restored: z.object({ sessions: count, ms: z.number() }).nullable().describe("what this daemon took over at its start"),
  loop_stall_ms: z.number().describe("longest stretch the main loop was held up since the last status"),
  queue: z
    .object({ items: count, bytes: count, oldest_ms: z.number(), coalesced: count, refused: count })
    .describe("writes on their way to the disk"),
  store: z.object({ ok: z.boolean(), damaged: count.describe("files; `store.status` names them") }),
});

export const schemaShape: z.ZodObject = z.object({
  protocol: z.int(),
  revision: z.string(),
  methods: z.record(z.string(), z.object({ since: z.string(), summary: z.string(), params: z.unknown(), result: z.unknown() })),
  events: z.record(z.string(), z.object({ since: z.string(), summary: z.string(), fields: z.unknown() })),
  notifications: z.record(z.string(), z.object({ since: z.string(), summary: z.string(), params: z.unknown() })),
  errors: z.record(z.string(), z.int()),
});

export const screenShape: z.ZodObject = z.object({
  epoch: count,
  offset: count,
  cols: z.int(),
  rows: z.int(),
  cursor: z.object({ x: count, y: count, visible: z.boolean() }).describe("cells from the top left"),
  alternate: z.boolean(),
  title: z.string(),
  truncated: z.boolean().describe("`scrollback` asked for more than is held"),
  checkpoint: z.string().nullable().describe("it is from this checkpoint, because the session has ended and its own files do not make it"),
  text: z.string().optional(),
  ansi: z.string().optional(),
  html: z.string().optional(),
  svg: z.string().optional(),
  restore: bytesShape.optional(),
});

export const readShape: z.ZodObject = z.object({
  offset: count.describe("where `data` begins"),
  data: bytesShape,
  next: count.describe("ask on from here"),
  gap: count.describe("bytes before `offset` that were asked for and are no longer held"),
});

export const watchShape: z.ZodObject = z.object({ watch: z.string(), offset: count, gap: count });
export const subscriptionShape: z.ZodObject = z.object({
  subscription: z.string(),
  boot: z.string(),
  seq: count,
  gap: z.boolean().describe("events after `since` are missing: list again"),
});
export const emptyShape: z.ZodObject = z.object({});

export const tmuxRowShape: z.ZodObject = z.object({
  name: z.string(),
  socket: z.string(),
  session: z.string().describe("tmux's own id, `$3`"),
  created_at: time("made"),
  attached: count.describe("clients that look at it, ours among them"),
  windows: count,
  id: z.string().nullable().describe("the session of ours that it is; null: it is not adopted"),
});
