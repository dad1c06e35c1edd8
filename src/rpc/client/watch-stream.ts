/** One session's output: a watch that keeps its offset, acknowledges what was handled, and is made again after a reconnect. */
import { LifeguardError } from "../../errors.js";
import type { Client } from "../client.js";
import type { WatchAnswer } from "../protocol.js";
import { Channel } from "./channel.js";

export interface WatchOptions {
  /** Offset to begin at. Left out: from now. */
  since?: number;
  /** Most bytes under way and not yet acknowledged. Left out: only the connection's own bound. */
  window?: number;
  /** Hold the pen: others cannot type meanwhile. */
  write?: boolean;
  /** Take the pen from whoever holds it. */
  take?: boolean;
  /** This watcher's terminal answers the program's queries. */
  answers?: boolean;
}

export interface WatchHandlers {
  /** Bytes in order. A promise holds back the acknowledgement (with `window`: the flow) until it is kept. */
  output(data: Uint8Array, at: { offset: number; ageMs: number }): void | Promise<void>;
  /** Bytes `from`…`to` are no longer held. */
  gap?(from: number, to: number): void;
  resized?(size: { cols: number; rows: number }, offset: number): void;
  /** Somebody else's watch, `writer`, has taken the pen: what is typed from now is NOT_WRITER. A reconnect does not take it back. */
  penLost?(writer: string): void;
  /** The last call. `lost`: the connection went and does not come back. */
  closed?(reason: "exited" | "removed" | "unwatched" | "lost"): void;
}

export interface ClientWatch {
  /** Its name on this connection; another after a reconnect. */
  readonly watch: string;
  /** Where it began; `gap` bytes before it were asked for and are no longer held. */
  readonly offset: number;
  readonly gap: number;
  /** Where the next byte will be. */
  readonly position: number;
  end(): Promise<void>;
}

export type OutputItem =
  | { type: "output"; offset: number; data: Uint8Array; ageMs: number }
  | { type: "gap"; from: number; to: number }
  | { type: "resized"; cols: number; rows: number; offset: number }
  | { type: "pen_lost"; writer: string }
  | { type: "closed"; reason: "exited" | "removed" | "unwatched" };

export async function startWatch(client: Client, id: string, options: WatchOptions, handlers: WatchHandlers): Promise<ClientWatch> {
  const watcher = new Watcher(client, id, options, handlers);
  await watcher.start();
  return watcher;
}

class Watcher implements ClientWatch {
  readonly #client: Client;
  readonly #id: string;
  #options: WatchOptions;
  readonly #handlers: WatchHandlers;
  readonly #undo: (() => void)[] = [];
  watch = "";
  offset = 0;
  gap = 0;
  position = 0;
  #acknowledged = 0;
  /** The last of the handlers that are still at work. */
  #handling: Promise<void> | null = null;
  #started = false;
  #ended = false;

  constructor(client: Client, id: string, options: WatchOptions, handlers: WatchHandlers) {
    this.#client = client;
    this.#id = id;
    this.#options = options;
    this.#handlers = handlers;
  }

