/** The polite end: every actor's bytes are in its spool and the keepers read on, within a budget; what was not done is named. */
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { Custody } from "../reaper/custody.js";
import type { Keeping } from "./keeping.js";
import type { Lifecycle } from "./lifecycle.js";
import type { SessionTable } from "./table.js";

const SAVING_LOOK_MS = 5;

export async function shutDown(parts: {
  table: SessionTable;
  lifecycle: Lifecycle;
  keeping: Keeping;
  custody: Custody;
  budgetMs: number;
  log: Log;
}): Promise<{ left: number; notSaved: string[] }> {
  const { table, lifecycle, keeping, custody, budgetMs, log } = parts;
  const until = performance.now() + budgetMs;
  const running = [...table.entries()].filter((entry) => entry.live);
  const pending = new Set(running.map((entry) => entry.id));
  const released = Promise.all(
    [...table.entries()].map(async (entry) => {
      try {
        // An exit that nobody has acknowledged would keep the keeper up for ever.
        await lifecycle.retire(entry.id);
        await lifecycle.release(entry);
        pending.delete(entry.id);
      } catch (error) {
        log.warn(
          { session: entry.id, phase: "stop", err: messageOf(error) },
          "a session could not be handed over politely; its bytes are in the in-flight file",
        );
      }
    }),
  );
  const budget = new AbortController();
  await Promise.race([released, delay(budgetMs, undefined, { signal: budget.signal }).catch(() => undefined)]);
  budget.abort();
  for (const entry of table.entries()) {
    if (entry.asleep) continue;
    if (entry.dirty) keeping.checkpoint(entry, "shutdown").catch(() => undefined);
    // Unchanged content writes nothing.
    else keeping.rememberSoon(entry);
  }
  let drained = await keeping.store.drain(Math.max(0, until - performance.now()));
  // A session that has just ended hands its screen over before its last checkpoint is put: that is not with the store yet.
  while ([...table.entries()].some(({ saving }) => saving > 0) && performance.now() < until) {
    await delay(SAVING_LOOK_MS);
    drained = await keeping.store.drain(Math.max(0, until - performance.now()));
  }
  // One whose exit is known by now has ended, also when the next daemon is to tell of it.
  const left = running.filter((entry) => entry.live && (entry.phase !== "handed_over" || custody.pidOf(entry.number) !== null));
  return { left: left.length, notSaved: [...pending, ...drained.not_saved] };
}
