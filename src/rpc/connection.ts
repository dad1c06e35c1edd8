/**
 * One client. Its life: accepted → first byte picks the dialect → requests in, answers out (in any order) → ended by either side
 * → everything it held is let go.
 *
 * What waits for a client in memory is bounded. Watches and events use three quarters of the bound and then wait for room; an
 * answer that may be large waits for room before its request begins; while the bound is passed no request is read; and a client
 * that then takes nothing for {@link STALLED_MS} is closed.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { LifeguardError } from "../errors.js";
import { EAGAIN, writeDescriptor } from "../libc/descriptors.js";
import type { Log } from "../log.js";
import type { Caller, SupervisorApi } from "../supervisor/api.js";
import { Cancellation } from "./cancellation.js";
import { pickDialect } from "./dialect.js";
import type { Dialect, Incoming, NotifyWrap } from "./dialect.js";
import type { EventFeed } from "./event-feed.js";
import type { FrameLimits } from "./framing.js";
import { preview, readParams } from "./method.js";
import type { Host, Method, MethodContext, Peer } from "./method.js";
import { PROTOCOL } from "./protocol.js";
import type { NotificationName, Notifications } from "./protocol.js";
import type { Watcher } from "./watcher.js";

export interface ConnectionParts {
  host: Host;
  supervisor: SupervisorApi;
  methods: ReadonlyMap<string, Method>;
  log: Log;
  frames: FrameLimits;
  outboundBytes: number;
}

/** Requests of one connection under way. At the bound: BUSY. */
export const IN_FLIGHT = 1_024;
/** Less room than this is none: a notification's own cost would outweigh its bytes. */
const LEAST_ROOM = 4_096;
export const STALLED_MS = 30_000;
/** After a last message the other side has so long to read it: on a busy machine it may have most of 16 MiB to write before it does. */
const LAST_WORDS_MS = 5_000;

interface Request {
  id: number | string | null;
  method: Method;
  params: Record<string, unknown>;
  /** What its answer may add to what waits. */
  weight: number;
}

interface Running {
  id: number | string | null;
  cancellable: boolean;
  weight: number;
  abort: Cancellation;
}

export class Connection implements Peer {
  readonly caller: Caller;
  readonly watches: Map<string, Watcher> = new Map();
  readonly feeds: Map<string, EventFeed> = new Map();
  notifyWrap: NotifyWrap | null = null;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #gone: (connection: Connection) => void;
  #dialect: Dialect | null = null;
  readonly #running = new Set<Running>();
  /** Large answers that wait for room, in order. */
  readonly #postponed: Request[] = [];
  #reserved = 0;
  /** Requests are not read while the bound is passed. */
  #held = false;
  /** Nothing more is read: a last message is on its way. */
  #deaf = false;
  /** The client has said all it will (it may still listen). */
  #inputEnded = false;
  #closing = false;
  #over = false;
  #flushedAt: number;

