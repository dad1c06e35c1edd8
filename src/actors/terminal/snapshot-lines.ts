/**
 * Rows of cells to bytes and back, exactly: also what xterm keeps beyond what is seen (cells right of a margin that moved in,
 * leftovers of combined characters), because a later reflow can bring it out.
 *
 * A row: (cells used << 3 | extras << 2 | own length << 1 | wrapped), then runs of cells with equal attributes up to the last
 * cell that is not empty and plain, then the extras. A run: (cells << 1 | new attributes), attributes, one token a cell.
 * A token: a code point below 128 one column wide is itself (0: empty); else (code point << 3 | combined << 2 | width) + 128.
 * Attributes: the slot of a table of 256 both sides keep, or, when new, both words and the extended ones.
 */
import { COMBINED, CODE, EMPTY, HAS_EXTENDED, seenLength, WIDTH_SHIFT, WORDS } from "./cells.js";
import type { Engine, ExtendedAttributes, Line } from "./engine-shapes.js";
import { createExtended, createLine } from "./engine.js";
import { SnapshotError, type ByteReader, type ByteWriter } from "./bytes.js";

/** A row of full length without anything in it. */
export const BLANK_LINE = 0;
const SLOTS = 256;
/** Columns a row may have: far beyond any size a session may be given. */
const MOST_COLUMNS = 100_000;

/** Both sides derive the slot from the attributes, so that it need not be stored with new ones. */
function slotOf(fg: number, bg: number, ext: number, link: number): number {
  return (Math.imul(fg ^ Math.imul(bg, 31) ^ Math.imul(ext, 131) ^ Math.imul(link, 521), 0x9e37_79b1) >>> 24) & (SLOTS - 1);
}

export class LineEncoder {
  readonly #writer: ByteWriter;
  readonly #fg: Uint32Array = new Uint32Array(SLOTS);
  readonly #bg: Uint32Array = new Uint32Array(SLOTS);
  readonly #ext: Uint32Array = new Uint32Array(SLOTS);
  readonly #link: Uint32Array = new Uint32Array(SLOTS);

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  write(line: Line, cols: number): void {
    const writer = this.#writer;
    const data = line._data;
    const used = seenLength(line, line.length);
    const extras = leftovers(line);
    const ownLength = line.length !== cols;
    writer.count(used * 8 + (extras.length > 0 ? 4 : 0) + (ownLength ? 2 : 0) + (line.isWrapped ? 1 : 0));
    if (ownLength) writer.count(line.length);
    for (let x = 0; x < used;) {
      const fg = data[x * WORDS + 1] ?? 0;
      const bg = data[x * WORDS + 2] ?? 0;
      const extended = (bg & HAS_EXTENDED) === 0 ? undefined : line._extendedAttrs[x];
      let end = x + 1;
      while (
        end < used &&
        data[end * WORDS + 1] === fg &&
        data[end * WORDS + 2] === bg &&
        (extended === undefined || sameExtended(extended, line._extendedAttrs[end]))
      )
        end++;
      this.#attributes(end - x, fg, bg, extended);
      this.#cells(line, x, end);
      x = end;
    }
    if (extras.length === 0) return;
    writer.count(extras.length);
    for (const column of extras) {
      writer.count(column);
      writer.text(line._combined[column] ?? "");
    }
  }

  #attributes(cells: number, fg: number, bg: number, extended: ExtendedAttributes | undefined): void {
    const writer = this.#writer;
    const ext = (extended?._ext ?? 0) >>> 0;
    const link = extended?._urlId ?? 0;
    const slot = slotOf(fg, bg, ext, link);
    if (this.#fg[slot] === fg && this.#bg[slot] === bg && this.#ext[slot] === ext && this.#link[slot] === link) {
      writer.count(cells * 2);
      writer.byte(slot);
      return;
    }
    writer.count(cells * 2 + 1);
    writer.word(fg);
    writer.word(bg);
    if ((bg & HAS_EXTENDED) !== 0) {
      writer.word(ext);
      writer.count(link);
    }
    this.#fg[slot] = fg;
    this.#bg[slot] = bg;
    this.#ext[slot] = ext;
    this.#link[slot] = link;
  }

  #cells(line: Line, from: number, to: number): void {
    const writer = this.#writer;
    const data = line._data;
    writer.reserve((to - from) * 4);
    let { bytes, at } = writer;
    for (let x = from; x < to; x++) {
      const content = data[x * WORDS] ?? 0;
      if ((content & ~0x7f) === EMPTY) {
        bytes[at++] = content & 0x7f;
        continue;
      }
      let token = (((content & CODE) << 3) | ((content & COMBINED) === 0 ? 0 : 4) | (content >>> WIDTH_SHIFT)) + 0x80;
      while (token >= 0x80) {
        bytes[at++] = (token & 0x7f) | 0x80;
        token >>>= 7;
      }
      bytes[at++] = token;
      if ((content & COMBINED) === 0) continue;
      writer.at = at;
      writer.text(line._combined[x] ?? "");
      writer.reserve((to - x) * 4);
      ({ bytes, at } = writer);
    }
    writer.at = at;
  }
}

