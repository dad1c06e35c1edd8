/**
 * Where a MessagePack message ends. The scanner walks headers only, remembers where it stopped, and never looks at a byte twice;
 * what cannot become a message (a hostile length, too deep, an extension, the reserved byte) is refused at its first header,
 * before anything is allocated for it. Only whole, checked frames go to the decoder.
 */
import { isUtf8 } from "node:buffer";
import { Unpackr } from "msgpackr";
import { LifeguardError, messageOf } from "../errors.js";

export interface FrameLimits {
  /** Bytes of one message. */
  maxFrameBytes: number;
  /** Arrays and maps inside one another, the message's own array included. */
  maxNesting: number;
  /** Values in one message: a frame of a million empty arrays costs a hundred times its size in memory. */
  maxValues: number;
}

export interface Frame {
  /** The message, decoded. Bytes in it are copies. */
  value: unknown;
  /** True when some text in it was not UTF-8 (and was changed by decoding): the request is refused, the connection lives. */
  badText: boolean;
}

/** "auto" (a number while it is safe, else a bigint) is missing from the package's types. */
const DECODE: object = { useRecords: false, mapsAsObjects: true, int64AsType: "auto", copyBuffers: true };
const unpackr = new Unpackr(DECODE);

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

function refuse(message: string, data: Record<string, unknown> = {}): LifeguardError {
  return new LifeguardError("PROTOCOL", message, data);
}

