/** What answers about what is kept look like: see shapes.ts. */
import { z } from "zod";
import { bytesShape, summaryShape } from "./shapes.js";

const time = (what: string): z.ZodType => z.number().describe(`${what}, ms since 1970`);
const count: z.ZodType = z.int().min(0);
const text = z.string();

export const damageShape: z.ZodObject = z.object({
  path: text.describe("relative to the store"),
  kind: text.describe("what it should be"),
  reason: text,
  quarantined_to: text.optional(),
  at: z.number(),
});
const unreadShape = z.array(z.object({ path: text, reason: text })).describe("made by a newer version: left alone");
const foreignShape = z.array(text).describe("not ours: left alone");

export const rowShape: z.ZodObject = z.object({
  checkpoint: text.describe("its id"),
  session: text,
  generation: count.describe("the order: it grows, whatever the clock does"),
  kind: z.enum(["periodic", "manual", "exit", "shutdown"]),
  label: text.nullable(),
  parent: text.nullable().describe("the checkpoint that its session was restored or forked from"),
  created_at: time("made"),
  epoch: count,
  offset: count.describe("bytes of output when it was made"),
  tasks_completed: count,
  token_count: count,
  state_size_bytes: count.describe("of `state` as compact JSON"),
  context_bytes: count.describe("of the context as given"),
  context_stored_bytes: count.describe("of the context on the disk"),
  codec: z.enum(["none", "deflate", "brotli"]).describe("of the context on the disk"),
  checksum: text.nullable().describe("SHA-256 of the context as given, hex"),
  terminal_bytes: count,
  bytes: count.describe("of its file"),
});

const specShape = z.object({
  name: text,
  cwd: text,
  tool: text.nullable(),
  command: text,
  args: z.array(text),
  env_names: z.array(text),
  env_secret: z.array(text),
  cols: z.int(),
  rows: z.int(),
  restart: z.enum(["never", "on-failure", "always"]),
  isolation: z.enum(["shared", "thread"]),
  backend: z.enum(["pty", "tmux"]),
  labels: z.record(text, text),
  allow_self: z.boolean(),
});

export const checkpointShape: z.ZodObject = rowShape.extend({
  session_state: text,
  spec: specShape.describe("what the session was made with; of its environment the names only"),
  state: z.unknown().describe("as it was saved; null without"),
  extra: z.unknown().describe("as it was saved; null without"),
  context: bytesShape.nullable(),
});

export const latestShape: z.ZodObject = checkpointShape.extend({
  skipped: z.array(damageShape).describe("newer ones that are damaged"),
});

const statusShape = z.enum(["active", "merged", "abandoned", "archived"]);
export const forkShape: z.ZodObject = z.object({
  fork: text.describe("its id"),
  session: text.describe("what was forked"),
  checkpoint: text,
  forked_session: text,
  name: text.nullable(),
  status: statusShape.describe("only an active fork protects its checkpoint"),
  created_at: time("made"),
  updated_at: time("last changed"),
});
export const forkedShape: z.ZodObject = z.object({ fork: text, status: statusShape, session: summaryShape });

export const journalShape: z.ZodObject = z.object({
  id: text.describe("`jrnl_<n>`, or a session's id for its own"),
  agent: text.nullable(),
  created_by: text.nullable(),
  title: text,
  summary: text,
  created_at: time("made; never changes"),
  updated_at: time("last changed"),
  message_count: count.describe("entries of kind `message`"),
  last_seq: count.describe("the newest entry; 0 without any"),
  branches: z.array(text),
  boundary: z.object({ seq: count, archive: text.nullable() }).nullable(),
});