  /** @param gone called once, when the socket is closed */
  constructor(socket: Socket, caller: Caller, parts: ConnectionParts, gone: (connection: Connection) => void) {
    this.#socket = socket;
    this.caller = caller;
    this.#parts = parts;
    this.#gone = gone;
    this.#flushedAt = performance.now();
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#inputEnd());
    socket.on("error", () => undefined); // "close" follows
    socket.on("close", () => this.#finished());
  }

  // ── in ──

  #received(chunk: Buffer): void {
    if (this.#deaf) return;
    try {
      this.#dialect ??= pickDialect(chunk[0] ?? 0, this.#parts.frames);
      this.#dialect.push(chunk);
      this.#pump();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Takes whole messages as long as there is room for their answers. */
  #pump(): void {
    while (!this.#deaf && !this.#over) {
      if (this.#socket.writableLength > this.#parts.outboundBytes) {
        this.#held = true;
        this.#socket.pause();
        return;
      }
      const message = this.#dialect?.next() ?? null;
      if (message === null) break;
      this.#message(message);
    }
    if (this.#held) {
      this.#held = false;
      this.#socket.resume();
    }
    if (this.#inputEnded) this.settled();
  }

  #message(message: Incoming): void {
    if (message.type === "response") return; // we ask nothing
    const id = message.type === "request" ? message.id : null;
    const method = this.#parts.methods.get(message.method);
    if (method === undefined) {
      this.#parts.host.tally.call("unknown", "UNKNOWN_METHOD");
      this.#fail(
        id,
        new LifeguardError("UNKNOWN_METHOD", `unknown method ${preview(message.method)}; daemon.hello lists those there are`, {
          protocol: PROTOCOL,
          method: message.method.slice(0, 128),
        }),
      );
      return;
    }
    try {
      if (message.badText)
        throw new LifeguardError(
          "INVALID_PARAMS",
          `${method.name}: text that is not UTF-8; send bytes as bin, or as base64 in a field …_b64`,
          { protocol: PROTOCOL },
        );
      const params = readParams(method, message.params);
      if (this.#closing) throw new LifeguardError("UNAVAILABLE", "the daemon is stopping", { retry_after_ms: 1_000 });
      if (this.#running.size + this.#postponed.length >= IN_FLIGHT && method.always !== true) {
        throw new LifeguardError("BUSY", `this connection has ${IN_FLIGHT} requests under way; wait for answers`, {
          limit: IN_FLIGHT,
          retry_after_ms: 100,
        });
      }
      const request: Request = { id, method, params, weight: method.answerBytes?.(params) ?? 0 };
      if (request.weight > 0 && (this.#postponed.length > 0 || !this.#fits(request.weight))) this.#postponed.push(request);
      else this.#run(request);
    } catch (error) {
      this.#fail(id, error, method);
    }
  }

  /** One large answer always fits: it is as large as the contract lets it be. */
  #fits(weight: number): boolean {
    const waiting = this.#socket.writableLength + this.#reserved;
    return waiting === 0 || waiting + weight <= this.#parts.outboundBytes;
  }

  #run({ id, method, params, weight }: Request): void {
    const running: Running = { id, cancellable: method.cancellable === true, weight, abort: new Cancellation() };
    const after: (() => void)[] = [];
    const context: MethodContext = {
      supervisor: this.#parts.supervisor,
      caller: this.caller,
      peer: this,
      host: this.#parts.host,
      get signal() {
        return running.abort.signal;
      },
      afterAnswer: (run) => void after.push(run),
    };
    const succeed = (result: unknown): void => {
      this.#parts.host.tally.call(method.name, "ok");
      if (!this.#over) this.#answer(id, result, method);
      for (const run of after) run();
    };
    let outcome: unknown;
    try {
      outcome = method.handler(params, context);
    } catch (error) {
      this.#fail(id, error, method);
      return;
    }
    if (!(outcome instanceof Promise)) {
      succeed(outcome);
      return;
    }
    this.#running.add(running);
    this.#reserved += weight;
    const settle = (): void => {
      this.#running.delete(running);
      this.#reserved -= weight;
    };
    outcome
      .then(
        (result: unknown) => {
          settle();
          succeed(result);
        },
        (error: unknown) => {
          settle();
          this.#fail(
            id,
            this.#closing && running.abort.aborted
              ? new LifeguardError("UNAVAILABLE", "the daemon is stopping", { retry_after_ms: 1_000 })
              : error,
            method,
          );
        },
      )
      .catch((error: unknown) => this.#parts.log.error({ err: error, method: method.name }, "an answer could not be sent"))
      .finally(() => this.#turn());
  }

  /** After anything has ended: what waits may begin, and an idle half-closed connection ends. */
  #turn(): void {
    while (!this.#over && this.#postponed[0] !== undefined && this.#fits(this.#postponed[0].weight)) {
      const next = this.#postponed.shift();
      if (next !== undefined) this.#run(next);
    }
    this.settled();
  }

  cancel(id: number | string): boolean {
    for (const running of this.#running) {
      if (running.id !== id || !running.cancellable || running.abort.aborted) continue;
      running.abort.abort();
      return true;
    }
    return false;
  }

  // ── out ──

  /** Bytes that wait for this client. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  room(): number {
    if (this.#over || this.#deaf || this.#dialect === null) return 0;
    const room = Math.floor(this.#parts.outboundBytes * 0.75) - this.#socket.writableLength;
    return room < LEAST_ROOM ? 0 : this.#dialect.payload(room);
  }

  notify<N extends NotificationName>(name: N, params: Notifications[N]): void {
    this.#parts.host.tally.notification(name);
    if (this.#dialect !== null) this.#send(this.#dialect.notification(name, params, this.notifyWrap));
  }

  #answer(id: number | string | null, result: unknown, method: Method): void {
    if (id === null || this.#dialect === null) return; // a notification is not answered
    let bytes: Buffer;
    try {
      bytes = this.#dialect.result(id, result);
    } catch (error) {
      this.#fail(id, error, method);
      return;
    }
    this.#send(bytes);
  }

  #fail(id: number | string | null, error: unknown, method?: Method): void {
    const shown = this.#shown(error, method);
    if (method !== undefined) this.#parts.host.tally.call(method.name, shown.name);
    if (id === null || this.#dialect === null || this.#over) return;
    this.#send(this.#dialect.error(id, shown, this.notifyWrap));
  }

  /** What the client may see of an error. An internal one is an id that the log repeats. */
  #shown(error: unknown, method?: Method): LifeguardError {
    if (error instanceof LifeguardError && error.name !== "INTERNAL") return error;
    const errorId = `err_${randomBytes(4).toString("hex")}`;
    this.#parts.log.error({ err: error, error_id: errorId, method: method?.name, connection: this.caller.connection }, "internal error");
    return new LifeguardError("INTERNAL", `${method?.name ?? "the daemon"} failed inside the daemon; its log has more under ${errorId}`, {
      error_id: errorId,
    });
  }

  #send(bytes: Buffer): void {
    if (this.#over || this.#deaf || !this.#socket.writable) return;
    this.#socket.write(bytes, () => {
      this.#flushedAt = performance.now();
    });
  }

