import { readFileSync, writeFileSync } from "node:fs";

/** Agents are the first to go when memory runs out, before the keeper and the daemon: added to the keeper's own score. */
const AGENT_OOM_SCORE = 300;
const MAX_OOM_SCORE = 1_000;

/** Done from outside, just after the start. Where the system has no such thing, or refuses, the agent runs on as it is. */
export function raiseOomScore(pid: number): void {
  try {
    const own = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(MAX_OOM_SCORE, own + AGENT_OOM_SCORE)));
  } catch {
    // Ended already, or not Linux.
  }
}
