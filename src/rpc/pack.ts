/**
 * MessagePack, written out. msgpackr's own encoder is not used here because it sends integers above 2^32 as float64 and BigInt as
 * int64, and turns `undefined`, Date, Map and Error into extensions that Neovim closes the channel over (facts.md 10).
 *
 * Plain types only: nil, bool, integers (64 bit as uint64/int64), float64, str, bin (any Uint8Array), array, map with string keys.
 * Fields that are undefined are left out; an undefined element is nil.
 */
const FIRST_BYTES = 16 * 1024;
/** A buffer that one large message has grown beyond this is given back. */
const KEPT_BYTES = 256 * 1024;
/** Texts up to this length are written here, character by character, as long as they are ASCII: a call into Node costs more. */
const SHORT_TEXT = 64;

export class Packer {
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** The value's bytes, in memory of their own. @throws TypeError for what is not plain (a function, a symbol, a cycle too deep) */
  pack(value: unknown): Buffer {
    this.#at = 0;
    this.#value(value, 0);
    const packed = Buffer.from(this.#buffer.subarray(0, this.#at));
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(FIRST_BYTES);
    return packed;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = byte;
  }

  #value(value: unknown, depth: number): void {
    if (depth > 256) throw new TypeError("a value nests deeper than 256, or holds itself");
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return this.#byte(value ? 0xc3 : 0xc2);
      case "bigint":
        return this.#big(value);
      case "undefined":
        return this.#byte(0xc0);
      case "object":
        if (value === null) return this.#byte(0xc0);
        if (value instanceof Uint8Array) return this.#bytes(value);
        if (Array.isArray(value)) return this.#array(value, depth);
        return this.#map(value as Record<string, unknown>, depth);
      default:
        throw new TypeError(`${typeof value} is not a MessagePack value`);
    }
  }

  #number(value: number): void {
    if (!Number.isInteger(value) || Object.is(value, -0)) return this.#float(value);
    if (value >= 0) {
      if (value < 0x80) return this.#byte(value);
      if (value > 0xffff_ffff) return Number.isSafeInteger(value) ? this.#long(value) : this.#float(value);
      this.#room(5);
      if (value < 0x100) {
        this.#buffer[this.#at++] = 0xcc;
        this.#buffer[this.#at++] = value;
      } else if (value < 0x1_0000) {
        this.#buffer[this.#at++] = 0xcd;
        this.#at = this.#buffer.writeUInt16BE(value, this.#at);
      } else {
        this.#buffer[this.#at++] = 0xce;
        this.#at = this.#buffer.writeUInt32BE(value, this.#at);
      }
      return;
    }
    if (value >= -0x20) return this.#byte(value & 0xff);
    if (value < -0x8000_0000) return Number.isSafeInteger(value) ? this.#big(BigInt(value)) : this.#float(value);
    this.#room(5);
    this.#buffer[this.#at++] = 0xd2;
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  /** A whole number above 2^32: times, mostly, a handful in every summary. */
  #long(value: number): void {
    this.#room(9);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#buffer[this.#at] = 0xcf;
    this.#buffer.writeUInt32BE(high, this.#at + 1);
    this.#at = this.#buffer.writeUInt32BE(value - high * 0x1_0000_0000, this.#at + 5);
  }

  #big(value: bigint): void {
    this.#room(9);
    this.#buffer[this.#at++] = value >= 0n ? 0xcf : 0xd3;
    this.#at = value >= 0n ? this.#buffer.writeBigUInt64BE(value, this.#at) : this.#buffer.writeBigInt64BE(value, this.#at);
  }

  #float(value: number): void {
    this.#room(9);
    this.#buffer[this.#at++] = 0xcb;
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  #string(value: string): void {
    if (value.length > SHORT_TEXT || !this.#ascii(value)) this.#text(value);
  }

  /** False, with nothing written, when it is not ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#room(2 + length);
    const buffer = this.#buffer;
    const at = this.#at + (length < 32 ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[at + i] = code;
    }
    if (length < 32) {
      buffer[at - 1] = 0xa0 | length;
    } else {
      buffer[at - 2] = 0xd9;
      buffer[at - 1] = length;
    }
    this.#at = at + length;
    return true;
  }

  #text(value: string): void {
    const length = Buffer.byteLength(value);
    this.#room(5 + length);
    if (length < 32) this.#buffer[this.#at++] = 0xa0 | length;
    else this.#length(length, 0xd9, 0xda, 0xdb);
    this.#at += this.#buffer.write(value, this.#at);
  }

  #bytes(value: Uint8Array): void {
    this.#room(5 + value.length);
    this.#length(value.length, 0xc4, 0xc5, 0xc6);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  #array(value: readonly unknown[], depth: number): void {
    this.#room(5);
    if (value.length < 16) this.#buffer[this.#at++] = 0x90 | value.length;
    else this.#length(value.length, null, 0xdc, 0xdd);
    for (const element of value) this.#value(element, depth + 1);
  }

  #map(value: Record<string, unknown>, depth: number): void {
    const keys = Object.keys(value);
    let size = 0;
    for (const key of keys) if (value[key] !== undefined) size++;
    this.#room(5);
    if (size < 16) this.#buffer[this.#at++] = 0x80 | size;
    else this.#length(size, null, 0xde, 0xdf);
    for (const key of keys) {
      const element = value[key];
      if (element === undefined) continue;
      this.#string(key);
      this.#value(element, depth + 1);
    }
  }

  /** Writes a length under the shortest of its three headers; `short` is null where there is none of 8 bits. */
  #length(length: number, short: number | null, medium: number, long: number): void {
    if (short !== null && length < 0x100) {
      this.#buffer[this.#at++] = short;
      this.#buffer[this.#at++] = length;
    } else if (length < 0x1_0000) {
      this.#buffer[this.#at++] = medium;
      this.#at = this.#buffer.writeUInt16BE(length, this.#at);
    } else {
      this.#buffer[this.#at++] = long;
      this.#at = this.#buffer.writeUInt32BE(length, this.#at);
    }
  }
}
