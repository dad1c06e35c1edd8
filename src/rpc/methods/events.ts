/** Methods of the event stream, and the end of a wait. */
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import { EventFeed } from "../event-feed.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { reference } from "../parameters.js";
import { emptyShape, subscriptionShape } from "../shapes.js";

/** Subscriptions of one connection. */
const MOST_FEEDS = 64;
let lastFeed = 0;

const subscribe: Method = method({
  name: "events.subscribe",
  since: "1.0",
  summary:
    "Follows events by `event` notifications, after `since` or from now. `gap`: some after `since` are no longer held, or it is of another boot: list again. Falling behind is answered from the history, then by `events.gap`.",
  params: z.strictObject({
    since: z.strictObject({ boot: z.string().max(128), seq: z.int("is an event's number").min(0) }).optional(),
    kinds: z.array(z.string().min(1).max(64)).max(64).describe("only these").optional(),
    session: reference.describe("only of this session").optional(),
  }),
  result: subscriptionShape,
  handler: ({ since, kinds, session }, { supervisor, peer, afterAnswer }) => {
    if (peer.feeds.size >= MOST_FEEDS)
      throw new LifeguardError("LIMIT", `this connection has ${MOST_FEEDS} subscriptions; end one with events.unsubscribe`, {
        limit: MOST_FEEDS,
      });
    const filter = { kinds, session: session === undefined ? undefined : supervisor.resolve(session, { prefix: true }) };
    // Looked at only for where it stands: the feed subscribes by that cursor once the answer is out.
    const { cursor, gap, end } = supervisor.subscribe(since ?? null, filter, () => undefined);
    end();
    lastFeed++;
    const feed = new EventFeed(`sub_${lastFeed}`, since === undefined || gap ? cursor : since, filter, supervisor, peer);
    peer.feeds.set(feed.name, feed);
    afterAnswer(() => feed.follow());
    return { subscription: feed.name, boot: cursor.boot, seq: cursor.seq, gap };
  },
});

const unsubscribe: Method = method({
  name: "events.unsubscribe",
  since: "1.0",
  summary: "Ends a subscription of this connection.",
  params: z.strictObject({ subscription: z.string().min(1).max(64) }),
  result: emptyShape,
  always: true,
  handler: ({ subscription }, { peer }) => {
    const feed = peer.feeds.get(subscription);
    if (feed === undefined)
      throw new LifeguardError("NOT_FOUND", `this connection has no subscription ${JSON.stringify(subscription)}`, {
        field: "subscription",
      });
    feed.end();
    peer.feeds.delete(subscription);
    peer.settled();
    return {};
  },
});

const cancel: Method = method({
  name: "rpc.cancel",
  since: "1.0",
  summary: "Ends a wait of this connection, by the id of its request; that request answers TIMEOUT.",
  params: z.strictObject({ id: z.union([z.int().min(0), z.string().max(128)]) }),
  result: z.object({ cancelled: z.boolean().describe("false: nothing of that id was waiting") }),
  always: true,
  handler: ({ id }, { peer }) => ({ cancelled: peer.cancel(id) }),
});

export const eventMethods: readonly Method[] = [subscribe, unsubscribe, cancel];
