/**
 * The one place that reaches into @xterm/headless. Its public API cannot parse synchronously, hides half of the state that a
 * snapshot needs, and answers queries we answer ourselves; its internals are plain, unmangled properties. They are typed here,
 * checked once at start ({@link checkEngine}), and the version is pinned in package.json.
 *
 * What is changed against stock xterm, each because the stock behaviour loses state or has no bound:
 * - DECSC/DECRC keep underline style and all four character sets, as a VT does (stock keeps the active set only);
 * - counts of CSI b, I, L, M, S, T, Z are cut to what can have an effect: stock loops up to 2^31 times, for minutes;
 * - CSI 1 J in the last column touches the right row, and none when there is none: stock throws;
 * - with DECAWM off, text at the margin comes out the same however it was cut;
 * - resizing has faults of its own, see resize.ts;
 * - RIS also shows the cursor and leaves LNM, as a VT does.
 * Widths are those of {@link ./widths.ts}, links those of {@link ./links.ts}.
 */
import { createRequire } from "node:module";
import type * as Xterm from "@xterm/headless";
import type { TerminalSize } from "../../session.js";
import type { Charset, Core, Engine, ExtendedAttributes, Line, Params } from "./engine-shapes.js";
import { widths } from "./widths.js";

/** Imported, a CommonJS bundle of this size is read for its exports' names first: 50 ms more of each thread's start than this. */
const xterm = createRequire(import.meta.url)("@xterm/headless") as typeof Xterm;

/** States of the parser that matter here: 0 is rest, 7 and above are inside OSC, DCS, APC, PM or SOS strings. */
export const GROUND = 0;
export const FIRST_STRING_STATE = 7;
export const OSC_STRING_STATE = 8;

/** Code points of one `parse` call: it may be given as many bytes. Never nested, so all terminals of a thread share it (xterm: 16 KiB each). */
const SHARED_PARSE_BUFFER = new Uint32Array(8_192);

const EXPECTED_VERSION = "6.0.0";

/** A new, blank xterm with our changes in place. */
export function createEngine(size: TerminalSize, historyLines: number): Engine {
  const engine = bareEngine(size, historyLines);
  engine.handler._parseBuffer = SHARED_PARSE_BUFFER;
  keepWholeCursorState(engine);
  boundRepeatCounts(engine);
  eraseAboveSafely(engine);
  printAlikeInAnyCut(engine);
  engine.core.registerEscHandler({ final: "c" }, () => {
    engine.core.coreService.isCursorHidden = false;
    engine.core.optionsService.options.convertEol = false;
    return false;
  });
  return engine;
}

function bareEngine(size: TerminalSize, historyLines: number): Engine {
  const terminal = new xterm.Terminal({
    cols: size.cols,
    rows: size.rows,
    scrollback: historyLines,
    allowProposedApi: true,
    // Anything above "off" prints the agent's malformed sequences to our own stderr.
    logLevel: "off",
    // Title stack and size in cells; no moves, no pixels, no title reports (those let output type into the program).
    windowOptions: { getWinSizeChars: true, pushTitle: true, popTitle: true },
  });
  terminal.unicode.register(widths);
  terminal.unicode.activeVersion = widths.version;
  const core = (terminal as unknown as { _core: Core })._core;
  return { terminal, core, handler: core._inputHandler, parser: core._inputHandler._parser };
}

/** Frees what would outlive the terminal: listeners, and the clean-up timer a resize may have left behind. */
export function disposeEngine(engine: Engine): void {
  engine.core._bufferService.buffers.normal._memoryCleanupQueue.clear();
  engine.core._bufferService.buffers.alt._memoryCleanupQueue.clear();
  engine.terminal.dispose();
}

/** A row of `cols` cells whose data the caller fills in; words are zero. */
export function createLine(engine: Engine, data: Uint32Array): Line {
  const sample = engine.core._bufferService.buffers.normal.lines.get(0);
  if (sample === undefined) throw new Error("the terminal has no line to take the class from");
  const line = new (sample.constructor as new (cols: number) => Line)(0);
  line._data = data;
  line.length = data.length / 3;
  return line;
}

