import { expect, test } from "vitest";
import { Detector, type DetectorInput } from "../../../src/actors/detector.js";
import { explain } from "../../../src/actors/explanation.js";
import type { Explanation } from "../../../src/explanation.js";
import { SETTINGS, quietShell } from "./quiet-shell.js";

const NOW = 1_000_000;
const VIM = { group: 7, isLeader: false, command: "vim" };
const MARK = { exit: null, command: null, at: NOW - 1_000, endedAt: null, shell: null };

function why(change: Partial<DetectorInput>): Explanation {
  const input = { ...quietShell(NOW), lastOutputAt: NOW - 60_000, startedAt: NOW - 90_000, ...change };
  const detector = new Detector(SETTINGS);
  const { state, evidence } = detector.evaluate(input);
  const { newest } = detector;
  const unknown = { rules: null, reported: null, shown: null, broken: false };
  return explain({ input, evidence, state, since: NOW, newest, ...unknown, settings: SETTINGS });
}

test.each<[string, Partial<DetectorInput>]>([
  ["shell_in_front", {}],
  ["shell_prompt", { cursorLine: () => "me@box:~$ " }],
  ["program_in_front", { foreground: VIM }],
  ["full_screen_quiet", { foreground: VIM, altScreen: true }],
  ["prompt_of_program", { foreground: { ...VIM, command: "python3" }, cursorLine: () => ">>> " }],
  ["no_output_yet", { startedAt: NOW, lastOutputAt: 0 }],
  ["command_running", { foreground: VIM, osc133: { ...MARK, phase: "C" } }],
  ["command_failed", { osc133: { ...MARK, phase: "A", exit: 1, endedAt: NOW - 1_000 } }],
  ["at_prompt", { osc133: { ...MARK, phase: "B" } }],
  ["output_lately", { lastOutputAt: NOW - 10 }],
  ["no_rule_matched", { leaderIsShell: false, foreground: null }],
])("one line decides, and says the rule and the state that are said: %s", (rule, change) => {
  const { state, evidence, candidates } = why(change);
  expect(evidence?.rule).toBe(rule);
  expect(candidates.filter(({ outcome }) => outcome === "won")).toEqual([
    expect.objectContaining({ source: evidence?.source, rule, state, text: expect.stringMatching(/./) }),
  ]);
});

test("a quiet session is not said to have printed lately", () => {
  const silence = (lastOutputAt: number): unknown =>
    why({ foreground: VIM, lastOutputAt }).candidates.find(({ source }) => source === "silence");
  expect(silence(NOW - 60_000)).toMatchObject({ rule: "no_rule_matched", state: "idle", outcome: "outranked" });
  expect(silence(NOW - 10)).toMatchObject({ rule: "output_lately", state: "busy", outcome: "outranked" });
});

test("what would change it: an error passes by itself, and silence ends no command", () => {
  const failed = why({ osc133: { ...MARK, phase: "A", exit: 1, endedAt: NOW - 1_000 } });
  expect(failed.state).toBe("error");
  expect(failed.would_change).toEqual([expect.stringMatching(/^idle, 4000 ms after the command has failed \(3000 ms from now\)/)]);
  const marked = why({ foreground: VIM, osc133: { ...MARK, phase: "C" } });
  expect(marked.would_change).toEqual([expect.stringMatching(/^idle or error, when the shell marks the command's end; silence alone/)]);
  expect(why({ foreground: VIM }).would_change).toEqual([expect.stringContaining("silence alone does not end it")]);
  expect(why({ lastOutputAt: NOW - 10 }).would_change).toEqual(["idle, when it prints nothing for a while"]);
});
