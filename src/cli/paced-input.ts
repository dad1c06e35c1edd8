/**
 * Bytes into a session, in order, at the pace at which its program reads: what the session's queue does not take now is offered
 * again, sooner while it makes progress.
 */
import { LifeguardError } from "../errors.js";
import type { Client } from "../rpc/client.js";

/** One `session.input`: a quarter of a session's queue, so that others get a turn. */
const SLICE_BYTES = 64 * 1024;
/** One `session.paste`, which is taken whole or not at all: less than a session's queue (256 KiB). A longer text goes as several pastes. */
const PASTE_BYTES = 192 * 1024;
const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 250;

/** @throws LifeguardError all but BUSY */
export async function sendBytes(client: Client, id: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  let at = 0;
  const pace = new Pace(signal);
  while (at < bytes.length) {
    const data = bytes.subarray(at, at + SLICE_BYTES);
    const accepted = await takenOrBusy(async () => (await client.call("session.input", { id, data }, { signal })).accepted);
    at += accepted;
    await pace.after(accepted > 0);
  }
}

/** @throws LifeguardError all but BUSY */
export async function sendPaste(client: Client, id: string, text: string): Promise<void> {
  const pace = new Pace();
  for (const part of pasteParts(text, PASTE_BYTES)) {
    for (let done = false; !done;) {
      done = (await takenOrBusy(async () => (await client.call("session.paste", { id, text: part })).accepted)) > 0 || part === "";
      await pace.after(done);
    }
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

/** How much was taken; 0 when the queue is full. */
async function takenOrBusy(offer: () => Promise<number>): Promise<number> {
  try {
    return await offer();
  } catch (error) {
    if (!(error instanceof LifeguardError) || error.name !== "BUSY") throw error;
    const { accepted } = error.data;
    return typeof accepted === "number" ? accepted : 0;
  }
}

class Pace {
  readonly #signal: AbortSignal | undefined;
  #waitMs = FIRST_WAIT_MS;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  async after(progress: boolean): Promise<void> {
    this.#signal?.throwIfAborted();
    if (progress) {
      this.#waitMs = FIRST_WAIT_MS;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, this.#waitMs));
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
  }
}
