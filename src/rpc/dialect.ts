/**
 * The two dialects behind one interface: bytes in, messages out, and back. The first byte of a connection picks: `{` is JSON
 * lines, anything else MessagePack-RPC.
 */
import { ERROR_CODES, LifeguardError } from "../errors.js";
import type { ErrorName } from "../errors.js";
import { FrameScanner } from "./framing.js";
import type { FrameLimits } from "./framing.js";
import { LineScanner, withBase64 } from "./json-lines.js";
import { Packer } from "./pack.js";
import type { Message, WireError } from "./protocol.js";

export type MessageId = number | string | null;

/** How notifications are sent (`daemon.hello notify`): wrapped into one call that the other side knows. */
export interface NotifyWrap {
  method: string;
  args: unknown[];
}

/** A decoded message. `badText`: some text in it was not UTF-8 and has been changed. */
export type Incoming = Message & { badText: boolean };

export interface Dialect {
  readonly name: "messagepack" | "json";
  /** Bytes of a message not complete yet. */
  readonly pending: number;
  push(chunk: Buffer): void;
  /** The next message, or null until more bytes come. @throws LifeguardError PROTOCOL, after which the dialect is of no use */
  next(): Incoming | null;
  request(id: number, method: string, params: Record<string, unknown>): Buffer;
  result(id: MessageId, result: unknown): Buffer;
  /** @param wrap how notifications are sent: tells whether the other side is Neovim */
  error(id: MessageId, error: LifeguardError, wrap?: NotifyWrap | null): Buffer;
  notification(name: string, params: unknown, wrap: NotifyWrap | null): Buffer;
  /** How many bytes of output fit into a notification that may take `room` bytes on the wire. */
  payload(room: number): number;
}

const OPENING_BRACE = 0x7b;
/** What a notification costs beside its payload. */
const ENVELOPE_BYTES = 512;

/** @param first the connection's first byte */
export function pickDialect(first: number, limits: FrameLimits): Dialect {
  return first === OPENING_BRACE ? new JsonLines(limits) : new MessagePack(limits);
}

const packer = new Packer();

export class MessagePack implements Dialect {
  readonly name = "messagepack";
  readonly #scanner: FrameScanner;

  constructor(limits: FrameLimits) {
    this.#scanner = new FrameScanner(limits);
  }

  get pending(): number {
    return this.#scanner.pending;
  }

  push(chunk: Buffer): void {
    this.#scanner.push(chunk);
  }

  next(): Incoming | null {
    const frame = this.#scanner.next();
    if (frame === null) return null;
    const { value, badText } = frame;
    if (!Array.isArray(value)) throw new LifeguardError("PROTOCOL", "a message is not an array");
    const [type, second, third, fourth] = value as unknown[];
    if (type === 0 && value.length >= 3 && value.length <= 4 && isId(second) && typeof third === "string")
      return { type: "request", id: second, method: third, params: fourth, badText };
    if (type === 2 && value.length >= 2 && value.length <= 3 && typeof second === "string")
      return { type: "notification", method: second, params: third, badText };
    if (type === 1 && value.length === 4 && (second === null || isId(second)))
      return {
        type: "response",
        id: second,
        error: third === null || third === undefined ? null : wireError(third),
        result: fourth,
        badText,
      };
    throw new LifeguardError(
      "PROTOCOL",
      "a message is none of [0, msgid, method, [params]], [1, msgid, error, result], [2, method, [params]]",
    );
  }

  request(id: number, method: string, params: Record<string, unknown>): Buffer {
    return packer.pack([0, id, method, [params]]);
  }

  result(id: MessageId, result: unknown): Buffer {
    return packer.pack([1, id, null, result]);
  }

  error(id: MessageId, error: LifeguardError, wrap: NotifyWrap | null = null): Buffer {
    // Neovim shows the text only of its own two codes (0 exception, 1 validation) and "unknown error" for any other.
    const code = wrap?.method.startsWith("nvim_") === true ? 0 : error.code;
    return packer.pack([1, id, [code, `${error.name}: ${error.message}`], null]);
  }

