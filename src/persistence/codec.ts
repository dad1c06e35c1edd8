/** Compression with the codec written beside, on libuv's threads; what comes out is checked against what went in. */
import { webcrypto } from "node:crypto";
import { hash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants, deflate, inflate } from "node:zlib";
import type { BrotliOptions, InputType, ZlibOptions } from "node:zlib";
import type { Codec, Section } from "./record-shapes.js";

const brotli = promisify<InputType, BrotliOptions, Buffer>(brotliCompress);
const unbrotli = promisify<InputType, BrotliOptions, Buffer>(brotliDecompress);
const squeeze = promisify<InputType, ZlibOptions, Buffer>(deflate);
const unsqueeze = promisify<InputType, ZlibOptions, Buffer>(inflate);

/** Below this a codec costs more than it saves. */
const SMALLEST = 128;
/** Hashing more than this is worth a thread. */
const HASH_HERE = 64 * 1024;

/**
 * - `brotli` for small parts (details, contexts up to 1 MiB): quality 4, a fifth smaller than deflate at its speed.
 * - `deflate` for larger ones: quick.
 * - `none` when neither makes it smaller: pictures, archives.
 */
export async function pack(name: Section["name"], bytes: Uint8Array): Promise<{ section: Section; stored: Uint8Array }> {
  let codec: Codec = "none";
  let stored = bytes;
  if (bytes.byteLength >= SMALLEST) {
    const wanted: Codec = bytes.byteLength <= 1024 * 1024 ? "brotli" : "deflate";
    const packed =
      wanted === "brotli"
        ? await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength } })
        : await squeeze(bytes, { level: 4 });
    if (packed.length < bytes.byteLength) [codec, stored] = [wanted, packed];
  }
  return { section: { name, codec, bytes: bytes.byteLength, stored: stored.byteLength, sha256: await sha256(bytes) }, stored };
}

/** @throws Error saying what is wrong with it; never more than `section.bytes` bytes are made of it */
export async function unpack(section: Section, stored: Buffer): Promise<Buffer> {
  const bytes = await decompress(section, stored);
  if (bytes.length !== section.bytes) throw new Error(`its ${section.name} has ${bytes.length} bytes, ${section.bytes} were stored`);
  if ((await sha256(bytes)) !== section.sha256) throw new Error(`the checksum of its ${section.name} is wrong`);
  return bytes;
}

async function decompress({ codec, bytes }: Section, stored: Buffer): Promise<Buffer> {
  const maxOutputLength = Math.max(1, bytes);
  switch (codec) {
    case "none":
      // A copy: who keeps a small part must not keep the whole file in memory.
      return Buffer.from(stored);
    case "brotli":
      return await unbrotli(stored, { maxOutputLength });
    case "deflate":
      return await unsqueeze(stored, { maxOutputLength });
  }
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  if (bytes.byteLength <= HASH_HERE) return hash("sha256", bytes, "hex");
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).toString("hex");
}
