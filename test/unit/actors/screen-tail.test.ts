import { describe, expect, test } from "vitest";
import { ScreenTail, TAIL_CHARS } from "../../../src/actors/screen-tail.js";
import { Terminal } from "../../../src/actors/terminal/terminal.js";

function showing(text: string): Terminal {
  const terminal = new Terminal({ cols: 40, rows: 8 }, { historyLines: 100 }, { reply() {}, title() {}, bell() {}, osc() {} });
  terminal.feed(Buffer.from(text));
  return terminal;
}

describe("the last words of a screen", () => {
  test("are its last lines that are not blank, cut at the front", () => {
    const tail = new ScreenTail();
    const terminal = showing("first\r\n\r\nsecond\r\nthird 日本\r\n\r\n");
    expect(tail.text(terminal, 500)).toBe("first\nsecond\nthird 日本");
    expect(tail.text(terminal, 12)).toBe("ond\nthird 日本".slice(-12));
    expect(tail.text(terminal, 0)).toBe("");
  });

  test("never begin with half a character", () => {
    const terminal = showing("😀x");
    expect(new ScreenTail().text(terminal, 2)).toBe("x");
    expect(new ScreenTail().text(terminal, 3)).toBe("😀x");
  });

  test("of a terminal that was packed away are those it had, and no more of them than is kept", () => {
    const tail = new ScreenTail();
    expect(tail.text(null, 500)).toBe("");
    tail.keep(showing("kept\r\nword"));
    expect(tail.text(null, 500)).toBe("kept\nword");
    expect(tail.text(null, 4)).toBe("word");
    const wide = new Terminal({ cols: 1_000, rows: 5 }, { historyLines: 10 }, { reply() {}, title() {}, bell() {}, osc() {} });
    wide.feed(Buffer.from("y".repeat(5_000)));
    tail.keep(wide);
    expect(tail.text(null, 1e6)).toHaveLength(TAIL_CHARS);
  });
});
