/** What a packed terminal can tell without being brought back, against one that stayed and was fed everything. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PackedTerminal } from "../../../src/actors/packed-terminal.js";
import { SILENT, Terminal } from "../../../src/actors/terminal/terminal.js";
import { figure } from "../../support/figures.js";
import { chunks, cuts, output, size } from "../terminal/output.js";

const RUNS = Number(process.env["LIFEGUARD_RUNS"] ?? 300);
const HISTORY = 10;

const word = fc.constantFrom("a word", "x".repeat(30), "中文字", "e\u0301", "\u0301", "👩\u200d🚀", "\t", "\r", "\n", "\r\n", "\x1b[31;44m", "\x1b[7m", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[m"); // prettier-ignore
const lines = fc.array(word, { maxLength: 40 }).map((words) => `${words.join("")}\n`);
const formats = fc.constantFrom("text", "ansi", "html", "svg", "restore");

function packed(dimensions: { cols: number; rows: number }, before: string): { packed: PackedTerminal; stayed: Terminal } {
  const stayed = new Terminal(dimensions, { historyLines: HISTORY }, SILENT);
  const it = new PackedTerminal(HISTORY);
  if (before === "") it.blank(dimensions);
  else {
    stayed.feed(Buffer.from(`${before}\x18`));
    it.pack(stayed.snapshot({ compress: true }), stayed);
  }
  return { packed: it, stayed };
}

describe("whole lines that wait", () => {
  it("leave the cursor on a blank row, and the screen they belong to, in any cut", () => {
    let waited = 0;
    let all = 0;
    fc.assert(
      fc.property(size, fc.oneof(fc.constant(""), output), lines, cuts, (dimensions, before, text, at) => {
        const { packed: away, stayed } = packed(dimensions, before);
        const { alternate } = stayed;
        let offset = 0;
        for (const bytes of chunks(Buffer.from(text), at)) {
          if (bytes.length === 0) continue;
          away.hold(offset, bytes);
          stayed.feed(bytes);
          offset += bytes.length;
          if (!away.linesWait) continue;
          expect(stayed.row(stayed.cursor.y, stayed.cursor.x + 1)).toBe("");
          expect(stayed.alternate).toBe(alternate);
        }
        all++;
        if (away.linesWait) waited++;
        expect(away.end).toBe(offset);
      }),
      { numRuns: RUNS * 2 },
    );
    figure("of arbitrary screens with lines after them, waited", (100 * waited) / all, "%");
    expect(waited).toBeGreaterThan(all / 10);
  });

  it("do not where the screen does not scroll whole, something stands below, or there is more than lines", () => {
    const waits = (before: string, text: string): boolean => {
      const { packed: away } = packed({ cols: 20, rows: 6 }, before);
      away.hold(0, Buffer.from(text));
      return away.linesWait;
    };
    expect(waits("a prompt", " and a line\r\n")).toBe(true);
    expect(waits("\x1b[2;4r", "a line\r\n")).toBe(false);
    expect(waits("\x1b[?1049h", "a line\r\n")).toBe(false);
    expect(waits("\n\nbelow\x1b[H", "a line\r\n")).toBe(false);
    expect(waits("a prompt", "no end")).toBe(false);
    expect(waits("a prompt", "\x1b[Hmoved\r\n")).toBe(false);
    expect(waits("a prompt", "\x07rung\r\n")).toBe(false);
    expect(waits("a prompt", "\x1b]0;named\x07\r\n")).toBe(false);
    expect(waits("a prompt", `${"x".repeat(4_096)}\n`)).toBe(false);
  });
});

describe("a glimpse", () => {
  it("shows what the terminal would show, in every format, with as much history as was asked for", () => {
    let glimpses = 0;
    fc.assert(
      fc.property(
        size,
        fc.oneof(
          fc.constant(""),
          fc.tuple(lines, output).map(([above, screen]) => above + screen),
        ),
        fc.option(lines),
        formats,
        fc.nat(HISTORY + 2),
        (dimensions, before, text, format, scrollback) => {
          const { packed: away, stayed } = packed(dimensions, before);
          if (text !== null) {
            away.hold(0, Buffer.from(text));
            stayed.feed(Buffer.from(text));
          }
          const glimpse = away.glimpse({ format, scrollback });
          expect(glimpse === null).toBe(text !== null && !away.linesWait);
          if (glimpse === null) return;
          glimpses++;
          expect(glimpse).toEqual(stayed.render({ format, scrollback }));
          expect([away.none, away.waits]).toEqual([false, text !== null]);
        },
      ),
      { numRuns: RUNS * 2 },
    );
    expect(glimpses).toBeGreaterThan(RUNS / 2);
  });

  describe("again", () => {
    beforeEach(() => vi.useFakeTimers({ toFake: ["performance"] }));
    afterEach(() => vi.useRealTimers());

    it("is none within two seconds: who has looked twice will look again", () => {
      const { packed: away } = packed({ cols: 20, rows: 6 }, "shown");
      const look = (): string | null => away.glimpse({ format: "text", scrollback: 0 })?.content ?? null;
      expect(look()).toBe("shown");
      vi.advanceTimersByTime(1_999);
      expect(look()).toBeNull();
      vi.advanceTimersByTime(2_000);
      expect(look()).toBe("shown");
    });
  });

  it("is none of what is not packed, or cannot be read", () => {
    const request = { format: "text", scrollback: 0 } as const;
    expect(new PackedTerminal(HISTORY).glimpse(request)).toBeNull();
    const { packed: away, stayed } = packed({ cols: 20, rows: 6 }, "shown");
    away.pack(Buffer.from("no snapshot"), stayed);
    expect(away.glimpse(request)).toBeNull();
    expect(() => away.unpack(SILENT)).toThrow("these bytes are none");
  });
});