export class LineDecoder {
  readonly #reader: ByteReader;
  readonly #engine: Engine;
  readonly #fg: Uint32Array = new Uint32Array(SLOTS);
  readonly #bg: Uint32Array = new Uint32Array(SLOTS);
  readonly #extended: (ExtendedAttributes | undefined)[] = [];
  readonly #plain: ExtendedAttributes;
  #blank: Uint32Array = new Uint32Array(0);
  #slot = 0;
  #passed: Line | null = null;

  constructor(reader: ByteReader, engine: Engine) {
    this.#reader = reader;
    this.#engine = engine;
    this.#plain = createExtended(engine, 0, 0);
  }

  /** @param keep false: the row is passed over, and what is returned is good for nothing */
  read(cols: number, keep = true): Line {
    const reader = this.#reader;
    const head = reader.count(MOST_COLUMNS * 8);
    const used = Math.floor(head / 8);
    const length = (head & 2) === 0 ? cols : reader.count(MOST_COLUMNS);
    if (used > length) throw new SnapshotError(`a row of ${length} cells with ${used} in use`);
    const line = keep ? createLine(this.#engine, this.#blankCells(length)) : this.#passedOver(length);
    line.isWrapped = (head & 1) !== 0;
    for (let x = 0; x < used;) {
      const run = reader.count((used - x) * 2 + 1);
      const end = x + Math.floor(run / 2);
      if (end > used || end === x) throw new SnapshotError("a run of cells that does not fit its row");
      this.#attributes((run & 1) !== 0);
      this.#cells(line, x, end);
      x = end;
    }
    if ((head & 4) !== 0) {
      for (let extras = reader.count(MOST_COLUMNS); extras > 0; extras--) line._combined[reader.count(MOST_COLUMNS)] = reader.text();
    }
    return line;
  }

  #attributes(isNew: boolean): void {
    const reader = this.#reader;
    if (!isNew) {
      this.#slot = reader.byte();
      return;
    }
    const fg = reader.word();
    const bg = reader.word();
    const extended = (bg & HAS_EXTENDED) === 0 ? undefined : createExtended(this.#engine, reader.word() | 0, reader.count());
    this.#slot = slotOf(fg, bg, (extended?._ext ?? 0) >>> 0, extended?._urlId ?? 0);
    this.#fg[this.#slot] = fg;
    this.#bg[this.#slot] = bg;
    this.#extended[this.#slot] = extended;
  }

  #cells(line: Line, from: number, to: number): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const data = line._data;
    const fg = this.#fg[this.#slot] ?? 0;
    const bg = this.#bg[this.#slot] ?? 0;
    const extended = (bg & HAS_EXTENDED) === 0 ? undefined : (this.#extended[this.#slot] ?? this.#plain);
    for (let x = from; x < to; x++) {
      const cell = x * WORDS;
      let token = bytes[reader.at++] ?? 0;
      if (token < 0x80) {
        data[cell] = EMPTY | token;
      } else {
        token &= 0x7f;
        for (let shift = 7; ; shift += 7) {
          const byte = reader.byte();
          token |= (byte & 0x7f) << shift;
          if (byte < 0x80) break;
          if (shift >= 21) throw new SnapshotError("a cell that is none");
        }
        token -= 0x80;
        const combined = (token & 4) !== 0;
        data[cell] = ((token & 3) << WIDTH_SHIFT) | (combined ? COMBINED : 0) | ((token >>> 3) & CODE);
        if (combined) line._combined[x] = reader.text();
      }
      data[cell + 1] = fg;
      data[cell + 2] = bg;
      if (extended !== undefined) line._extendedAttrs[x] = extended;
    }
    if (reader.at > bytes.length) throw new SnapshotError("ends too early");
  }

  #passedOver(length: number): Line {
    if (this.#passed?.length !== length) this.#passed = createLine(this.#engine, new Uint32Array(length * WORDS));
    return this.#passed;
  }

  #blankCells(length: number): Uint32Array {
    if (this.#blank.length !== length * WORDS) {
      this.#blank = new Uint32Array(length * WORDS);
      for (let cell = 0; cell < this.#blank.length; cell += WORDS) this.#blank[cell] = EMPTY;
    }
    return this.#blank.slice();
  }
}

/** Columns whose combined text is not (or no longer) the cell's. */
function leftovers(line: Line): number[] {
  const found: number[] = [];
  for (const key in line._combined) {
    const column = Number(key);
    if (column >= line.length || ((line._data[column * WORDS] ?? 0) & COMBINED) === 0) found.push(column);
  }
  return found;
}

function sameExtended(a: ExtendedAttributes, b: ExtendedAttributes | undefined): boolean {
  return a === b || (b !== undefined && a._ext === b._ext && a._urlId === b._urlId);
}
