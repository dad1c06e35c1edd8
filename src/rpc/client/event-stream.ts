/** Events as an async iterator that survives a reconnect by its cursor. */
import { LifeguardError } from "../../errors.js";
import type { Client } from "../client.js";
import type { Cursor, Result, WireEvent } from "../protocol.js";
import { Channel } from "./channel.js";

export interface EventStreamOptions {
  /** Events after this one come first. Left out: from now on. */
  since?: Cursor;
  kinds?: string[];
  /** A session's id, name or prefix. */
  session?: string;
  signal?: AbortSignal;
}

/** An event, or the news that some were missed (list again; `from` is null when unknown). */
export type EventStreamItem = WireEvent | { kind: "events.gap"; boot: string; from: number | null; to: number };

/** Events waiting for the loop. Beyond, they are dropped and become one gap. */
const WAITING = 20_000;

export class EventStream implements AsyncIterableIterator<EventStreamItem> {
  readonly #client: Client;
  readonly #options: EventStreamOptions;
  readonly #channel = new Channel<EventStreamItem>();
  readonly #undo: (() => void)[] = [];
  #cursor: Cursor | null;
  #subscription: string | null = null;
  #overflowed = false;
  /** Settles when the subscription stands: from then on no event is missed. @throws what `events.subscribe` throws */
  readonly ready: Promise<Cursor>;

  constructor(client: Client, options: EventStreamOptions) {
    this.#client = client;
    this.#options = options;
    this.#cursor = options.since ?? null;
    const { signal } = options;
    this.#undo.push(
      client.on("event", (event) => this.#event(event)),
      client.on("events.gap", (gap) => {
        if (gap.subscription === this.#subscription) this.#push({ kind: "events.gap", boot: gap.boot, from: gap.from, to: gap.to });
      }),
      client.onConnection("connected", () => void this.#subscribe().catch((error: unknown) => this.#fail(error))),
      client.onConnection("disconnected", (error) => {
        this.#subscription = null;
        if (!client.reconnects) this.#fail(error);
      }),
      client.onConnection("closed", () => this.#finish()),
    );
    if (signal !== undefined) {
      const aborted = (): void => void this.return();
      signal.addEventListener("abort", aborted, { once: true });
      this.#undo.push(() => signal.removeEventListener("abort", aborted));
    }
    this.ready = this.#subscribe();
    this.ready.catch((error: unknown) => this.#fail(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<EventStreamItem, undefined>> {
    const item = await this.#channel.take();
    if (this.#overflowed && this.#channel.size === 0) {
      this.#overflowed = false;
      const cursor = this.#cursor;
      this.#channel.push({ kind: "events.gap", boot: cursor?.boot ?? "", from: null, to: cursor?.seq ?? 0 });
    }
    return item === undefined ? { done: true, value: undefined } : { done: false, value: item };
  }

  return(): Promise<IteratorResult<EventStreamItem, undefined>> {
    const subscription = this.#subscription;
    this.#finish();
    if (subscription !== null && this.#client.connected) this.#client.call("events.unsubscribe", { subscription }).catch(() => undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  async #subscribe(): Promise<Cursor> {
    const { kinds, session } = this.#options;
    const since = this.#cursor;
    const params = {
      ...(since === null ? {} : { since }),
      ...(kinds === undefined ? {} : { kinds }),
      ...(session === undefined ? {} : { session }),
    };
    const answer = await this.#client.call("events.subscribe", params, {
      atOnce: (result) => this.#begin(result as Result<"events.subscribe">, since),
    });
    return { boot: answer.boot, seq: answer.seq };
  }

  /** Before the first event that follows the answer. */
  #begin(answer: Result<"events.subscribe">, since: Cursor | null): void {
    this.#subscription = answer.subscription;
    const cursor = { boot: answer.boot, seq: answer.seq };
    if (answer.gap) {
      this.#push({ kind: "events.gap", boot: answer.boot, from: since?.boot === answer.boot ? since.seq + 1 : null, to: answer.seq });
      this.#cursor = cursor;
    }
    this.#cursor ??= cursor;
  }

  #event(event: WireEvent): void {
    if (this.#subscription === null || (event.subscription !== undefined && event.subscription !== this.#subscription)) return;
    this.#cursor = { boot: event.boot, seq: event.seq };
    this.#push(event);
  }

  #push(item: EventStreamItem): void {
    if (this.#channel.size >= WAITING) this.#overflowed = true;
    else if (!this.#overflowed) this.#channel.push(item);
  }

  #fail(error: unknown): void {
    this.#channel.fail(error instanceof Error ? error : new LifeguardError("UNAVAILABLE", String(error)));
    this.#finish();
  }

  #finish(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#channel.end();
  }
}
