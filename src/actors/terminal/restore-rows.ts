/**
 * The rows of one screen as the output that draws them on a blank one: every cell with its attributes, and which rows continue the
 * one above. Written for a cursor at home, nothing but blanks below, DECAWM on, IRM off; leaves the cursor anywhere.
 *
 * What takes care:
 * - a continued row exists only where a terminal wrapped, so the row above is filled to its end and run over;
 * - a row that scrolls in while a background is set is filled with it, so scrolling is done in plain attributes;
 * - an empty cell in a background is an erased one (ECH); with other attributes it is one half of a wide character that was
 *   overwritten by the other half's new owner, and is made in just that way;
 * - a combining mark that stands alone is kept from joining the cell before it by any control sequence between.
 */
import {
  columnsAt,
  HAS_CONTENT,
  HAS_EXTENDED,
  linkSequence,
  lookAt,
  PLAIN,
  sameLook,
  seenLength,
  sgr,
  textAt,
  WORDS,
  type Look,
} from "./cells.js";
import type { Line, ScreenBuffer } from "./engine-shapes.js";
import type { Links } from "./links.js";
import { columnsOf } from "./widths.js";

/** Attributes as last sent. */
export class Pen {
  readonly #links: Links;
  #look: Look = PLAIN;
  /** Words of the cell that the look was taken from, when that is all there is to it; -1: they say too little. */
  #fg = 0;
  #bg = 0;

  constructor(links: Links) {
    this.#links = links;
  }

