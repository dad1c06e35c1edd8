import { describe, expect, test } from "vitest";
import { LifeguardError } from "../../../src/errors.js";
import type { Evidence, SessionState } from "../../../src/session.js";
import { Waits } from "../../../src/supervisor/waits.js";

const evidence: Evidence = { source: "test", rule: "test", confidence: "high", at: 0, detail: "" };
const reached = (state: SessionState) => ({ state, evidence });
const forever = { timeoutMs: undefined, signal: new AbortController().signal };

describe("waits", () => {
  test("answers at once when the state is there already", async () => {
    await expect(new Waits().wait(reached("idle"), { until: ["idle"], ...forever })).resolves.toMatchObject({ state: "idle" });
  });

  test("answers when a state that was asked for comes, and not before", async () => {
    const waits = new Waits();
    const wait = waits.wait(reached("starting"), { until: ["idle", "attention"], ...forever });
    waits.changed(reached("busy"));
    waits.changed(reached("attention"));
    waits.changed(reached("idle"));
    await expect(wait).resolves.toMatchObject({ state: "attention" });
  });

  test("a session that exits ends the wait with EXITED, unless exited was asked for", async () => {
    const waits = new Waits();
    const idle = waits.wait(reached("busy"), { until: ["idle"], ...forever });
    const exited = waits.wait(reached("busy"), { until: ["idle", "exited"], ...forever });
    waits.changed(reached("exited"));
    await expect(idle).rejects.toMatchObject({ name: "EXITED" });
    await expect(exited).resolves.toMatchObject({ state: "exited" });
    await expect(waits.wait(reached("exited"), { until: ["idle"], ...forever })).rejects.toMatchObject({ name: "EXITED" });
  });

  test("removal is NOT_FOUND, the deadline is TIMEOUT, cancelling ends it", async () => {
    const waits = new Waits();
    const removed = waits.wait(reached("busy"), { until: ["idle"], ...forever });
    waits.removed("sess_1");
    await expect(removed).rejects.toMatchObject({ name: "NOT_FOUND" });
    await expect(
      waits.wait(reached("busy"), { until: ["idle"], timeoutMs: 1, signal: new AbortController().signal }),
    ).rejects.toMatchObject({ name: "TIMEOUT" });
    const cancel = new AbortController();
    const cancelled = waits.wait(reached("busy"), { until: ["idle"], timeoutMs: undefined, signal: cancel.signal });
    cancel.abort();
    await expect(cancelled).rejects.toBeInstanceOf(LifeguardError);
  });
});

describe("after a prompt", () => {
  test("what was said before it does not count, nor does falling back to rest; its turn does", async () => {
    const waits = new Waits();
    waits.expectTurn();
    const wait = waits.wait(reached("idle"), { until: ["idle"], ...forever });
    let done = false;
    void wait.then(() => (done = true));
    waits.changed(reached("idle"));
    await Promise.resolve();
    expect([done, waits.stale]).toEqual([false, true]);
    waits.changed(reached("busy"));
    expect(waits.stale).toBe(false);
    waits.changed(reached("idle"));
    await expect(wait).resolves.toMatchObject({ state: "idle" });
  });

  test("one whose turn is not seen is settled by what is said then; an exit always counts", async () => {
    const waits = new Waits();
    waits.expectTurn();
    const wait = waits.wait(reached("idle"), { until: ["idle"], ...forever });
    waits.settled(reached("idle"));
    await expect(wait).resolves.toMatchObject({ state: "idle" });
    waits.expectTurn();
    const vain = waits.wait(reached("idle"), { until: ["idle"], ...forever });
    waits.changed(reached("exited"));
    await expect(vain).rejects.toMatchObject({ name: "EXITED" });
  });
});
