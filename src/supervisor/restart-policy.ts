/**
 * When a session's process is started again: a pure function over its past restarts, no timers.
 * Intensity is a sliding window (as in OTP's supervisor): more than N restarts within the window, and the policy gives up.
 */
import type { RestartPolicy, SessionExit } from "../session.js";

export interface RestartBounds {
  intensity: number;
  windowMs: number;
  backoffMs: number;
  backoffMaxMs: number;
}

export type RestartDecision =
  | { restart: false; reason: "policy" | "killed" | "restart_intensity" }
  | { restart: true; delayMs: number; history: number[] };

/**
 * @param history times (monotonic ms) of earlier restarts, oldest first
 * @param now monotonic ms
 */
export function decideRestart(
  policy: RestartPolicy,
  exit: SessionExit,
  history: readonly number[],
  now: number,
  bounds: RestartBounds,
): RestartDecision {
  if (exit.reason === "killed") return { restart: false, reason: "killed" };
  // A lost status is no proof of a failure: only `always` starts such a session again.
  const failed = exit.reason !== "lost" && exit.code !== 0;
  if (policy === "never" || (policy === "on-failure" && !failed)) return { restart: false, reason: "policy" };
  const recent = history.filter((at) => now - at < bounds.windowMs);
  if (recent.length >= bounds.intensity) return { restart: false, reason: "restart_intensity" };
  const delayMs = Math.min(bounds.backoffMs * 2 ** recent.length, bounds.backoffMaxMs);
  return { restart: true, delayMs, history: [...recent, now] };
}
