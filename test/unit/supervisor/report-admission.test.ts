/** Which reports are taken, and why the others are not. */
import { describe, expect, it } from "vitest";
import type { ReportRequest } from "../../../src/supervisor/api.js";
import { refusal, reportTime, saysMore, within, type ReportFacts } from "../../../src/supervisor/report-admission.js";

const NOW = 1_000_000;
const FACTS: ReportFacts = {
  now: NOW,
  running: true,
  startedAt: NOW - 60_000,
  newestAt: 0,
  front: "claude",
  tool: "claude",
  programs: ["claude", "claude.exe"],
  belongs: "inside",
  family: [
    { pid: 30, session: 10, name: "hook" },
    { pid: 20, session: 10, name: "claude" },
    { pid: 10, session: 10, name: "bash" },
  ],
  pidBelongs: true,
  directories: ["/home/ada/project", "/home/ada/project/src"],
};
const why = (report: Partial<ReportRequest> = {}, facts: Partial<ReportFacts> = {}): string | null =>
  refusal({ source: "claude-hook", event: "Stop", ...report }, { ...FACTS, ...facts });

describe("a report", () => {
  it("of the session's own tool is taken", () => {
    expect(why()).toBeNull();
    expect(why({ at: NOW - 59_000 })).toBeNull();
    expect(why({ at: NOW }, { newestAt: NOW })).toBeNull();
  });
  it("that comes too late is not", () => {
    expect(why({}, { running: false })).toBe("the session is not running");
    expect(why({ at: NOW - 62_000 })).toMatch(/before the session's process was started/);
    expect(why({ at: NOW - 10 }, { newestAt: NOW - 5 })).toMatch(/^it is older than what claude-hook has said already, by 5 ms$/);
  });
  it("from the future is of now", () => {
    expect(reportTime(undefined, NOW)).toBe(NOW);
    expect(reportTime(NOW + 3_600_000, NOW)).toBe(NOW);
    expect(reportTime(NOW + 900, NOW)).toBe(NOW + 900);
    expect(reportTime(NOW - 5, NOW)).toBe(NOW - 5);
  });
  it("about another tool or a process of elsewhere is not taken", () => {
    expect(why({}, { tool: "codex" })).toBe("it is about codex, and claude is in front");
    expect(why({}, { tool: "codex", front: null })).toBeNull();
    expect(why({ pid: 7 }, { pidBelongs: false })).toBe("process 7 does not run in this session");
  });
  it("of an agent that the agent has started is not taken", () => {
    const family = [
      { pid: 50, session: 10, name: "hook" },
      { pid: 40, session: 10, name: "claude" },
      { pid: 30, session: 10, name: "sh" },
      ...FACTS.family.slice(1),
    ];
    expect(why({}, { family })).toMatch(/^it comes from claude \(process 40\)/);
    // The launcher of a tool and the tool itself are one.
    const launched = [FACTS.family[0], { pid: 25, session: 10, name: "claude" }, ...FACTS.family.slice(1)].flatMap((one) => one ?? []);
    expect(why({}, { family: launched })).toBeNull();
  });
  it("from outside is about a directory of the session, if about any", () => {
    const outside = { belongs: null, family: [] };
    expect(why({}, outside)).toBeNull();
    expect(why({ cwd: "/home/ada/project/src/deep" }, outside)).toBeNull();
    expect(why({ cwd: "/home/ada/project-2" }, outside)).toMatch(/^it is about \/home\/ada\/project-2, and the session is in/);
    expect(why({ cwd: "/elsewhere" })).toBeNull();
  });
  it("says more than a state when it names anything of a conversation", () => {
    expect(saysMore({ source: "a", event: "b", state: "busy", detail: "c", cwd: "/" })).toBe(false);
    expect(saysMore({ source: "a", event: "b", token_count: 0 })).toBe(true);
  });
  it("a directory is within itself and those above", () => {
    expect([within("/a", "/a"), within("/a/b", "/a"), within("/a/..b", "/a"), within("/ab", "/a"), within("/", "/a")]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
