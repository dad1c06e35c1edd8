/** What a person types, on its way into the session: in order, at the program's pace, never the same bytes twice. */
import { LifeguardError } from "../../errors.js";
import type { Client } from "../../rpc/client.js";
import { reconnected } from "../connect.js";
import { sendBytes } from "../paced-input.js";

/** Typed ahead of a program that does not read (1 MiB, beside what the session itself queues). Beyond, keys are refused with a bell. */
const QUEUE_BYTES = 1_048_576;
/** Keys typed while the daemon is away wait so long for it. */
const DAEMON_BACK_MS = 60_000;

export class Typing {
  readonly #client: Client;
  readonly #id: string;
  readonly #refused: (error: LifeguardError) => void;
  readonly #stop = new AbortController();
  #queue: Buffer[] = [];
  #queued = 0;
  #sending = false;

  /** @param refused what was typed last went nowhere, and why */
  constructor(client: Client, id: string, refused: (error: LifeguardError) => void) {
    this.#client = client;
    this.#id = id;
    this.#refused = refused;
  }

  /** @returns false when the queue is full: nothing of it was taken */
  add(chunk: Buffer): boolean {
    if (this.#queued + chunk.length > QUEUE_BYTES) return false;
    this.#queue.push(Buffer.from(chunk));
    this.#queued += chunk.length;
    if (!this.#sending) void this.#send();
    return true;
  }

  stop(): void {
    this.#stop.abort(new LifeguardError("UNAVAILABLE", "detached"));
    this.#queue = [];
  }

  async #send(): Promise<void> {
    this.#sending = true;
    while (this.#queue.length > 0 && !this.#stop.signal.aborted) {
      if (!(await reconnected(this.#client, DAEMON_BACK_MS, this.#stop.signal))) this.#queue = [];
      const bytes = Buffer.concat(this.#queue);
      this.#queue = [];
      try {
        await sendBytes(this.#client, this.#id, bytes, { signal: this.#stop.signal });
      } catch (error) {
        // What was under way when a connection broke may have arrived: it is not sent again.
        if (!(error instanceof LifeguardError)) throw error;
        if (error.name !== "UNAVAILABLE") this.#queue = [];
        if (!this.#stop.signal.aborted && error.name !== "UNAVAILABLE") this.#refused(error);
      }
      this.#queued = this.#queue.reduce((sum, chunk) => sum + chunk.length, 0);
    }
    this.#sending = false;
  }
}
