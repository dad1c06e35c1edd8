/**
 * The layout of a cell's three words, and cells read as a person would: runs of text with one look. Numbers are those of
 * xterm's buffer/Constants.ts; engine.ts checks them at start.
 */
import type { Line } from "./engine-shapes.js";
import type { Links } from "./links.js";

/** Word 0, content: width << 22 | combined << 21 | code point. An empty cell is one column wide and has code point 0. */
export const WORDS = 3;
export const WIDTH_SHIFT = 22;
export const COMBINED = 0x20_0000;
export const CODE = 0x1f_ffff;
export const HAS_CONTENT = 0x3f_ffff;
export const EMPTY: number = 1 << WIDTH_SHIFT;

/** Words 1 and 2, fg and bg: flags << 26 | colour mode << 24 | colour. Modes: */
export const MODE = 0x300_0000;
export const MODE_16 = 0x100_0000;
export const MODE_256 = 0x200_0000;
export const MODE_RGB = 0x300_0000;
export const RGB = 0xff_ffff;

export const INVERSE = 0x400_0000;
export const BOLD = 0x800_0000;
export const UNDERLINE = 0x1000_0000;
export const BLINK = 0x2000_0000;
export const INVISIBLE = 0x4000_0000;
export const STRIKE = 0x8000_0000;
export const ITALIC = 0x400_0000;
export const DIM = 0x800_0000;
export const HAS_EXTENDED = 0x1000_0000;
export const PROTECTED = 0x2000_0000;
export const OVERLINE = 0x4000_0000;

/** Extended attributes: underline style << 26 | colour mode << 24 | colour. */
const STYLE_SHIFT = 26;
const STYLE_MASK = 7;

/** How cells look. Colours are words of mode and colour, flags removed; 0 is the default colour. */
export interface Look {
  foreground: number;
  background: number;
  /** Colour of the underline, 0: that of the text. */
  underlineColour: number;
  /** 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed. */
  underline: number;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  inverse: boolean;
  blink: boolean;
  invisible: boolean;
  strike: boolean;
  overline: boolean;
  protected: boolean;
  /** Number in the table of links, 0: none. */
  link: number;
}

export const PLAIN: Look = look(0, 0, 0, 0);

/** `ext` and `link` count only when bg says that the cell has extended attributes. */
export function look(fg: number, bg: number, ext: number, link: number): Look {
  const extended = (bg & HAS_EXTENDED) !== 0;
  return {
    foreground: colour(fg),
    background: colour(bg),
    underlineColour: extended ? colour(ext) : 0,
    underline: (fg & UNDERLINE) === 0 ? 0 : extended ? (ext >>> STYLE_SHIFT) & STYLE_MASK : 1,
    bold: (fg & BOLD) !== 0,
    dim: (bg & DIM) !== 0,
    italic: (bg & ITALIC) !== 0,
    inverse: (fg & INVERSE) !== 0,
    blink: (fg & BLINK) !== 0,
    invisible: (fg & INVISIBLE) !== 0,
    strike: (fg & STRIKE) !== 0,
    overline: (bg & OVERLINE) !== 0,
    protected: (bg & PROTECTED) !== 0,
    link: extended ? link : 0,
  };
}

/** Mode and colour without leftovers: a palette colour set over an RGB one keeps bits of it in xterm. */
function colour(word: number): number {
  const mode = word & MODE;
  if (mode === 0) return 0;
  return mode | (word & (mode === MODE_RGB ? RGB : 0xff));
}

/** The look of one cell, taken fresh. */
export function lookAt(line: Line, x: number): Look {
  const fg = line._data[x * WORDS + 1] ?? 0;
  const bg = line._data[x * WORDS + 2] ?? 0;
  if ((bg & HAS_EXTENDED) === 0) return fg === 0 && bg === 0 ? PLAIN : look(fg, bg, 0, 0);
  const extended = line._extendedAttrs[x];
  return look(fg, bg, extended?._ext ?? 0, extended?._urlId ?? 0);
}

/** The characters of a cell, "" when it is empty or the right half of a wide one. */
export function textAt(line: Line, x: number): string {
  const content = line._data[x * WORDS] ?? EMPTY;
  if ((content & COMBINED) !== 0) return line._combined[x] ?? "";
  const code = content & CODE;
  return code === 0 ? "" : String.fromCodePoint(code);
}

/** Columns of the cell: 0 is the right half of a wide one. */
export function columnsAt(line: Line, x: number): number {
  return (line._data[x * WORDS] ?? EMPTY) >>> WIDTH_SHIFT;
}

/** Cells that look alike, side by side. `text` has blanks for empty cells and every wide character once. */
export interface Run {
  x: number;
  columns: number;
  text: string;
  look: Look;
  /** Columns of each character of `text`, for those who place them one by one. */
  cells: { text: string; columns: number }[];
}