  async start(): Promise<void> {
    const { onLost } = this;
    this.#undo.push(
      this.#client.on("session.output", (params) => {
        if (params.watch === this.watch) this.#output(params.data, params.offset, params.age_ms);
      }),
      this.#client.on("session.gap", (params) => {
        if (params.watch !== this.watch) return;
        this.position = params.to;
        this.#handlers.gap?.(params.from, params.to);
        this.#handled(params.to, null);
      }),
      this.#client.on("session.resized", (params) => {
        if (params.watch === this.watch) this.#handlers.resized?.({ cols: params.cols, rows: params.rows }, params.offset);
      }),
      this.#client.on("session.writer", (params) => {
        if (params.watch !== this.watch) return;
        const { write: _, take: __, ...rest } = this.#options;
        this.#options = rest;
        this.#handlers.penLost?.(params.writer);
      }),
      this.#client.on("session.closed", (params) => {
        if (params.watch === this.watch) this.#close(params.reason);
      }),
      this.#client.onConnection("connected", () => void this.#again()),
      this.#client.onConnection("disconnected", () => {
        this.watch = "";
        if (!this.#client.reconnects) onLost();
      }),
      this.#client.onConnection("closed", onLost),
    );
    try {
      await this.#begin(this.#options.since);
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    const { watch } = this;
    this.#forget();
    if (watch !== "" && this.#client.connected) await this.#client.call("session.unwatch", { watch }).catch(() => undefined);
  }

  readonly onLost = (): void => this.#close("lost");

  async #begin(since: number | undefined): Promise<void> {
    const params = { id: this.#id, ...this.#options, ...(since === undefined ? {} : { since }) };
    const answer = await this.#client.call("session.watch", params, { atOnce: (result) => this.#begun(result as WatchAnswer) });
    if (this.#ended) await this.#client.call("session.unwatch", { watch: answer.watch }).catch(() => undefined);
  }

  /** Before the first output that follows the answer. */
  #begun(answer: WatchAnswer): void {
    if (this.#ended) return;
    this.watch = answer.watch;
    if (!this.#started) {
      this.#started = true;
      this.offset = answer.offset;
      this.gap = answer.gap;
    } else if (answer.gap > 0) {
      this.#handlers.gap?.(answer.offset - answer.gap, answer.offset);
    }
    this.position = this.#acknowledged = answer.offset;
  }

  async #again(): Promise<void> {
    try {
      await this.#begin(this.position);
    } catch (error) {
      if (error instanceof LifeguardError && error.name === "UNAVAILABLE" && !this.#client.connected) return;
      this.#close("removed");
    }
  }

  #output(data: Uint8Array, offset: number, ageMs: number): void {
    this.position = offset + data.length;
    const handled = this.#handlers.output(data, { offset, ageMs });
    this.#handled(this.position, handled instanceof Promise ? handled : null);
  }

  /** Everything before `end` is dealt with, once `handled` and what is still being handled before it are. */
  #handled(end: number, handled: Promise<void> | null): void {
    const { watch } = this;
    if (this.#handling === null && handled === null) {
      this.#acknowledge(end, watch);
      return;
    }
    const step: Promise<void> = Promise.all([this.#handling, handled]).then(
      () => {
        if (this.#handling === step) this.#handling = null;
        this.#acknowledge(end, watch);
      },
      () => this.end(),
    );
    this.#handling = step;
  }

  /** Half a window is often enough to keep the flow, and far fewer messages than one a chunk. */
  #acknowledge(end: number, watch: string): void {
    const { window } = this.#options;
    if (window === undefined || watch !== this.watch || this.#ended || watch === "") return;
    if (end - this.#acknowledged < window / 2) return;
    this.#acknowledged = end;
    this.#client.call("session.ack", { watch, offset: end }).catch(() => undefined);
  }

  #close(reason: "exited" | "removed" | "unwatched" | "lost"): void {
    if (this.#ended) return;
    this.#forget();
    this.#handlers.closed?.(reason);
  }

  #forget(): void {
    this.#ended = true;
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/** The bytes a loop may fall behind by default. */
const WINDOW = 256 * 1024;

export class OutputStream implements AsyncIterableIterator<OutputItem> {
  readonly #channel = new Channel<OutputItem>();
  readonly #started: Promise<ClientWatch>;
  readonly #signal: AbortSignal | undefined;
  /** Called when the item handed out last has been dealt with: the loop asks for the next. */
  #consumed: (() => void) | null = null;
  readonly #waiting: (() => void)[] = [];

  constructor(client: Client, id: string, options: WatchOptions & { signal?: AbortSignal }) {
    const { signal, ...watch } = options;
    this.#signal = signal;
    this.#started = startWatch(
      client,
      id,
      { window: WINDOW, ...watch },
      {
        output: (data, at) => {
          this.#channel.push({ type: "output", offset: at.offset, data, ageMs: at.ageMs });
          return new Promise((resolve) => this.#waiting.push(resolve));
        },
        gap: (from, to) => this.#channel.push({ type: "gap", from, to }),
        resized: (size, offset) => this.#channel.push({ type: "resized", ...size, offset }),
        penLost: (writer) => this.#channel.push({ type: "pen_lost", writer }),
        closed: (reason) => {
          if (reason === "lost") this.#channel.fail(new LifeguardError("UNAVAILABLE", "the connection to the daemon was lost"));
          else this.#channel.push({ type: "closed", reason });
          this.#channel.end();
        },
      },
    );
    this.#started.catch((error: Error) => this.#channel.fail(error));
    signal?.addEventListener("abort", this.#aborted, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<OutputItem, undefined>> {
    this.#consumed?.();
    this.#consumed = null;
    const item = await this.#channel.take();
    if (item === undefined) return { done: true, value: undefined };
    if (item.type === "output") this.#consumed = this.#waiting.shift() ?? null;
    return { done: false, value: item };
  }

  async return(): Promise<IteratorResult<OutputItem, undefined>> {
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#channel.end();
    await this.#started.then(
      (watch) => watch.end(),
      () => undefined,
    );
    return { done: true, value: undefined };
  }

  readonly #aborted = (): void => void this.return();
}
