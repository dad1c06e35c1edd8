/** Numbers and strings to bytes and back, for snapshots. Reading past the end throws; nothing here trusts a length it read. */
export class SnapshotError extends Error {
  constructor(message: string) {
    super(`terminal snapshot: ${message}`);
    this.name = "SnapshotError";
  }
}

const TEXT = new TextDecoder();

export class ByteWriter {
  bytes: Buffer;
  at = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Makes room for `count` more bytes, so that a loop may write without checks. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + count));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  word(value: number): void {
    this.reserve(4);
    this.bytes.writeUInt32LE(value >>> 0, this.at);
    this.at += 4;
  }

  /** 0 … 2^53, seven bits a byte. */
  count(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new SnapshotError(`cannot store ${value} as a count`);
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }

  text(value: string): void {
    const encoded = Buffer.from(value);
    this.count(encoded.length);
    this.reserve(encoded.length);
    encoded.copy(this.bytes, this.at);
    this.at += encoded.length;
  }

  taken(): Buffer {
    return this.bytes.subarray(0, this.at);
  }
}

export class ByteReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new SnapshotError("ends too early");
    return value;
  }

  flag(): boolean {
    return this.byte() !== 0;
  }

  word(): number {
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }

  count(most: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > most) throw new SnapshotError(`a count of ${value} where at most ${most} can be`);
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  text(): string {
    const length = this.count(this.bytes.length);
    if (this.at + length > this.bytes.length) throw new SnapshotError("ends too early");
    this.at += length;
    return TEXT.decode(this.bytes.subarray(this.at - length, this.at));
  }
}
