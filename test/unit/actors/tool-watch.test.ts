/** Which tool runs, and when its states are said. */
import { describe, expect, it } from "vitest";
import { Detector, type Detection, type DetectorInput } from "../../../src/actors/detector.js";
import type { Foreground } from "../../../src/actors/foreground.js";
import type { Verdict } from "../../../src/actors/tool-rules.js";
import { ToolWatch } from "../../../src/actors/tool-watch.js";
import { loadProfiles, profileSet, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import { SETTINGS, quietShell } from "./quiet-shell.js";

const { set } = loadProfiles([SHIPPED_PROFILES]);
const LEADER = 10;
const front = (command: string, group = 20): Foreground => ({ group, isLeader: group === LEADER, command });
const shell = front("bash", LEADER);

describe("the tool in front", () => {
  it("is the one asked for, from the start and through what it runs in front of itself", () => {
    const watch = new ToolWatch(set, "claude-code", LEADER, 1_000);
    expect([watch.tool, watch.contextLimit, watch.since]).toEqual(["claude", 200_000, 1_000]);
    expect(watch.look(front("claude", LEADER), false, null, 1_100)).toBe(false);
    expect(watch.look(front("vim", 30), false, null, 2_000)).toBe(false);
    expect(watch.look(front("claude", LEADER), false, null, 3_000)).toBe(false);
    expect([watch.tool, watch.since]).toEqual(["claude", 1_000]);
  });

  it("is recognised by its program, and gone when the shell is back", () => {
    const watch = new ToolWatch(set, null, LEADER, 1_000);
    expect(watch.look(shell, true, null, 1_100)).toBe(false);
    expect(watch.look(front("codex"), true, null, 2_000)).toBe(true);
    expect([watch.tool, watch.since]).toEqual(["codex", 2_000]);
    expect(watch.look(front("codex"), true, null, 3_000)).toBe(false);
    expect(watch.look(shell, true, null, 4_000)).toBe(true);
    expect(watch.tool).toBeNull();
    expect(watch.look(front("codex", 40), true, null, 5_000)).toBe(true);
    expect(watch.since).toBe(5_000);
    expect(watch.look(front("less", 50), true, null, 6_000)).toBe(true);
    expect(watch.tool).toBeNull();
  });

  it("has been there before when an actor takes a session over", () => {
    const watch = new ToolWatch(set, null, LEADER, 0);
    expect(watch.look(front("claude"), true, null, 9_000)).toBe(true);
    expect(watch.since).toBe(0);
    watch.look(shell, true, null, 10_000);
    watch.look(front("claude", 30), true, null, 11_000);
    expect(watch.since).toBe(11_000);
  });

  it("follows its profile", () => {
    const watch = new ToolWatch(set, "codex", LEADER, 1_000);
    const changed = set.profiles.map((profile) => (profile.name === "codex" ? { ...profile, contextLimit: 5 } : profile));
    expect(watch.replace(profileSet(changed))).toBe(true);
    expect(watch.contextLimit).toBe(5);
    expect(watch.replace(profileSet(changed.filter(({ name }) => name !== "codex")))).toBe(true);
    expect(watch.tool).toBeNull();
    expect(watch.replace(set)).toBe(true);
    expect(watch.tool).toBe("codex");
  });
});

describe("the states of a tool", () => {
  const detector = (): { see(state: Verdict["state"] | null, after: number, more?: Partial<DetectorInput>): Detection } => {
    const made = new Detector(SETTINGS);
    let now = 1_000_000;
    return {
      see(state, after, more = {}) {
        now += after;
        const verdict: Verdict | null =
          state === null ? null : { state, source: "screen", rule: `r_${state}`, confidence: "high", text: `${now}` };
        return made.evaluate({
          ...quietShell(1_000_000),
          now,
          lastOutputAt: now,
          foreground: { group: 1, isLeader: true, command: "t" },
          osc133: { phase: "C", exit: null, command: "t", at: 1, endedAt: null, shell: null },
          cursorLine: () => "$ ",
          leaderIsShell: false,
          tool: { title: "T", since: 1_000_000, startupMs: 10_000, drawing: false, judge: () => verdict },
          ...more,
        });
      },
    };
  };
  const up = (): ReturnType<typeof detector> => {
    const bench = detector();
    expect(bench.see("idle", 100)).toMatchObject({ state: "starting", next: 500 });
    expect(bench.see("idle", 500).state).toBe("idle");
    return bench;
  };

  it("begin when it is ready, or has taken too long; what it says before counts for nothing, a dialog does", () => {
    const bench = detector();
    expect(bench.see("busy", 10)).toMatchObject({ state: "starting", evidence: { rule: "not_ready" } });
    expect(bench.see(null, 10).state).toBe("starting");
    expect(bench.see("idle", 10)).toMatchObject({ state: "starting", next: 500 });
    expect(bench.see("idle", 500).state).toBe("idle");
    expect(detector().see("attention", 10).state).toBe("attention");
    // It shows its prompt for a moment before the dialog that it starts with.
    const offers = detector();
    expect([offers.see("idle", 10).state, offers.see("attention", 320).state]).toEqual(["starting", "attention"]);
    const slow = detector();
    expect(slow.see(null, 9_999)).toMatchObject({ state: "starting", next: 1 });
    expect(slow.see(null, 1)).toMatchObject({ state: "idle", evidence: { rule: "no_rule_matched", confidence: "low" } });
  });

  it("are said: blocked at once, busy when it lasts 150 ms, idle when it lasts 1.5 s, or 0.6 s after a dialog", () => {
    const bench = up();
    expect(bench.see("busy", 5_000)).toMatchObject({ state: "idle", next: 150 });
    expect(bench.see("busy", 150).state).toBe("busy");
    expect(bench.see("attention", 10).state).toBe("attention");
    expect(bench.see("busy", 100).state).toBe("attention");
    // A spinner that flashed up once.
    expect(bench.see("idle", 100)).toMatchObject({ state: "attention", next: 600 });
    expect(bench.see("idle", 599)).toMatchObject({ state: "attention", next: 1 });
    expect(bench.see("idle", 1).state).toBe("idle");
    bench.see("busy", 5_000);
    expect(bench.see("busy", 150).state).toBe("busy");
    expect(bench.see("idle", 100)).toMatchObject({ state: "busy", next: 1_500 });
    expect(bench.see("idle", 1_499)).toMatchObject({ state: "busy", next: 1 });
    expect(bench.see("idle", 1).state).toBe("idle");
  });

  it("go from one dialog to the next without a word, over a blank screen and over its prompt for a moment", () => {
    const bench = up();
    expect(bench.see("attention", 1_000).state).toBe("attention");
    expect(bench.see(null, 10)).toMatchObject({ state: "attention", next: 1_500 });
    expect(bench.see("idle", 300)).toMatchObject({ state: "attention", next: 600 });
    expect(bench.see("attention", 200).state).toBe("attention");
    expect(bench.see("idle", 10)).toMatchObject({ state: "attention", next: 600 });
    expect(bench.see("idle", 600).state).toBe("idle");
  });

  it("do not flap when a frame is half drawn", () => {
    const bench = up();
    bench.see("busy", 10);
    bench.see("busy", 200);
    for (let frame = 0; frame < 20; frame++) {
      expect(bench.see(null, 50).state).toBe("busy");
      expect(bench.see("busy", 50).state).toBe("busy");
    }
  });

  it("keep their evidence while only its text changes, and lose trust in a spinner that stands still", () => {
    const bench = up();
    bench.see("busy", 10);
    const { evidence, next } = bench.see("busy", 200);
    expect(next).toBe(15_000);
    expect(bench.see("busy", 1_000).evidence).toBe(evidence);
    const at = 1_001_810;
    expect(bench.see("busy", 20_000, { lastOutputAt: at })).toMatchObject({ state: "busy", evidence: { confidence: "low" }, next: null });
  });

  it("ask for a person when nobody has looked for five minutes, unless somebody had stopped it", () => {
    const turn = (lastInputAt: number): Detection => {
      const bench = up();
      bench.see("busy", 1_000);
      bench.see("busy", 1_000);
      bench.see("idle", 1_000, { lastInputAt });
      expect(bench.see("idle", 1_500, { lastInputAt }).state).toBe("idle");
      return bench.see("idle", 300_000, { lastInputAt });
    };
    expect(turn(0)).toMatchObject({ state: "attention", evidence: { rule: "finished_unseen" } });
    expect(turn(1_003_050).state).toBe("idle");
  });
});
