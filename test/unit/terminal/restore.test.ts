import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resizeEngine } from "../../../src/actors/terminal/resize.js";
import { renderRestore } from "../../../src/actors/terminal/restore.js";
import type { TerminalState } from "../../../src/actors/terminal/state.js";
import { blankState, describeState, fed } from "./describe-state.js";
import { output, size as anySize } from "./output.js";

/** One row has no place to make a continued row from; what is lost there is only that mark. */
const size = anySize.filter(({ rows }) => rows > 1);

const RUNS = Number(process.env["LIFEGUARD_RUNS"] ?? 300);
const HISTORY = 10;

function restored(original: TerminalState): TerminalState {
  const { cols, rows } = original.engine.core;
  return fed({ cols, rows }, renderRestore(original), original.historyLines);
}

function expectRestored(original: TerminalState): void {
  expect(describeState(restored(original))).toEqual(describeState(original));
}

describe("restore", () => {
  it.each([
    ["nothing", ""],
    ["text", "hello\r\nworld"],
    ["history", Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\r\n")],
    ["colours", "\x1b[1;31mred\x1b[m \x1b[48;5;22mgreen \x1b[38;2;1;2;3mtrue\x1b[K\r\n\x1b[7minverse\x1b[m"],
    ["underlines", "\x1b[4mone\x1b[4:3;58:5:9mcurly\x1b[21mdouble\x1b[m"],
    ["wrapped lines", `${"long ".repeat(20)}\r\nnext`],
    ["wide characters wrapped at the last column", "中文".repeat(9)],
    ["a background below", "\x1b[44m\x1b[2J\x1b[5;5Hx"],
    ["an empty cell that continues a line", "x".repeat(40) + "\x1b[2A\x1b[5P"],
    ["a pending wrap", "x".repeat(20)],
    ["a pending wrap behind a wide character", "中".repeat(10)],
    ["the alternate screen", "before\x1b[?1049h\x1b[2;3Hin vim\x1b[31m"],
    ["the alternate screen with a saved cursor", "before\x1b[3;4H\x1b[33m\x1b(0\x1b[?1049h\x1b[m\x1b(B\x1b[2;3Hin\x1b7\x1b[H"],
    ["scroll region and origin mode", "a\r\nb\r\nc\x1b[2;4r\x1b[?6h\x1b[2;2H"],
    ["tab stops", "\x1b[3g\x1b[5G\x1bH\x1b[9G\x1bH\r\tx"],
    ["character sets", "\x1b(0lqk\x0e\x1b)Aq#"],
    ["modes", "\x1b[?1;7;12;25;45;1004;2004h\x1b[?25l\x1b[4h\x1b[20h\x1b="],
    ["mouse modes", "\x1b[?1002h\x1b[?1006h"],
    ["keyboard modes", "\x1b[=1;1u\x1b[>5u\x1b[>4;2m\x1b[?1049h\x1b[>31u"],
    ["titles", "\x1b]0;both\x07\x1b]2;タイトル\x07\x1b[5 q"],
    ["links", "\x1b]8;;https://a.example/\x07one\x1b]8;id=7;https://b.example/;x\x07two\x1b]8;;\x07 none \x1b]8;;https://c/\x07"],
    ["palette", "\x1b]4;1;#112233\x07\x1b]11;#ffffff\x07"],
    ["a lone combining mark", "a\x1b[m\u0301b"],
    ["protected cells", '\x1b[1"qkept\x1b[31mred\x1b[0"qfree\x1b[?2K'],
    ["half of a wide character overwritten", "中\x1b[D\x1b[41mx\r\n中\r\x1b[42my\x1b[1;19H中\x1b[1;19H\x1b[4;35mz"],
  ])("reproduces %s", (_, text) => {
    for (const dimensions of [
      { cols: 20, rows: 6 },
      { cols: 21, rows: 3 },
      { cols: 7, rows: 2 },
    ])
      expectRestored(fed(dimensions, text, HISTORY));
  });

  it("reproduces whatever a program may have drawn", () => {
    fc.assert(
      fc.property(size, output, (dimensions, text) => {
        expectRestored(fed(dimensions, `${text}\x1b\\`, HISTORY));
      }),
      { numRuns: RUNS * 3 },
    );
  });

  it("reproduces what resizes have left", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(size, output), { minLength: 1, maxLength: 3 }), (steps) => {
        const original = blankState({ cols: 12, rows: 5 }, HISTORY);
        for (const [{ cols, rows }, text] of steps) {
          resizeEngine(original.engine, { cols, rows });
          original.feeder.feed(Buffer.from(`${text}\x1b\\`));
        }
        expectRestored(original);
      }),
      { numRuns: RUNS },
    );
  });
});
