/** A terminal's state as plain data, to compare terminals by what can be seen of them, now or later. */
import { columnsAt, HAS_EXTENDED, look, lookAt, PLAIN, sameLook, textAt, type Look } from "../../../src/actors/terminal/cells.js";
import type { Attributes, Charset, Line, ScreenBuffer } from "../../../src/actors/terminal/engine-shapes.js";
import { charsetsByNumber } from "../../../src/actors/terminal/engine.js";
import { createState, type TerminalState } from "../../../src/actors/terminal/state.js";
import type { TerminalSize } from "../../../src/session.js";

export const SILENT = {
  answer: (): void => undefined,
  title: (): void => undefined,
  bell: (): void => undefined,
  osc: (): void => undefined,
};

export function blankState(size: TerminalSize, historyLines = 1000): TerminalState {
  return createState(size, historyLines, SILENT);
}

export function fed(size: TerminalSize, output: Uint8Array | string, historyLines = 1000): TerminalState {
  const state = blankState(size, historyLines);
  state.feeder.feed(typeof output === "string" ? Buffer.from(output) : output);
  return state;
}

/** What restoring must reproduce. Left out is what restore.ts says it does not carry. */
export function describeState(state: TerminalState): Record<string, unknown> {
  const { core, handler } = state.engine;
  const { buffers } = core._bufferService;
  const alternate = buffers.active === buffers.alt;
  const { charset: _, ...charsets } = {
    charset: null,
    sets: setNumbers(core._charsetService._charsets),
    level: core._charsetService.glevel,
  };
  return {
    size: { cols: core.cols, rows: core.rows },
    alternate,
    normal: describeBuffer(state, buffers.normal, !alternate),
    alt: alternate ? describeBuffer(state, buffers.alt, true) : null,
    charsets,
    attributes: describeAttributes(state, handler._curAttrData),
    dec: { ...core.coreService.decPrivateModes },
    insert: core.coreService.modes.insertMode,
    hidden: core.coreService.isCursorHidden,
    lnm: core.optionsService.rawOptions.convertEol,
    blink: core.optionsService.rawOptions.cursorBlink,
    mouse: [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
    title: handler._windowTitle,
    icon: handler._iconName,
    keyboard: [state.keyboard.main, alternate ? state.keyboard.alternate : null, state.keyboard.modifyOtherKeys],
    colours: [...state.colours.changed].sort(([a], [b]) => a - b),
  };
}

function describeBuffer(state: TerminalState, buffer: ScreenBuffer, active: boolean): Record<string, unknown> {
  const { cols, rows } = state.engine.core;
  const last = cols - 1;
  const line = buffer.lines.get(buffer.ybase + buffer.y);
  const at = line !== undefined && columnsAt(line, last) === 0 && last > 0 ? last - 1 : last;
  const behindEmpty = line !== undefined && buffer.x > last && textAt(line, at) === "";
  return {
    lines: Array.from({ length: buffer.ybase + rows }, (_, y) => describeLine(state, buffer, y)),
    ybase: buffer.ybase,
    cursor: active ? [behindEmpty ? last : buffer.x, buffer.y] : null,
    region: [buffer.scrollTop, buffer.scrollBottom],
    saved: [Math.min(buffer.savedX, last), Math.min(Math.max(0, buffer.savedY - buffer.ybase), rows - 1)],
    savedAttributes: { ...describeAttributes(state, buffer.savedCurAttrData), link: null },
    savedSets:
      buffer.savedSets === undefined
        ? { sets: [0, 0, 0, 0], level: 0 }
        : { sets: setNumbers(buffer.savedSets.sets), level: buffer.savedSets.level },
    tabs: Object.keys(buffer.tabs)
      .map(Number)
      .filter((column) => column < cols),
  };
}

function describeLine(state: TerminalState, buffer: ScreenBuffer, y: number): string {
  const { cols, rows } = state.engine.core;
  const line = buffer.lines.get(y);
  if (line === undefined) return "missing";
  // Empty cells with attributes of their own from one margin to the other cannot be drawn, see restore-rows.ts.
  const undrawable = Array.from(
    { length: cols },
    (_, x) => isEmpty(line, x, cols) && !sameLook(lookAt(line, x), { ...PLAIN, background: lookAt(line, x).background }),
  ).every(Boolean);
  let text = line.isWrapped && !(y === 0 && rows === 1) ? "↳" : "|";
  let last = "";
  for (let x = 0; x < cols; x++) {
    const columns = columnsAt(line, x);
    const right = columns === 0 && x > 0 && columnsAt(line, x - 1) === 2;
    const orphan = (columns === 0 && !right) || (columns === 2 && (x + 1 >= cols || columnsAt(line, x + 1) !== 0));
    const shown = right ? "" : orphan ? "·" : textAt(line, x) || "·";
    const attributes = describeLook(state, undrawable ? { ...PLAIN, background: lookAt(line, x).background } : lookAt(line, x));
    text += (attributes === last ? "" : `{${attributes}}`) + shown;
    last = attributes;
  }
  return text.replace(/·+$/, "");
}

/** Nothing to see: also a half of a wide character without the other. */
function isEmpty(line: Line, x: number, cols: number): boolean {
  const columns = columnsAt(line, x);
  if (columns === 0) return x === 0 || columnsAt(line, x - 1) !== 2;
  return textAt(line, x) === "" || (columns === 2 && (x + 1 >= cols || columnsAt(line, x + 1) !== 0));
}

function describeAttributes(state: TerminalState, { fg, bg, extended }: Attributes): Record<string, unknown> {
  return { ...look(fg, bg | HAS_EXTENDED, extended._ext, extended._urlId), link: linkText(state, extended._urlId) };
}

function describeLook(state: TerminalState, seen: Look): string {
  return Object.entries({ ...seen, link: linkText(state, seen.link) })
    .filter(([, value]) => value !== 0 && value !== false && value !== "")
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(",");
}

function linkText(state: TerminalState, number: number): string {
  const link = state.links.get(number);
  return link === undefined ? "" : `${link.id};${link.uri}`;
}

function setNumbers(sets: Charset[]): number[] {
  return [0, 1, 2, 3].map((i) => Math.max(0, charsetsByNumber().indexOf(sets[i])));
}
