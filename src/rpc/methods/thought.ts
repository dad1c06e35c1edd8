/** Methods on thoughts: one line about what a session is doing. */
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import type { PublishInput } from "../../supervisor/api.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { count, line, plainText, reference } from "../parameters.js";
import type { PublishParams } from "../protocol.js";
import { thoughtConfigShape, thoughtShape, thoughtTestShape } from "../shapes-kept.js";

const stream = line(256);
const emission = count("emissions");

const publish: Method = method({
  name: "thought.publish",
  since: "1.1",
  summary:
    "Says what a session is doing. Taken when its stream is new or further on than the last one taken (`stream_instance_id` with `emission_seq`, or both as `watermark`), and always without them; what is left out stays as it was.",
  params: z.strictObject({
    id: reference,
    text: line(120).describe("one line, present tense"),
    state: z.enum(["active", "holding", "sleeping"]).exactOptional(),
    source: z.enum(["llm", "carry_forward", "static_sleeping", "rule"]).describe("default rule").exactOptional(),
    rest_state: z.enum(["active", "drowsy", "sleeping", "deep_sleep"]).exactOptional(),
    commit_candidate: z.boolean().exactOptional(),
    action_cues: z.array(line(256)).max(16, "has at most 16 cues").exactOptional(),
    objective_fingerprint: line(256).nullable().describe("a new one sets `objective_changed_at`").exactOptional(),
    token_count: count("tokens").nullable().exactOptional(),
    context_limit: count("tokens").nullable().exactOptional(),
    updated_at: count("milliseconds").describe("the engine's; now when left out").exactOptional(),
    stream_instance_id: stream.exactOptional(),
    emission_seq: emission.exactOptional(),
    watermark: z.strictObject({ stream_instance_id: stream, emission_seq: emission }).exactOptional(),
  }),
  result: z.object({ accepted: z.boolean(), reason: z.string().optional() }),
  handler: ({ id, ...said }, { supervisor }) =>
    supervisor.keeping.publishThought(supervisor.resolve(id, { prefix: true }), withStream(said)),
});

/** @throws LifeguardError INVALID_PARAMS when the stream is said twice or by half */
function withStream({ watermark, ...input }: Omit<PublishParams, "id">): PublishInput {
  const half = (input.stream_instance_id === undefined) !== (input.emission_seq === undefined);
  if (half)
    throw new LifeguardError("INVALID_PARAMS", "thought.publish: stream_instance_id and emission_seq come together", {
      field: "emission_seq",
    });
  if (watermark === undefined) return input;
  if (input.stream_instance_id !== undefined)
    throw new LifeguardError("INVALID_PARAMS", "thought.publish: watermark and stream_instance_id are given; give one", {
      field: "watermark",
    });
  return { ...input, ...watermark };
}

const get: Method = method({
  name: "thought.get",
  since: "1.1",
  summary: "The newest thought of a session, null when there is none.",
  params: z.strictObject({ id: reference }),
  result: z.object({ id: z.string(), thought: thoughtShape.nullable() }),
  handler: ({ id }, { supervisor }) => {
    const session = supervisor.resolve(id, { prefix: true });
    return { id: session, thought: supervisor.keeping.getThought(session) };
  },
});

const list: Method = method({
  name: "thought.list",
  since: "1.1",
  summary: "The newest thought of every session that has one.",
  params: z.strictObject({}),
  result: z.object({ thoughts: z.array(z.object({ id: z.string(), thought: thoughtShape })) }),
  answerBytes: () => 256 * 1024,
  handler: (_params, { supervisor }) => ({ thoughts: supervisor.keeping.listThoughts() }),
});

/** Bounds are the configuration's own: the first field that is wrong is named, in this order. */
const settings = {
  engine: z.enum(["none", "rules", "command"]).exactOptional(),
  command: z.array(plainText(4_096)).describe("the program and its arguments").exactOptional(),
  tick_ms: z.int().describe("250…300000").exactOptional(),
  hot_ms: z.int().describe("a session's turn while its objective is younger than 5 min").exactOptional(),
  warm_ms: z.int().describe("… than an hour").exactOptional(),
  cold_ms: z.int().describe("… and beyond").exactOptional(),
  exchange_ms: z.int().describe("what an answer may take").exactOptional(),
};

const getConfig: Method = method({
  name: "thought.config.get",
  since: "1.1",
  summary: "Which engine has thoughts, how it is set up, and how it is.",
  params: z.strictObject({}),
  result: thoughtConfigShape,
  handler: (_params, { supervisor }) => supervisor.keeping.thinking.configuration(),
});

const setConfig: Method = method({
  name: "thought.config.set",
  since: "1.1",
  summary:
    "Changes it, on the disk when it answers: from then on this counts as a whole, and not `[thought]` of config.toml. What is left out stays as it is. BUSY with `data.version` when it has changed since `version`.",
  params: z.strictObject({
    version: count("changes").describe("the one that was read"),
    reset: z.boolean().describe("back to what config.toml says").exactOptional(),
    ...settings,
  }),
  result: thoughtConfigShape,
  handler: ({ version, reset = false, ...change }, { supervisor }) => {
    const [given] = Object.keys(change);
    if (reset && given !== undefined)
      throw new LifeguardError("INVALID_PARAMS", `thought.config.set: ${given} is given with reset; give one`, { field: given });
    return supervisor.keeping.thinking.configure({ version, reset, change });
  },
});

const testConfig: Method = method({
  name: "thought.config.test",
  since: "1.1",
  summary:
    "Starts the engine once, with these settings on top of those in use, asks it about a session that does not exist, and answers what it said. Changes nothing.",
  params: z.strictObject(settings),
  result: thoughtTestShape,
  cancellable: true,
  handler: (change, { supervisor, signal }) => supervisor.keeping.thinking.test(change, signal),
});

export const thoughtMethods: readonly Method[] = [publish, get, list, getConfig, setConfig, testConfig];
