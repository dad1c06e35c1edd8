/** What hooks, plugins and outside engines know of a session. */
import { z } from "zod";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { absolutePath, count, line, reference } from "../parameters.js";

const word = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "is a word of 1–64 letters, digits, '.', '_', '-'");
/** It becomes an argument of the tool's resume command: nothing that could be taken for an option or a path. */
const conversation = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$/, "is a conversation's id: 1–128 letters, digits, '.', '_', ':', '-', the first no sign");

const report: Method = method({
  name: "session.report",
  since: "1.1",
  summary:
    "What a hook, a plugin or an engine knows of a session. `accepted: false` says in `reason` why it was not taken: the session does not run, the report is older than one from the same source, or what it names is not this session's; `accepted: true` with a reason: what it says of a conversation is not used. A process inside a session may report about that session, about another one it is FORBIDDEN.",
  params: z.strictObject({
    id: reference,
    source: word.describe("who says so: `claude-hook`, `codex-notify`, any word"),
    event: word.describe("the tool's own name of what has happened: `Stop`"),
    state: z
      .enum(["busy", "idle", "attention", "error"])
      .describe("where the reporter itself is sure; left out, the events of the tool's profile decide")
      .optional(),
    detail: line(500, 0).describe("for people").optional(),
    at: count("milliseconds since 1970").describe("when it happened; now when left out").optional(),
    tool: word.describe("a profile's name or alias").optional(),
    conversation_id: conversation.optional(),
    transcript: absolutePath.describe("the tool's own record of the conversation").optional(),
    model: line(128).optional(),
    token_count: count("tokens").optional(),
    context_limit: count("tokens").optional(),
    skill: line(128).describe("the last skill or slash command it was given").optional(),
    cwd: absolutePath.optional(),
    pid: z.int("is a process's number").min(1, "is a process's number").describe("of the process it is about").optional(),
  }),
  result: z.object({ accepted: z.boolean(), reason: z.string().optional() }),
  handler: ({ id, ...said }, { supervisor, caller }) => supervisor.report(supervisor.resolve(id, { prefix: true }), said, caller),
});

export const reportMethods: readonly Method[] = [report];
