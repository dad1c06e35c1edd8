/**
 * How every file of the store looks, journals' segments excepted:
 *
 * ```
 * lifeguard-record 1 <kind> <version> <meta bytes> <meta crc> <body bytes> <body crc> <crc of this line up to here>\n
 * <meta: JSON>\n
 * <body>
 * ```
 * The first line has its own checksum, so that a version that is said to be newer really is: such a file is left alone, a damaged
 * one goes to quarantine. Meta has its own too: a listing reads it without the body. `head -2 FILE` shows both to a person.
 */
import { crc32 } from "node:zlib";
import type { z } from "zod";
import { messageOf } from "../errors.js";

export const RECORD_FORMAT = 1;
/** The longest first line; more is not read to find its end. */
const LINE_BYTES = 200;
/** A session's record holds its environment and thought; a checkpoint's meta an index row. */
export const META_BYTES: number = 4 * 1024 * 1024;

export interface RecordType<T> {
  kind: string;
  version: number;
  schema: z.ZodType<T>;
}

/** What reading a file came to. `unsupported` and `unreadable` files are left alone, `damaged` ones moved aside. */
export type Reading<T> = { is: "good"; meta: T; body: Buffer } | { is: "damaged"; reason: string } | { is: "unsupported"; reason: string };

export function encodeRecord<T>(type: RecordType<T>, meta: T, body: readonly Uint8Array[] = []): Uint8Array[] {
  const text = Buffer.from(`${JSON.stringify(meta)}\n`);
  let bodyBytes = 0;
  let bodyCrc = 0;
  for (const part of body) {
    // Of an empty buffer without memory crc32 is 0, not the value handed in.
    if (part.byteLength === 0) continue;
    bodyBytes += part.byteLength;
    bodyCrc = crc32(part, bodyCrc);
  }
  const line = `lifeguard-record ${RECORD_FORMAT} ${type.kind} ${type.version} ${text.length} ${hex(crc32(text))} ${bodyBytes} ${hex(bodyCrc)} `;
  return [Buffer.from(`${line}${hex(crc32(line))}\n`), text, ...body];
}

interface Header {
  kind: string;
  version: number;
  start: number;
  metaBytes: number;
  metaCrc: string;
  bodyBytes: number;
  bodyCrc: string;
}

const LINE = /^lifeguard-record (\d{1,6}) ([a-z-]{1,32}) (\d{1,6}) (\d{1,12}) ([0-9a-f]{8}) (\d{1,12}) ([0-9a-f]{8}) $/;

function parseHeader(file: Buffer): Header | { is: "damaged" | "unsupported"; reason: string } {
  if (file.length === 0) return { is: "damaged", reason: "it is empty" };
  const end = file.subarray(0, LINE_BYTES).indexOf(0x0a);
  if (end < 9) return { is: "damaged", reason: "it does not begin with a record's line" };
  const line = file.toString("latin1", 0, end - 8);
  if (hex(crc32(line)) !== file.toString("latin1", end - 8, end))
    return { is: "damaged", reason: "the checksum of its first line is wrong" };
  const format = /^lifeguard-record (\d+) /.exec(line)?.[1];
  if (format === undefined) return { is: "damaged", reason: "it is no record" };
  if (Number(format) > RECORD_FORMAT) {
    return {
      is: "unsupported",
      reason: `it has format ${format}, this version reads up to ${RECORD_FORMAT}: made by a newer lifeguard, left alone`,
    };
  }
  const match = LINE.exec(line);
  if (match === null) return { is: "damaged", reason: "its first line is not understood" };
  const [, , kind = "", version, metaBytes, metaCrc = "", bodyBytes, bodyCrc = ""] = match;
  return { kind, version: Number(version), start: end + 1, metaBytes: Number(metaBytes), metaCrc, bodyBytes: Number(bodyBytes), bodyCrc };
}

/**
 * @param file the whole file, or with `metaOnly` at least its first {@link metaPrefix} bytes
 * @param fileBytes its size on disk, when `file` is only its beginning
 */
export function decodeRecord<T>(type: RecordType<T>, file: Buffer, options: { metaOnly?: boolean; fileBytes?: number } = {}): Reading<T> {
  const header = parseHeader(file);
  if ("is" in header) return header;
  if (header.kind !== type.kind) return { is: "damaged", reason: `it is a ${header.kind}, expected a ${type.kind}` };
  if (header.version > type.version) {
    return {
      is: "unsupported",
      reason: `it is ${type.kind} version ${header.version}, this version reads up to ${type.version}: made by a newer lifeguard, left alone`,
    };
  }
  const bodyStart = header.start + header.metaBytes;
  const wanted = bodyStart + header.bodyBytes;
  const size = options.fileBytes ?? file.length;
  if (size !== wanted) return { is: "damaged", reason: `it has ${size} bytes, its first line says ${wanted}` };
  const text = file.subarray(header.start, bodyStart);
  if (text.length !== header.metaBytes)
    return { is: "damaged", reason: `${text.length} of ${header.metaBytes} bytes of its meta could be read` };
  if (hex(crc32(text)) !== header.metaCrc) return { is: "damaged", reason: "the checksum of its meta is wrong" };
  const body = options.metaOnly === true ? Buffer.alloc(0) : file.subarray(bodyStart);
  if (options.metaOnly !== true && hex(crc32(body)) !== header.bodyCrc)
    return { is: "damaged", reason: "the checksum of its body is wrong" };
  try {
    return { is: "good", meta: type.schema.parse(JSON.parse(text.toString("utf8"))), body };
  } catch (error) {
    return { is: "damaged", reason: `its meta is not understood: ${messageOf(error).replaceAll(/\s+/g, " ").slice(0, 200)}` };
  }
}

/** How many bytes of a file {@link decodeRecord} wants to see its meta, from the file's first bytes; undefined when they do not say. */
export function metaPrefix(beginning: Buffer): number | undefined {
  const header = parseHeader(beginning);
  return "is" in header ? undefined : header.start + Math.min(header.metaBytes, META_BYTES);
}

export function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, "0");
}
