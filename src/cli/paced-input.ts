/**
 * Bytes into a session, in order, at the pace at which its program reads: what the session's queue does not take now is offered
 * again, sooner while it makes progress.
 */
import { LifeguardError } from "../errors.js";
import type { CallOptions, Client } from "../rpc/client.js";
import type { Terminal } from "./terminal.js";

/** One `session.input`: a quarter of a session's queue, so that others get a turn. */
const SLICE_BYTES = 64 * 1024;
/** One `session.paste`, which is taken whole or not at all: less than a session's queue (256 KiB). A longer text goes as several pastes. */
const PASTE_BYTES = 192 * 1024;
const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 250;
/** Nothing taken for so long: whoever waits is told why. */
const STALLED_MS = 2_000;
/** What is on its way when the time is over is answered within this, or the daemon does not answer at all. */
const ANSWER_MS = 1_000;

export interface Waiting {
  signal?: AbortSignal | undefined;
  /** For all of it, not for each try. For ever when left out. */
  timeoutMs?: number | undefined;
  /** Called once, when nothing was taken for 2 s. @param left bytes that wait @param total bytes in all */
  stalled?: ((left: number, total: number) => void) | undefined;
}

/** Waits as a verb does: it says on stderr that it waits. */
export function tellingWait(id: string, terminal: Terminal, timeoutMs: number | undefined): Waiting {
  const stalled = (left: number, total: number): void =>
    void terminal.stderr.write(
      `lifeguard: the program in ${id} does not read: waiting for it with ${left} of ${total} bytes left, until Ctrl-C${timeoutMs === undefined ? "" : " or the timeout"}\n`,
    );
  return { timeoutMs, stalled };
}

/**
 * @param waiting `enter`: press Enter when all is taken, which counts as one byte more
 * @throws LifeguardError all but BUSY; TIMEOUT with how much was taken
 */
export async function sendBytes(client: Client, id: string, bytes: Uint8Array, waiting: Waiting & { enter?: boolean } = {}): Promise<void> {
  const { enter = false } = waiting;
  const pace = new Pace(bytes.length + (enter ? 1 : 0), waiting);
  for (let at = 0; at < bytes.length;) {
    const data = bytes.subarray(at, at + SLICE_BYTES);
    at += await pace.offer(async (options) => (await client.call("session.input", { id, data }, options)).accepted);
  }
  for (let taken = enter ? 0 : 1; taken === 0;)
    taken = await pace.offer(async (options) =>
      Math.min(1, (await client.call("session.keys", { id, keys: ["Enter"] }, options)).accepted),
    );
}

/** @throws LifeguardError all but BUSY; TIMEOUT with how much was taken */
export async function sendPaste(client: Client, id: string, text: string, waiting: Waiting = {}): Promise<void> {
  const pace = new Pace(Buffer.byteLength(text), waiting);
  for (const part of pasteParts(text, PASTE_BYTES)) {
    // What was accepted has the marks of a bracketed paste in it too.
    const paste = async (options: CallOptions): Promise<number> =>
      (await client.call("session.paste", { id, text: part }, options)).accepted > 0 ? Buffer.byteLength(part) : 0;
    while ((await pace.offer(paste)) === 0 && part !== "");
  }
}

/** `text` in parts of at most `most` bytes of UTF-8, cut at line ends where there are some, never inside a character. */
export function pasteParts(text: string, most: number): string[] {
  const bytes = Buffer.from(text);
  const parts: string[] = [];
  let at = 0;
  while (bytes.length - at > most) {
    let end = bytes.lastIndexOf(0x0a, at + most - 1) + 1;
    if (end <= at) {
      end = at + most;
      while (end > at && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    }
    parts.push(bytes.toString("utf8", at, end));
    at = end;
  }
  parts.push(bytes.toString("utf8", at));
  return parts;
}

class Pace {
  readonly #total: number;
  readonly #waiting: Waiting;
  readonly #over: number;
  #taken = 0;
  #waitMs = FIRST_WAIT_MS;
  #progressAt = performance.now();
  #told = false;

  /** @param total bytes in all */
  constructor(total: number, waiting: Waiting) {
    this.#total = total;
    this.#waiting = waiting;
    this.#over = performance.now() + (waiting.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Makes one offer, and waits before the next one where nothing of it was taken.
   * @param make resolves with how many bytes were taken
   * @returns that; 0 when the session's queue is full
   * @throws TIMEOUT when the time is over with some left
   */
  async offer(make: (options: CallOptions) => Promise<number>): Promise<number> {
    const { signal, timeoutMs } = this.#waiting;
    const deadlineMs = timeoutMs === undefined ? undefined : Math.max(ANSWER_MS, this.#over - performance.now());
    const taken = await make({ signal, deadlineMs }).catch(acceptedBeforeBusy);
    await this.#paced(taken);
    return taken;
  }

  async #paced(taken: number): Promise<void> {
    this.#waiting.signal?.throwIfAborted();
    this.#taken += taken;
    const now = performance.now();
    const left = this.#total - this.#taken;
    if (left > 0 && now >= this.#over)
      throw new LifeguardError("TIMEOUT", `the program did not read in time: ${this.#taken} of ${this.#total} bytes were taken`, {
        accepted: this.#taken,
      });
    if (taken > 0) {
      this.#waitMs = FIRST_WAIT_MS;
      this.#progressAt = now;
      return;
    }
    if (!this.#told && now - this.#progressAt >= STALLED_MS) {
      this.#told = true;
      this.#waiting.stalled?.(left, this.#total);
    }
    const waitMs = Math.min(this.#waitMs, Math.max(0, this.#over - now));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
  }
}

/** @returns how much was taken before the queue was full @throws any other error */
function acceptedBeforeBusy(error: unknown): number {
  if (!(error instanceof LifeguardError) || error.name !== "BUSY") throw error;
  const { accepted } = error.data;
  return typeof accepted === "number" ? accepted : 0;
}
