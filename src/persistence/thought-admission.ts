/** Whether an update of a session's thought is taken, and what it becomes: pure. */
import { LifeguardError } from "../errors.js";
import type { RestState } from "../session.js";
import { checkText } from "./checks.js";
import type { StoredThought, Watermark } from "./record-shapes.js";

/** Fields of `thought.publish`. Left out means: as it was, or the default. */
export interface PublishInput {
  text: string;
  state?: StoredThought["state"];
  source?: StoredThought["source"];
  rest_state?: RestState;
  commit_candidate?: boolean;
  action_cues?: string[];
  objective_fingerprint?: string | null;
  token_count?: number | null;
  context_limit?: number | null;
  /** The engine's; left out: now. */
  updated_at?: number;
  /** Both or neither. Without, an update is always taken and the watermark stays. */
  stream_instance_id?: string;
  emission_seq?: number;
}

export type Published =
  /** `durable` resolves when it is on the disk; it may be joined with newer ones. `degraded`: it had to wait for a place in the queue. */
  { accepted: true; thought: StoredThought; degraded: boolean; durable: Promise<void> } | { accepted: false; reason: string };

const THOUGHT_CHARS = 120;
const CUES = 16;

/** A new stream, or further on in the one known. A number that was skipped locks nobody out. */
export function passes(watermark: Watermark | null, input: PublishInput): string | null {
  if (input.stream_instance_id === undefined || input.emission_seq === undefined || watermark === null) return null;
  if (input.stream_instance_id !== watermark.stream_instance_id || input.emission_seq > watermark.emission_seq) return null;
  return `emission ${input.emission_seq} of stream ${input.stream_instance_id} is not after ${watermark.emission_seq}`;
}

/** @throws INVALID_PARAMS naming the field */
export function checkPublish(input: PublishInput): void {
  checkText("text", input.text, THOUGHT_CHARS);
  oneOf("state", input.state, ["active", "holding", "sleeping"]);
  oneOf("source", input.source, ["llm", "carry_forward", "static_sleeping", "rule"]);
  oneOf("rest_state", input.rest_state, ["active", "drowsy", "sleeping", "deep_sleep"]);
  if ((input.stream_instance_id === undefined) !== (input.emission_seq === undefined)) {
    throw new LifeguardError("INVALID_PARAMS", "stream_instance_id and emission_seq come together", { field: "emission_seq" });
  }
  if (input.stream_instance_id !== undefined) checkText("stream_instance_id", input.stream_instance_id);
  whole("emission_seq", input.emission_seq);
  whole("token_count", input.token_count);
  whole("context_limit", input.context_limit);
  whole("updated_at", input.updated_at);
  if (typeof input.objective_fingerprint === "string") checkText("objective_fingerprint", input.objective_fingerprint);
  if ((input.action_cues?.length ?? 0) > CUES)
    throw new LifeguardError("LIMIT", `action_cues has ${input.action_cues?.length ?? 0}, at most ${CUES}`, {
      field: "action_cues",
      limit: CUES,
    });
  for (const cue of input.action_cues ?? []) checkText("action_cues", cue);
}

function oneOf(field: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) {
    throw new LifeguardError("INVALID_PARAMS", `${field} is one of ${known.join(", ")}, got ${JSON.stringify(value).slice(0, 80)}`, {
      field,
    });
  }
}

function whole(field: string, value: number | null | undefined): void {
  if (value === undefined || value === null) return;
  if (!Number.isSafeInteger(value) || value < 0)
    throw new LifeguardError("INVALID_PARAMS", `${field} is a whole number from 0, got ${String(value)}`, { field });
}

/** What is known after the update: what it does not say is carried on. */
export function merge(old: StoredThought | null, input: PublishInput, now: number): StoredThought {
  const updatedAt = input.updated_at ?? now;
  const fingerprint = input.objective_fingerprint ?? old?.objective_fingerprint ?? null;
  const isNew = fingerprint !== null && fingerprint !== (old?.objective_fingerprint ?? null);
  const watermark =
    input.stream_instance_id === undefined || input.emission_seq === undefined
      ? (old?.watermark ?? null)
      : { stream_instance_id: input.stream_instance_id, emission_seq: input.emission_seq };
  const source = input.source ?? "rule";
  // A static "sleeping" line says nothing new: the last real thought is worth more.
  const keepsText = source === "static_sleeping" && old !== null && old.text !== "";
  return {
    text: keepsText ? old.text : input.text,
    state: input.state ?? (source === "static_sleeping" ? "sleeping" : "active"),
    source,
    rest_state: input.rest_state ?? old?.rest_state ?? "active",
    commit_candidate: input.commit_candidate ?? old?.commit_candidate ?? false,
    action_cues: input.action_cues ?? old?.action_cues ?? [],
    objective_fingerprint: fingerprint,
    objective_changed_at: isNew ? updatedAt : (old?.objective_changed_at ?? null),
    token_count: input.token_count ?? old?.token_count ?? null,
    context_limit: input.context_limit ?? old?.context_limit ?? null,
    updated_at: updatedAt,
    watermark,
  };
}
