/** Methods on checkpoints: named points of a session. Ids are UUIDs; a session is meant as everywhere. */
import { z } from "zod";
import type { Checkpoint as StoredCheckpoint } from "../../supervisor/api.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { absolutePath, bytes, count, idempotencyKey, json, label, reference, sessionName, uuid } from "../parameters.js";
import type { Checkpoint } from "../protocol.js";
import { summaryShape } from "../shapes.js";
import { checkpointShape, forkedShape, latestShape, removedShape, rowShape } from "../shapes-kept.js";

/** A context of 16 MiB as base64. */
const CONTEXT_ANSWER_BYTES = 22 * 1024 * 1024;
const LIST_ANSWER_BYTES = 1024 * 1024;

const checkpoint = uuid.describe("its id");

const save: Method = method({
  name: "checkpoint.save",
  since: "1.1",
  summary:
    "Keeps the session as it is, its terminal included, until it is removed; answers when that is on the disk. `state`, `context` and `extra` are the caller's own. The same `key` within 10 minutes answers with the checkpoint already made.",
  params: z.strictObject({
    id: reference,
    label: label.optional(),
    state: json.optional(),
    context: bytes.optional(),
    tasks_completed: count("tasks").optional(),
    token_count: count("tokens").optional(),
    extra: json.optional(),
    key: idempotencyKey.optional(),
  }),
  bytes: ["context"],
  result: rowShape,
  handler: ({ id, key, ...input }, { supervisor, caller, host }) => {
    const session = supervisor.resolve(id, { prefix: true });
    const keep = (): ReturnType<typeof supervisor.keeping.saveCheckpoint> => supervisor.keeping.saveCheckpoint(session, input);
    return key === undefined ? keep() : host.idempotency.once(`${caller.uid} checkpoint.save ${key}`, { session, ...input }, keep);
  },
});

const list: Method = method({
  name: "checkpoint.list",
  since: "1.1",
  summary: "Checkpoints of one session, newest first; without `id` those of all, session by session.",
  params: z.strictObject({ id: reference.optional() }),
  result: z.object({ checkpoints: z.array(rowShape) }),
  answerBytes: () => LIST_ANSWER_BYTES,
  handler: async ({ id }, { supervisor }) => ({
    checkpoints: await supervisor.keeping.listCheckpoints(id === undefined ? null : supervisor.resolve(id, { prefix: true })),
  }),
});

const latest: Method = method({
  name: "checkpoint.latest",
  since: "1.1",
  summary: "The newest checkpoint of a session that is good, whole.",
  params: z.strictObject({ id: reference }),
  result: latestShape,
  answerBytes: () => CONTEXT_ANSWER_BYTES,
  handler: async ({ id }, { supervisor }) => {
    const { checkpoint: found, skipped } = await supervisor.keeping.latestCheckpoint(supervisor.resolve(id, { prefix: true }));
    return { ...forClients(found), skipped };
  },
});

const get: Method = method({
  name: "checkpoint.get",
  since: "1.1",
  summary: "One checkpoint, whole, its checksums verified: DAMAGED when they are wrong.",
  params: z.strictObject({ checkpoint }),
  result: checkpointShape,
  answerBytes: () => CONTEXT_ANSWER_BYTES,
  handler: async ({ checkpoint: id }, { supervisor }) => forClients(await supervisor.keeping.getCheckpoint(id)),
});

/** Without the terminal, which only the daemon can read, and without the values of the environment, which may be secrets. */
function forClients(stored: StoredCheckpoint): Checkpoint {
  const { spec, terminal: _, ...rest } = stored;
  const { env, envSecret, allowSelf, name, cwd, tool, command, args, cols, rows, restart, isolation, backend, labels } = spec;
  return {
    ...rest,
    state: rest.state ?? null,
    extra: rest.extra ?? null,
    spec: {
      name,
      cwd,
      tool,
      command,
      args,
      env_names: Object.keys(env),
      env_secret: envSecret,
      cols,
      rows,
      restart,
      isolation,
      backend,
      labels,
      allow_self: allowSelf,
    },
  };
}

const restore: Method = method({
  name: "checkpoint.restore",
  since: "1.1",
  summary: "Starts a session that has ended again from its checkpoint; a live one is BUSY unless `force`, which ends it first.",
  params: z.strictObject({ checkpoint, force: z.boolean().optional() }),
  result: summaryShape,
  handler: ({ checkpoint: id, force }, { supervisor, caller }) =>
    supervisor.keeping.restoreCheckpoint(id, { force: force ?? false }, caller),
});

const fork: Method = method({
  name: "checkpoint.fork",
  since: "1.1",
  summary:
    "Makes a new session whose state is the checkpoint's; the one it is from is untouched. `fork` is the fork's id. FORBIDDEN from inside that one: a copy of itself would answer for it.",
  params: z.strictObject({
    checkpoint,
    name: sessionName.describe("unique among live sessions; the next number when left out").optional(),
    cwd: absolutePath.describe("the checkpoint's when left out").optional(),
  }),
  result: forkedShape,
  handler: async ({ checkpoint: id, name, cwd }, { supervisor, caller }) => {
    const { fork: made, session } = await supervisor.keeping.forkCheckpoint(id, { name: name?.trim(), cwd }, caller);
    return { fork: made.fork, status: made.status, session };
  },
});

const remove: Method = method({
  name: "checkpoint.remove",
  since: "1.1",
  summary:
    "Removes it and says whether it existed; BUSY while an active fork needs it, FORBIDDEN from inside its own session: the way back is not the agent's to take away.",
  params: z.strictObject({ checkpoint }),
  result: removedShape,
  handler: async ({ checkpoint: id }, { supervisor, caller }) => ({ removed: await supervisor.keeping.removeCheckpoint(id, caller) }),
});

export const checkpointMethods: readonly Method[] = [save, list, latest, get, restore, fork, remove];
