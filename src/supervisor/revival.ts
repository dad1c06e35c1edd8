/**
 * After a reboot: sessions that were live come back by policy, two at a time, the most recently active first, so that a machine that
 * has just started is not run over by its own sessions.
 */
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { SessionEntry } from "./entry.js";
import type { Lifecycle } from "./lifecycle.js";

const AT_ONCE = 2;

/** Whether a session whose process is gone is to be started again: pure. */
export function comesBack(
  session: {
    killing: boolean;
    restart: SessionEntry["spec"]["restart"];
    tool: string | null;
    conversationId: string | null;
    /** It was waiting to be started again: its restart policy had decided that already. */
    waiting: boolean;
  },
  policy: Config["daemon"]["restore"],
): boolean {
  if (session.killing || policy === "none") return false;
  if (session.waiting) return true;
  if (session.restart === "always" || policy === "all") return true;
  // A tool whose conversation is not known would come back as a stranger.
  return session.tool !== null && session.conversationId !== null;
}

/** Never rejects: a session that cannot be started says why in the log, and stays as it was left. */
export async function revive(
  gone: readonly SessionEntry[],
  lifecycle: Lifecycle,
  policy: Config["daemon"]["restore"],
  log: Log,
): Promise<number> {
  const due = gone
    .filter((entry) =>
      comesBack(
        {
          killing: entry.killing,
          restart: entry.spec.restart,
          tool: entry.spec.tool,
          conversationId: entry.conversationId,
          waiting: entry.restartDueAt !== null,
        },
        policy,
      ),
    )
    .toSorted((a, b) => b.lastActivityAt - a.lastActivityAt);
  let started = 0;
  const next = due.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const entry of next) {
        try {
          await lifecycle.restart(entry);
          started += 1;
        } catch (error) {
          log.warn({ session: entry.id, phase: "revive", err: messageOf(error) }, "a session could not be started again");
        }
      }
    }),
  );
  if (due.length > 0) log.info({ phase: "revive", due: due.length, started }, "sessions started again");
  return started;
}