export class FrameScanner {
  readonly #limits: FrameLimits;
  /** Bytes of frames not complete yet: [start, end) of `#held` are in use. */
  #held: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** Next byte to look at. Beyond `#end` while a payload is under way. */
  #at = 0;
  /** Values still to come at each level of nesting. */
  readonly #left: number[] = [];
  #values = 0;
  /** Where the text under way begins, or -1. */
  #text = -1;
  #inPayload = false;
  #badText = false;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** Bytes waiting for the rest of their frame. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Takes bytes; they may be reused by the caller once {@link next} has returned null. */
  push(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#at -= this.#start;
      this.#held = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    this.#reserve(chunk.length);
    chunk.copy(this.#held, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole message, or null until more bytes come. @throws LifeguardError PROTOCOL, after which the scanner is of no use */
  next(): Frame | null {
    const end = this.#scan();
    if (end === null) {
      this.#keepRest();
      return null;
    }
    const slice = this.#held.subarray(this.#start, end);
    const frame: Frame = { value: undefined, badText: this.#badText };
    this.#start = end;
    this.#values = 0;
    this.#badText = false;
    try {
      frame.value = unpackr.unpack(slice);
    } catch (error) {
      throw refuse(`a message could not be decoded: ${messageOf(error).slice(0, 200)}`);
    }
    return frame;
  }

  /** What the caller lent must be copied before it is reused. */
  #keepRest(): void {
    const rest = this.#end - this.#start;
    if (rest === 0) {
      this.#at -= this.#start;
      this.#start = this.#end = 0;
      this.#held = Buffer.alloc(0);
      return;
    }
    if (this.#owned === this.#held) return;
    const copy = Buffer.allocUnsafe(Math.max(256, rest));
    this.#held.copy(copy, 0, this.#start, this.#end);
    this.#move(copy);
  }

  /** The buffer in `#held` when it is ours to write into. */
  #owned: Buffer | null = null;

  #reserve(more: number): void {
    const rest = this.#end - this.#start;
    if (this.#owned === this.#held && this.#end + more <= this.#held.length) return;
    const size = rest + more;
    const next =
      this.#owned === this.#held && size <= this.#held.length
        ? this.#held
        : Buffer.allocUnsafe(Math.max(size, Math.min(rest * 2, this.#limits.maxFrameBytes)));
    this.#held.copy(next, 0, this.#start, this.#end);
    this.#move(next);
  }

  /** `#held` becomes `next`, whose first bytes are the ones in use. */
  #move(next: Buffer): void {
    const by = this.#start;
    this.#held = next;
    this.#owned = next;
    this.#at -= by;
    this.#end -= by;
    if (this.#text >= 0) this.#text -= by;
    this.#start = 0;
  }

  /** Where the frame at `#start` ends, or null. */
  #scan(): number | null {
    for (;;) {
      if (this.#inPayload) {
        if (this.#at > this.#end) return null;
        this.#inPayload = false;
        if (this.#text >= 0) {
          if (!this.#badText) this.#badText = !isText(this.#held, this.#text, this.#at);
          this.#text = -1;
        }
        if (this.#complete()) return this.#at;
        continue;
      }
      if (this.#at >= this.#end) return null;
      const byte = this.#held[this.#at] as number;
      if (this.#left.length === 0 && !(byte >= 0x90 && byte <= 0x9f) && byte !== 0xdc && byte !== 0xdd) {
        throw refuse(
          `a message begins with ${hex(byte)}, which is neither a MessagePack-RPC array nor (as the connection's first byte) '{' of JSON lines`,
        );
      }
      if (++this.#values > this.#limits.maxValues)
        throw refuse(`a message holds more than ${this.#limits.maxValues} values`, { limit: this.#limits.maxValues });
      if (byte < 0x80 || byte >= 0xe0) this.#payload(1, 0, false);
      else if (byte < 0x90) this.#container(1, (byte & 0x0f) * 2);
      else if (byte < 0xa0) this.#container(1, byte & 0x0f);
      else if (byte < 0xc0) this.#payload(1, byte & 0x1f, true);
      else if (!this.#header(byte)) {
        this.#values--;
        return null;
      }
    }
  }

  /** Headers with a length of their own. False when the length is not all there yet. */
  #header(byte: number): boolean {
    const fixed = FIXED[byte - 0xc0] as number;
    if (fixed >= 0) {
      this.#payload(1, fixed, false);
      return true;
    }
    if (fixed === REFUSED)
      throw refuse(
        byte === 0xc1
          ? "a message holds the reserved byte 0xc1"
          : `a message holds a MessagePack extension (${hex(byte)}); plain types only`,
      );
    const width = -fixed;
    if (this.#at + 1 + width > this.#end) return false;
    const length = this.#held.readUIntBE(this.#at + 1, width);
    if (byte >= 0xde) this.#container(1 + width, length * 2);
    else if (byte >= 0xdc) this.#container(1 + width, length);
    else this.#payload(1 + width, length, byte >= 0xd9);
    return true;
  }

  #payload(header: number, length: number, text: boolean): void {
    this.#fits(header + length);
    if (text) this.#text = this.#at + header;
    this.#at += header + length;
    this.#inPayload = true;
  }

  #container(header: number, elements: number): void {
    this.#fits(header + elements);
    if (this.#left.length + 1 > this.#limits.maxNesting)
      throw refuse(`a message nests deeper than ${this.#limits.maxNesting}`, { limit: this.#limits.maxNesting });
    if (this.#values + elements > this.#limits.maxValues)
      throw refuse(`a message holds more than ${this.#limits.maxValues} values`, { limit: this.#limits.maxValues });
    this.#at += header;
    if (elements === 0) {
      this.#inPayload = true;
      return;
    }
    this.#left.push(elements);
  }

  #fits(more: number): void {
    const size = this.#at - this.#start + more;
    if (size > this.#limits.maxFrameBytes)
      throw refuse(`a message has at least ${size} bytes, the limit is ${this.#limits.maxFrameBytes} (rpc.max_frame_bytes)`, {
        limit: this.#limits.maxFrameBytes,
      });
  }

  /** One value is complete; true when with it the whole message is. */
  #complete(): boolean {
    for (;;) {
      const top = this.#left.length - 1;
      if (top < 0) return true;
      const left = (this.#left[top] as number) - 1;
      if (left > 0) {
        this.#left[top] = left;
        return false;
      }
      this.#left.pop();
    }
  }
}

const REFUSED = -9;
/** For 0xc0…0xdf: payload bytes, or minus the width of the length that follows, or refused. */
const FIXED: readonly number[] = [
  0,
  REFUSED,
  0,
  0, // nil, reserved, false, true
  -1,
  -2,
  -4, // bin
  REFUSED,
  REFUSED,
  REFUSED, // ext
  4,
  8,
  1,
  2,
  4,
  8,
  1,
  2,
  4,
  8, // float, uint, int
  REFUSED,
  REFUSED,
  REFUSED,
  REFUSED,
  REFUSED, // fixext
  -1,
  -2,
  -4, // str
  -2,
  -4, // array
  -2,
  -4, // map
];

/** Short text is checked here: calling out costs more than the loop. */
function isText(buffer: Buffer, from: number, to: number): boolean {
  if (to - from < 64) {
    let at = from;
    while (at < to && (buffer[at] as number) < 0x80) at++;
    if (at === to) return true;
  }
  return isUtf8(buffer.subarray(from, to));
}
