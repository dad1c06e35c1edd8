/** Ending all that a session has started, found by its leader and its mark. */
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { Custody } from "../reaper/custody.js";
import { killTree } from "../reaper/kill-ladder.js";
import { sessionId } from "../session.js";

export interface SessionTreeParts {
  config: Config;
  custody: Custody;
  log: Log;
}

/**
 * @param leader the pid of the session's process
 * @returns how many processes there were
 * @throws LifeguardError TIMEOUT naming those that are left
 */
export async function endTree(
  { config, custody }: SessionTreeParts,
  id: string,
  leader: number,
  time: { graceMs: number; deadlineMs: number },
): Promise<number> {
  const { processes, left } = await killTree({
    leader,
    sessionId: id,
    socket: config.paths.socket,
    keeperPids: custody.keeperPids(),
    keeperWasLost: custody.keeperWasLost,
    ...time,
  });
  if (left.length === 0) return processes;
  throw new LifeguardError("TIMEOUT", `processes ${left.join(", ")} of ${id} are still there after KILL (they may hang in the kernel)`, {
    pids: left,
  });
}

/** Whoever asked for it was told that it did not come to be. */
export function endUnwanted(parts: SessionTreeParts, session: number, leader: number): void {
  const id = sessionId(session);
  endTree(parts, id, leader, { graceMs: 0, deadlineMs: parts.config.session.kill_deadline_ms }).catch((error: unknown) => {
    parts.log.error({ session: id, phase: "create", err: messageOf(error) }, "a process that came too late goes on");
  });
}
