import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { altered, isMultiLine, longestLine, promptText, SoughtText } from "../../../src/actors/prompt-text.js";

const COLLAPSED = String.raw`\[Pasted [^\]]*\]`;

describe("a prompt's text", () => {
  test("is kept as it is but for blanks at both ends", () => {
    expect(promptText("  a\tb\n\n  c \n", false)).toBe("a\tb\n\n  c");
    expect(promptText("-x", false)).toBe("-x");
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", " ", "\t", "\n", "日", "🎉", "e\u0301", "/", "-", "\\") }), (text) => {
        fc.pre(text.trim() !== "");
        expect(promptText(text, false)).toBe(text.trim());
      }),
    );
  });

  test("blank, keys, foreign line ends and broken Unicode are refused by name and place", () => {
    const refuses = (text: string, words: RegExp, lossy = false): void => {
      let refusal: unknown;
      try {
        promptText(text, lossy);
      } catch (error) {
        refusal = error;
      }
      expect(refusal, JSON.stringify(text)).toMatchObject({ name: "INVALID_PARAMS", message: expect.stringMatching(words) });
    };
    refuses("", /is empty/);
    refuses("\n\t ", /is empty/);
    for (const code of [0, 1, 3, 8, 0x0b, 0x1b, 0x1f, 0x7f, 0x80, 0x9f])
      refuses(`a${String.fromCodePoint(code)}b`, new RegExp(`U\\+${code.toString(16).toUpperCase().padStart(4, "0")} at 1`));
    refuses("ab\r\nc", /CRLF at 2/);
    refuses("ab\rc", /CR at 2/);
    refuses("\ud83c!", /surrogate/);
    refuses("a\u001b", /U\+001B/, true);
    expect(promptText("ab\r\nc\rd", true)).toBe("ab\nc\nd");
  });

  test("what a tool would change is named, unless that is accepted; what it would not submit is named always", () => {
    const all = ["tabs", "decomposed", "final_backslash"] as const;
    expect(altered("a\tb", all, false)?.what).toBe("tabs");
    expect(altered("e\u0301", all, false)?.what).toBe("decomposed");
    expect(altered("x\\", all, false)?.what).toBe("final_backslash");
    expect(altered("a\tb", all, true)).toBeNull();
    expect(altered("x\\", all, true)?.what).toBe("final_backslash");
    expect(altered("a\tb", [], false)).toBeNull();
    expect(altered("é ❯ 日本", all, false)).toBeNull();
  });

  test("its longest line in bytes", () => {
    expect(longestLine("a\n日本\nb")).toBe(6);
    expect([isMultiLine("a"), isMultiLine("a\nb")]).toEqual([false, true]);
  });
});

describe("finding it again", () => {
  const box = (text: string): string => `❯ ${text}\n`;

  test("in a box: nothing, the text, or something else", () => {
    const sought = new SoughtText("fix the\ttests, 日本 🎉\nplease", COLLAPSED, false);
    expect(sought.inBox(box(""), box(""))).toBe("nothing");
    expect(sought.inBox(box(""), box("fix the   tests, 日本 \n  please"))).toBe("text");
    expect(sought.inBox(box(""), box("fix the tests, 日本 🎉\n  please and more"))).toBe("other");
    expect(sought.inBox(box(""), box("half a thought"))).toBe("other");
    expect(sought.inBox(box(""), box("[Pasted text #1 +12 lines]"))).toBe("text");
    expect(sought.inBox(box(""), box("see [Pasted text #1 +12 lines]"))).toBe("other");
  });

  test("a part of it is it when it is long enough to tell", () => {
    const sought = new SoughtText("word ".repeat(500), COLLAPSED, false);
    expect(sought.inBox(box(""), box("word word word word word word"))).toBe("text");
    expect(sought.inBox(box(""), box("word"))).toBe("other");
  });

  test("of symbols alone: whatever is there besides the empty box", () => {
    const sought = new SoughtText("🎉", COLLAPSED, false);
    expect(sought.invisible).toBe(true);
    expect(sought.inBox(box(""), box("🎉"))).toBe("text");
    expect(sought.inBox(box(""), box(""))).toBe("nothing");
  });

  test("before the cursor: its end, wrapped or not; of typed lines the last one alone", () => {
    expect(new SoughtText("echo hello", "(?!)", false).endsAt("me@host:~$ echo hello")).toBe(true);
    expect(new SoughtText("echo hello", "(?!)", false).endsAt("me@host:~$ echo hello\nhello\nme@host:~$")).toBe(false);
    expect(new SoughtText("cat <<X\na\nX", "(?!)", true).endsAt("> X")).toBe(true);
    expect(new SoughtText("cat <<X\na\nX", "(?!)", false).endsAt("$ cat <<X\n> a\n> X")).toBe(false);
    expect(new SoughtText("x".repeat(250), "(?!)", false).rows(100)).toBe(3);
  });
});