export function createExtended(engine: Engine, ext: number, link: number): ExtendedAttributes {
  const made = engine.handler._curAttrData.extended.clone();
  made._ext = ext;
  made._urlId = link;
  return made;
}

function keepWholeCursorState({ core, handler }: Engine): void {
  const { buffers } = core._bufferService;
  const charsets = core._charsetService;
  const { saveCursor, restoreCursor, softReset, screenAlignmentPattern } = handler;
  handler.saveCursor = function (): boolean {
    saveCursor.call(handler);
    buffers.active.savedCurAttrData.extended = handler._curAttrData.extended.clone();
    buffers.active.savedSets = { sets: charsets._charsets.slice(), level: charsets.glevel };
    return true;
  };
  handler.restoreCursor = function (): boolean {
    restoreCursor.call(handler);
    const current = handler._curAttrData;
    const link = current.extended._urlId;
    current.extended = buffers.active.savedCurAttrData.extended.clone();
    // A link is not part of what a VT saves: it stays open or closed.
    current.extended._urlId = link;
    current.updateExtended();
    const saved = buffers.active.savedSets;
    charsets._charsets = saved === undefined ? [] : saved.sets.slice();
    charsets.glevel = saved === undefined ? 0 : saved.level;
    charsets.charset = charsets._charsets[charsets.glevel];
    return true;
  };
  handler.softReset = function (params: Params): boolean {
    softReset.call(handler, params);
    buffers.active.savedCurAttrData.extended = handler._curAttrData.extended.clone();
    delete buffers.active.savedSets;
    return true;
  };
  // The test pattern is drawn in plain attributes; stock gives its cells the flag of extended ones without having any.
  handler.screenAlignmentPattern = function (): boolean {
    const current = handler._curAttrData;
    const { fg, bg } = current;
    current.fg = 0;
    current.bg = 0;
    screenAlignmentPattern.call(handler);
    current.fg = fg;
    current.bg = bg;
    return true;
  };
}

function boundRepeatCounts({ core }: Engine): void {
  const bound = (final: string, most: () => number): void => {
    core.registerCsiHandler({ final }, (params) => {
      params.params[0] = Math.min(params.params[0] ?? 0, most());
      return false;
    });
  };
  for (const final of ["L", "M", "S", "T"]) bound(final, () => core.rows);
  for (const final of ["I", "Z"]) bound(final, () => core.cols);
  bound("b", () => core.cols * core.rows);
}

/**
 * Erasing above with the cursor in the last column clears the continued mark of the row below. Stock looks for that row in the
 * history instead of the screen, and throws on the last row: `CSI 1 J` in the corner would end the terminal.
 */
function eraseAboveSafely({ core, handler }: Engine): void {
  const { buffers } = core._bufferService;
  const { eraseInDisplay } = handler;
  handler.eraseInDisplay = function (params: Params, respectProtect: boolean): boolean {
    const buffer = buffers.active;
    const { x } = buffer;
    if (params.params[0] !== 1 || x + 1 < core.cols) return eraseInDisplay.call(handler, params, respectProtect);
    buffer.x = core.cols - 2;
    eraseInDisplay.call(handler, params, respectProtect);
    buffer.x = x;
    handler.eraseInLine(params, respectProtect);
    const below = buffer.lines.get(buffer.ybase + buffer.y + 1);
    if (below !== undefined && buffer.y + 1 < core.rows) below.isWrapped = false;
    return true;
  };
}

/**
 * With DECAWM off, what stock draws at the margin depends on how the text was cut: a wide character that does not fit steps back into
 * the one before it, which only the next call clears. There, one call a character.
 */
function printAlikeInAnyCut({ core, handler }: Engine): void {
  const { buffers } = core._bufferService;
  const { print } = handler;
  handler.print = function (data: Uint32Array, start: number, end: number): void {
    if (core.coreService.decPrivateModes.wraparound || buffers.active.x + 2 * (end - start) <= core.cols)
      print.call(handler, data, start, end);
    else for (let at = start; at < end; at++) print.call(handler, data, at, at + 1);
  };
}

