/** Methods on forks: who was made from which checkpoint. */
import { z } from "zod";
import type { Fork as StoredFork } from "../../supervisor/api.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { reference, uuid } from "../parameters.js";
import type { Fork } from "../protocol.js";
import { forkShape } from "../shapes-kept.js";

const list: Method = method({
  name: "fork.list",
  since: "1.1",
  summary: "Forks, newest first; with `id` those made from this session.",
  params: z.strictObject({ id: reference.optional() }),
  result: z.object({ forks: z.array(forkShape) }),
  handler: ({ id }, { supervisor }) => ({
    forks: supervisor.keeping.listForks(id === undefined ? null : supervisor.resolve(id, { prefix: true })).map(forClients),
  }),
});

const update: Method = method({
  name: "fork.update",
  since: "1.1",
  summary: "Says what has become of a fork. Only an active one protects its checkpoint.",
  params: z.strictObject({ fork: uuid.describe("its id"), status: z.enum(["active", "merged", "abandoned", "archived"]) }),
  result: forkShape,
  handler: async ({ fork, status }, { supervisor }) => forClients(await supervisor.keeping.updateFork(fork, status)),
});

/** Without the number that the store orders them by. */
function forClients(stored: StoredFork): Fork {
  const { order: _, ...fork } = stored;
  return fork;
}

export const forkMethods: readonly Method[] = [list, update];
