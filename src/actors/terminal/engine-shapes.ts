/** The shapes of @xterm/headless inside that engine.ts reaches for: what is used of them, and no more. */
import type * as Xterm from "@xterm/headless";

/** Underline style and colour, and link, of cells; shared between cells and never changed once a cell holds it. */
export interface ExtendedAttributes {
  _ext: number;
  _urlId: number;
  clone(): ExtendedAttributes;
}

/** Current attributes. `fg` and `bg` are laid out as in a cell, see cells.ts. */
export interface Attributes {
  fg: number;
  bg: number;
  extended: ExtendedAttributes;
  updateExtended(): void;
}

/** A row. `_data` has three words a cell: content, fg, bg. The two maps may hold leftovers for cells that no longer use them. */
export interface Line {
  _data: Uint32Array;
  _combined: Record<number, string>;
  _extendedAttrs: Record<number, ExtendedAttributes | undefined>;
  length: number;
  isWrapped: boolean;
  clone(): Line;
}

interface LineList {
  length: number;
  maxLength: number;
  get(index: number): Line | undefined;
  set(index: number, line: Line): void;
}

/** A character set is known by identity; undefined is ASCII. */
export type Charset = Readonly<Record<string, string>> | undefined;

interface Charsets {
  charset: Charset;
  glevel: number;
  _charsets: Charset[];
}

/** One of the two screens. `y` counts from the top of the screen, `savedY` from the oldest line of history. */
export interface ScreenBuffer {
  x: number;
  y: number;
  ybase: number;
  ydisp: number;
  scrollTop: number;
  scrollBottom: number;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attributes;
  savedCharset: Charset;
  /** Ours: what DECSC saves of the character sets. */
  savedSets?: SavedSets;
  tabs: Record<number, boolean | undefined>;
  lines: LineList;
  fillViewportRows(): void;
  _memoryCleanupQueue: { clear(): void };
}

export interface SavedSets {
  sets: Charset[];
  level: number;
}

export interface PrivateModes {
  applicationCursorKeys: boolean;
  applicationKeypad: boolean;
  bracketedPasteMode: boolean;
  cursorBlink: boolean | undefined;
  cursorStyle: "block" | "underline" | "bar" | undefined;
  origin: boolean;
  reverseWraparound: boolean;
  sendFocus: boolean;
  synchronizedOutput: boolean;
  wraparound: boolean;
}

/** Parameters of a sequence; `params` beyond `length` is leftovers. */
export interface Params {
  params: Int32Array;
  length: number;
}

interface Parser {
  currentState: number;
  precedingJoinState: number;
  _oscParser: { _id: number };
  _dcsParser: { _ident: number };
}

/** `type`: 0 query, 1 set, 2 back to default. `index`: 0–255, or 256 foreground, 257 background, 258 cursor; absent: all. */
export interface ColourRequest {
  type: 0 | 1 | 2;
  index?: number;
  color?: [number, number, number];
}

interface Handler {
  parse(data: Uint8Array): void;
  print(data: Uint32Array, start: number, end: number): void;
  saveCursor(): boolean;
  restoreCursor(): boolean;
  softReset(params: Params): boolean;
  eraseInDisplay(params: Params, respectProtect: boolean): boolean;
  eraseInLine(params: Params, respectProtect: boolean): boolean;
  screenAlignmentPattern(): boolean;
  onColor(listener: (requests: ColourRequest[]) => void): { dispose(): void };
  _parser: Parser;
  _parseBuffer: Uint32Array;
  _curAttrData: Attributes;
  _windowTitle: string;
  _iconName: string;
  _windowTitleStack: string[];
  _iconNameStack: string[];
}

interface FunctionId {
  prefix?: string;
  intermediates?: string;
  final: string;
}

export interface Core {
  cols: number;
  rows: number;
  _inputHandler: Handler;
  _charsetService: Charsets;
  _bufferService: {
    cols: number;
    rows: number;
    buffers: { normal: ScreenBuffer; alt: ScreenBuffer; active: ScreenBuffer; activateAltBuffer(): void };
  };
  coreService: { isCursorHidden: boolean; modes: { insertMode: boolean }; decPrivateModes: PrivateModes };
  coreMouseService: { activeProtocol: string; activeEncoding: string };
  optionsService: {
    rawOptions: { convertEol: boolean; cursorBlink: boolean };
    options: { convertEol: boolean; cursorBlink: boolean; windowsPty: object };
  };
  registerCsiHandler(id: FunctionId, callback: (params: Params) => boolean): void;
  registerDcsHandler(id: FunctionId, callback: (data: string, params: Params) => boolean): void;
  registerEscHandler(id: FunctionId, callback: () => boolean): void;
  registerOscHandler(code: number, callback: (data: string) => boolean): void;
}

/** An xterm with its insides. */
export interface Engine {
  readonly terminal: Xterm.Terminal;
  readonly core: Core;
  readonly handler: Handler;
  readonly parser: Parser;
}
