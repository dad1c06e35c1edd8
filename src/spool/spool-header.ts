/**
 * The first 4096 bytes of a spool file. Versioned, sized, checksummed: a spool is trusted after the death of a process (the page
 * cache lives on), not after a power loss.
 *
 * ```
 * magic 8 │ version u32 │ header bytes u32 │ modulus u64 │ start u64 │ end u64 │ holes u32 │ – 4 │ (from u64, to u64)… │ … │ crc32 u32
 * ```
 */
import { crc32 } from "node:zlib";

export const HEADER_BYTES = 4_096;
const MAGIC = "LGSPOOL\0";
const SPOOL_VERSION = 1;
const FIXED_BYTES = 48;

/** Offsets that a full or failing disk swallowed, [from, to). */
export interface Hole {
  from: number;
  to: number;
}

/** Holes kept apart. At the bound the spool starts after the oldest one. */
export const MAX_HOLES = 64;

export interface SpoolHeader {
  /** Bytes of the ring: offset o lies at o % modulus. Fixed for the file's life. */
  modulus: number;
  start: number;
  end: number;
  /** Ascending and apart. */
  holes: Hole[];
}

export type ParsedHeader = { kind: "ok"; header: SpoolHeader } | { kind: "newer"; version: number } | { kind: "damaged"; reason: string };

/** @param into HEADER_BYTES long */
export function encodeHeader(header: SpoolHeader, into: Buffer): void {
  into.fill(0);
  into.write(MAGIC, 0, "latin1");
  into.writeUInt32LE(SPOOL_VERSION, 8);
  into.writeUInt32LE(HEADER_BYTES, 12);
  into.writeBigUInt64LE(BigInt(header.modulus), 16);
  into.writeBigUInt64LE(BigInt(header.start), 24);
  into.writeBigUInt64LE(BigInt(header.end), 32);
  into.writeUInt32LE(header.holes.length, 40);
  header.holes.forEach((hole, i) => {
    into.writeBigUInt64LE(BigInt(hole.from), FIXED_BYTES + i * 16);
    into.writeBigUInt64LE(BigInt(hole.to), FIXED_BYTES + i * 16 + 8);
  });
  into.writeUInt32LE(crc32(into.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
}

export function parseHeader(bytes: Buffer): ParsedHeader {
  if (bytes.length < HEADER_BYTES) return { kind: "damaged", reason: `it has ${bytes.length} bytes, less than its header` };
  if (bytes.toString("latin1", 0, 8) !== MAGIC) return { kind: "damaged", reason: "it does not begin like a spool" };
  const version = bytes.readUInt32LE(8);
  if (version > SPOOL_VERSION) return { kind: "newer", version };
  if (bytes.readUInt32LE(HEADER_BYTES - 4) !== crc32(bytes.subarray(0, HEADER_BYTES - 4)))
    return { kind: "damaged", reason: "the checksum of its header is wrong" };
  const word = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const holes: Hole[] = [];
  const count = Math.min(bytes.readUInt32LE(40), MAX_HOLES);
  for (let i = 0; i < count; i++) holes.push({ from: word(FIXED_BYTES + i * 16), to: word(FIXED_BYTES + i * 16 + 8) });
  const header = { modulus: word(16), start: word(24), end: word(32), holes };
  if (header.modulus === 0 || header.start > header.end) return { kind: "damaged", reason: "its header contradicts itself" };
  return { kind: "ok", header };
}
