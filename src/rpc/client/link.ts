/** One connection to the daemon, MessagePack: sends calls, settles them when their answers come, and says when it is lost. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { LifeguardError, messageOf } from "../../errors.js";
import { checkSocketPath } from "../../paths.js";
import { errorFromWire, MessagePack } from "../dialect.js";
import type { Incoming } from "../dialect.js";

export interface LinkEvents {
  notification(name: string, params: unknown): void;
  /** Once, after every pending call has been rejected. */
  lost(error: LifeguardError): void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export interface LinkCallOptions {
  signal?: AbortSignal | undefined;
  deadlineMs?: number | undefined;
  atOnce?: ((result: unknown) => void) | undefined;
}

/** What we take from the daemon: a listing of thousands of sessions is one message. */
const LIMITS = { maxFrameBytes: 128 * 1024 * 1024, maxNesting: 128, maxValues: 50_000_000 };

export class Link {
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  readonly #dialect = new MessagePack(LIMITS);
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #lost: LifeguardError | null = null;

  private constructor(socket: Socket, events: LinkEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", (error) => this.#end(unavailable(`the connection to the daemon failed: ${error.message}`, error)));
    socket.on("close", () => this.#end(unavailable("the daemon closed the connection")));
  }

  /** @throws LifeguardError UNAVAILABLE when nobody answers there, INVALID_PARAMS when no socket can have that path */
  static open(path: string, events: LinkEvents, timeoutMs: number): Promise<Link> {
    return new Promise((resolve, reject) => {
      checkSocketPath(path);
      const socket = connect({ path });
      const fail = (error: LifeguardError): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(error);
      };
      const timer = setTimeout(() => fail(unavailable(`no answer at ${path} within ${timeoutMs} ms`)), timeoutMs);
      const refused = (error: Error): void => fail(unavailable(`cannot reach the daemon at ${path}: ${error.message}`, error));
      socket.once("error", refused);
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", refused);
        resolve(new Link(socket, events));
      });
    });
  }

  get lost(): LifeguardError | null {
    return this.#lost;
  }

  call(method: string, params: Record<string, unknown>, options: LinkCallOptions = {}): Promise<unknown> {
    const { signal, deadlineMs } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#lost !== null) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        this.#pending.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
      };
      const giveUp = (error: Error): void => {
        settle();
        this.#send(this.#dialect.request(this.#nextId++, "rpc.cancel", { id }));
        reject(error);
      };
      const aborted = (): void => giveUp(signal?.reason as Error);
      signal?.addEventListener("abort", aborted, { once: true });
      if (deadlineMs !== undefined)
        timer = setTimeout(
          () => giveUp(new LifeguardError("TIMEOUT", `${method} was not answered within ${deadlineMs} ms`, { limit: deadlineMs })),
          deadlineMs,
        );
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          options.atOnce?.(result);
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#send(this.#dialect.request(id, method, params));
    });
  }

  /** Keeps the process alive, or not. */
  reference(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Ends the connection once what was sent is out; pending calls are rejected with UNAVAILABLE. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.destroySoon();
    this.#end(unavailable("the client was closed"));
    await closed;
  }

  #send(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  #received(chunk: Buffer): void {
    try {
      this.#dialect.push(chunk);
      for (let message = this.#dialect.next(); message !== null; message = this.#dialect.next()) this.#message(message);
    } catch (error) {
      this.#end(unavailable(`the daemon sent what is not the protocol: ${messageOf(error)}`, error));
      this.#socket.destroy();
    }
  }

  #message(message: Incoming): void {
    if (message.type === "notification") {
      const params: unknown = Array.isArray(message.params) ? message.params[0] : message.params;
      this.#events.notification(message.method, params);
      return;
    }
    if (message.type !== "response") return;
    if (message.id === null) {
      this.#end(message.error === null ? unavailable("the daemon ended the connection") : errorFromWire(message.error));
      this.#socket.destroy();
      return;
    }
    const pending = typeof message.id === "number" ? this.#pending.get(message.id) : undefined;
    if (message.error === null) pending?.resolve(message.result);
    else pending?.reject(errorFromWire(message.error));
  }

  #end(error: LifeguardError): void {
    if (this.#lost !== null) return;
    this.#lost = error;
    for (const pending of [...this.#pending.values()]) pending.reject(error);
    this.#events.lost(error);
  }
}

function unavailable(message: string, cause?: unknown): LifeguardError {
  return new LifeguardError("UNAVAILABLE", message, {}, cause === undefined ? {} : { cause });
}
