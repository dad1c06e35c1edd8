/** How long a session has been left alone, in four words (behaviour.md 3). */
import type { RestState, SessionState } from "../session.js";

export const REST = { drowsyMs: 30_000, sleepingMs: 300_000, deepSleepMs: 1_800_000 } as const;

/** What its newest thought says of its rest, and when it was had. */
export interface RestWord {
  state: "active" | "holding" | "sleeping";
  source: "llm" | "carry_forward" | "static_sleeping" | "rule";
  rest_state: RestState;
  updated_at: number;
}

export function restState(state: SessionState, stateSince: number, now: number, word: RestWord | null = null): RestState {
  if (state === "exited") return "deep_sleep";
  if (state !== "idle") return "active";
  const idleMs = now - stateSince;
  if (idleMs >= REST.deepSleepMs) return "deep_sleep";
  if (idleMs >= REST.sleepingMs || (word !== null && waits(word, stateSince))) return "sleeping";
  return idleMs >= REST.drowsyMs ? "drowsy" : "active";
}

/**
 * It waits for its user by its own word: somebody who read its screen since it became idle says that it sleeps. A static line is
 * nobody's word.
 */
function waits({ state, source, rest_state, updated_at }: RestWord, stateSince: number): boolean {
  if (source === "static_sleeping" || state === "active" || updated_at < stateSince) return false;
  return state === "sleeping" || rest_state === "sleeping" || rest_state === "deep_sleep";
}
