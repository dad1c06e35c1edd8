/**
 * Reading a pty master into a page that outlives the thread. The stream owns the descriptor: nobody closes it but the stream's
 * `destroy`, and what else needs it (input, size) borrows its number.
 */
import { ReadStream } from "node:tty";
import { EAGAIN, EIO, duplicate, readDescriptor } from "../libc/descriptors.js";

/** A master whose program has let go of its terminal answers EIO at once, every time: ask after 50 ms, doubling to 5 s. */
const REOPEN_MIN_MS = 50;
const REOPEN_MAX_MS = 5_000;

export interface TtyReaderListener {
  /** `length` bytes have been read into the page. */
  chunk(length: number): void;
  /** The terminal cannot be read any more. */
  failed(error: unknown): void;
}

interface OnRead {
  buffer: Uint8Array;
  callback(length: number): boolean;
}

/** Node's tty streams take net's `onread`; its types do not say so. */
const MasterStream = ReadStream as unknown as new (fd: number, options: { onread: OnRead }) => ReadStream;

/** Most that is left in a terminal when its process ends; a background job that goes on writing is not waited for. */
export const DRAIN_BYTES = 262_144;

export class TtyReader {
  readonly #page: Buffer;
  readonly #listener: TtyReaderListener;
  #stream: ReadStream;
  #fd: number;
  #wanted = false;
  #ended = false;
  #reopenMs = REOPEN_MIN_MS;
  #timer: NodeJS.Timeout | null = null;

  /** Takes over `fd`, also when it throws. Reads nothing before {@link resume}. */
  constructor(fd: number, page: Buffer, listener: TtyReaderListener) {
    this.#page = page;
    this.#listener = listener;
    this.#fd = fd;
    this.#stream = this.#open(fd);
  }

  /** The master, for write(2) and ioctl(2). Valid until {@link close}; ask each time, it may change. */
  get fd(): number {
    return this.#fd;
  }

  get reading(): boolean {
    return this.#wanted;
  }

  resume(): void {
    if (this.#ended || this.#wanted) return;
    this.#wanted = true;
    if (this.#timer === null) this.#stream.resume();
  }

  /** Leaves what comes next in the kernel. No byte is lost: nothing lies between the kernel and the page. */
  pause(): void {
    this.#wanted = false;
    this.#stream.pause();
  }

  /**
   * Reads what is left, at once, into the page chunk by chunk, until the terminal is empty or `limit` bytes have come. The stream
   * must be paused. On Linux a terminal's read flushes what is still on its way before it says EAGAIN, so that empty is empty.
   */
  drain(limit: number): void {
    for (let total = 0; total < limit;) {
      const n = readDescriptor(this.#fd, this.#page);
      if (n === -EAGAIN || n === -EIO || n === 0) return;
      if (n < 0) continue;
      this.#listener.chunk(n);
      total += n;
    }
  }

  /**
   * Takes in what the program has written by now, at once: for who must not act on a screen that is already another. Not from
   * inside {@link TtyReaderListener.chunk}, whose page it would overwrite. Nothing is read while reading is paused.
   */
  takePending(limit: number): void {
    if (!this.#wanted || this.#ended || this.#timer !== null) return;
    this.#stream.pause();
    try {
      this.drain(limit);
    } finally {
      // A listener may have paused it meanwhile, or closed it.
      if (this.#wanted && !this.#ended) this.#stream.resume();
    }
  }

  /** Closes the descriptor; resolves when it is closed. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#wanted = false;
    if (this.#ended) return;
    this.#ended = true;
    const stream = this.#stream;
    await new Promise<void>((resolve) => {
      stream.once("close", () => resolve());
      stream.destroy();
    });
  }

  #open(fd: number): ReadStream {
    const stream = new MasterStream(fd, {
      onread: {
        buffer: this.#page,
        callback: (length) => {
          this.#reopenMs = REOPEN_MIN_MS;
          this.#listener.chunk(length);
          return this.#wanted;
        },
      },
    });
    // A stream that fails closes its descriptor on the way out: a duplicate made before that keeps the terminal ours.
    const destroy = stream._destroy.bind(stream);
    stream._destroy = (error, done) => {
      try {
        if (!this.#ended && stream === this.#stream) this.#reopen();
      } catch (problem) {
        this.#listener.failed(problem);
      }
      destroy(error, done);
    };
    stream.on("error", () => {});
    stream.on("end", () => stream.destroy());
    return stream;
  }

  #reopen(): void {
    const fd = duplicate(this.#fd);
    this.#fd = fd;
    this.#stream = this.#open(fd);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#wanted) this.#stream.resume();
    }, this.#reopenMs);
    this.#reopenMs = Math.min(this.#reopenMs * 2, REOPEN_MAX_MS);
  }
}
