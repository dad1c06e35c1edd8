/** What real agents handed to their hooks (test/fixtures/hooks), and what nobody should. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reportOf, type HookTool } from "../../../../src/cli/hook/payload.js";

interface Recorded {
  payloads: { by: "stdin" | "argument"; payload: Record<string, unknown> }[];
}
const recorded = (tool: HookTool): Recorded["payloads"] =>
  (JSON.parse(readFileSync(new URL(`../../../fixtures/hooks/${tool}.json`, import.meta.url), "utf8")) as Recorded).payloads;

describe.each(["claude", "codex"] as const)("%s's own payloads", (tool) => {
  test("each is a report with the event's own name and the conversation, and nothing that anybody wrote", () => {
    const reports = recorded(tool).map(({ by, payload }) => ({ payload, report: reportOf(tool, by, JSON.stringify(payload), 5) }));
    expect(reports.length).toBeGreaterThan(10);
    for (const { payload, report } of reports) {
      const conversation = payload["session_id"] ?? payload["thread-id"];
      expect(report).toMatchObject({ event: payload["hook_event_name"] ?? payload["type"], tool, at: 5, conversation_id: conversation });
      const said = JSON.stringify(report);
      for (const words of ["please", "Which colour", "sleep 1", "tool ran", "short plan"]) expect(said).not.toContain(words);
    }
    expect(new Set(reports.map(({ report }) => report?.event))).toEqual(
      new Set(recorded(tool).map(({ payload }) => payload["hook_event_name"] ?? payload["type"])),
    );
  });

  test("cut off anywhere: no report, or one of the same event with nothing wrong in it", () => {
    for (const { by, payload } of recorded(tool)) {
      const text = JSON.stringify(payload);
      const whole = { ...reportOf(tool, by, text, 5) } as Record<string, unknown>;
      for (let end = 0; end < text.length; end += 7) {
        const cut = (reportOf(tool, by, text.slice(0, end), 5) ?? {}) as Record<string, unknown>;
        for (const [name, value] of Object.entries(cut)) expect([name, value]).toEqual([name, whole[name]]);
      }
    }
  });
});

test("a subagent's transcript and model are not the session's; slash commands are its skill", () => {
  const of = (payload: unknown): unknown => reportOf("claude", "stdin", JSON.stringify(payload), 1);
  const base = { session_id: "abc", transcript_path: "/t.jsonl", cwd: "/w", model: "m" };
  expect(of({ ...base, hook_event_name: "SubagentStop", agent_id: "a1", agent_type: "Explore" })).toEqual({
    source: "claude-hook",
    event: "SubagentStop",
    tool: "claude",
    at: 1,
    detail: "Explore",
    cwd: "/w",
  });
  expect(of({ ...base, hook_event_name: "UserPromptSubmit", prompt: " /review all" })).toMatchObject({ skill: "review" });
  expect(of({ ...base, hook_event_name: "UserPromptSubmit", prompt: "/usr/bin is full" })).not.toHaveProperty("skill");
  expect(of({ ...base, hook_event_name: "PreToolUse", tool_name: "Skill", tool_input: { skill: "pdf" } })).toMatchObject({ skill: "pdf" });
});

test("what is wrong in a field leaves the field out; what is no payload is none", () => {
  const hostile = { hook_event_name: "Stop", session_id: "--help", transcript_path: "relative", cwd: "/a\0b", model: "a\u001b]0;x" };
  expect(reportOf("claude", "stdin", JSON.stringify(hostile), 1)).toEqual({ source: "claude-hook", event: "Stop", tool: "claude", at: 1 });
  for (const text of ["", "null", "[]", "7", "{}", "{", '{"hook_event_name":"a b"}', '{"hook_event_name":7}', "\0\xff"])
    expect(reportOf("codex", "argument", text, 1)).toBe(null);
  fc.assert(fc.property(fc.string(), (text) => void reportOf("claude", "stdin", text, 1)));
  fc.assert(fc.property(fc.json(), (text) => void reportOf("claude", "stdin", `{"hook_event_name":"Stop","x":${text}}`, 1)));
});

test("a megabyte that is cut off costs no more than reading it", () => {
  const text = `{"hook_event_name":"PostToolUse","session_id":"abc","tool_response":"${"\\\\".repeat(500_000)}`;
  expect(reportOf("claude", "stdin", text, 1)).toMatchObject({ event: "PostToolUse", conversation_id: "abc" });
  const braces = `{"hook_event_name":"PostToolUse","tool_input":{${'"a":'.repeat(200_000)}`;
  expect(reportOf("claude", "stdin", braces, 1)).toMatchObject({ event: "PostToolUse" });
});
