/** The end of a tmux session: which of its processes were its own, and which of those are still there. */
import { hasEnded, readProcessStat } from "../../reaper/process-handle.js";
import type { TmuxServer } from "../../tmux/server.js";

/**
 * A session that is not there is ended already. A window can be in several sessions: what tmux still has afterwards is not ours.
 * @returns first processes of panes that have ignored the hang-up so far
 * @throws TmuxError silent, refused: nothing was ended then
 */
export async function killSession(server: TmuxServer, session: string): Promise<{ outlived: number[]; processes: number }> {
  const before = (await server.panePids(session)).map((pid) => ({ pid, startTime: readProcessStat(pid)?.startTime ?? null }));
  await server.kill(session);
  const kept = new Set(await server.panePids(null).catch(() => before.map(({ pid }) => pid)));
  const ended = before.filter(({ pid }) => !kept.has(pid));
  const outlived = ended.filter(({ pid, startTime }) => {
    const stat = readProcessStat(pid);
    return stat !== null && !hasEnded(stat) && stat.startTime === startTime;
  });
  return { outlived: outlived.map(({ pid }) => pid), processes: ended.length };
}
