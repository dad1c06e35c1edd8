/**
 * A terminal as output: fed to a fresh terminal of the same size it makes screen, whole history, both buffers, cursor, saved
 * cursor, scroll region, tab stops, character sets, modes, title, colours and links the same. Standard sequences only, so that it
 * serves any terminal somebody attaches with.
 *
 * Not carried: the title stack (it would stay on the stack of whoever attaches); the right half of a wide character whose left
 * half was shifted away, which comes out as a blank; a pending wrap behind an empty cell.
 */
import { columnsAt, HAS_EXTENDED, look, lookAt, PLAIN, textAt, type Look } from "./cells.js";
import { colourCommand, colourSpec } from "./colours.js";
import type { Attributes, Charset, Engine, ScreenBuffer } from "./engine-shapes.js";
import { CHARSET_FLAGS, charsetsByNumber } from "./engine.js";
import type { KeyboardFlags } from "./keyboard.js";
import { Pen, RowWriter } from "./restore-rows.js";
import type { TerminalState } from "./state.js";

const TAB_WIDTH = 8;
const LOCKING_SHIFTS = ["\x0f", "\x0e", "\x1bn", "\x1bo"];
const DESIGNATORS = ["(", ")", "*", "+"];
const MOUSE_PROTOCOLS: Readonly<Record<string, number>> = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 };
const MOUSE_ENCODINGS: Readonly<Record<string, number>> = { SGR: 1006, SGR_PIXELS: 1016 };
const CURSOR_STYLES = { block: 2, underline: 4, bar: 6 } as const;

export function renderRestore(state: TerminalState): string {
  const { core } = state.engine;
  const { buffers } = core._bufferService;
  const alternate = buffers.active === buffers.alt;
  const pen = new Pen(state.links);
  const charsets = new CharsetWriter();
  let out = "\x1b[m\x1b[H\x1b[J";
  out += screen(state.engine, buffers.normal, pen, charsets) + keyboard(state.keyboard.main);
  if (alternate) {
    // 1049 saves the cursor as it switches: it stands where it was saved, with the attributes and sets it was saved with.
    out += savedPosition(state.engine, buffers.normal, pen, charsets);
    out += `\x1b[?1049h${pen.to(PLAIN)}${charsets.to([], 0)}\x1b[r\x1b[H\x1b[2J`;
    out += screen(state.engine, buffers.alt, pen, charsets) + keyboard(state.keyboard.alternate);
  }
  return out + cursor(state.engine, pen, charsets) + modes(state);
}

/** Rows, tab stops, scroll region and saved cursor of one buffer. */
function screen(engine: Engine, buffer: ScreenBuffer, pen: Pen, charsets: CharsetWriter): string {
  const { cols, rows } = engine.core;
  let out = new RowWriter(buffer, cols, rows, pen).all() + pen.to(PLAIN) + tabStops(buffer, cols);
  if (buffer.scrollTop !== 0 || buffer.scrollBottom !== rows - 1) out += `\x1b[${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r`;
  if (hasSavedCursor(buffer)) out += `${savedPosition(engine, buffer, pen, charsets)}\x1b7`;
  return out;
}

