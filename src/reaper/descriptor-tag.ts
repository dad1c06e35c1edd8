/** The 16 bytes that travel with every master: which session's it is, and of which lease. */
import { DESCRIPTOR_MESSAGE_BYTES } from "../libc/sockets.js";

export interface DescriptorTag {
  session: number;
  generation: number;
}

export function encodeTag(tag: DescriptorTag): Buffer {
  const bytes = Buffer.alloc(DESCRIPTOR_MESSAGE_BYTES);
  bytes.writeBigUInt64LE(BigInt(tag.session), 0);
  bytes.writeUInt32LE(tag.generation, 8);
  return bytes;
}

export function decodeTag(bytes: Buffer): DescriptorTag {
  return { session: Number(bytes.readBigUInt64LE(0)), generation: bytes.readUInt32LE(8) };
}
