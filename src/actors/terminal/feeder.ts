/**
 * Bytes into the parser, such that the result never depends on how the stream was cut: a replay from the spool must give the very
 * terminal that live reading gave.
 *
 * - A character cut by a chunk's end is held back (≤ 3 bytes). xterm's own decoder loses U+2000–U+203F (dashes, quotes, ellipsis)
 *   when the cut falls before their last byte: it takes a continuation byte 0x80 for a missing one.
 * - A string sequence (OSC, DCS, APC, PM, SOS) that is not ended within {@link STRING_LIMIT} bytes is given up, and what follows is
 *   text again: else one lost terminator would swallow all output to come. Data that is known to be long (clipboard, images)
 *   may go on to {@link BULK_LIMIT} as long as it looks like such data.
 */
import type { Engine } from "./engine-shapes.js";
import { FIRST_STRING_STATE, GROUND, OSC_STRING_STATE } from "./engine.js";

/** Bytes from the introducing ESC to where an unterminated string ends. */
export const STRING_LIMIT = 8_192;
/** The same for OSC 52, 1337 and 5522 (base64) and for sixel. */
export const BULK_LIMIT: number = 4 * 1_048_576;

const ESC = 0x1b;
const BULK_OSC = new Set([52, 1337, 5522]);
const SIXEL = "q".charCodeAt(0);
const CANCEL = Uint8Array.of(0x18);
/** At most the limit, so that no string can begin and outgrow the limit within one piece. */
const PIECE = STRING_LIMIT;

export class Feeder {
  readonly #engine: Engine;
  readonly #held: Uint8Array = new Uint8Array(4);
  #heldLength = 0;
  /** Bytes since the sequence being parsed was introduced; 0 outside of sequences. */
  #since = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** True when everything fed is parsed: no sequence begun, no half character. */
  get atRest(): boolean {
    return this.#heldLength === 0 && this.#engine.parser.currentState === GROUND;
  }

  feed(bytes: Uint8Array): void {
    let from = 0;
    if (this.#heldLength > 0) {
      from = this.#completeHeld(bytes);
      if (this.#heldLength > 0) return;
    }
    const to = characterBoundary(bytes, from, bytes.length);
    this.#run(bytes, from, to);
    while (this.#heldLength < bytes.length - to) {
      this.#held[this.#heldLength] = bytes[to + this.#heldLength] ?? 0;
      this.#heldLength++;
    }
  }

  /** Returns how many bytes it took. A held character that is not continued is dropped, as the decoder does with malformed ones. */
  #completeHeld(bytes: Uint8Array): number {
    const need = sequenceLength(this.#held[0] ?? 0);
    let taken = 0;
    while (this.#heldLength < need && taken < bytes.length) {
      const byte = bytes[taken] ?? 0;
      if (!isContinuation(byte)) {
        if (this.#since > 0) this.#since += this.#heldLength;
        this.#heldLength = 0;
        return taken;
      }
      this.#held[this.#heldLength++] = byte;
      taken++;
    }
    if (this.#heldLength === need) {
      this.#heldLength = 0;
      this.#run(this.#held, 0, need);
    }
    return taken;
  }

  #run(bytes: Uint8Array, from: number, end: number): void {
    let at = from;
    while (at < end) {
      let to = Math.min(at + PIECE, end);
      if (this.#engine.parser.currentState >= FIRST_STRING_STATE) to = this.#stringPiece(bytes, at, to);
      else if (to < end) to = characterBoundary(bytes, at, to);
      this.#parse(bytes, at, to);
      at = to;
    }
  }

  /** Where the next piece ends when a string is open; gives the string up first when it has reached its limit. */
  #stringPiece(bytes: Uint8Array, at: number, to: number): number {
    if (this.#since < STRING_LIMIT) return wholeCharacter(bytes, Math.min(to, at + STRING_LIMIT - this.#since), to);
    if (this.#since < BULK_LIMIT && this.#isBulk()) {
      const limit = Math.min(to, at + BULK_LIMIT - this.#since);
      const stray = strayByte(bytes, at, limit, this.#engine.parser.currentState === OSC_STRING_STATE);
      if (stray > at) return stray;
    }
    this.#engine.handler.parse(CANCEL);
    this.#since = 0;
    return characterBoundary(bytes, at, to);
  }

  #isBulk(): boolean {
    const { parser } = this.#engine;
    return parser.currentState === OSC_STRING_STATE ? BULK_OSC.has(parser._oscParser._id) : parser._dcsParser._ident === SIXEL;
  }

  #parse(bytes: Uint8Array, at: number, to: number): void {
    this.#engine.handler.parse(at === 0 && to === bytes.length ? bytes : bytes.subarray(at, to));
    if (this.#engine.parser.currentState === GROUND) {
      this.#since = 0;
    } else {
      const introducer = lastIntroducer(bytes, at, to);
      this.#since = introducer < 0 ? this.#since + to - at : to - introducer;
    }
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Bytes of the character this byte begins; 1 for what begins none. */
function sequenceLength(lead: number): number {
  if (lead < 0xc0 || lead > 0xf7) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** `end`, or where the character begins that `end` would cut. */
function characterBoundary(bytes: Uint8Array, from: number, end: number): number {
  for (let at = end - 1; at >= from && at >= end - 3; at--) {
    const byte = bytes[at] ?? 0;
    if (isContinuation(byte)) continue;
    return at + sequenceLength(byte) > end ? at : end;
  }
  return end;
}

/** `end`, moved on to where the character ends that it would cut, at most to `last`. */
function wholeCharacter(bytes: Uint8Array, end: number, last: number): number {
  let to = end;
  while (to < last && to < end + 3 && isContinuation(bytes[to] ?? 0)) to++;
  return to;
}

/** Where the sequence that is open at `to` was introduced: ESC or an 8-bit introducer (U+0090, 98, 9B, 9D–9F); -1: before `at`. */
function lastIntroducer(bytes: Uint8Array, at: number, to: number): number {
  for (let i = to - 1; i >= at; i--) {
    const byte = bytes[i];
    if (byte === ESC) return i;
    if (byte === 0xc2 && i + 1 < to) {
      const next = bytes[i + 1] ?? 0;
      if (next === 0x90 || next === 0x98 || next === 0x9b || (next >= 0x9d && next <= 0x9f)) return i;
    }
  }
  return -1;
}

/** The first byte that neither belongs to bulk data nor ends it; `to` when there is none. Base64 has no line ends, sixel may. */
function strayByte(bytes: Uint8Array, at: number, to: number, base64: boolean): number {
  for (let i = at; i < to; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === ESC || byte === 0x07 || byte === 0x18 || byte === 0x1a) return to;
    if (byte === 0x20 || byte >= 0x80 || (byte < 0x20 && (base64 || (byte !== 0x0a && byte !== 0x0d)))) return i;
  }
  return to;
}
