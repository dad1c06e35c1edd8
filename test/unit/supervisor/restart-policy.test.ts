import { describe, expect, test } from "vitest";
import type { SessionExit } from "../../../src/session.js";
import { decideRestart } from "../../../src/supervisor/restart-policy.js";

const BOUNDS = { intensity: 3, windowMs: 60_000, backoffMs: 1_000, backoffMaxMs: 30_000 };
const exit = (fields: Partial<SessionExit>): SessionExit => ({ code: 0, signal: null, at: 0, reason: "process_exit", ...fields });

describe("restart policy", () => {
  test.each([
    ["never", exit({ code: 1 }), false],
    ["on-failure", exit({ code: 0 }), false],
    ["on-failure", exit({ code: 1 }), true],
    ["on-failure", exit({ code: null, signal: "SIGSEGV" }), true],
    ["on-failure", exit({ code: null, reason: "lost" }), false],
    ["on-failure", exit({ code: null, reason: "spawn_failed" }), true],
    ["always", exit({ code: 0 }), true],
    ["always", exit({ code: null, reason: "lost" }), true],
    ["always", exit({ code: null, signal: "SIGHUP", reason: "killed" }), false],
  ] as const)("%s after %o restarts: %s", (policy, ended, restarts) => {
    expect(decideRestart(policy, ended, [], 0, BOUNDS).restart).toBe(restarts);
  });

  test("backs off twice as long each time, gives up at the intensity, and forgets what lies outside the window", () => {
    let history: number[] = [];
    const delays: number[] = [];
    for (const now of [0, 100, 200]) {
      const decision = decideRestart("always", exit({ code: 1 }), history, now, BOUNDS);
      if (!decision.restart) throw new Error(decision.reason);
      delays.push(decision.delayMs);
      history = decision.history;
    }
    expect(delays).toEqual([1_000, 2_000, 4_000]);
    expect(decideRestart("always", exit({ code: 1 }), history, 300, BOUNDS)).toEqual({ restart: false, reason: "restart_intensity" });
    expect(decideRestart("always", exit({ code: 1 }), history, 60_050, BOUNDS)).toMatchObject({ restart: true });
  });

  test("never waits longer than the longest back-off", () => {
    const decision = decideRestart("always", exit({ code: 1 }), [1, 2, 3, 4, 5, 6, 7, 8], 9, { ...BOUNDS, intensity: 100 });
    expect(decision).toMatchObject({ delayMs: 30_000 });
  });
});