  /** {@link to} the look of a cell; quick for a cell like the last one. */
  toCell(line: Line, x: number): string {
    const fg = line._data[x * WORDS + 1] ?? 0;
    const bg = line._data[x * WORDS + 2] ?? 0;
    if (fg === this.#fg && bg === this.#bg) return "";
    const out = this.to(lookAt(line, x));
    if ((bg & HAS_EXTENDED) === 0) {
      this.#fg = fg;
      this.#bg = bg;
    }
    return out;
  }

  /** The sequences from the last look to this one, "" when it is the same. */
  to(look: Look): string {
    this.#fg = -1;
    this.#bg = -1;
    const last = this.#look;
    if (sameLook(look, last)) return "";
    this.#look = look;
    const link = look.link === last.link ? "" : linkSequence(this.#links, look.link);
    // SGR 0 clears protection too, in xterm and by ECMA; so it is set again after every SGR.
    return sgr(look) + (look.protected ? '\x1b[1"q' : "") + link;
  }
}

/** A wide character to overwrite one half of. */
const WIDE = "\u4e00";

export class RowWriter {
  readonly #buffer: ScreenBuffer;
  readonly #cols: number;
  readonly #rows: number;
  readonly #pen: Pen;
  /** The row drawn last ends with a character in the last column, and the cursor is behind it. */
  #atMargin = false;

  constructor(buffer: ScreenBuffer, cols: number, rows: number, pen: Pen) {
    this.#buffer = buffer;
    this.#cols = cols;
    this.#rows = rows;
    this.#pen = pen;
  }

  /** All rows of history and screen. */
  all(): string {
    const { ybase, lines } = this.#buffer;
    const count = ybase + this.#rows;
    const parts: string[] = [];
    for (let y = 0; y < count; y++) {
      const line = lines.get(y);
      if (line === undefined) break;
      if (line.isWrapped) parts.push(y === 0 ? this.#continuedFirstRow() : this.#wrap(lines.get(y - 1), line));
      else if (y > 0) parts.push(`${this.#pen.to(PLAIN)}\r\n`);
      parts.push(this.#row(line));
    }
    return parts.join("");
  }

  /** The row that the oldest one continues is gone: one is drawn, run over, and deleted. */
  #continuedFirstRow(): string {
    return this.#rows === 1 ? "" : `${" ".repeat(this.#cols)} \x1b[A\x1b[M\x1b[X`;
  }

  /** From the row above, which has just been drawn, to the start of its continuation. */
  #wrap(above: Line | undefined, line: Line): string {
    if (above === undefined) return "\r\n";
    const last = this.#cols - 1;
    const first = lookAt(line, 0);
    if (
      columnsAt(line, 0) === 2 &&
      columnsAt(line, 1) === 0 &&
      columnsAt(above, last) === 1 &&
      isBlank(above, last, this.#cols) &&
      first.background === 0 &&
      sameLook(lookAt(above, last), first) &&
      !this.#hasNowhereToStart(above)
    ) {
      // A wide character that did not fit: as it came about.
      return `\x1b[${this.#cols}G${this.#pen.to(first)}${textAt(line, 0)}\r`;
    }
    let out = "";
    let filled = false;
    if (!this.#atMargin) {
      const at = columnsAt(above, last) === 0 && last > 0 ? last - 1 : last;
      const text = textAt(above, at);
      filled = text === "" || columnsAt(above, at) !== this.#cols - at;
      // The last character once more, to stand behind it; a blank where there is none.
      if (filled) out = `\x1b[${this.#cols}G${this.#pen.to(PLAIN)} `;
      else out = `\x1b[${at + 1}G${this.#pen.to(lookAt(above, at))}${breakJoin(text)}${text}`;
    }
    out += `${this.#pen.to(PLAIN)} `;
    if (filled && this.#rows > 1) out += `\x1b[A\x1b[${this.#cols}G${this.#erase(above, last, this.#cols)}\x1b[B`;
    return `${out}${this.#pen.to(PLAIN)}\r\x1b[X`;
  }

  /** The cells of a row that is blank, from its start. */
  #row(line: Line): string {
    this.#atMargin = false;
    const used = seenLength(line, this.#cols);
    let out = "";
    /** Where the cursor is; -1: somewhere else. */
    let cursor = 0;
    for (let x = 0; x < used;) {
      const width = columnsAt(line, x);
      const whole = width === 2 && x + 1 < this.#cols && columnsAt(line, x + 1) === 0;
      const text = width === 1 || whole ? textAt(line, x) : "";
      if (text === "") {
        const end = this.#emptyEnd(line, x, used);
        if (!sameLook(lookAt(line, x), PLAIN)) {
          out += moveTo(cursor, x) + this.#erase(line, x, end);
          cursor = -1;
        }
        x = end;
        continue;
      }
      out += moveTo(cursor, x) + this.#pen.toCell(line, x) + breakJoin(text) + text;
      x += width;
      cursor = x;
    }
    this.#atMargin = cursor === this.#cols;
    return out;
  }

  /** Where the empty cells that look like the one at `x` end. */
  #emptyEnd(line: Line, x: number, used: number): number {
    const look = lookAt(line, x);
    let end = x + 1;
    while (end < used && isBlank(line, end, this.#cols) && sameLook(lookAt(line, end), look)) end++;
    return end;
  }

  /** Empty cells from the cursor, which is at `x`; it ends up anywhere on the row. */
  #erase(line: Line, x: number, end: number): string {
    const look = lookAt(line, x);
    if (isErasable(look) || this.#hasNowhereToStart(line))
      return `${this.#pen.to({ ...PLAIN, background: look.background })}\x1b[${end - x}X`;
    let out = "";
    for (let at = x; at < end; at++) out += this.#halfOfWide(line, at);
    return out;
  }

  /** Every cell is empty with attributes of its own: there is none to begin the making of the others with. Only backgrounds are kept. */
  #hasNowhereToStart(line: Line): boolean {
    for (let x = 0; x < this.#cols; x++) if (!isBlank(line, x, this.#cols) || isErasable(lookAt(line, x))) return false;
    return true;
  }

  /** An empty cell with attributes of its own. Expects blanks right of it, which are left blank. */
  #halfOfWide(line: Line, x: number): string {
    const look = lookAt(line, x);
    if (x + 1 < this.#cols) {
      // The right half of a wide character overwritten in these attributes, and erased.
      const beside = `\x1b[${x + 2}G`;
      return `\x1b[${x + 1}G${this.#pen.to(PLAIN)}${WIDE}${beside}${this.#pen.to(look)} ${beside}${this.#pen.to(PLAIN)}\x1b[X`;
    }
    return this.#leftOverwritten(line, x);
  }

  /** The same where nothing can be drawn right of it: the left half overwritten, and then the cell left of it again as it was. */
  #leftOverwritten(line: Line, x: number): string {
    const left = `\x1b[${x}G`;
    return `${left}${this.#pen.to(PLAIN)}${WIDE}${left}${this.#pen.to(lookAt(line, x))} ${this.#again(line, x - 1)}`;
  }

  /** The cell at `x` once more; a wide one that ends there as a whole. */
  #again(line: Line, x: number): string {
    const from = columnsAt(line, x) === 0 && x > 0 && columnsAt(line, x - 1) === 2 ? x - 1 : x;
    const look = lookAt(line, from);
    const at = `\x1b[${from + 1}G`;
    if (!isBlank(line, from, this.#cols)) return at + this.#pen.to(look) + breakJoin(textAt(line, from)) + textAt(line, from);
    if (!isErasable(look) && from > 0) return this.#leftOverwritten(line, from);
    return `${at}${this.#pen.to({ ...PLAIN, background: look.background })}\x1b[X`;
  }
}

/** What erasing makes: an empty cell with a background and nothing else. */
function isErasable(look: Look): boolean {
  return sameLook(look, { ...PLAIN, background: look.background });
}

function isBlank(line: Line, x: number, cols: number): boolean {
  const width = columnsAt(line, x);
  if (width === 1) return ((line._data[x * WORDS] ?? 0) & HAS_CONTENT) === 0;
  return width === 0 || x + 1 >= cols || columnsAt(line, x + 1) !== 0;
}

/** A sequence without effect (default font) before a character that would join the one before it. */
function breakJoin(text: string): string {
  if (text < "\u0300") return "";
  return columnsOf(text.codePointAt(0) ?? 0) === 0 ? "\x1b[10m" : "";
}

function moveTo(from: number, to: number): string {
  if (from === to) return "";
  return `\x1b[${to + 1}G`;
}
