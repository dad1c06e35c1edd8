/** What a model reads of a session's output: text, cut where nothing is torn. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainText, wholeBeginning, wholeEnd } from "../../../src/cli/mcp/looking-tools.js";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

describe("plainText", () => {
  it("has no escape sequences and no control characters, and of a line drawn again the newest", () => {
    expect(plainText(bytes("\u001b[31mred\u001b[0m\r\n\u001b]0;title\u0007\tplain\u0008\r\n"))).toBe("red\n\tplain\n");
    expect(plainText(bytes("10 %\r20 %\r100 %\r\r\ndone"))).toBe("100 %\ndone");
    expect(plainText(bytes("half\r"))).toBe("half");
  });
});

describe("the ends", () => {
  it("leave a character that is cut in two for the next time", () => {
    const data = bytes("ab日本");
    expect([8, 7, 6, 5, 4, 3, 2].map((end) => wholeEnd(data.subarray(0, end)))).toEqual([8, 5, 5, 5, 2, 2, 2]);
    // Never nothing.
    expect(wholeEnd(bytes("日").subarray(0, 2))).toBe(2);
    expect(wholeEnd(Buffer.alloc(0))).toBe(0);
  });

  it("leave an escape sequence that is cut in two for the next time", () => {
    for (const whole of ["a\u001b[1;31m", "a\u001b]0;title\u0007", "a\u001b]8;;x\u001b\\", "a\u001bM"]) {
      expect(wholeEnd(bytes(whole))).toBe(whole.length);
      expect(wholeEnd(bytes(whole.slice(0, -1)))).toBeLessThan(whole.length - 1);
    }
  });

  it("read piece by piece, text is what it is in one piece", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("word ", "日本", "é", "👩", "\u001b[31m", "\u001b[0m", "\r\n", "\u001b]0;a title\u0007"), {
          maxLength: 40,
        }),
        fc.integer({ min: 24, max: 60 }),
        (parts, size) => {
          const all = bytes(parts.join(""));
          let text = "";
          for (let at = 0; at < all.length;) {
            const piece = all.subarray(at, at + size);
            const end = at + size >= all.length ? piece.length : wholeEnd(piece);
            text += plainText(piece.subarray(0, end));
            at += end;
          }
          expect(text).toBe(plainText(all));
        },
      ),
    );
  });

  it("begin with a whole line, where one begins soon", () => {
    expect(wholeBeginning(bytes("31m half\r\nwhole\n"))).toBe(10);
    expect(wholeBeginning(bytes("no line"))).toBe(0);
  });
});