  #drained(): void {
    for (const watcher of [...this.watches.values()]) watcher.drained();
    for (const feed of [...this.feeds.values()]) feed.follow();
    this.#turn();
    if (!this.#held) return;
    try {
      this.#pump();
    } catch (error) {
      this.#refuse(error);
    }
  }

  // ── the end ──

  /** Bytes that are not the protocol: one clear error, then nothing. */
  #refuse(error: unknown): void {
    const shown = this.#shown(error);
    this.#parts.log.info(
      { connection: this.caller.connection, peer: this.caller.pid, err: shown.message },
      "a connection was closed: not the protocol",
    );
    if (this.#dialect !== null) this.#send(this.#dialect.error(null, shown));
    this.#lastWords();
  }

  /** Ends our side; what still comes in is thrown away, so that the other side reads our last message before an error. */
  #lastWords(): void {
    this.#deaf = true;
    this.#letGo();
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS).unref();
  }

  #inputEnd(): void {
    this.#inputEnded = true;
    if (this.#deaf || this.peerGone()) this.#socket.destroy();
    else this.settled();
  }

  settled(): void {
    if (!(this.#inputEnded || this.#closing) || this.#held || this.#deaf || this.#over) return;
    if (this.#running.size > 0 || this.#postponed.length > 0) return;
    if (!this.#closing && (this.watches.size > 0 || this.feeds.size > 0)) return;
    this.#lastWords();
  }

  /**
   * True when a half-closed client is gone altogether. Reading cannot tell (it is at its end already); a write of nothing can.
   */
  peerGone(): boolean {
    if (!this.#inputEnded) return false;
    const fd = descriptorOf(this.#socket);
    if (fd < 0) return true;
    const outcome = writeDescriptor(fd, NOTHING);
    return outcome < 0 && outcome !== -EAGAIN;
  }

  /** Called every second: closes what nobody will read any more. */
  inspect(now: number): void {
    if (this.#over) return;
    if (this.peerGone()) {
      this.#socket.destroy();
      return;
    }
    const waiting = this.#held || this.#postponed.length > 0 || this.#socket.writableLength > this.#parts.outboundBytes;
    if (!waiting || this.#socket.writableLength === 0) {
      if (!waiting) this.#flushedAt = now;
      return;
    }
    if (now - this.#flushedAt < STALLED_MS) return;
    this.#parts.log.warn(
      { connection: this.caller.connection, peer: this.caller.pid, waiting: this.#socket.writableLength },
      "a connection was closed: it takes no answers",
    );
    this.#socket.destroy();
  }

  /** The daemon stops: waits end, the rest is answered, then the connection ends. */
  close(): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    for (const running of this.#running) if (running.cancellable) running.abort.abort();
    if (this.#dialect === null) this.#lastWords();
    else this.settled();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #finished(): void {
    if (this.#over) return;
    this.#over = true;
    this.#letGo();
    this.#parts.supervisor.connectionClosed(this.caller.connection);
    this.#gone(this);
  }

  #letGo(): void {
    this.#postponed.length = 0;
    for (const running of this.#running) running.abort.abort();
    for (const watcher of [...this.watches.values()]) watcher.end();
    for (const feed of this.feeds.values()) feed.end();
    this.feeds.clear();
  }
}

const NOTHING = new Uint8Array(0);

/** The socket's descriptor, -1 when it has none any more. Node keeps it to itself, but has kept it in this place since its beginning. */
export function descriptorOf(socket: Socket): number {
  return (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}
