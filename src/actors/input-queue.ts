import { EAGAIN, EIO } from "../libc/descriptors.js";

export interface InputQueueOptions {
  /** Most bytes that wait for a program that does not read. */
  bytes: number;
  /** Most bytes of one write(2). */
  sliceBytes: number;
  /** Most bytes of the terminal's own replies among them. */
  replyBytes: number;
  /** write(2) to the terminal: the count, or `-errno`. */
  write(slice: Uint8Array): number;
  /** A write failed in a way that waiting does not cure. What waited is dropped. */
  failed(errno: number): void;
}

const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 50;
const EINTR = 4;

/**
 * Bytes on their way to a program, in order, written with write(2) in small slices. Never a stream: writing to a master through
 * libuv spins the thread while the program does not read, and a queue of its own has no bound.
 * A full terminal is tried again after 1 ms, doubling to 50 ms.
 */
export class InputQueue {
  readonly #options: InputQueueOptions;
  /** Waiting bytes are [head, tail). Null while nothing waits, which is nearly always. */
  #held: Buffer | null = null;
  #head = 0;
  #tail = 0;
  #replies = 0;
  #retryMs = RETRY_MIN_MS;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: InputQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#tail - this.#head;
  }

  get room(): number {
    return this.#options.bytes - this.waiting;
  }

  /** Takes what fits and returns how much that was. With nothing waiting it is written at once. */
  push(data: Uint8Array): number {
    if (this.#held === null) {
      const written = this.#write(data, 0, data.byteLength);
      if (written === data.byteLength) return written;
      return written + this.#hold(data.subarray(written));
    }
    return this.#hold(data);
  }

  /** An answer of the terminal: whole or not at all. A program that asks without reading loses answers, never our memory. */
  reply(data: Uint8Array): boolean {
    if (this.#held !== null && this.#replies + data.byteLength > this.#options.replyBytes) return false;
    if (data.byteLength > this.room) return false;
    this.push(data);
    if (this.#held !== null) this.#replies += data.byteLength;
    return true;
  }

  close(): void {
    this.#clear();
  }

  #hold(data: Uint8Array): number {
    const taken = Math.min(data.byteLength, this.room);
    if (taken <= 0) return 0;
    this.#reserve(taken);
    const held = this.#held;
    if (held === null) return 0;
    held.set(data.subarray(0, taken), this.#tail);
    this.#tail += taken;
    this.#timer ??= setTimeout(this.#retry, this.#retryMs);
    return taken;
  }

  /** Makes room for `more` bytes behind the tail. */
  #reserve(more: number): void {
    const held = this.#held;
    if (held !== null && this.#tail + more <= held.length) return;
    const waiting = this.waiting;
    const needed = waiting + more;
    const target =
      held !== null && needed <= held.length / 2 ? held : Buffer.allocUnsafeSlow(Math.min(this.#options.bytes, Math.max(4096, needed * 2)));
    held?.copy(target, 0, this.#head, this.#tail);
    this.#held = target;
    this.#head = 0;
    this.#tail = waiting;
  }

  readonly #retry = (): void => {
    this.#timer = null;
    const held = this.#held;
    if (held === null) return;
    const written = this.#write(held, this.#head, this.#tail);
    // A write that failed for good has cleared the queue meanwhile.
    if (this.#held === null) return;
    this.#head += written;
    this.#retryMs = written > 0 ? RETRY_MIN_MS : Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    if (this.#head === this.#tail) this.#clear();
    else this.#timer = setTimeout(this.#retry, this.#retryMs);
  };

  /** Writes until the terminal is full. EIO is a terminal without a program at the moment: it may get one again. */
  #write(data: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const n = this.#options.write(data.subarray(at, Math.min(to, at + this.#options.sliceBytes)));
      if (n > 0) {
        at += n;
        continue;
      }
      if (n === -EINTR) continue;
      if (n !== 0 && n !== -EAGAIN && n !== -EIO) {
        this.#clear();
        this.#options.failed(-n);
        return to - from;
      }
      break;
    }
    return at - from;
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held = null;
    this.#head = 0;
    this.#tail = 0;
    this.#replies = 0;
    this.#retryMs = RETRY_MIN_MS;
  }
}