  notification(name: string, params: unknown, wrap: NotifyWrap | null): Buffer {
    return packer.pack(wrap === null ? [2, name, [params]] : [2, wrap.method, [...wrap.args, [name, params]]]);
  }

  payload(room: number): number {
    return Math.max(0, room - ENVELOPE_BYTES);
  }
}

export class JsonLines implements Dialect {
  readonly name = "json";
  readonly #scanner: LineScanner;

  constructor(limits: FrameLimits) {
    this.#scanner = new LineScanner(limits);
  }

  get pending(): number {
    return this.#scanner.pending;
  }

  push(chunk: Buffer): void {
    this.#scanner.push(chunk);
  }

  next(): Incoming | null {
    const line = this.#scanner.next();
    if (line === null) return null;
    const { id, method, params } = line as { id?: unknown; method?: unknown; params?: unknown };
    if (typeof method === "string") {
      if (id === undefined) return { type: "notification", method, params, badText: false };
      if (isId(id) || (typeof id === "string" && id.length <= 128)) return { type: "request", id, method, params, badText: false };
      throw new LifeguardError("PROTOCOL", "a request's id is a number of at least 0 or a string of at most 128 characters");
    }
    if (id === null || isId(id) || typeof id === "string") {
      const error = (line as { error?: unknown }).error ?? null;
      if (error !== null || "result" in line)
        return { type: "response", id, error: error === null ? null : wireError(error), result: line["result"], badText: false };
    }
    throw new LifeguardError(
      "PROTOCOL",
      'a line is none of {"id", "method", "params"}, {"method", "params"}, {"id", "result"}, {"id", "error"}',
    );
  }

  request(id: number, method: string, params: Record<string, unknown>): Buffer {
    return jsonLine({ id, method, params: withBase64(params) });
  }

  result(id: MessageId, result: unknown): Buffer {
    return jsonLine({ id, result: withBase64(result) ?? null });
  }

  error(id: MessageId, error: LifeguardError): Buffer {
    return jsonLine({ id, error: { code: error.code, name: error.name, message: error.message, data: error.data } });
  }

  notification(name: string, params: unknown, wrap: NotifyWrap | null): Buffer {
    const plain = withBase64(params);
    return jsonLine(wrap === null ? { method: name, params: plain } : { method: wrap.method, params: [...wrap.args, [name, plain]] });
  }

  payload(room: number): number {
    return Math.max(0, Math.floor((room - ENVELOPE_BYTES) / 4) * 3);
  }
}

function jsonLine(message: Record<string, unknown>): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** An error as it came: `[code, "NAME: message"]` or `{code, name, message, data}`; anything else is kept as text. */
function wireError(value: unknown): WireError {
  if (Array.isArray(value) && typeof value[0] === "number" && typeof value[1] === "string") {
    const match = /^([A-Z_]+): ([^]*)$/.exec(value[1]);
    return { code: value[0], name: match?.[1] ?? "INTERNAL", message: match?.[2] ?? value[1], data: {} };
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const { code, name, message, data } = value as Partial<WireError>;
    return {
      code: typeof code === "number" ? code : ERROR_CODES.INTERNAL,
      name: String(name ?? "INTERNAL"),
      message: String(message ?? ""),
      data: typeof data === "object" && data !== null ? data : {},
    };
  }
  return { code: ERROR_CODES.INTERNAL, name: "INTERNAL", message: String(value), data: {} };
}

/** The error to throw for one that arrived; a name we do not know yet is INTERNAL with that name in its message. */
export function errorFromWire(error: WireError): LifeguardError {
  if (Object.hasOwn(ERROR_CODES, error.name)) return new LifeguardError(error.name as ErrorName, error.message, error.data);
  return new LifeguardError("INTERNAL", `${error.name}: ${error.message}`, error.data);
}
