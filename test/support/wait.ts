/** Waiting for named things. The waiter is made before the action; time only ends a wait that has failed. */
import { setTimeout as pause } from "node:timers/promises";
import type { Client, EventStreamItem, EventStreamOptions } from "../../src/rpc/client.js";

/** What a wait may take on a busy machine before it has failed: generous, because nothing is measured by it. */
const DEADLINE_MS = 45_000;

/**
 * Looks again and again until `look` gives something (not undefined, null or false), and answers with that. For what tells nobody:
 * files, processes. Where there is an event or `session.wait`, use those.
 * @param what ends the sentence "waited … for"
 * @throws Error naming `what`, and what `look` threw last
 */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + deadlineMs;
  for (let every = 2; ; every = Math.min(every * 1.5, 100)) {
    let last: unknown;
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`, { cause: last });
    await pause(every);
  }
}

/** `promise`, or an Error naming what did not come. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs: number = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An event to come, already listened for. */
export interface Coming {
  /** The first event that was accepted. @throws Error naming what did not come */
  readonly event: Promise<EventStreamItem>;
}

/**
 * Listens for an event before what causes it is done: `const exited = await comingEvent(client, {kinds: ["session.exited"]}); …; await exited.event`.
 */
export async function comingEvent(
  client: Client,
  filter: Pick<EventStreamOptions, "kinds" | "session" | "since">,
  accept: (event: EventStreamItem) => boolean = () => true,
  deadlineMs: number = DEADLINE_MS,
): Promise<Coming> {
  const stream = client.events(filter);
  await stream.ready;
  const first = async (): Promise<EventStreamItem> => {
    for await (const event of stream) if (accept(event)) return event;
    throw new Error(`events ended without ${filter.kinds?.join(", ") ?? "the one waited for"}`);
  };
  const event = within(`the event ${filter.kinds?.join(", ") ?? ""} of ${filter.session ?? "any session"}`, first(), deadlineMs).finally(
    () => void stream.return(),
  );
  // Whoever made the waiter may fail before looking at it.
  event.catch(() => {});
  return { event };
}

/** Reads the screen until it shows `text` (or matches); answers with the screen's text. */
export async function waitForScreen(client: Client, id: string, text: string | RegExp, deadlineMs?: number): Promise<string> {
  let seen = "";
  try {
    return await waitUntil(
      `${String(text)} on the screen of ${id}`,
      async () => {
        seen = (await client.call("session.screen", { id, format: "text" })).text ?? "";
        return (typeof text === "string" ? seen.includes(text) : text.test(seen)) && seen;
      },
      deadlineMs,
    );
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; it shows:\n${seen}`, { cause: error });
  }
}
