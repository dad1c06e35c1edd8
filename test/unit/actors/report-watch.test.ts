/** What a report decides, for how long, and what ends it. */
import { describe, expect, it } from "vitest";
import { Detector } from "../../../src/actors/detector.js";
import type { Detection } from "../../../src/actors/detector.js";
import type { ToolVerdict } from "../../../src/actors/evidence.js";
import type { Report } from "../../../src/actors/messages.js";
import { ReportWatch } from "../../../src/actors/report-watch.js";
import { findProfile, type Profile, type RuleState } from "../../../src/profiles/profile.js";
import { loadProfiles, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import type { Confidence } from "../../../src/session.js";
import { SETTINGS, quietShell } from "./quiet-shell.js";

const { set } = loadProfiles([SHIPPED_PROFILES]);
const claude = findProfile(set, "claude") as Profile;
const T = 1_000_000;

/** Claude in front, on a table: what its screen shows, what its hooks say, and time. */
class Bench {
  readonly watch: ReportWatch = new ReportWatch();
  now = T;
  lastOutputAt = T;
  #shows: ToolVerdict | null = null;
  constructor() {
    this.watch.front("claude", T);
  }
  after(ms: number): this {
    this.now += ms;
    return this;
  }
  prints(): this {
    this.lastOutputAt = this.now;
    return this;
  }
  shows(state: RuleState | null, confidence: Confidence = "high"): this {
    this.#shows = state === null ? null : { state, source: "screen", rule: `shows_${state}`, confidence, text: "" };
    this.believed();
    return this;
  }
  says(event: string, more: Partial<Report> = {}): this {
    const report: Report = { source: "claude-hook", event, state: null, detail: "", at: this.now, tool: "claude", own: true, ...more };
    this.watch.take(report, claude, 20);
    return this;
  }
  believed(): ToolVerdict | null {
    return this.watch.weigh(this.#shows, { now: this.now, lastOutputAt: this.lastOutputAt, errorLingerMs: 4_000 });
  }
  /** State, source and confidence that are believed. */
  get is(): string {
    const verdict = this.believed();
    return verdict === null ? "nothing" : `${verdict.state} ${verdict.source} ${verdict.confidence}`;
  }
  get outcome(): string | undefined {
    return this.watch.seen(this.now)?.outcome;
  }
}

describe("a tool that says it works", () => {
  it("is believed at once, and on while the screen agrees or says nothing", () => {
    const bench = new Bench().shows("idle").after(5_000).says("UserPromptSubmit");
    expect(bench.is).toBe("busy report medium");
    expect(bench.after(500).shows("busy").is).toBe("busy report high");
    expect(bench.after(300_000).is).toBe("busy report high");
    expect(bench.outcome).toBe("won");
    expect(new Bench().says("UserPromptSubmit").prints().after(30_000).is).toBe("busy report high");
  });
  it("is not, once the screen rests for more than a frame: Esc has no hook", () => {
    const bench = new Bench().shows("idle").says("UserPromptSubmit").after(1_000).shows("busy").after(5_000).shows("idle");
    expect(bench.is).toBe("idle screen high");
    expect(bench.after(100).shows("busy").is).toBe("busy report high");
    expect(bench.after(100).shows("idle").after(300).is).toBe("idle screen high");
    expect(bench.outcome).toBe("contradicted");
    expect(bench.after(10).shows("busy").is).toBe("busy screen high");
  });
  it("is not, when no work shows within 3 s", () => {
    const bench = new Bench().shows("idle").after(10).says("UserPromptSubmit").after(2_900);
    expect(bench.is).toBe("busy report medium");
    expect(bench.watch.next).toBe(100);
    expect(bench.after(100).is).toBe("idle screen high");
  });
  it("is not, when a dialog shows", () => {
    expect(new Bench().shows("busy").says("UserPromptSubmit").after(3_000).shows("attention").is).toBe("attention screen high");
    expect(new Bench().shows("attention").after(10).says("UserPromptSubmit").is).toBe("attention screen high");
  });
  it("is believed less and less when it prints nothing and no rule is sure", () => {
    const quiet = new Bench().prints().says("UserPromptSubmit").shows("idle", "low").after(4_900);
    expect(quiet.is).toBe("busy report medium");
    expect(quiet.after(100).is).toBe("idle screen low");
    expect(new Bench().prints().says("UserPromptSubmit").after(60_000).is).toBe("nothing");
  });
});

describe("a tool that says it rests", () => {
  it("is believed while its last frame still shows work, and not when it goes on working", () => {
    const bench = new Bench().shows("busy").after(5_000).prints().says("Stop");
    expect(bench.is).toBe("idle report medium");
    expect(bench.after(100).shows("idle").is).toBe("idle report high");
    const refused = new Bench().shows("busy").after(5_000).says("Stop").after(400).prints();
    expect(refused.is).toBe("busy screen high");
    expect(refused.outcome).toBe("contradicted");
  });
  it("is not, when a dialog or new work shows later", () => {
    expect(new Bench().shows("idle").says("Stop").after(500).shows("busy").after(1).prints().after(300).prints().is).toBe(
      "busy screen high",
    );
    expect(new Bench().shows("idle").says("Stop").after(500).shows("attention").is).toBe("attention screen high");
  });
  it("is believed for as long as nothing says otherwise, but less when it prints what no rule knows", () => {
    const bench = new Bench().says("Stop").after(3_600_000);
    expect(bench.is).toBe("idle report high");
    expect(bench.prints().is).toBe("idle report low");
  });
});

describe("what is told unreliably", () => {
  it("decides nothing while a rule knows the screen", () => {
    const bench = new Bench().shows("busy").says("PermissionRequest").after(5_000);
    expect(bench.is).toBe("busy screen high");
    expect(bench.outcome).toBe("evidence");
    expect(new Bench().shows("idle").says("Notification").after(5_000).is).toBe("idle screen high");
  });
  it("makes what a rule is unsure of surer", () => {
    expect(new Bench().shows("attention", "low").says("PermissionRequest").is).toBe("attention screen medium");
    expect(new Bench().shows("idle", "low").says("PermissionRequest").is).toBe("idle screen low");
  });
  it("is passed on with a warning where no rule knows the screen, when it lasts", () => {
    const bench = new Bench().says("PermissionRequest");
    expect(bench.is).toBe("nothing");
    expect(bench.after(1_000).is).toBe("attention report low");
    expect(bench.believed()?.text).toMatch(/not always so/);
    expect(bench.says("Stop").is).toBe("idle report high");
    expect(new Bench().says("PermissionRequest").after(600_000).is).toBe("nothing");
  });
  it("stays so when the reporter is sure of it: what is known of the tool counts", () => {
    expect(new Bench().shows("idle").says("Notification", { state: "attention" }).after(2_000).is).toBe("idle screen high");
    expect(new Bench().shows("idle").says("NeverHeardOf", { state: "attention" }).is).toBe("attention report high");
  });
});

describe("attention and errors", () => {
  it("that are told end when the person has answered, or after 15 s of work", () => {
    const asked = (): Bench => new Bench().shows("busy").after(1_000).says("Ask", { state: "attention" });
    expect(asked().after(14_000).is).toBe("attention report medium");
    expect(asked().after(15_000).is).toBe("busy screen high");
    expect(asked().after(500).shows("idle").is).toBe("idle screen high");
  });
  it("an error lingers", () => {
    const bench = new Bench().shows("idle").says("Failed", { state: "error" });
    expect(bench.is).toBe("error report high");
    expect(bench.after(4_000).is).toBe("idle screen high");
  });
});

describe("whose word it is", () => {
  it("an event without a state says nothing, and is shown", () => {
    const bench = new Bench().shows("busy").says("SubagentStop");
    expect(bench.is).toBe("busy screen high");
    expect(bench.watch.seen(bench.now + 5)).toMatchObject({ event: "SubagentStop", state: null, outcome: "no_state", age_ms: 5 });
  });
  it("an older one does not take a newer one back, and one from the future ends", () => {
    const bench = new Bench().says("Stop").says("UserPromptSubmit", { at: T - 10, source: "other" });
    expect(bench.is).toBe("idle report high");
    expect(bench.watch.seen(T)?.text).toBe("claude-hook has said later things");
    expect(new Bench().says("Stop", { at: T + 10_000 }).is).toBe("nothing");
  });
  it("ends with the tool that it was about", () => {
    const bench = new Bench().says("UserPromptSubmit").after(6_000);
    bench.watch.front(null, bench.now);
    bench.watch.front("claude", bench.now);
    expect(bench.is).toBe("nothing");
  });
  it("comes a moment before its tool is seen in front", () => {
    const watch = new ReportWatch();
    const report: Report = { source: "claude-hook", event: "Stop", state: null, detail: "", at: T, tool: "claude", own: true };
    watch.take(report, claude, 20);
    watch.front("claude", T + 500);
    expect(watch.weigh(null, { now: T + 500, lastOutputAt: T, errorLingerMs: 1 })?.state).toBe("idle");
  });
  it("is one line of bounded length for people", () => {
    const text = new Bench().says("Stop", { detail: "😀".repeat(200) }).believed()?.text ?? "";
    expect(text.length).toBeLessThanOrEqual(161);
    expect(Buffer.from(text).toString()).toBe(text);
  });
});

describe("a program that nothing is known of", () => {
  const moment = (now: number) => ({ now, lastOutputAt: T, errorLingerMs: 4_000 });
  const told = (state: RuleState, group: number | null = 20): ReportWatch => {
    const watch = new ReportWatch();
    watch.take({ source: "engine", event: "said", state, detail: "", at: T, tool: null, own: true }, null, group);
    return watch;
  };
  it("is what it says while it is in front", () => {
    const watch = told("attention");
    expect(watch.plain(moment(T + 60_000), { group: 20, markedAt: 0 })?.state).toBe("attention");
    expect(watch.plain(moment(T + 60_000), { group: 30, markedAt: 0 })).toBeNull();
    expect(watch.plain(moment(T + 60_000), { group: 20, markedAt: 0 })).toBeNull();
  });
  it("is what the shell says later", () => {
    expect(told("busy").plain(moment(T + 10), { group: 20, markedAt: T + 5 })).toBeNull();
    expect(told("busy").plain(moment(T + 10), { group: 20, markedAt: T - 5 })?.state).toBe("busy");
  });
  it("has failed for a while", () => {
    const watch = told("error");
    expect(watch.plain(moment(T + 10), { group: 20, markedAt: 0 })?.state).toBe("error");
    expect(watch.next).toBe(3_990);
    expect(watch.plain(moment(T + 4_000), { group: 20, markedAt: 0 })).toBeNull();
  });
});

describe("when a reported state is said", () => {
  const say = (detector: Detector, now: number, verdict: Partial<ToolVerdict> & { state: RuleState }): Detection =>
    detector.evaluate({
      ...quietShell(T),
      now,
      lastOutputAt: now,
      foreground: { group: 1, isLeader: true, command: "claude" },
      leaderIsShell: false,
      tool: {
        title: "Claude Code",
        since: T,
        startupMs: 30_000,
        drawing: false,
        judge: () => ({ source: "report", rule: "r", confidence: "high", text: "", reportedAt: now, ...verdict }),
      },
    });
  it("busy at once, idle after 0.3 s, attention at once; and it is not starting any more", () => {
    const detector = new Detector(SETTINGS);
    expect(say(detector, T + 10, { state: "idle" }).state).toBe("idle");
    expect(say(detector, T + 20, { state: "busy" }).state).toBe("busy");
    expect(say(detector, T + 5_000, { state: "idle" })).toMatchObject({ state: "busy", next: 300 });
    expect(say(detector, T + 5_300, { state: "idle" }).state).toBe("idle");
    expect(say(detector, T + 9_000, { state: "attention" }).state).toBe("attention");
  });
});
