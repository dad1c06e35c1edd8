import { describe, expect, test } from "vitest";
import { exitReason, exitStep } from "../../../src/reaper/exit-steps.js";
import type { ExitStep, Phase } from "../../../src/reaper/exit-steps.js";

function walk(start: Phase, ...events: ExitStep[]): Phase {
  let phase = start;
  for (const event of events) phase = exitStep(phase, event) ?? phase;
  return phase;
}

describe("exit steps", () => {
  test("a life and its end", () => {
    expect(walk("launching", "started", "ended", "drained", "freed")).toBe("ended");
  });
  test("a process that ends before its actor is up is drained all the same", () => {
    expect(walk("launching", "ended", "started")).toBe("draining");
    expect(walk("launching", "ended", "started", "drained", "freed")).toBe("ended");
  });
  test("a restart goes through the back-off, which a kill ends for good", () => {
    expect(walk("running", "ended", "restart", "due", "started")).toBe("running");
    expect(walk("running", "ended", "restart", "killed", "due", "freed")).toBe("ended");
  });
  test("an exit told twice is dealt with once", () => {
    for (const phase of ["draining", "backoff", "retiring", "ended"] as const) expect(exitStep(phase, "ended")).toBeNull();
  });
  test("the end of a process that is handed over is another daemon's to tell", () => {
    expect(walk("running", "released", "ended", "drained", "freed")).toBe("handed_over");
    for (const phase of ["launching", "draining", "backoff", "retiring", "ended"] as const) expect(exitStep(phase, "released")).toBeNull();
  });
  test("an ended session comes back only by being started", () => {
    for (const event of ["started", "ended", "drained", "restart", "freed", "killed"] as const) expect(exitStep("ended", event)).toBeNull();
    expect(exitStep("ended", "due")).toBe("launching");
  });
  test("reasons", () => {
    expect(exitReason({ code: 0, signal: null }, { killing: false })).toBe("process_exit");
    expect(exitReason({ code: null, signal: 9 }, { killing: false })).toBe("process_exit");
    expect(exitReason({ code: null, signal: null }, { killing: false })).toBe("lost");
    expect(exitReason({ code: null, signal: null }, { killing: true })).toBe("killed");
  });
});
