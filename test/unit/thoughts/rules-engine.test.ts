import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { silentLog } from "../../../src/log.js";
import { RulesEngine } from "../../../src/thoughts/rules-engine.js";
import type { Known, SessionView, Update } from "../../../src/thoughts/world.js";
import { known, view } from "./views.js";

describe("the rules engine", () => {
  let session: SessionView;
  let thought: Known | null;
  let said: Update[];
  let tails: number;
  let tail: () => Promise<string>;
  let tell: (kind: "state" | "title", id: string) => void;
  let engine: RulesEngine;

  beforeEach(() => {
    vi.useFakeTimers({ now: 1e12 });
    session = view({ tool: "claude" });
    thought = null;
    said = [];
    tails = 0;
    tail = () => Promise.resolve(`● Bash(step ${tails})`);
    engine = new RulesEngine(
      {
        sessions: () => [session],
        session: (id) => (id === session.id ? session : null),
        thought: () => thought,
        tail: () => {
          tails += 1;
          return tail();
        },
        publish: (_id, update) => {
          said.push(update);
          thought = known({ ...update });
          return { accepted: true };
        },
        follow: (listener) => {
          tell = listener;
          return () => {};
        },
      },
      { now: () => Date.now(), monotonic: () => performance.now() },
      silentLog,
    );
    engine.start();
  });

  afterEach(async () => {
    await engine.close();
    vi.useRealTimers();
  });

  const change = async (fields: Partial<SessionView>, afterMs = 3_000, kind: "state" | "title" = "state"): Promise<void> => {
    session = { ...session, ...fields };
    tell(kind, session.id);
    await vi.advanceTimersByTimeAsync(afterMs);
  };

  test("has no timer while nothing changes", async () => {
    expect(vi.getTimerCount()).toBe(0);
    await change({ state: "busy", title: "Fix" });
    expect(said.map(({ text }) => text)).toEqual(["Fix: Bash(step 1)"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("never says what is over in a moment, and looks at most every two seconds", async () => {
    await change({ state: "busy", title: "Fix" }, 10);
    await change({ state: "idle" });
    expect(said.map(({ text }) => text)).toEqual(["Fix"]);
    const before = tails;
    for (let round = 0; round < 20; round++) await change({ state: round % 2 === 0 ? "busy" : "idle" }, 100);
    expect(tails - before).toBeLessThanOrEqual(2);
  });

  test("a title that comes before the state it belongs to waits for it, also beside an older change and while the screen is read", async () => {
    await change({ state: "idle" }, 900);
    await change({ title: "⠐ Fix" }, 160, "title");
    expect(tails).toBe(0);
    await change({ state: "busy" }, 990);
    expect(tails).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(said.map(({ text, state }) => [text, state])).toEqual([["Fix: Bash(step 1)", "active"]]);

    let read: (screen: string) => void = () => {};
    tail = () => new Promise((resolve) => (read = resolve));
    await change({ title: "⠐ Test" }, 2_500, "title");
    await change({ title: "Test", state: "idle" }, 10);
    tail = () => Promise.resolve("");
    read("● Bash(late)");
    await vi.advanceTimersByTimeAsync(10);
    expect(said).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(said.slice(1).map(({ text, state }) => [text, state])).toEqual([["Test", "holding"]]);
  });

  test("what never stands still is looked at all the same", async () => {
    for (let round = 0; round < 40; round++) await change({ state: round % 2 === 0 ? "busy" : "idle", title: "Fix" }, 100);
    expect(tails).toBe(1);
  });

  test("a spinner in the title is a change every 15 seconds only", async () => {
    await change({ state: "busy", title: "⠐ Fix" });
    for (let frame = 0; frame < 240; frame++) await change({ title: frame % 2 === 0 ? "⠂ Fix" : "⠐ Fix" }, 250, "title");
    expect(said.length).toBeGreaterThan(2);
    expect(said.length).toBeLessThanOrEqual(6);
    await change({ title: "⠂ Something else" }, 3_000, "title");
    expect(said.at(-1)?.text).toMatch(/^Something else: /);
  });

  test("a turn without a subject of its own has a thought seconds after its first tool, and costs a look every five until then", async () => {
    const spin = async (frames: number): Promise<void> => {
      for (let frame = 0; frame < frames; frame++)
        await change({ title: frame % 2 === 0 ? "⠂ Claude Code" : "⠐ Claude Code" }, 250, "title");
    };
    tail = () => Promise.resolve("");
    await change({ state: "busy", title: "⠐ Claude Code" });
    await spin(80);
    expect(said).toEqual([]);
    expect(tails).toBeGreaterThan(2);
    expect(tails).toBeLessThanOrEqual(6);
    tail = () => Promise.resolve("● Bash(npm test)");
    await spin(22);
    expect(said.map(({ text }) => text)).toEqual(["Bash(npm test)"]);
  });

  test("says nothing twice, and rests on the last real thought", async () => {
    session = { ...session, tool: null };
    await change({ state: "busy", command: "npm test" });
    await change({ state: "error" });
    await change({ state: "idle", command: null });
    await change({ state: "idle" });
    expect(said.map(({ text, source }) => [text, source])).toEqual([
      ["npm test", "rule"],
      ["failed: npm test", "rule"],
      ["failed: npm test", "static_sleeping"],
    ]);
  });

  test("goes on from what was said by rules before it began, and leaves alone what somebody said by rule since", async () => {
    thought = known({ text: "old", source: "rule", updated_at: Date.now() - 1_000 });
    await change({ state: "busy", title: "Fix" });
    expect(said.map(({ text }) => text)).toEqual(["Fix: Bash(step 1)"]);
    session = view({ id: "sess_2", tool: "claude" });
    thought = known({ text: "a person's", source: "rule", updated_at: Date.now() });
    await change({ state: "idle" });
    expect(said).toHaveLength(1);
  });

  test("leaves alone for ten minutes what somebody else has said", async () => {
    thought = known({ text: "thinks hard", updated_at: Date.now() });
    await change({ state: "busy", title: "Fix" });
    expect(said).toEqual([]);
    await vi.advanceTimersByTimeAsync(600_000);
    await change({ state: "attention" });
    expect(said.map(({ text }) => text)).toEqual(["waits for you: Bash(step 2)"]);
    thought = known({ text: "a word of its own", source: "rule", updated_at: Date.now() });
    await change({ state: "busy" });
    expect(said).toHaveLength(1);
  });
});
