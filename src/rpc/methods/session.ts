/** Methods that make, find, change and end sessions. */
import { z } from "zod";
import type { SessionSummary } from "../../session.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import {
  absolutePath,
  environment,
  idempotencyKey,
  labels,
  limits,
  milliseconds,
  plainText,
  reference,
  sessionName,
  size,
  state,
  variableNames,
} from "../parameters.js";
import {
  cursorShape,
  emptyShape,
  evidenceShape,
  exitShape,
  explanationShape,
  partialSummaryShape,
  stateShape,
  summaryShape,
  SUMMARY_FIELDS,
} from "../shapes.js";

/** A day: longer waits are the client's to repeat. */
const LONGEST_WAIT_MS = 86_400_000;

const create: Method = method({
  name: "session.create",
  since: "1.0",
  summary:
    "Starts a session. cwd must exist and the command must be found: refused before anything is made. The same `key` within 10 minutes answers with the session already made.",
  params: z.strictObject({
    name: sessionName.describe("unique among live sessions; the next number when left out").optional(),
    cwd: absolutePath.describe("the daemon's own when left out").optional(),
    tool: z
      .string()
      .min(1, "is a tool's name")
      .max(64, "is a tool's name")
      .describe("a profile's name or alias: its command is started where none is given, args come after it")
      .meta({ since: "1.1" })
      .optional(),
    command: plainText(4_096).min(1, "is a command").describe("the user's shell when left out").optional(),
    args: z.array(plainText(131_072)).max(4_096, "has at most 4096 arguments").optional(),
    env: environment.describe("on top of env_base").optional(),
    env_base: z.enum(["daemon", "login", "none"]).describe("default daemon").optional(),
    env_secret: variableNames.describe("names in env that are never written to disk").optional(),
    cols: size.cols.optional(),
    rows: size.rows.optional(),
    restart: z.enum(["never", "on-failure", "always"]).describe("default never").optional(),
    isolation: z.enum(["shared", "thread"]).describe("default shared").optional(),
    backend: z.enum(["pty", "tmux"]).describe("default pty; tmux since 1.2").optional(),
    labels: labels.optional(),
    prompt: z
      .string()
      .describe("typed when the program is ready, or passed with its command, as the tool's profile says; blank is none")
      .meta({ since: "1.1" })
      .optional(),
    limits: limits.optional(),
    allow_self: z.boolean().describe("the session may type into and kill itself through the socket").optional(),
    key: idempotencyKey.optional(),
  }),
  result: summaryShape,
  handler: ({ key, ...request }, { supervisor, caller, host }) => {
    const make = (): Promise<SessionSummary> => supervisor.create(request, caller);
    return key === undefined ? make() : host.idempotency.once(`${caller.uid} session.create ${key}`, request, make);
  },
});

const list: Method = method({
  name: "session.list",
  since: "1.0",
  summary: "Sessions of one consistent moment, live ones only unless `all`; follow events from the cursor.",
  params: z.strictObject({
    all: z.boolean().describe("exited ones too").optional(),
    state: state.optional(),
    labels: labels.describe("all of these must match").optional(),
    fields: z
      .array(z.string().refine((field) => SUMMARY_FIELDS.includes(field), "is a field of the SessionSummary"))
      .max(64)
      .describe("only these fields, and id")
      .optional(),
  }),
  result: z.object({ sessions: z.array(partialSummaryShape), cursor: cursorShape }),
  answerBytes: () => 256 * 1024,
  handler: ({ fields, ...request }, { supervisor }) => {
    const { sessions, cursor } = supervisor.list(request.state === "exited" ? { ...request, all: true } : request);
    return { sessions: fields === undefined ? sessions : sessions.map((summary) => only(summary, fields)), cursor };
  },
});

function only(summary: SessionSummary, fields: string[]): SessionSummary {
  const chosen: Record<string, unknown> = { id: summary.id };
  for (const field of fields) chosen[field] = summary[field as keyof SessionSummary];
  return chosen as unknown as SessionSummary;
}

