/**
 * A terminal's exact state as bytes: fed the same bytes afterwards, the terminal made from a snapshot and the original are the same
 * in every cell, also after any later resize. Only for a terminal at rest (no sequence begun).
 *
 * Frame: "LGT", version, codec (0 plain, 1 deflate), length and CRC-32 of the payload, payload. All numbers little-endian.
 * Bump {@link VERSION} when anything in the payload changes; an older snapshot is then refused and the spool replayed instead.
 */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { TerminalSize } from "../../session.js";
import { ByteReader, ByteWriter, SnapshotError } from "./bytes.js";
import type { Attributes, Charset, Engine, ScreenBuffer } from "./engine-shapes.js";
import { charsetsByNumber, createExtended } from "./engine.js";
import type { KeyboardFlags } from "./keyboard.js";
import { BLANK_LINE, LineDecoder, LineEncoder } from "./snapshot-lines.js";
import type { TerminalState } from "./state.js";

const MAGIC = Buffer.from("LGT");
const VERSION = 1;
const HEADER_BYTES = 13;
const PLAIN = 0;
const DEFLATE = 1;
/** A snapshot of 1 000 rows × 1 000 columns of four-byte characters in changing colours stays below. */
const MOST_BYTES = 64 * 1_048_576;
const MOST_LINES = 1_000_000;
const MOST_TABS = 100_000;

const CURSOR_STYLES = [undefined, "block", "underline", "bar"] as const;
const PROTOCOLS = ["NONE", "X10", "VT200", "DRAG", "ANY"];
const ENCODINGS = ["DEFAULT", "SGR", "SGR_PIXELS"];

export function encodeSnapshot(state: TerminalState, options: { compress?: boolean; withoutLines?: boolean }): Uint8Array {
  const { compress = false, withoutLines = false } = options;
  const writer = new ByteWriter(64 * 1024);
  writeState(writer, state, withoutLines);
  const payload = writer.taken();
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header[3] = VERSION;
  header[4] = compress ? DEFLATE : PLAIN;
  header.writeUInt32LE(payload.length, 5);
  header.writeUInt32LE(crc32(payload), 9);
  return Buffer.concat([header, compress ? deflateRawSync(payload, { level: 1 }) : payload]);
}

/**
 * @param create makes the blank state that is then filled
 * @throws SnapshotError when the bytes are no snapshot, damaged, or of another version
 */
export function decodeSnapshot(bytes: Uint8Array, create: (size: TerminalSize) => TerminalState): TerminalState {
  const reader = new ByteReader(payloadOf(bytes));
  const size = { cols: reader.count(100_000), rows: reader.count(100_000) };
  if (size.cols < 2 || size.rows < 1) throw new SnapshotError(`a size of ${size.cols}×${size.rows}`);
  const state = create(size);
  readState(reader, state);
  if (reader.at !== reader.bytes.length) throw new SnapshotError(`${reader.bytes.length - reader.at} bytes too many`);
  return state;
}

function payloadOf(bytes: Uint8Array): Uint8Array {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.length < HEADER_BYTES || !all.subarray(0, 3).equals(MAGIC)) throw new SnapshotError("these bytes are none");
  if (all[3] !== VERSION) throw new SnapshotError(`version ${all[3]}, this is for version ${VERSION}`);
  const length = all.readUInt32LE(5);
  if (length > MOST_BYTES) throw new SnapshotError(`claims ${length} bytes, at most ${MOST_BYTES} can be`);
  let payload = all.subarray(HEADER_BYTES);
  if (all[4] === DEFLATE) {
    try {
      payload = inflateRawSync(payload, { maxOutputLength: Math.max(1, length) });
    } catch (error) {
      throw new SnapshotError(`cannot be inflated: ${error instanceof Error ? error.message : String(error)}`);
    }
  } else if (all[4] !== PLAIN) {
    throw new SnapshotError(`unknown codec ${all[4]}`);
  }
  if (payload.length !== length) throw new SnapshotError(`has ${payload.length} bytes of ${length}`);
  const sum = crc32(payload);
  if (sum !== all.readUInt32LE(9)) throw new SnapshotError("damaged: its checksum does not match");
  return payload;
}

