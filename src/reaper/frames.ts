/**
 * Frames of the keeper's control socket: a length (u32, big endian) and that many bytes of MessagePack. Values of numbers only
 * up to 2^53, text, bytes, null, lists and maps: no extensions.
 */
import { Packr } from "msgpackr";

/** A spawn carries its environment (the system takes about 2 MiB), an adoption 64 records of 64 KiB. */
export const MAX_FRAME_BYTES: number = 16 * 1024 * 1024;

const HEADER_BYTES = 4;

const packr = new Packr({ useRecords: false });

export function encodeFrame(value: unknown): Buffer {
  const body = packr.pack(value);
  if (body.length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${body.length} bytes, at most ${MAX_FRAME_BYTES} go`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, HEADER_BYTES);
  return frame;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;

  /**
   * @returns the values that are complete now; byte fields share memory with each other, copy what is kept
   * @throws RangeError when a length is beyond the bound, Error when the bytes are no MessagePack: end the connection
   */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const values: unknown[] = [];
    for (;;) {
      if (this.#held < HEADER_BYTES) return values;
      let first = this.#chunks[0] as Buffer;
      if (first.length < HEADER_BYTES) first = this.#join();
      const length = first.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${length} bytes, at most ${MAX_FRAME_BYTES} go`);
      const end = HEADER_BYTES + length;
      if (this.#held < end) return values;
      if (first.length < end) first = this.#join();
      values.push(packr.unpack(first.subarray(HEADER_BYTES, end)));
      this.#held -= end;
      if (first.length === end) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(end);
    }
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