function tabStops(buffer: ScreenBuffer, cols: number): string {
  const stops = Array.from({ length: cols }, (_, column) => buffer.tabs[column] === true);
  if (stops.every((stop, column) => stop === (column % TAB_WIDTH === 0))) return "";
  return `\x1b[3g${stops.map((stop, column) => (stop ? `\x1b[${column + 1}G\x1bH` : "")).join("")}`;
}

function hasSavedCursor(buffer: ScreenBuffer): boolean {
  const { fg, bg, extended } = buffer.savedCurAttrData;
  const sets = buffer.savedSets;
  return (
    buffer.savedX !== 0 ||
    buffer.savedY > buffer.ybase ||
    fg !== 0 ||
    bg !== 0 ||
    extended._ext !== 0 ||
    (sets !== undefined && (sets.level !== 0 || sets.sets.some((set) => set !== undefined)))
  );
}

/** Moves to the saved cursor and takes on what was saved with it. Origin mode must be off. */
function savedPosition({ core }: Engine, buffer: ScreenBuffer, pen: Pen, charsets: CharsetWriter): string {
  const x = Math.min(buffer.savedX, core.cols - 1);
  const y = Math.min(Math.max(0, buffer.savedY - buffer.ybase), core.rows - 1);
  const sets = buffer.savedSets;
  return `\x1b[${y + 1};${x + 1}H${pen.to({ ...attributes(buffer.savedCurAttrData), link: 0 })}${charsets.to(sets?.sets ?? [], sets?.level ?? 0)}`;
}

/** The cursor, where and in what state it is: position, pending wrap, origin mode, character sets, attributes. */
function cursor(engine: Engine, pen: Pen, charsets: CharsetWriter): string {
  const { core, handler } = engine;
  const buffer = core._bufferService.buffers.active;
  const { origin } = core.coreService.decPrivateModes;
  let out = origin ? "\x1b[?6h" : "";
  const top = origin ? buffer.scrollTop : 0;
  const line = buffer.lines.get(buffer.ybase + buffer.y);
  const last = core.cols - 1;
  const at = line !== undefined && buffer.x > last ? (columnsAt(line, last) === 0 && last > 0 ? last - 1 : last) : buffer.x;
  out += `\x1b[${buffer.y - top + 1};${at + 1}H`;
  if (line !== undefined && buffer.x > last) {
    // The wrap is pending behind a character that is drawn once more, before sets and modes change what drawing does.
    const text = textAt(line, at);
    if (text !== "" && columnsAt(line, at) === core.cols - at) out += charsets.to([], 0) + pen.to(lookAt(line, at)) + text;
    else out += `\x1b[${core.cols}G`;
  }
  const { _charsets: sets, glevel } = core._charsetService;
  return out + charsets.to(sets, glevel) + pen.to(attributes(handler._curAttrData));
}

/** Current or saved attributes. An underline colour counts even while nothing is underlined: it shows when something is. */
function attributes({ fg, bg, extended }: Attributes): Look {
  return look(fg, bg | HAS_EXTENDED, extended._ext, extended._urlId);
}

function modes({ engine: { core, handler }, colours, keyboard: { modifyOtherKeys } }: TerminalState): string {
  const dec = core.coreService.decPrivateModes;
  const { rawOptions } = core.optionsService;
  let out = "";
  const set = (on: boolean, mode: string): void => {
    if (on) out += `\x1b[${mode}h`;
  };
  set(dec.applicationCursorKeys, "?1");
  set(rawOptions.cursorBlink, "?12");
  set(dec.reverseWraparound, "?45");
  set(dec.sendFocus, "?1004");
  set(dec.bracketedPasteMode, "?2004");
  if (dec.applicationKeypad) out += "\x1b=";
  const protocol = MOUSE_PROTOCOLS[core.coreMouseService.activeProtocol];
  if (protocol !== undefined) out += `\x1b[?${protocol}h`;
  const encoding = MOUSE_ENCODINGS[core.coreMouseService.activeEncoding];
  if (encoding !== undefined) out += `\x1b[?${encoding}h`;
  if (dec.cursorStyle !== undefined) out += `\x1b[${CURSOR_STYLES[dec.cursorStyle] - (dec.cursorBlink === true ? 1 : 0)} q`;
  if (modifyOtherKeys !== 0) out += `\x1b[>4;${modifyOtherKeys}m`;
  if (handler._windowTitle !== "") out += `\x1b]2;${handler._windowTitle}\x1b\\`;
  if (handler._iconName !== "") out += `\x1b]1;${handler._iconName}\x1b\\`;
  for (const [index, rgb] of colours.changed) out += `\x1b]${colourCommand(index)};${colourSpec(rgb)}\x1b\\`;
  if (core.coreService.isCursorHidden) out += "\x1b[?25l";
  // Those that change what output does, last.
  if (!dec.wraparound) out += "\x1b[?7l";
  set(core.coreService.modes.insertMode, "4");
  set(rawOptions.convertEol, "20");
  set(dec.synchronizedOutput, "?2026");
  return out;
}

function keyboard(flags: KeyboardFlags): string {
  const [base, ...pushed] = [...flags.stack, flags.current];
  return (base === undefined || base === 0 ? "" : `\x1b[=${base};1u`) + pushed.map((value) => `\x1b[>${value}u`).join("");
}

/** Designates character sets, and remembers what is designated. */
class CharsetWriter {
  #sets: Charset[] = [undefined, undefined, undefined, undefined];
  #level = 0;

  to(sets: readonly Charset[], level: number): string {
    const table = charsetsByNumber();
    let out = "";
    DESIGNATORS.forEach((designator, i) => {
      if (sets[i] === this.#sets[i]) return;
      const number = Math.max(0, table.indexOf(sets[i]));
      out += `\x1b${designator}${number === 0 ? "B" : (CHARSET_FLAGS[number - 1] ?? "B")}`;
      this.#sets[i] = sets[i];
    });
    if (level !== this.#level) out += LOCKING_SHIFTS[level] ?? "";
    this.#level = level;
    return out;
  }
}