function writeState(writer: ByteWriter, state: TerminalState, withoutLines: boolean): void {
  const { core, handler, parser } = state.engine;
  const { buffers } = core._bufferService;
  const alternate = buffers.active === buffers.alt;
  writer.count(core.cols);
  writer.count(core.rows);
  writer.byte(alternate ? 1 : 0);
  writer.count(parser.precedingJoinState);
  writeAttributes(writer, handler._curAttrData);
  writeCharsets(writer, core._charsetService._charsets, core._charsetService.glevel);
  writeModes(writer, state);
  for (const text of [handler._windowTitle, handler._iconName]) writer.text(text);
  for (const stack of [handler._windowTitleStack, handler._iconNameStack]) {
    writer.count(stack.length);
    for (const text of stack) writer.text(text);
  }
  writeKeyboard(writer, state.keyboard.main);
  writeKeyboard(writer, state.keyboard.alternate);
  writer.byte(state.keyboard.modifyOtherKeys);
  writer.count(state.colours.changed.size);
  for (const [index, rgb] of state.colours.changed) {
    writer.count(index);
    for (const part of rgb) writer.byte(part);
  }
  const links = state.links.entries();
  writer.count(state.links.next);
  writer.count(links.length);
  for (const [number, link] of links) {
    writer.count(number);
    writer.text(link.id);
    writer.text(link.uri);
  }
  const lines = new LineEncoder(writer);
  for (const buffer of [buffers.normal, buffers.alt]) writeBuffer(writer, withoutLines ? null : lines, buffer, core.cols);
}

function readState(reader: ByteReader, state: TerminalState): void {
  const { engine } = state;
  const { core, handler, parser } = engine;
  const { buffers } = core._bufferService;
  if (reader.flag()) buffers.activateAltBuffer();
  const joinState = reader.count();
  readAttributes(reader, engine, handler._curAttrData);
  const { sets, level } = readCharsets(reader);
  core._charsetService._charsets = sets;
  core._charsetService.glevel = level;
  core._charsetService.charset = sets[level];
  readModes(reader, state);
  handler._windowTitle = reader.text();
  handler._iconName = reader.text();
  for (const stack of [handler._windowTitleStack, handler._iconNameStack]) {
    for (let count = reader.count(100); count > 0; count--) stack.push(reader.text());
  }
  readKeyboard(reader, state.keyboard.main);
  readKeyboard(reader, state.keyboard.alternate);
  state.keyboard.modifyOtherKeys = reader.byte();
  for (let count = reader.count(1000); count > 0; count--) {
    state.colours.changed.set(reader.count(1000), [reader.byte(), reader.byte(), reader.byte()]);
  }
  state.links.next = reader.count();
  for (let count = reader.count(MOST_LINES); count > 0; count--)
    state.links.restore(reader.count(), { id: reader.text(), uri: reader.text() });
  const lines = new LineDecoder(reader, engine);
  for (const buffer of [buffers.normal, buffers.alt]) readBuffer(reader, lines, engine, buffer);
  parser.precedingJoinState = joinState;
}

function writeModes(writer: ByteWriter, { engine: { core } }: TerminalState): void {
  const modes = core.coreService.decPrivateModes;
  const { rawOptions } = core.optionsService;
  const flags = [
    modes.applicationCursorKeys,
    modes.applicationKeypad,
    modes.bracketedPasteMode,
    modes.origin,
    modes.reverseWraparound,
    modes.sendFocus,
    modes.synchronizedOutput,
    modes.wraparound,
    core.coreService.modes.insertMode,
    core.coreService.isCursorHidden,
    rawOptions.convertEol,
    rawOptions.cursorBlink,
  ];
  for (const flag of flags) writer.byte(flag ? 1 : 0);
  writer.byte(modes.cursorBlink === undefined ? 2 : modes.cursorBlink ? 1 : 0);
  writer.byte(CURSOR_STYLES.indexOf(modes.cursorStyle));
  writer.byte(PROTOCOLS.indexOf(core.coreMouseService.activeProtocol));
  writer.byte(ENCODINGS.indexOf(core.coreMouseService.activeEncoding));
}

function readModes(reader: ByteReader, { engine: { core } }: TerminalState): void {
  const modes = core.coreService.decPrivateModes;
  const { options } = core.optionsService;
  modes.applicationCursorKeys = reader.flag();
  modes.applicationKeypad = reader.flag();
  modes.bracketedPasteMode = reader.flag();
  modes.origin = reader.flag();
  modes.reverseWraparound = reader.flag();
  modes.sendFocus = reader.flag();
  modes.synchronizedOutput = reader.flag();
  modes.wraparound = reader.flag();
  core.coreService.modes.insertMode = reader.flag();
  core.coreService.isCursorHidden = reader.flag();
  options.convertEol = reader.flag();
  options.cursorBlink = reader.flag();
  const blink = reader.byte();
  modes.cursorBlink = blink === 2 ? undefined : blink === 1;
  modes.cursorStyle = CURSOR_STYLES[reader.byte()];
  core.coreMouseService.activeProtocol = PROTOCOLS[reader.byte()] ?? "NONE";
  core.coreMouseService.activeEncoding = ENCODINGS[reader.byte()] ?? "DEFAULT";
}

