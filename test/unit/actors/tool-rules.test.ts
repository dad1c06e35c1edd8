/** Regions, precedence, and screens that try to be taken for something else. */
import { describe, expect, it } from "vitest";
import { ScreenRegions, type Shown } from "../../../src/actors/screen-regions.js";
import { ToolRules } from "../../../src/actors/tool-rules.js";
import { Terminal } from "../../../src/actors/terminal/terminal.js";
import { loadProfiles, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import { findProfile, type Profile } from "../../../src/profiles/profile.js";

const { set } = loadProfiles([SHIPPED_PROFILES]);

function profile(name: string): Profile {
  const found = findProfile(set, name);
  if (found === undefined) throw new Error(`no profile ${name}`);
  return found;
}

function shown(rows: string[], title = "", size = { cols: 80, rows: 24 }): Shown {
  const terminal = new Terminal(size, { historyLines: 100 }, { reply() {}, title() {}, bell() {}, osc() {} });
  terminal.feed(Buffer.from(rows.join("\r\n")));
  return { ...size, row: (y) => terminal.row(y), title, progress: "" };
}

const RULE = "─".repeat(80);
const claudeBox = ["", RULE, "❯ ", RULE];
const DIALOG = [
  " Bash command",
  "",
  "   rm -rf build",
  "",
  " Do you want to proceed?",
  " ❯ 1. Yes",
  "   2. Yes, and don't ask again",
  "   3. No",
  "",
  " Esc to cancel · Tab to amend",
];
const said = (tool: string, screen: Shown): string => {
  const verdict = new ToolRules(profile(tool)).judge(screen);
  return verdict === null ? "no rule matched" : `${verdict.state} ${verdict.rule} ${verdict.confidence}`;
};

describe("regions", () => {
  const screen = shown(["one", "", "two", ...claudeBox, "  below"], "a title");
  const regions = new ScreenRegions(screen, { kind: "edges", pattern: /^─{10}/u, first: null });

  it("are what their names say", () => {
    expect(regions.region("title", 1)).toEqual(["a title"]);
    expect(regions.region("bottom", 2)).toEqual([RULE, "  below"]);
    expect(regions.region("after_rule", 1)).toEqual(["  below"]);
    expect(regions.region("inside_box", 1)).toEqual(["❯"]);
    expect(regions.region("above_box", 1)).toEqual(["two"]);
    expect(regions.region("below_box", 1)).toEqual(["  below"]);
    expect(regions.region("screen", 1)).toHaveLength(6);
    expect(regions.region("progress", 1)).toEqual([]);
  });

  it("are empty where there is no box and no line", () => {
    const plain = new ScreenRegions(shown(["just text"]), { kind: "edges", pattern: /^─{10}/u, first: null });
    for (const name of ["inside_box", "above_box", "below_box", "after_rule"] as const) expect(plain.region(name, 5)).toEqual([]);
  });

  it("reach from a mark to the next blank row, and over a bar without a gap", () => {
    const marked = new ScreenRegions(shown(["› old", "", "› now", "more", "", "status"]), { kind: "mark", pattern: /^› /u, first: null });
    expect(marked.region("inside_box", 1)).toEqual(["› now", "more"]);
    expect(marked.region("below_box", 1)).toEqual(["status"]);
    const barred = new ScreenRegions(shown(["┃ old", "", "┃ a", "┃ b", "end"]), { kind: "bar", pattern: /^┃/u, first: null });
    expect(barred.region("inside_box", 1)).toEqual(["┃ a", "┃ b"]);
    expect(barred.region("above_box", 3)).toEqual(["┃ old"]);
  });

  it("never hold the scrollback", () => {
    const long = shown([...DIALOG, ...Array.from({ length: 40 }, (_, i) => `line ${i}`)]);
    expect(new ScreenRegions(long, null).region("screen", 1).join("\n")).not.toContain("proceed");
  });
});

describe("precedence", () => {
  it("a dialog stands over a title that rests, a spinner in the title over the box, the screen comes last", () => {
    expect(said("claude", shown(["text", RULE, ...DIALOG], "✳ Claude Code"))).toBe("attention permission_dialog high");
    expect(said("claude", shown(["text", ...claudeBox, "  ? for shortcuts"], "⠂ Claude Code"))).toBe("busy title_spinner high");
    expect(said("claude", shown(["text", ...claudeBox, "  esc to interrupt"], "✳ Claude Code"))).toBe("busy interrupt_hint high");
    expect(said("claude", shown(["text", ...claudeBox, "  ? for shortcuts"], "✳ Claude Code"))).toBe("idle prompt_box_at_rest high");
  });

  it("tells which rule won, which were outranked, and what the others lack", () => {
    const rules = new ToolRules(profile("claude"));
    const all = rules.candidates(shown(["text", ...claudeBox, "  esc to interrupt"], "⠂ Claude Code"));
    expect(all.filter(({ outcome }) => outcome === "won").map(({ rule }) => rule)).toEqual(["title_spinner"]);
    expect(all.find(({ rule }) => rule === "interrupt_hint")).toMatchObject({ outcome: "outranked", text: "esc to interrupt" });
    expect(all.find(({ rule }) => rule === "permission_dialog")).toMatchObject({
      outcome: "no_match",
      text: expect.stringMatching(/^lacks /),
    });
    expect(all.find(({ rule }) => rule === "prompt_box_at_rest")?.text).toMatch(/^the title lacks/);
  });
});

describe("screens that look like something else", () => {
  it("an agent that quotes its own dialog", () => {
    const quoted = ["● It looks like this:", "", ...DIALOG, "", "• Working (9s • esc to interrupt)", ...claudeBox, "  ? for shortcuts"];
    expect(said("claude", shown(quoted, "✳ Claude Code"))).toBe("idle prompt_box_at_rest high");
    const ruled = ["● It looks like this:", RULE, ...DIALOG, "✽ Cooking… quoted, too", ...claudeBox, "  ? for shortcuts"];
    expect(said("claude", shown(ruled, "✳ Claude Code"))).toBe("idle prompt_box_at_rest high");
    const codex = [
      "• The dialog:",
      "  Would you like to run the following command?",
      "› 1. Yes, proceed (y)",
      "  Press enter to confirm or esc to cancel",
      "",
      "› Ask Codex",
      "",
      "  gpt-5 · ~/demo",
    ];
    expect(said("codex", shown(codex, "demo"))).toBe("idle composer_at_rest high");
    const opencode = [
      "  ┃  △ Permission required",
      "  ┃   Allow once   Allow always",
      "",
      "  ┃",
      "  ┃  Build · m",
      `  ╹${"▀".repeat(40)}`,
      "   ~/demo     ctrl+p commands",
    ];
    expect(said("opencode", shown(opencode))).toBe("idle directory_below_box high");
  });

  it("a log full of errors and questions", () => {
    const log = Array.from({ length: 12 }, (_, i) => `${i} error: Permission denied. Do you want to proceed? (y/n) esc to interrupt`);
    expect(said("claude", shown([...log, ...claudeBox, "  ? for shortcuts"], "✳ x"))).toBe("idle prompt_box_at_rest high");
    expect(said("codex", shown([...log, "", "› Ask", "", "  gpt-5 · ~/demo"], "demo"))).toBe("idle composer_at_rest high");
  });

  it("a prompt that somebody types about dialogs", () => {
    const typed = ["", RULE, "❯ Do you want to proceed? 1. Yes 3. No Esc to cancel, esc to interrupt", RULE, "  ● high"];
    expect(said("claude", shown(typed, "✳ Claude Code"))).toBe("idle prompt_box_at_rest high");
  });

  it("clocks in status lines, CJK, emoji and braille in the conversation", () => {
    const screen = ["● 你好，世界 👋🏽 ⠋⠙⠹ ─── │ ✳ ◐ 12:34:56", "  Do you want 中文", ...claudeBox, "  ? for shortcuts · 12:34:57 · 🔋 80%"];
    expect(said("claude", shown(screen, "✳ 标题 ⠋"))).toBe("idle prompt_box_at_rest high");
  });

  it("a spinner of another shape: what else it shows, or no certainty", () => {
    expect(said("claude", shown(["✺ Pondering… (3s · ↓ 5 tokens)", ...claudeBox, "  esc to interrupt"], "✺ Claude Code"))).toBe(
      "busy interrupt_hint high",
    );
    expect(said("claude", shown(["✺ Pondering… (3s · ↓ 5 tokens)", ...claudeBox, "  ? help"], "✺ Claude Code"))).toBe(
      "busy spinner_line high",
    );
    expect(said("claude", shown(["working hard", ...claudeBox, "  ? help"], "✺ Claude Code"))).toBe("idle prompt_box low");
    expect(said("codex", shown(["", "› Ask Codex", "", "  gpt-5 · ~/demo"], "◐ demo"))).toBe("idle composer low");
    expect(said("opencode", shown(["  ┃  Build · m", `  ╹${"▀".repeat(40)}`, "   ▚▞▚▞  hold on"]))).toBe("idle prompt_box low");
  });

  it("a dialog of another wording is no idle that is sure of itself", () => {
    expect(said("claude", shown(["text", RULE, " Shall I go on with it?", "   a) sure", "   b) stop"], "✳ Claude Code"))).toBe(
      "no rule matched",
    );
    expect(said("codex", shown(["text", "  Shall I go on with it?", "  [y] sure  [n] stop"], "demo"))).toBe("no rule matched");
  });

  it("half-drawn frames", () => {
    expect(said("claude", shown(["text", RULE], "✳ Claude Code"))).toBe("no rule matched");
    expect(said("claude", shown([], ""))).toBe("no rule matched");
    expect(said("claude", shown(["text", RULE, ...DIALOG.slice(0, 5)], "✳ Claude Code"))).toBe("no rule matched");
  });

  it("forty columns", () => {
    const size = { cols: 40, rows: 24 };
    const rule = "─".repeat(40);
    const narrow = [
      "● text",
      rule,
      " Bash command",
      "   sleep 3",
      " Do you want to proceed?",
      " ❯ 1. Yes",
      "   2. Yes, and always allow access to",
      "   demo/ from this project",
      "   3. No",
      " Esc to cancel · Tab to amend",
    ];
    expect(said("claude", shown(narrow, "✳ Claude Code", size))).toBe("attention permission_dialog high");
    expect(said("claude", shown(["● text", rule, "❯ ", rule, "  ? for shortcuts"], "✳ Claude Code", size))).toBe(
      "idle prompt_box_at_rest high",
    );
  });
});
