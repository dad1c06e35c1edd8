import { describe, expect, test } from "vitest";
import { exitReason, exitStep } from "../../../src/reaper/exit-steps.js";
import type { ExitAction, ExitStep, Phase } from "../../../src/reaper/exit-steps.js";

function walk(start: Phase, ...events: ExitStep[]): { phase: Phase; actions: ExitAction[] } {
  let phase = start;
  const actions: ExitAction[] = [];
  for (const event of events) {
    const step = exitStep(phase, event);
    if (step === null) continue;
    phase = step.phase;
    actions.push(...step.actions);
  }
  return { phase, actions };
}

describe("exit steps", () => {
  test("a life and its end", () => {
    expect(walk("launching", "started", "ended", "drained", "freed")).toEqual({ phase: "ended", actions: ["drain", "announce", "free"] });
  });
  test("a process that ends before its actor is up is drained all the same", () => {
    expect(walk("launching", "ended", "started", "drained", "freed")).toEqual({ phase: "ended", actions: ["drain", "announce", "free"] });
  });
  test("a restart goes through the back-off, which a kill ends for good", () => {
    expect(walk("running", "ended", "restart", "freed", "due", "started")).toEqual({
      phase: "running",
      actions: ["drain", "announce", "free", "wait", "launch"],
    });
    expect(walk("running", "ended", "restart", "killed", "due", "freed")).toEqual({
      phase: "ended",
      actions: ["drain", "announce", "free", "wait", "cancel_wait", "announce", "free"],
    });
  });
  test("an exit told twice is dealt with once", () => {
    for (const phase of ["draining", "backoff", "retiring", "ended"] as const) expect(exitStep(phase, "ended")).toBeNull();
  });
  test("nothing leaves the end", () => {
    for (const event of ["started", "ended", "drained", "restart", "due", "freed", "killed"] as const)
      expect(exitStep("ended", event)?.phase ?? "ended").toBe("ended");
  });
  test("reasons", () => {
    expect(exitReason({ code: 0, signal: null }, { killing: false })).toBe("process_exit");
    expect(exitReason({ code: null, signal: 9 }, { killing: false })).toBe("process_exit");
    expect(exitReason({ code: null, signal: null }, { killing: false })).toBe("lost");
    expect(exitReason({ code: null, signal: null }, { killing: true })).toBe("killed");
  });
});
