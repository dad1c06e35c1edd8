import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pace } from "../../../src/actors/pace.js";
import { TurnQueue } from "../../../src/actors/turn-queue.js";

describe("pace", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("runs at once, then once per interval, and holds no timer when nothing comes", () => {
    let runs = 0;
    const pace = new Pace(100, () => runs++);
    for (let i = 0; i < 50; i++) pace.poke();
    expect(runs).toBe(1);
    vi.advanceTimersByTime(100);
    expect(runs).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
    for (let i = 0; i < 100; i++) {
      pace.poke();
      vi.advanceTimersByTime(10);
    }
    expect(runs).toBeLessThanOrEqual(13);
  });

  it("flush runs now and cancels what waited; stop leaves nothing behind", () => {
    let runs = 0;
    const pace = new Pace(100, () => runs++);
    pace.poke();
    pace.poke();
    pace.flush();
    expect(runs).toBe(2);
    vi.advanceTimersByTime(1_000);
    expect(runs).toBe(2);
    pace.poke();
    pace.poke();
    pace.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("turn queue", () => {
  it("gives every job a slice in turn and the loop a turn between", async () => {
    const turns = new TurnQueue(1);
    const order: number[] = [];
    let elsewhere = 0;
    const beat = setInterval(() => elsewhere++, 1);
    await Promise.all(
      [0, 1, 2].map(
        async (job) =>
          await new Promise<void>((resolve) => {
            let left = 30;
            turns.add(() => {
              order.push(job);
              const until = performance.now() + 0.4;
              while (performance.now() < until);
              if (--left === 0) resolve();
              return left > 0;
            });
          }),
      ),
    );
    clearInterval(beat);
    expect(order.length).toBe(90);
    expect(order.slice(0, 9)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(elsewhere).toBeGreaterThan(5);
  });
});
