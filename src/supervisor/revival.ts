/**
 * After a reboot: sessions that were live come back by policy, two at a time, the most recently active first, so that a machine that
 * has just started is not run over by its own sessions.
 */
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { SessionEntry } from "./entry.js";
import type { Lifecycle } from "./lifecycle.js";
import type { ResumePlan } from "./resume.js";

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
  plan: (entry: SessionEntry) => ResumePlan,
): Promise<number> {
  const wanted = ({ killing, spec, restartDueAt }: SessionEntry, conversationId: string | null): boolean =>
    comesBack({ killing, restart: spec.restart, tool: spec.tool, conversationId, waiting: restartDueAt !== null }, policy);
  const due = gone.filter((entry) => wanted(entry, entry.conversationId)).toSorted((a, b) => b.lastActivityAt - a.lastActivityAt);
  let started = 0;
  const taken = new Set<string>();
  const next = due.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const entry of next) {
        try {
          const planned = plan(entry);
          const why =
            planned.how === "fresh"
              ? planned.why
              : taken.has(planned.conversation)
                ? `a session that was active later comes back into conversation ${planned.conversation}`
                : null;
          // As a stranger nobody has asked for it.
          if (why !== null && !wanted(entry, null)) {
            log.warn({ session: entry.id, phase: "revive", why }, "a session cannot come back into its conversation");
            continue;
          }
          if (planned.how === "resume") taken.add(planned.conversation);
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
