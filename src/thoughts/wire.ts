/**
 * What is said to a `command` engine and what it answers, one JSON object a line (docs/thoughts.md). Everything it says is
 * untrusted: it is parsed here, cut and cleaned, and trusted after. Pure.
 */
import { z } from "zod";
import type { RestState } from "../session.js";
import { oneLine } from "./one-line.js";
import type { Known, SessionView, Update } from "./world.js";

export const ENGINE_PROTOCOL = "lifeguard.thought.v1";
/** Characters of screen that go with a session. */
export const REPLAY_CHARS = 500;
/** One line, in either direction. */
export const LINE_BYTES = 8_388_608;

/** What is wrong with what an engine said. Its message is for people. */
export class WireError extends Error {}

export interface Hello {
  name: string;
  /** Null: it leaves the naming of its stream to us. */
  stream: string | null;
}

export interface SyncResult {
  stream: string | null;
  updates: unknown[];
}

/** A session's part of a `sync` request, as JSON. */
export function sessionPart(view: SessionView, thought: Known | null, text: string): string {
  return JSON.stringify({
    session_id: view.id,
    name: view.name,
    tool: view.tool,
    state: view.state,
    state_since: view.stateSince,
    rest_state: view.rest,
    title: view.title,
    cwd: view.cwd,
    command: view.command,
    text,
    token_count: view.tokenCount,
    context_limit: view.contextLimit,
    thought:
      thought === null
        ? null
        : {
            text: thought.text,
            state: thought.state,
            source: thought.source,
            updated_at: thought.updated_at,
            objective_fingerprint: thought.objective_fingerprint,
            objective_changed_at: thought.objective_changed_at,
          },
  });
}

/** @param parts what {@link sessionPart} gave */
export function syncRequest(id: string, now: number, parts: readonly string[]): string {
  return `{"type":"sync","id":${JSON.stringify(id)},"now":${now},"sessions":[${parts.join(",")}]}\n`;
}

const stream = z.string().min(1).max(256).nullish();
const helloSchema = z.looseObject({
  type: z.literal("hello"),
  protocol: z.literal(ENGINE_PROTOCOL),
  name: z.string().max(1_000).optional(),
  stream_instance_id: stream,
});
const resultSchema = z.looseObject({
  type: z.literal("sync_result"),
  id: z.union([z.string(), z.number()]),
  stream_instance_id: stream,
  updates: z.array(z.unknown()),
});
const errorSchema = z.looseObject({ type: z.literal("error"), message: z.string() });

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new WireError(`it wrote a line that is not JSON: ${JSON.stringify(oneLine(line, 60))}`);
  }
}

/** @throws WireError */
export function readHello(line: string): Hello {
  const hello = helloSchema.safeParse(parsed(line));
  if (!hello.success) throw new WireError(`its first line is no hello of ${ENGINE_PROTOCOL}: ${issueOf(hello.error)}`);
  const { name, stream_instance_id } = hello.data;
  return { name: oneLine(name ?? "", 80), stream: nameOf(stream_instance_id) };
}

/** @throws WireError when it is no result, or that of another request */
export function readResult(line: string, id: string): SyncResult {
  const raw = parsed(line);
  const failed = errorSchema.safeParse(raw);
  if (failed.success) throw new WireError(`it answered with an error: ${oneLine(failed.data.message, 200)}`);
  const result = resultSchema.safeParse(raw);
  if (!result.success) throw new WireError(`its answer is no sync_result: ${issueOf(result.error)}`);
  if (String(result.data.id) !== id) throw new WireError(`it answered request ${oneLine(String(result.data.id), 40)} instead of ${id}`);
  return { stream: nameOf(result.data.stream_instance_id), updates: result.data.updates };
}

function nameOf(stream: string | null | undefined): string | null {
  return oneLine(stream ?? "", 256) || null;
}

function issueOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return oneLine(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`, 200);
}

const whole = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const updateSchema = z.looseObject({
  session_id: z.string(),
  text: z.string().nullish(),
  state: z.enum(["active", "holding", "sleeping"]).optional(),
  source: z.enum(["llm", "carry_forward", "static_sleeping", "rule"]).optional(),
  rest_state: z.enum(["active", "drowsy", "sleeping", "deep_sleep"]).optional(),
  commit_candidate: z.boolean().optional(),
  action_cues: z.array(z.string()).optional(),
  objective_fingerprint: z.string().nullish(),
  token_count: whole.nullish(),
  context_limit: whole.nullish(),
  updated_at: whole.optional(),
  stream_instance_id: stream,
  emission_seq: whole.optional(),
});

const CUES = 16;

export interface ReadUpdate {
  session: string;
  /** Null: it says nothing new, what is known is carried on. */
  text: string | null;
  stream: string | null;
  seq: number | null;
  rest: Omit<Update, "text" | "stream_instance_id" | "emission_seq">;
}

/** Whom an entry of `updates` is about, before anything else of it is looked at; null when it does not say so. */
export function sessionOf(raw: unknown): string | null {
  if (typeof raw !== "object" || raw === null || !("session_id" in raw)) return null;
  return typeof raw.session_id === "string" ? raw.session_id : null;
}

/** One entry of `updates`; null when it is not understood. */
export function readUpdate(raw: unknown): ReadUpdate | null {
  const result = updateSchema.safeParse(raw);
  if (!result.success) return null;
  const { data } = result;
  const rest: { -readonly [K in keyof ReadUpdate["rest"]]: ReadUpdate["rest"][K] } = { source: data.source ?? "llm" };
  if (data.state !== undefined) rest.state = data.state;
  if (data.rest_state !== undefined) rest.rest_state = data.rest_state satisfies RestState;
  if (data.commit_candidate !== undefined) rest.commit_candidate = data.commit_candidate;
  if (data.action_cues !== undefined)
    rest.action_cues = data.action_cues
      .slice(0, CUES)
      .map((cue) => oneLine(cue))
      .filter((cue) => cue !== "");
  const fingerprint = oneLine(data.objective_fingerprint ?? "", 256);
  if (fingerprint !== "") rest.objective_fingerprint = fingerprint;
  if (typeof data.token_count === "number") rest.token_count = data.token_count;
  if (typeof data.context_limit === "number") rest.context_limit = data.context_limit;
  if (data.updated_at !== undefined) rest.updated_at = data.updated_at;
  return {
    session: data.session_id,
    text: oneLine(data.text ?? "") || null,
    stream: nameOf(data.stream_instance_id),
    seq: data.emission_seq ?? null,
    rest,
  };
}
