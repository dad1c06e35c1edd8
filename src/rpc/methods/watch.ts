/** Methods of a watch: following a session's output. A watch belongs to its connection. */
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import { method } from "../method.js";
import type { Method, Peer } from "../method.js";
import { offset, reference } from "../parameters.js";
import { emptyShape, watchShape } from "../shapes.js";
import { Watcher } from "../watcher.js";

const watchName = z.string().min(1, "is the name that session.watch answered").max(128);

const watch: Method = method({
  name: "session.watch",
  since: "1.0",
  summary:
    "Follows output from `since` (left out: from now) by notifications. Bytes still held are sent without gap as the connection takes them. With `window`, at most so many bytes are out unacknowledged; `session.ack` moves it on.",
  params: z.strictObject({
    id: reference,
    since: offset.optional(),
    window: z.int("is a number of bytes").min(1, "is at least 1 byte").describe("most unacknowledged bytes under way").optional(),
    write: z.boolean().describe("hold the pen: input of others is NOT_WRITER meanwhile").optional(),
    take: z.boolean().describe("take the pen from who holds it").optional(),
    answers: z.boolean().describe("this watcher's terminal answers the program's queries").optional(),
  }),
  result: watchShape,
  handler: async ({ id: words, ...request }, { supervisor, caller, peer, host, signal, afterAnswer }) => {
    const id = supervisor.resolve(words, { prefix: true });
    host.countWatch(1);
    const watcher = new Watcher(id, peer, () => {
      host.countWatch(-1);
      peer.watches.delete(watcher.name);
      peer.settled();
    });
    try {
      const made = await supervisor.watch(id, request, watcher, caller);
      watcher.begin(made);
      if (signal.aborted) {
        watcher.end();
        throw new LifeguardError("UNAVAILABLE", "the connection is gone");
      }
      peer.watches.set(made.watch, watcher);
      afterAnswer(() => watcher.open());
      return { watch: made.watch, offset: made.offset, gap: made.gap };
    } catch (error) {
      watcher.end();
      throw error;
    }
  },
});

function watcherOf(peer: Peer, name: string): Watcher {
  const watcher = peer.watches.get(name);
  if (watcher === undefined)
    throw new LifeguardError(
      "NOT_FOUND",
      `this connection has no watch ${JSON.stringify(name)}: a watch ends with its session, its connection or session.unwatch`,
      { field: "watch" },
    );
  return watcher;
}

const unwatch: Method = method({
  name: "session.unwatch",
  since: "1.0",
  summary: "Ends a watch of this connection; nothing of it comes after the answer.",
  params: z.strictObject({ watch: watchName }),
  result: emptyShape,
  always: true,
  handler: ({ watch: name }, { peer }) => {
    watcherOf(peer, name).end();
    return {};
  },
});

const ack: Method = method({
  name: "session.ack",
  since: "1.0",
  summary: "Everything before `offset` has been dealt with: the window moves on. Best sent as a notification.",
  params: z.strictObject({ watch: watchName, offset }),
  result: emptyShape,
  always: true,
  handler: ({ watch: name, offset: to }, { peer }) => {
    watcherOf(peer, name).ack(to);
    return {};
  },
});

export const watchMethods: readonly Method[] = [watch, unwatch, ack];
