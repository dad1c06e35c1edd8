import { describe, expect, test } from "vitest";
import { oneLine } from "../../../src/thoughts/one-line.js";
import { RESTS, think } from "../../../src/thoughts/rules.js";
import { view } from "./views.js";

const CLAUDE = "● I have read it: Bash( is a shell.\n● Bash(npm test)\n  ⎿  Running…\n\n✻ Working… (12s · esc to interrupt)\n> ";
const said = (fields: Parameters<typeof view>[0], tail = ""): string | null => {
  const thought = think(view(fields), tail);
  return thought === null || thought === RESTS ? thought : thought.text;
};

describe("rules", () => {
  test.each([
    [{ tool: "claude", state: "busy", title: "⠐ Fix the parser" }, CLAUDE, "Fix the parser: Bash(npm test)"],
    [{ tool: "claude", state: "busy", title: "✳ Claude Code" }, CLAUDE, "Bash(npm test)"],
    [{ tool: "codex", state: "busy", title: "shop" }, "• Ran npm test\n  └ ok\n• Working (9s • esc to interrupt)", "Ran npm test"],
    [{ tool: "opencode", state: "busy" }, "→ Read src/main.ts", "Read src/main.ts"],
    [{ tool: "claude", state: "attention", title: "✳ Fix the parser" }, "● Bash(rm -rf build)", "waits for you: Bash(rm -rf build)"],
    [{ tool: "claude", state: "attention" }, "Do you want to proceed?", "waits for you"],
    [{ tool: "claude", state: "idle", title: "✳ Fix the parser" }, "", "Fix the parser"],
    [{ state: "busy", command: "npm test" }, "", "npm test"],
    [{ state: "error", command: "npm test" }, "", "failed: npm test"],
    // Where there is nothing to say, it says nothing.
    [{ state: "busy" }, "● Bash(npm test)", null],
    [{ state: "attention" }, "", null],
    [{ state: "error" }, "", null],
    [{ state: "starting", title: "Fix the parser" }, "", null],
    [{ tool: "claude", state: "busy", title: "claude" }, "● Now I will fix Bash (the shell).", null],
    // What says only who or where is no thought.
    [{ state: "busy", title: "ada@box: ~/shop" }, "", null],
    [{ state: "busy", title: "~/shop" }, "", null],
    [{ state: "busy", title: "shop" }, "", null],
    // What a shell ran last is over.
    [{ state: "idle", title: "vim notes" }, "", RESTS],
    [{ tool: "claude", state: "idle" }, "", RESTS],
    [{ state: "exited", live: false, title: "Fix the parser" }, "", RESTS],
  ] as const)("%o with %o: %s", (fields, tail, expected) => expect(said(fields, tail)).toBe(expected));

  test("say which objective it is: counters and spinners are no new one, another title is", () => {
    const print = (title: string): unknown => think(view({ tool: "claude", state: "busy", title }), "");
    const of = (title: string): string | undefined => (print(title) as { objective_fingerprint?: string }).objective_fingerprint;
    expect(of("⠐ Fix test 3 of 7")).toBe(of("⠂ Fix test 4 of 7"));
    expect(of("Fix the parser")).not.toBe(of("Fix the lexer"));
  });

  test("carry state, cues and tokens", () => {
    expect(think(view({ tool: "claude", state: "attention", title: "Fix", tokenCount: 7, contextLimit: 9 }), "")).toMatchObject({
      state: "holding",
      source: "rule",
      rest_state: "active",
      action_cues: ["answer"],
      token_count: 7,
      context_limit: 9,
    });
  });
});

describe("a line of text from outside", () => {
  test.each([
    ["\u001b[31mred\u001b[0m and\tblue\r\n", "red and blue"],
    ["\u001b]0;title\u0007text", "text"],
    ["a\u202eb\u2066c\ufeff\u200bd", "abcd"],
    ["half \ud800 pair", "half pair"],
    ["\u0000\u0007\u009b\u2028", ""],
    ["x".repeat(130), `${"x".repeat(119)}…`],
    ["x".repeat(118) + "😀😀", `${"x".repeat(118)}…`],
    ["日本語 ok", "日本語 ok"],
  ])("%j becomes %j", (text, expected) => expect(oneLine(text)).toBe(expected));

  test("is cut before it is looked at", () => {
    expect(oneLine(`${"\u001b]".repeat(2_000_000)}x`)).not.toContain("x");
    expect(oneLine(`${" ".repeat(4_000_000)}x`)).toBe("");
  });
});
