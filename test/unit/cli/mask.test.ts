import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Terminal } from "../../../src/actors/terminal/terminal.js";
import { maskOutput, maskText } from "../../../src/cli/mask.js";

const none = new Set<string>();

describe("masked text", () => {
  test.each([
    ["Hello, World 42!", "Xxxxx, Xxxxx 00!"],
    ["ada@box:~/geheim$ ", "xxx@xxx:~/xxxxxx$ "],
    ["漢字 かな ｆ１", "漢漢 漢漢 漢０"],
    ["e\u0301te\u0301", "x\u0301xx\u0301"],
    ["𝐡𠀁 ⠂ ✳ ❯ ╭──╮ 🙂", "𝐱𠀀 ⠂ ✳ ❯ ╭──╮ 🙂"],
    ["❯ 1. yes", "❯ 1. xxx"],
    ["10.1.2.3 1.5 a1.", "00.0.0.0 0.0 x0."],
  ])("%s", (text, masked) => {
    expect(maskText(text, none)).toBe(masked);
  });

  test("words that all know stay, as whole words only", () => {
    expect(maskText("Do you want dogs, Dogma do?", new Set(["Do", "you", "want"]))).toBe("Do you want xxxx, Xxxxx xx?");
  });
});

describe("masked output", () => {
  test.each([
    ["colours and cursor", "\u001b[1;31mkey\u001b[0m\u001b[2;10H\u001b(Bx\u001b7", "\u001b[1;31mxxx\u001b[0m\u001b[2;10H\u001b(Bx\u001b7"],
    ["title", "\u001b]0;⠂ Fix key\u0007a", "\u001b]0;⠂ Xxx xxx\u0007x"],
    ["directory", "\u001b]7;file://box/home/ada%20b\u001b\\", "\u001b]7;xxxx://xxx/xxxx/xxx%00x\u001b\\"],
    ["command", "\u001b]133;C;aid=7;cmdline_url=curl%20key\u0007", "\u001b]133;C;xxx=0;xxxxxxx_xxx=xxxx%00xxx\u0007"],
    ["marks and progress", "\u001b]133;D;130\u0007\u001b]9;4;1;40\u0007", "\u001b]133;D;130\u0007\u001b]9;4;1;40\u0007"],
    ["notification", "\u001b]9;4;1;40 key\u0007\u001b]777;notify;key;b\u0007", "\u001b]9;0;0;00 xxx\u0007\u001b]777;xxxxxx;xxx;x\u0007"],
    ["clipboard", "\u001b]52;c;a2V5\u0007", "\u001b]52;x;x0X0\u0007"],
    [
      "image, query",
      "\u001b_Ga=T;a2V5\u001b\\\u001bP+q6b6579\u001b\\",
      "\u001b_Xx=X;x0X0\u001b\\\u001bX+x0x0000\u001b\\".replace("\u001bX", "\u001bP"),
    ],
    ["C1", "\u009b1mkey\u009d2;key\u009ckey", "\u009b1mxxx\u009d2;xxx\u009cxxx"],
    [
      "unfinished, aborted, interrupted",
      "\u001b]2;key\u001b[1mkey\u001bPkey\u0018key\u001b]52;key",
      "\u001b]2;xxx\u001b[1mxxx\u001bPxxx\u0018xxx\u001b]52;xxx",
    ],
    ["broken sequences", "\u001b[12\u0007key\u001b\u001b\u0007key \u001b", "\u001b[12\u0007kxx\u001b\u0007\u001bkxx \u001b"],
  ])("%s", (_, text, masked) => {
    expect(maskOutput(text, none)).toBe(masked);
  });

  const PIECES = [
    "\u001b[",
    "\u001b]",
    "\u001b]0;",
    "\u001bP",
    "\u001b\\",
    "\u0007",
    "\u001b",
    "\u009b",
    "\u009d",
    "\u0018",
    "1;2",
    "m",
    "H",
    "\r\n",
    "\t",
    "Geheim7",
    "π漢",
    " ",
    "?",
    "\u001b[K",
    "\u001b]133;C;cmdline=",
    "\u001b]8;;http://Geheim7\u0007",
  ];
  const stream = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(""));

  test("no secret comes through, whatever stands around it, and the length stays", () => {
    fc.assert(
      fc.property(stream, (text) => {
        const masked = maskOutput(text, none);
        expect(masked).toHaveLength(text.length);
        expect(masked).not.toMatch(/[Gg]?eheim|π/);
      }),
      { numRuns: 2_000 },
    );
  });

  // Of what is broken every terminal makes something else.
  const WHOLE = [
    "\u001b[1;31m",
    "\u001b[2;5H",
    "\u001b[K",
    "\u001b[2C",
    "\u001b]0;Geheim7\u0007",
    "\u001b]8;;http://Geheim7\u001b\\",
    "\u001bPq1\u001b\\",
    "\u001b7",
    "\r\n",
    "\t",
    "Geheim7",
    "π漢",
    " ",
    "─",
  ];
  const whole = fc.array(fc.constantFrom(...WHOLE), { maxLength: 40 }).map((pieces) => pieces.join(""));

  test("what a terminal shows of it has the same layout, and none of the text", () => {
    const shown = (text: string): string[] => {
      const sink = { reply() {}, title() {}, bell() {}, osc() {} };
      const terminal = new Terminal({ cols: 30, rows: 6 }, { historyLines: 0 }, sink);
      terminal.feed(Buffer.from(text));
      return terminal.screenText();
    };
    const layout = (rows: string[]): string[] => rows.map((row) => row.replaceAll(/[\p{L}\p{N}]/gu, (c) => (/[漢]/u.test(c) ? "W" : "x")));
    fc.assert(
      fc.property(whole, (text) => {
        const rows = shown(maskOutput(text, none));
        expect(layout(rows)).toEqual(layout(shown(text)));
        expect(rows.join("\n")).not.toMatch(/eheim|π/);
      }),
      { numRuns: 500 },
    );
  });
});