const get: Method = method({
  name: "session.get",
  since: "1.0",
  summary: "Everything known about one session, live or exited.",
  params: z.strictObject({ id: reference }),
  result: summaryShape,
  handler: ({ id }, { supervisor }) => supervisor.get(supervisor.resolve(id, { prefix: true })),
});

const explain: Method = method({
  name: "session.explain",
  since: "1.1",
  summary:
    "Why the state is what it is, looked at anew: the rule that decides with the text it matched, the others with what they lack, what is held back, and what would change it.",
  params: z.strictObject({ id: reference }),
  result: explanationShape,
  handler: ({ id }, { supervisor }) => supervisor.explain(supervisor.resolve(id, { prefix: true })),
});

const update: Method = method({
  name: "session.update",
  since: "1.0",
  summary: "Renames, relabels (the whole set), marks as seen, or pins; on the disk when answered.",
  params: z.strictObject({
    id: reference,
    name: sessionName.optional(),
    labels: labels.optional(),
    seen: z.boolean().describe("a person has looked at it").optional(),
    pinned: z.boolean().describe("retention never takes it").meta({ since: "1.1" }).optional(),
  }),
  result: summaryShape,
  handler: ({ id, ...change }, { supervisor }) => supervisor.update(supervisor.resolve(id, { prefix: true }), change),
});

const wait: Method = method({
  name: "session.wait",
  since: "1.0",
  summary:
    "Answers when the session is in one of the states, at once if it is already. TIMEOUT and EXITED are errors; `rpc.cancel` ends it.",
  params: z.strictObject({
    id: reference,
    until: z.array(state).min(1, "names at least one state").max(8),
    timeout_ms: milliseconds(LONGEST_WAIT_MS).optional(),
  }),
  result: z.object({ state: stateShape, evidence: evidenceShape }),
  cancellable: true,
  handler: ({ id, until, timeout_ms }, { supervisor, signal }) =>
    supervisor.wait(supervisor.resolve(id, { prefix: true }), { until, timeoutMs: timeout_ms, signal }),
});

const kill: Method = method({
  name: "session.kill",
  since: "1.0",
  summary: "Ends the whole process tree (hang-up, TERM, KILL) and answers when it is gone. Exact id or name, no prefix.",
  params: z.strictObject({
    id: reference,
    signal: z
      .string()
      .regex(/^(SIG)?[A-Z0-9+-]{1,12}$/, "is a signal's name: TERM, SIGINT")
      .describe("the first signal")
      .optional(),
    grace_ms: milliseconds(600_000).describe("how long each rung of the ladder is given").optional(),
  }),
  result: z.object({ exit: exitShape.nullable(), processes: z.int().min(0).describe("how many were ended") }),
  handler: ({ id, signal, grace_ms }, { supervisor, caller }) =>
    supervisor.kill(supervisor.resolve(id, { prefix: false }), { signal, graceMs: grace_ms }, caller),
});

const restart: Method = method({
  name: "session.restart",
  since: "1.0",
  summary:
    "Ends the session's process tree and starts it again with the same spec, in its tool's conversation where that is known; offsets go on. Where its command or its directory is gone it is refused, and nothing is ended. Exact id or name, no prefix.",
  params: z.strictObject({ id: reference }),
  result: summaryShape,
  handler: ({ id }, { supervisor, caller }) => supervisor.restart(supervisor.resolve(id, { prefix: false }), caller),
});

const remove: Method = method({
  name: "session.remove",
  since: "1.0",
  summary: "Forgets an exited session and its files; a live one is BUSY unless `force`, which kills it first. Exact id or name, no prefix.",
  params: z.strictObject({
    id: reference,
    force: z.boolean().optional(),
    mode: z
      .enum(["detach", "kill"])
      .describe("of a tmux session, also a live one: detach leaves it to tmux, where it is not found again by itself; kill ends it there")
      .meta({ since: "1.2" })
      .optional(),
  }),
  result: emptyShape,
  handler: async ({ id, force, mode }, { supervisor, caller }) => {
    await supervisor.remove(supervisor.resolve(id, { prefix: false }), { force: force ?? false, mode }, caller);
    return {};
  },
});

export const sessionMethods: readonly Method[] = [create, list, get, explain, update, wait, kill, restart, remove];