/** The runs of a row's first `cols` cells, without what is empty and plain at its end. */
export function runs(line: Line, cols: number): Run[] {
  const found: Run[] = [];
  const end = seenLength(line, cols);
  let run: Run | undefined;
  for (let x = 0; x < end;) {
    const width = columnsAt(line, x);
    // A half without its other half is a blank, as it is on a screen.
    const whole = width === 2 && x + 1 < cols && columnsAt(line, x + 1) === 0;
    const columns = whole ? 2 : 1;
    const text = width === 0 || (width === 2 && !whole) ? " " : textAt(line, x) || " ";
    const look = lookAt(line, x);
    if (run === undefined || !sameLook(run.look, look)) {
      run = { x, columns: 0, text: "", look, cells: [] };
      found.push(run);
    }
    run.columns += columns;
    run.text += text;
    run.cells.push({ text, columns });
    x += columns;
  }
  return found;
}

/** A row as a person reads it, blanks at its end left out: what rules look at, many times a second. */
export function rowText(line: Line, cols: number): string {
  const end = Math.min(cols, line.length);
  let text = "";
  for (let x = 0; x < end; x++) {
    const content = line._data[x * WORDS] ?? EMPTY;
    // The right half of a wide character.
    if (content >>> WIDTH_SHIFT === 0 && x > 0) continue;
    const hidden = ((line._data[x * WORDS + 1] ?? 0) & INVISIBLE) !== 0;
    const code = content & CODE;
    if (hidden) text += " ";
    else if ((content & COMBINED) !== 0) text += line._combined[x] ?? " ";
    else text += code === 0 ? " " : String.fromCodePoint(code);
  }
  return text.trimEnd();
}

/**
 * The same without what is faint: in a prompt box that is a hint, and not what somebody typed. A cursor that a program draws itself
 * (`cursor`, inverse) on the first letter of a hint belongs to the hint.
 */
export function typedText(line: Line, cols: number, cursor: number | null): string {
  const end = Math.min(cols, line.length);
  const faint = (x: number): boolean => ((line._data[x * WORDS + 2] ?? 0) & DIM) !== 0;
  let text = "";
  for (let x = 0; x < end; x++) {
    if ((line._data[x * WORDS] ?? EMPTY) >>> WIDTH_SHIFT === 0 && x > 0) continue;
    const drawn = x === cursor && ((line._data[x * WORDS + 1] ?? 0) & INVERSE) !== 0 && x + 1 < end && faint(x + 1);
    text += faint(x) || drawn ? " " : textAt(line, x) || " ";
  }
  return text.trimEnd();
}

/** Columns up to the last cell that is not empty and plain. */
export function seenLength(line: Line, cols: number): number {
  for (let x = Math.min(cols, line.length); x > 0; x--) {
    const at = (x - 1) * WORDS;
    if (line._data[at] !== EMPTY || line._data[at + 1] !== 0 || line._data[at + 2] !== 0) return x;
  }
  return 0;
}

export function sameLook(a: Look, b: Look): boolean {
  return (
    a === b ||
    (a.foreground === b.foreground &&
      a.background === b.background &&
      a.underline === b.underline &&
      a.underlineColour === b.underlineColour &&
      a.bold === b.bold &&
      a.dim === b.dim &&
      a.italic === b.italic &&
      a.inverse === b.inverse &&
      a.blink === b.blink &&
      a.invisible === b.invisible &&
      a.strike === b.strike &&
      a.overline === b.overline &&
      a.protected === b.protected &&
      a.link === b.link)
  );
}

/** The SGR sequence that sets this look from any other (protection and links are not SGR). */
export function sgr(look: Look): string {
  let codes = "\x1b[0";
  if (look.bold) codes += ";1";
  if (look.dim) codes += ";2";
  if (look.italic) codes += ";3";
  if (look.underline !== 0) codes += look.underline === 1 ? ";4" : `;4:${look.underline}`;
  if (look.blink) codes += ";5";
  if (look.inverse) codes += ";7";
  if (look.invisible) codes += ";8";
  if (look.strike) codes += ";9";
  if (look.overline) codes += ";53";
  codes += colourCode(look.foreground, 30) + colourCode(look.background, 40);
  // With colons: where a terminal does not know 58, semicolons would turn its colour into other attributes.
  const underline = look.underlineColour;
  if ((underline & MODE) === MODE_RGB) codes += `;58:2::${(underline >> 16) & 255}:${(underline >> 8) & 255}:${underline & 255}`;
  else if (underline !== 0) codes += `;58:5:${underline & 255}`;
  return codes === "\x1b[0" ? "\x1b[m" : `${codes}m`;
}

function colourCode(word: number, base: number): string {
  switch (word & MODE) {
    case MODE_16:
      return `;${(word & 7) + base + ((word & 8) === 0 ? 0 : 60)}`;
    case MODE_256:
      return `;${base + 8};5;${word & 255}`;
    case MODE_RGB:
      return `;${base + 8};2;${(word >> 16) & 255};${(word >> 8) & 255};${word & 255}`;
    default:
      return "";
  }
}

/** The OSC 8 that opens link `number`, or closes any when it is 0 or no longer known. */
export function linkSequence(links: Links, number: number): string {
  const link = number === 0 ? undefined : links.get(number);
  if (link === undefined) return "\x1b]8;;\x1b\\";
  return `\x1b]8;${link.id === "" ? "" : `id=${link.id}`};${link.uri}\x1b\\`;
}
