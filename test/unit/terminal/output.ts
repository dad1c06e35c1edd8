/** Arbitrary terminal output: text of all widths, every sequence the terminal knows, and some it does not. */
import fc from "fast-check";
import type { TerminalSize } from "../../../src/session.js";

const small = fc.integer({ min: 0, max: 30 });
const text = fc.oneof(
  fc.stringMatching(/^[ -~]{1,20}$/),
  fc.constantFrom(
    "中文字",
    "漢",
    "日本語テキスト",
    "é",
    "e\u0301",
    "a\u0301\u0302",
    "\u0301",
    "👩\u200d🚀",
    "👍🏽",
    "🇩🇪",
    "⚠\ufe0f",
    "🫠",
    "“quoted” — …",
    "─┼│",
    "한글",
    "x\u200b",
    "\ufeff",
  ),
  fc.constantFrom("word ".repeat(8), "中".repeat(25), "x".repeat(45), "ab\u0301".repeat(15)),
);
const c0 = fc.constantFrom(
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n\r\n",
  "\b",
  "\t",
  "\x07",
  "\x0b",
  "\x0e",
  "\x0f",
  "\x00",
  "\x7f",
  "\x18",
  "\u0084",
  "\u0085",
  "\u0088",
);
const csi = fc
  .tuple(fc.array(small, { maxLength: 3 }), fc.constantFrom(..."@ABCDEFGHIJKLMPSTXZ`abdefgrsu"))
  .map(([params, final]) => `\x1b[${params.join(";")}${final}`);
const csiOther = fc.constantFrom(
  "\x1b[?J",
  "\x1b[?2K",
  "\x1b[!p",
  "\x1b[2 @",
  "\x1b[1 A",
  "\x1b[2'}",
  "\x1b[2'~",
  '\x1b[1"q',
  '\x1b[0"q',
  "\x1b[3J",
  "\x1b[2J",
  "\x1b[H",
  "\x1b[9;9;9z",
  "\x1b[999999999S",
  "\x1b[3;2r",
);
const colour = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((n) => `5;${n}`),
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rgb) => `2;${rgb.join(";")}`),
);
const sgrPart = fc.oneof(
  fc.constantFrom(
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "8",
    "9",
    "21",
    "22",
    "23",
    "24",
    "25",
    "27",
    "28",
    "29",
    "39",
    "49",
    "53",
    "55",
    "59",
    "4:0",
    "4:2",
    "4:3",
    "4:4",
    "4:5",
    "58:5:99",
    "58:2::1:2:3",
  ),
  fc.integer({ min: 30, max: 37 }).map(String),
  fc.integer({ min: 40, max: 47 }).map(String),
  fc.integer({ min: 90, max: 107 }).map(String),
  colour.map((value) => `38;${value}`),
  colour.map((value) => `48;${value}`),
);
const sgr = fc.array(sgrPart, { maxLength: 3 }).map((parts) => `\x1b[${parts.join(";")}m`);
const mode = fc
  .tuple(
    fc.constantFrom(
      "?1",
      "?6",
      "?7",
      "?12",
      "?25",
      "?45",
      "?47",
      "?66",
      "?9",
      "?1000",
      "?1002",
      "?1003",
      "?1004",
      "?1006",
      "?1016",
      "?1047",
      "?1048",
      "?1049",
      "?2004",
      "?2026",
      "4",
      "20",
      "?2",
    ),
    fc.constantFrom("h", "l"),
  )
  .map(([number, final]) => `\x1b[${number}${final}`);
const esc = fc.constantFrom(
  "\x1b7",
  "\x1b8",
  "\x1bD",
  "\x1bE",
  "\x1bH",
  "\x1bM",
  "\x1b=",
  "\x1b>",
  "\x1bn",
  "\x1bo",
  "\x1b#8",
  "\x1b(0",
  "\x1b(B",
  "\x1b)0",
  "\x1b*A",
  "\x1b+K",
  "\x1b%G",
  "\x1b(5",
);
const reset = fc.constantFrom("\x1bc");
const osc = fc.constantFrom(
  "\x1b]0;title\x07",
  "\x1b]2;タイトル\x1b\\",
  "\x1b]1;icon\x07",
  "\x1b]8;;https://example.org/a\x1b\\",
  "\x1b]8;id=x;https://example.org/b\x07",
  "\x1b]8;;\x07",
  "\x1b]4;3;#123456\x07",
  "\x1b]10;rgb:11/22/33\x07",
  "\x1b]104\x07",
  "\x1b]11;?\x07",
  "\x1b[22;0t",
  "\x1b[23;0t",
  "\x1b]133;A\x07",
  "\x1b]52;c;aGVsbG8=\x07",
  "\x1b_Gq=1;AAAA\x1b\\",
  "\x1bP$qm\x1b\\",
  "\x1b[>1u",
  "\x1b[<u",
  "\x1b[=8;2u",
  "\x1b[>4;2m",
  "\x1b[5 q",
  "\x1b[2 q",
  "\x1b[0 q",
);

export const piece: fc.Arbitrary<string> = fc.oneof(
  { weight: 40, arbitrary: text },
  { weight: 15, arbitrary: c0 },
  { weight: 25, arbitrary: csi },
  { weight: 6, arbitrary: csiOther },
  { weight: 25, arbitrary: sgr },
  { weight: 10, arbitrary: mode },
  { weight: 10, arbitrary: esc },
  { weight: 10, arbitrary: osc },
  { weight: 1, arbitrary: reset },
);
export const output: fc.Arbitrary<string> = fc.array(piece, { minLength: 1, maxLength: 60 }).map((pieces) => pieces.join(""));
export const size: fc.Arbitrary<TerminalSize> = fc.record({ cols: fc.integer({ min: 2, max: 24 }), rows: fc.integer({ min: 1, max: 8 }) });
/** Fractions of the length at which bytes are cut. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

export function chunks(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...at.map((share) => Math.floor(share * bytes.length)), 0, bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((to, i) => bytes.subarray(places[i] ?? 0, to));
}