export const journalPageShape: z.ZodObject = z.object({
  entries: z.array(
    z.object({
      seq: count,
      at: z.number(),
      kind: z.enum(["message", "thought", "event", "compact", "note"]),
      author: text.optional(),
      branch: text.optional(),
      from: count.optional(),
      data: z.unknown().describe("a JSON value; bytes come as bin, in JSON as `data_b64`"),
    }),
  ),
  next: count.describe("ask on with this `since`"),
  more: z.boolean().describe("there are entries from `next` on"),
  archive: text.optional().describe("with `from_boundary`: the archive's name"),
  boundary: z
    .object({ seq: count, archive: text, archive_missing: z.boolean(), prefix: text.describe("the archive's text, else the summary") })
    .optional(),
  damage: z.array(
    z.object({
      seq: count.optional(),
      offset: count.describe("bytes from the start of the segment"),
      segment: text,
      reason: text,
    }),
  ),
});

export const thoughtShape: z.ZodObject = z.object({
  text: text,
  state: z.enum(["active", "holding", "sleeping"]),
  source: z.enum(["llm", "carry_forward", "static_sleeping", "rule"]),
  rest_state: z.enum(["active", "drowsy", "sleeping", "deep_sleep"]),
  commit_candidate: z.boolean(),
  action_cues: z.array(text),
  objective_fingerprint: text.nullable(),
  objective_changed_at: z.number().nullable(),
  token_count: z.number().nullable(),
  context_limit: z.number().nullable(),
  updated_at: z.number(),
  watermark: z.object({ stream_instance_id: text, emission_seq: count }).nullable(),
});

const engineShape = z.enum(["none", "rules", "command"]);
const milliseconds = z.int();
export const thoughtConfigShape: z.ZodObject = z.object({
  version: count.describe("goes with `thought.config.set`; 0 until it was set for the first time"),
  source: z.enum(["config.toml", "store"]).describe("`store`: `thought.config.set` said so"),
  config: z.object({
    engine: engineShape,
    command: z.array(text),
    tick_ms: milliseconds,
    hot_ms: milliseconds,
    warm_ms: milliseconds,
    cold_ms: milliseconds,
    exchange_ms: milliseconds,
  }),
  problem: text.nullable().describe("why what was set is not in use"),
  status: z.object({
    engine: engineShape,
    healthy: z.boolean().describe("advisory: one that is not well is tried on"),
    detail: text.nullable(),
    name: text.nullable(),
    pid: z.int().nullable(),
    failures: count.describe("in a row"),
    starts: count,
    syncs: count,
    last_sync_ms: z.number().nullable(),
    last_sync_at: z.number().nullable(),
    taken: count,
    refused: count.describe("by their watermark"),
    ignored: count.describe("not understood, or not asked for"),
    stderr: text.describe("its last words there"),
  }),
});

export const thoughtTestShape: z.ZodObject = z.object({
  ok: z.boolean(),
  engine: engineShape,
  ms: z.number(),
  name: text.nullable(),
  updates: z.array(z.object({ session: text, text: text.nullable(), state: text.nullable(), source: text })),
  ignored: count,
  error: text.nullable(),
  stderr: text,
});

export const storeShape: z.ZodObject = z.object({
  ok: z.boolean(),
  trouble: text.nullable(),
  queue: z
    .object({
      items: count,
      bytes: count,
      oldest_ms: z.number(),
      coalesced: count.describe("replaced by a newer one before they were written"),
      refused: count,
      written: count,
      failed: count.describe("attempts that failed"),
      waiting: count.describe("of `items`: without a place yet"),
    })
    .describe("writes on their way to the disk"),
  sessions: count,
  in_memory: z.object({ sessions: count, journals: count }),
  damaged: z.array(damageShape),
  unsupported: unreadShape,
  foreign: foreignShape,
});

export const verifyShape: z.ZodObject = z.object({
  checked: count.describe("files read"),
  damaged: z.array(damageShape),
  unsupported: unreadShape,
  foreign: foreignShape,
});

export const pruneShape: z.ZodObject = z.object({
  removed: z.array(z.object({ kind: z.enum(["session", "checkpoint"]), id: text, session: text, reason: text, bytes: count })),
  kept: z.array(z.object({ id: text, reason: text })).describe("due, and why it stays"),
  foreign: foreignShape,
  bytes: count,
});

export const removedShape: z.ZodObject = z.object({ removed: z.boolean().describe("false: there was none") });