/** @param lines null: blank ones are written */
function writeBuffer(writer: ByteWriter, lines: LineEncoder | null, buffer: ScreenBuffer, cols: number): void {
  for (const value of [buffer.x, buffer.y, buffer.ybase, buffer.scrollTop, buffer.scrollBottom, buffer.savedX, buffer.savedY])
    writer.count(value);
  writeAttributes(writer, buffer.savedCurAttrData);
  writer.byte(buffer.savedSets === undefined ? 0 : 1);
  if (buffer.savedSets !== undefined) writeCharsets(writer, buffer.savedSets.sets, buffer.savedSets.level);
  const tabs = Object.keys(buffer.tabs).filter((column) => buffer.tabs[Number(column)] === true);
  writer.count(tabs.length);
  for (const column of tabs) writer.count(Number(column));
  writer.count(buffer.lines.length);
  for (let y = 0; y < buffer.lines.length; y++) {
    const line = buffer.lines.get(y);
    if (line === undefined) throw new SnapshotError(`line ${y} of ${buffer.lines.length} is missing`);
    if (lines === null) writer.count(BLANK_LINE);
    else lines.write(line, cols);
  }
}

function readBuffer(reader: ByteReader, lines: LineDecoder, engine: Engine, buffer: ScreenBuffer): void {
  const { cols } = engine.core;
  buffer.x = reader.count();
  buffer.y = reader.count();
  buffer.ybase = reader.count();
  buffer.scrollTop = reader.count();
  buffer.scrollBottom = reader.count();
  buffer.savedX = reader.count();
  buffer.savedY = reader.count();
  readAttributes(reader, engine, buffer.savedCurAttrData);
  if (reader.flag()) {
    buffer.savedSets = readCharsets(reader);
    buffer.savedCharset = buffer.savedSets.sets[buffer.savedSets.level];
  }
  buffer.tabs = {};
  for (let count = reader.count(MOST_TABS); count > 0; count--) buffer.tabs[reader.count()] = true;
  const length = reader.count(MOST_LINES);
  // Less history than the snapshot holds: the oldest lines go.
  const dropped = Math.max(0, length - buffer.lines.maxLength);
  buffer.lines.length = length - dropped;
  for (let y = 0; y < length; y++) {
    const line = lines.read(cols, y >= dropped);
    if (y >= dropped) buffer.lines.set(y - dropped, line);
  }
  buffer.ybase = Math.max(0, buffer.ybase - dropped);
  buffer.savedY = Math.max(0, buffer.savedY - dropped);
  buffer.ydisp = buffer.ybase;
}

function writeAttributes(writer: ByteWriter, { fg, bg, extended }: Attributes): void {
  for (const word of [fg, bg, extended._ext]) writer.word(word);
  writer.count(extended._urlId);
}

function readAttributes(reader: ByteReader, engine: Engine, into: Attributes): void {
  // Signed: xterm computes them with bit operators, and compares words of cells (unsigned) only among themselves.
  into.fg = reader.word() | 0;
  into.bg = reader.word() | 0;
  into.extended = createExtended(engine, reader.word() | 0, reader.count());
}

function writeCharsets(writer: ByteWriter, sets: Charset[], level: number): void {
  const table = charsetsByNumber();
  writer.byte(level);
  for (let i = 0; i < 4; i++) writer.byte(Math.max(0, table.indexOf(sets[i])));
}

function readCharsets(reader: ByteReader): { sets: Charset[]; level: number } {
  const table = charsetsByNumber();
  const level = reader.byte() & 3;
  return { level, sets: [0, 1, 2, 3].map(() => table[reader.byte()]) };
}

function writeKeyboard(writer: ByteWriter, flags: KeyboardFlags): void {
  writer.byte(flags.current);
  writer.count(flags.stack.length);
  for (const pushed of flags.stack) writer.byte(pushed);
}

function readKeyboard(reader: ByteReader, flags: KeyboardFlags): void {
  flags.current = reader.byte();
  for (let count = reader.count(100); count > 0; count--) flags.stack.push(reader.byte());
}