/** Flags of `ESC (`, in the order snapshots number them from 1; 0 is ASCII. Aliases (C5, E6, H7) share one set. Append only. */
export const CHARSET_FLAGS = "0A4CRQKYEZH=" as const;
let charsetTable: Charset[] | undefined;

/** The sets behind {@link CHARSET_FLAGS}: xterm does not export them, so a probe terminal is asked to select each. */
export function charsetsByNumber(): readonly Charset[] {
  if (charsetTable === undefined) {
    const probe = bareEngine({ cols: 2, rows: 1 }, 0);
    charsetTable = [undefined];
    for (const flag of CHARSET_FLAGS) {
      probe.handler.parse(Buffer.from(`\x1b(${flag}`));
      charsetTable.push(probe.core._charsetService._charsets[0]);
    }
    probe.terminal.dispose();
  }
  return charsetTable;
}

/**
 * Holds every internal property used against the xterm that is installed. Call once before the first terminal.
 * @throws Error naming the property and the version this was written for.
 */
export function checkEngine(): void {
  const { core, handler, parser } = bareEngine({ cols: 4, rows: 2 }, 2);
  const expect = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`@xterm/headless is not the ${EXPECTED_VERSION} this was written for: ${what} is missing or has changed`);
  };
  const has = (owner: string, object: object, fields: Record<string, string>): void => {
    for (const [field, type] of Object.entries(fields)) {
      expect(typeof (object as Record<string, unknown>)[field] === type, `${owner}.${field} (${type})`);
    }
  };
  has("core", core, {
    _charsetService: "object",
    registerCsiHandler: "function",
    registerDcsHandler: "function",
    registerEscHandler: "function",
    registerOscHandler: "function",
  });
  has("input handler", handler, {
    parse: "function",
    print: "function",
    saveCursor: "function",
    restoreCursor: "function",
    softReset: "function",
    eraseInDisplay: "function",
    eraseInLine: "function",
    screenAlignmentPattern: "function",
    onColor: "function",
    _curAttrData: "object",
    _parseBuffer: "object",
    _windowTitle: "string",
    _iconName: "string",
    _windowTitleStack: "object",
    _iconNameStack: "object",
  });
  has("parser", parser, { currentState: "number", precedingJoinState: "number", _oscParser: "object", _dcsParser: "object" });
  has("osc parser", parser._oscParser, { _id: "number" });
  has("dcs parser", parser._dcsParser, { _ident: "number" });
  has("core service", core.coreService, { isCursorHidden: "boolean", modes: "object", decPrivateModes: "object" });
  has("mouse service", core.coreMouseService, { activeProtocol: "string", activeEncoding: "string" });
  has("options", core.optionsService.rawOptions, { convertEol: "boolean", cursorBlink: "boolean" });
  const { normal, alt } = core._bufferService.buffers;
  for (const buffer of [normal, alt]) {
    has("buffer", buffer, {
      x: "number",
      y: "number",
      ybase: "number",
      ydisp: "number",
      scrollTop: "number",
      scrollBottom: "number",
      savedX: "number",
      savedY: "number",
      savedCurAttrData: "object",
      tabs: "object",
      lines: "object",
      fillViewportRows: "function",
      _memoryCleanupQueue: "object",
    });
  }
  handler.parse(Buffer.from("\x1b[1;4:3;31;48;5;9ma\u0301\u4e00\x1b]0;"));
  expect(parser.currentState === OSC_STRING_STATE, "the number of the parser's OSC state");
  const line = normal.lines.get(0);
  expect(line !== undefined && line._data instanceof Uint32Array && line._data.length === 12, "the layout of a line");
  if (line === undefined) return;
  expect(line._combined[0] === "a\u0301", "the map of combined characters");
  expect(line._data[0] === 0x60_0000 && line._data[3] === 0x80_4e00 && line._data[6] === 0, "the layout of a cell's content");
  expect(line._data[1] === 0x1900_0001 && line._data[2] === 0x1200_0009, "the layout of a cell's attributes");
  expect(line._extendedAttrs[0]?._ext === 0x0c00_0000 && line._extendedAttrs[0]._urlId === 0, "the layout of extended attributes");
  core._bufferService.buffers.normal._memoryCleanupQueue.clear();
}
