import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ScreenFormat } from "../../../src/actors/messages.js";
import { Terminal } from "../../../src/actors/terminal/terminal.js";
import { output, size } from "./output.js";

function screen(text: string, dimensions = { cols: 30, rows: 4 }): (format: ScreenFormat, scrollback?: number) => string {
  const terminal = new Terminal(
    dimensions,
    { historyLines: 100 },
    { reply: () => undefined, title: () => undefined, bell: () => undefined, osc: () => undefined },
  );
  terminal.feed(Buffer.from(text));
  return (format, scrollback = 0) => terminal.render({ format, scrollback }).content;
}

describe("text", () => {
  it("is what a person sees", () => {
    expect(screen("one\r\n\r\n  中文 é \x1b[8mhidden\x1b[m!   \r\n")("text")).toBe("one\n\n  中文 é       !");
  });

  it("has as much history as asked for", () => {
    const shown = screen("1\r\n2\r\n3\r\n4\r\n5\r\n6");
    expect(shown("text")).toBe("3\n4\n5\n6");
    expect(shown("text", 1)).toBe("2\n3\n4\n5\n6");
    expect(shown("text", 99)).toBe("1\n2\n3\n4\n5\n6");
  });
});

describe("ansi", () => {
  it("has attributes and links, and ends each line plain", () => {
    const shown = screen("\x1b[1;31mred\x1b[m plain \x1b[44m  \x1b[m\r\n\x1b]8;;https://x.example/\x07link\x1b]8;;\x07");
    expect(shown("ansi")).toBe("\x1b[0;1;31mred\x1b[m plain \x1b[0;44m  \x1b[m\n\x1b]8;;https://x.example/\x1b\\link\x1b]8;;\x1b\\");
  });

  it("shows the same text in another terminal", () => {
    fc.assert(
      fc.property(size, output, (dimensions, text) => {
        const shown = screen(`${text}\x1b\\`, dimensions);
        const again = screen(shown("ansi").replaceAll("\n", "\r\n"), dimensions);
        expect(again("text")).toBe(shown("text"));
      }),
      { numRuns: 200 },
    );
  });
});

const HOSTILE = `<script>alert("1")</script> & 'q' \x1b]8;;javascript:alert(1)\x07x\x1b]8;;https://a/"><b>\x07y\x1b]8;;\x07\x1b]0;</title><script>\x07`;

describe.each(["html", "svg"] as const)("%s", (format) => {
  it("escapes what the program wrote", () => {
    const content = screen(HOSTILE, { cols: 80, rows: 3 })(format);
    expect(content).not.toContain("<script");
    expect(content).not.toContain("javascript:");
    expect(content).not.toContain('"><b>');
    expect(content.replace(/<[^>]*>/g, "")).toContain("&lt;script&gt;");
  });

  it("is well-formed, whatever is on the screen", () => {
    fc.assert(
      fc.property(size, output, (dimensions, text) => {
        const content = screen(`${text}\x1b\\`, dimensions)(format);
        const open: string[] = [];
        for (const [tag, slash, name, closed] of content.matchAll(/<(\/?)([a-z]+)(?:\s+[a-zA-Z:-]+="[^"<]*")*\s*(\/?)>/g)) {
          if (slash === "/") expect([tag, open.pop()]).toEqual([tag, name]);
          else if (closed !== "/") open.push(name ?? "");
        }
        expect(open).toEqual([]);
        expect(content.replace(/<\/?[a-z]+(?:\s+[a-zA-Z:-]+="[^"<]*")*\s*\/?>/g, "")).not.toMatch(/[<>]/);
      }),
      { numRuns: 200 },
    );
  });
});

describe("html", () => {
  it("has styles inline and wide characters in boxes", () => {
    const content = screen("\x1b[1;38;2;1;2;3;48;5;196mx\x1b[m中")("html");
    expect(content).toContain('<span style="color:#010203;background:#ff0000;font-weight:bold">x</span>');
    expect(content).toContain('<span style="display:inline-block;width:2ch">中</span>');
  });
});

describe("svg", () => {
  it("places words on the grid, and draws frames as lines", () => {
    const content = screen("ab  word\r\n┌─┐")("svg");
    expect(content).toContain('<text x="47.6" y="61.5" textLength="33.6" lengthAdjust="spacingAndGlyphs" fill="#d5dae5">word</text>');
    expect(content).not.toContain("┌");
  });

  it("bounds its title", () => {
    expect(screen(`\x1b]0;${"t".repeat(5000)}\x07`)("svg").length).toBeLessThan(2500);
  });
});
