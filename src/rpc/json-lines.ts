/**
 * The twin of MessagePack for people and standard libraries: one JSON object a line. Like the frame scanner it looks at a byte
 * once, and refuses size, depth and number of values before anything is parsed. Bytes travel as base64 in a field `…_b64`.
 */
import { isUtf8 } from "node:buffer";
import { LifeguardError, messageOf } from "../errors.js";
import type { FrameLimits } from "./framing.js";

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function refuse(message: string, data: Record<string, unknown> = {}): LifeguardError {
  return new LifeguardError("PROTOCOL", message, data);
}

export class LineScanner {
  readonly #limits: FrameLimits;
  #held: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #at = 0;
  #owned = false;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  get pending(): number {
    return this.#end - this.#start;
  }

  push(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#held = chunk;
      this.#owned = false;
      this.#start = this.#at = 0;
      this.#end = chunk.length;
      return;
    }
    const rest = this.#end - this.#start;
    if (!this.#owned || this.#end + chunk.length > this.#held.length)
      this.#moveTo(Buffer.allocUnsafe(Math.max(rest + chunk.length, Math.min(rest * 2, this.#limits.maxFrameBytes))));
    chunk.copy(this.#held, this.#end);
    this.#end += chunk.length;
  }

  /** The next line's object, or null until more bytes come. Blank lines are skipped. @throws LifeguardError PROTOCOL */
  next(): Record<string, unknown> | null {
    for (;;) {
      const newline = this.#held.subarray(0, this.#end).indexOf(NEWLINE, this.#at);
      const size = (newline < 0 ? this.#end : newline) - this.#start;
      if (size > this.#limits.maxFrameBytes)
        throw refuse(`a line has at least ${size} bytes, the limit is ${this.#limits.maxFrameBytes} (rpc.max_frame_bytes)`, {
          limit: this.#limits.maxFrameBytes,
        });
      if (newline < 0) {
        this.#at = this.#end;
        if (this.#start === this.#end) {
          this.#held = Buffer.alloc(0);
          this.#start = this.#end = this.#at = 0;
          this.#owned = false;
        } else if (!this.#owned) this.#moveTo(Buffer.allocUnsafe(Math.max(256, this.#end - this.#start)));
        return null;
      }
      const line = this.#held.subarray(this.#start, newline);
      this.#start = this.#at = newline + 1;
      if (isBlank(line)) continue;
      return this.#parse(line);
    }
  }

  #moveTo(next: Buffer): void {
    this.#held.copy(next, 0, this.#start, this.#end);
    this.#at -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    this.#held = next;
    this.#owned = true;
  }

  #parse(line: Buffer): Record<string, unknown> {
    if (!isUtf8(line)) throw refuse("a line is not UTF-8; send bytes as base64 in a field …_b64");
    measure(line, this.#limits);
    let value: unknown;
    try {
      value = JSON.parse(line.toString("utf8"));
    } catch (error) {
      throw refuse(`a line is not JSON: ${messageOf(error).slice(0, 200)}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw refuse(`a line is not a JSON object: ${line.toString("utf8", 0, 60)}`);
    return value as Record<string, unknown>;
  }
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false;
  return true;
}

/** Refuses depth and number of values by brackets and commas alone. */
function measure(line: Buffer, limits: FrameLimits): void {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at] as number;
    if (byte === QUOTE) {
      at = endOfString(line, at + 1);
    } else if (byte === 0x7b || byte === 0x5b) {
      values++;
      if (++depth > limits.maxNesting) throw refuse(`a message nests deeper than ${limits.maxNesting}`, { limit: limits.maxNesting });
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    } else if (byte === 0x2c && ++values > limits.maxValues) {
      throw refuse(`a message holds more than ${limits.maxValues} values`, { limit: limits.maxValues });
    }
  }
}

/** Index of the closing quote (or the line's end). Jumps from quote to quote, because data is one long string. */
function endOfString(line: Buffer, from: number): number {
  for (let at = from; ; at++) {
    at = line.indexOf(QUOTE, at);
    if (at < 0) return line.length;
    let backslashes = 0;
    while (line[at - 1 - backslashes] === BACKSLASH && at - 1 - backslashes >= from) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

/**
 * Bytes in a result or a notification, however deep, become base64 under their field's name and `_b64`. What holds none is not
 * copied. Bytes in a list have no field: they become a plain base64 string.
 */
export function withBase64(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  if (Array.isArray(value)) return listWithBase64(value);
  const fields = value as Record<string, unknown>;
  let changed: Record<string, unknown> | null = null;
  for (const key in fields) {
    const field = fields[key];
    if (typeof field !== "object" || field === null) continue;
    const plain = withBase64(field);
    if (plain === field) continue;
    changed ??= { ...fields };
    if (field instanceof Uint8Array) {
      delete changed[key];
      changed[`${key}_b64`] = plain;
    } else changed[key] = plain;
  }
  return changed ?? value;
}

function listWithBase64(list: readonly unknown[]): readonly unknown[] {
  let changed: unknown[] | null = null;
  for (const [index, element] of list.entries()) {
    const plain = withBase64(element);
    if (plain === element) continue;
    changed ??= [...list];
    changed[index] = plain;
  }
  return changed ?? list;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes, or null when it is no base64 (RFC 4648 section 4, padding may be left out). */
export function fromBase64(text: string): Buffer | null {
  if (!BASE64.test(text) || text.replace(/=+$/, "").length % 4 === 1) return null;
  return Buffer.from(text, "base64");
}
