/** How long a session has been left alone, in four words (behaviour.md 3). */
import type { RestState, SessionState } from "../session.js";

export const REST = { drowsyMs: 30_000, sleepingMs: 300_000, deepSleepMs: 1_800_000 } as const;

export function restState(state: SessionState, stateSince: number, now: number): RestState {
  if (state === "exited") return "deep_sleep";
  if (state !== "idle") return "active";
  const idleMs = now - stateSince;
  if (idleMs >= REST.deepSleepMs) return "deep_sleep";
  if (idleMs >= REST.sleepingMs) return "sleeping";
  return idleMs >= REST.drowsyMs ? "drowsy" : "active";
}
