/** What the daemon says unasked: notifications of a connection, and the kinds of events. For `daemon.schema` and docs/protocol.md. */
import { z } from "zod";
import { bytesShape, evidenceShape, stateShape, summaryShape } from "./shapes.js";

export interface Announcement {
  since: string;
  summary: string;
  fields: z.ZodObject;
}

const text = z.string();
const count = z.int().min(0);
const of = (summary: string, fields: Record<string, z.ZodType> = {}, since = "1.0"): Announcement => ({
  since,
  summary,
  fields: z.object(fields),
});

export const NOTIFICATIONS: Readonly<Record<string, Announcement>> = {
  event: of("One event of a subscription: the event itself. `subscription` is there only on a connection that has several.", {
    boot: text,
    seq: count,
    at: z.number().describe("ms since 1970"),
    kind: text,
    session: text.optional(),
    subscription: text.optional(),
  }),
  "events.gap": of("Events `from`…`to` (seq, inclusive) are no longer held: list again. `from` is null when that is unknown.", {
    subscription: text,
    boot: text,
    from: count.nullable(),
    to: count,
  }),
  "session.output": of("Output. `age_ms` is how long ago the first of these bytes was read.", {
    watch: text,
    id: text,
    offset: count,
    data: bytesShape,
    age_ms: count,
  }),
  "session.gap": of("Bytes `from`…`to` (exclusive) were overwritten before this watcher took them.", {
    watch: text,
    id: text,
    from: count,
    to: count,
  }),
  "session.resized": of("The terminal has another size from `offset` on.", {
    watch: text,
    id: text,
    cols: z.int(),
    rows: z.int(),
    offset: count,
  }),
  "session.writer": of(
    "This watch held the pen, and `writer`, another watch, has taken it. The watch goes on.",
    { watch: text, id: text, writer: text },
    "1.1",
  ),
  "session.closed": of("The watch is over; nothing of it follows.", {
    watch: text,
    id: text,
    reason: z.enum(["exited", "removed", "unwatched"]),
  }),
};

/** Beside boot, seq, at, kind and (where it is about one) session. */
export const EVENTS: Readonly<Record<string, Announcement>> = {
  "session.created": of("A session was made.", { summary: summaryShape }),
  "session.state": of("A confirmed change of state.", { from: stateShape, to: stateShape, evidence: evidenceShape }),
  "session.exited": of("Its process has ended; `restarting`: the restart policy starts it again.", {
    code: z.int().nullable(),
    signal: text.nullable(),
    reason: text,
    restarting: z.boolean(),
  }),
  "session.removed": of("Forgotten, its files gone.", { reason: text, mode: text, backend_alive: z.boolean() }),
  "session.renamed": of("Another name.", { from: text, to: text }),
  "session.command": of("A command of a shell with shell integration has ended.", {
    command: text.nullable(),
    exit: z.int().nullable(),
    duration_ms: z.number().nullable(),
  }),
  "session.resized": of("Another size from `offset` on.", { cols: z.int(), rows: z.int(), offset: count }),
  "session.writer": of("The pen went to another watch; null: everybody may type.", { writer: text.nullable(), previous: text.nullable() }),
  "session.notification": of("The program asked for a notification.", { title: text, body: text }),
  "session.acknowledged": of("A person has looked at it."),
  "session.restarting": of("It will be started again after `delay_ms`.", { delay_ms: z.number(), restarts: count }),
  "session.restarted": of("Its process was started again.", { epoch: count, offset: count }),
  "session.tool": of("Another tool is in front, or none that is known (null).", { from: text.nullable(), to: text.nullable() }, "1.1"),
  "session.conversation": of(
    "The tool in front is in another conversation, by the word of a report that is proven to be this session's; null: in none that is known.",
    { from: text.nullable(), to: text.nullable() },
    "1.1",
  ),
  "session.title": of("The terminal's title.", { title: text }),
  "session.cwd": of("The directory its shell is in.", { cwd: text }),
  "session.recovered": of("It goes on after its thread or the daemon was lost.", {
    from: z.enum(["worker", "daemon", "checkpoint"]),
    lost_bytes: count,
  }),
  "session.health": of("Whether everything of it works.", { health: text, detail: text }),
  "session.bell": of("The bell rang."),
  "session.prompt": of(
    "What became of a prompt. Not the answer of a model: whether the text got in. `refused` with the error's name, in lower case, as `reason`: nothing was typed. `dropped`: the daemon died while it was being delivered, and nobody knows.",
    {
      prompt: text.describe("names the prompt; a queued one has several events"),
      delivery: z.enum(["submitted", "typed", "queued", "refused", "dropped"]),
      rule: text.optional(),
      confidence: z.enum(["high", "medium", "low"]).optional(),
      reason: text.optional(),
      detail: text.optional(),
    },
    "1.1",
  ),
  "session.thought": of(
    "What it is doing, in a line. `degraded`: it had to wait for a place in the queue to the disk.",
    {
      thought: z.object({ text, state: text, source: text, updated_at: z.number() }).nullable(),
      degraded: z.boolean(),
    },
    "1.1",
  ),
  "checkpoint.saved": of(
    "A checkpoint is on the disk; `reason` is its kind.",
    { checkpoint: text, generation: count, reason: z.enum(["periodic", "manual", "exit", "shutdown"]) },
    "1.1",
  ),
  "checkpoint.failed": of(
    "A checkpoint of this kind could not be saved. The session is `dirty`, and it is tried again.",
    { reason: z.enum(["periodic", "manual", "exit", "shutdown"]), message: text },
    "1.1",
  ),
  "store.degraded": of("The disk is full, fails or hangs: sessions run on, what is to be saved waits.", { reason: text }, "1.1"),
  "store.ok": of("Everything that waited is on the disk again.", {}, "1.1"),
  "store.damaged": of(
    "A file of the store is not what it should be: it was moved to quarantine, or left where it is (null).",
    { path: text, what: text, reason: text, quarantined_to: text.nullable() },
    "1.1",
  ),
  "daemon.started": of("The daemon began, and took over `restored` sessions.", { restored: count }),
  "daemon.stopping": of("The daemon ends; agents go on unless it was asked to end them."),
  "daemon.degraded": of("Something of the daemon is lost or fails.", { reason: text }),
};
