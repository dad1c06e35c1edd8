/**
 * The client library (`lifeguard/client`), which the command line itself uses.
 *
 * ```ts
 * const client = await Client.connect();
 * const { id } = await client.call("session.create", { command: "bash" });
 * for await (const chunk of client.output(id)) if (chunk.type === "output") process.stdout.write(chunk.data);
 * ```
 */
import { LifeguardError } from "../errors.js";
import { resolvePaths } from "../paths.js";
import { Link } from "./client/link.js";
import { Listeners } from "./client/listeners.js";
import { EventStream } from "./client/event-stream.js";
import type { EventStreamOptions } from "./client/event-stream.js";
import { OutputStream, startWatch } from "./client/watch-stream.js";
import type { ClientWatch, OutputItem, WatchHandlers, WatchOptions } from "./client/watch-stream.js";
import { PROTOCOL, REVISION } from "./protocol.js";
import type { HelloResult, MethodName, NotificationName, Notifications, Params, Result, SchemaResult } from "./protocol.js";

export { LifeguardError } from "../errors.js";
export type * from "./protocol.js";
export type { EventStream, EventStreamItem, EventStreamOptions } from "./client/event-stream.js";
export type { ClientWatch, OutputItem, WatchHandlers, WatchOptions } from "./client/watch-stream.js";

export interface ConnectOptions {
  /**
   * Path of the daemon's socket. Left out, it is found as the command line finds it: `LIFEGUARD_SOCKET`, else `lifeguard.sock` in the
   * first of these that is set: `LIFEGUARD_RUNTIME_DIR`, `run/` in `LIFEGUARD_HOME`, `XDG_RUNTIME_DIR/lifeguard`, else in `run/` in the
   * state directory (`LIFEGUARD_STATE_DIR`, `XDG_STATE_HOME/lifeguard`, `~/.local/state/lifeguard`).
   */
  socket?: string | undefined;
  /** True: when the connection is lost, connect again after 0.1 s, doubling to 5 s, until {@link Client.close}. Streams go on where they were. */
  reconnect?: boolean;
  /** Who we are, for the daemon's log. */
  client?: string;
  /** How long one attempt to connect may take. Default 5 000. */
  connectTimeoutMs?: number;
}

export interface CallOptions {
  /** Aborting rejects the call with the signal's reason and tells the daemon (`rpc.cancel`). */
  signal?: AbortSignal | undefined;
  /** Not answered by then: rejected with TIMEOUT. None by default: the daemon has deadlines of its own. */
  deadlineMs?: number | undefined;
  /** Called with the answer before any notification that came after it is delivered; the promise settles only later. */
  atOnce?: ((result: unknown) => void) | undefined;
}

/** `connected` comes after every connect but the first. */
export interface ClientEvents {
  connected: [];
  disconnected: [error: LifeguardError];
  closed: [];
}

const RECONNECT_FIRST_MS = 100;
const RECONNECT_MAX_MS = 5_000;

export class Client {
  readonly #options: ConnectOptions;
  readonly #socket: string;
  readonly #life = new Listeners();
  readonly #notifications = new Listeners();
  #link: Link | null = null;
  #hello: HelloResult | null = null;
  /** What an older daemon knows, by method; null when it knows all we do. */
  #known: Map<string, Set<string>> | null = null;
  #closed = false;
  #retry: NodeJS.Timeout | null = null;

  private constructor(options: ConnectOptions) {
    this.#options = options;
    this.#socket = options.socket ?? resolvePaths(process.env).socket;
  }

  /**
   * Connects and says hello.
   * @throws LifeguardError UNAVAILABLE when no daemon answers (also with `reconnect`: the first attempt must succeed), PROTOCOL when it
   * speaks another version, TIMEOUT when it takes the connection and says nothing, INVALID_PARAMS when no socket can have that path or a variable that says where it is is wrong
   */
  static async connect(options: ConnectOptions = {}): Promise<Client> {
    const client = new Client(options);
    await client.#open();
    return client;
  }

  /** What the daemon said about itself when we connected last. */
  get hello(): HelloResult {
    if (this.#hello === null) throw new LifeguardError("UNAVAILABLE", "the daemon has not answered yet");
    return this.#hello;
  }

  get connected(): boolean {
    return this.#link !== null;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Calls a method. Parameters that this (older) daemon does not know are left out.
   * @throws LifeguardError with the daemon's error; UNAVAILABLE when the connection is lost before the answer
   */
  call<N extends MethodName>(
    method: N,
    ...rest: Record<string, never> extends Params<N>
      ? [params?: Params<N>, options?: CallOptions]
      : [params: Params<N>, options?: CallOptions]
  ): Promise<Result<N>> {
    const [params, options] = rest;
    return this.callAny(method, (params ?? {}) as Record<string, unknown>, options) as Promise<Result<N>>;
  }

  /** The same for a method named at run time. */
  callAny(method: string, params: Record<string, unknown> = {}, options: CallOptions = {}): Promise<unknown> {
    if (this.#link === null)
      return Promise.reject(
        this.#closed
          ? new LifeguardError("UNAVAILABLE", "the client is closed")
          : new LifeguardError("UNAVAILABLE", "not connected to the daemon now", { retry_after_ms: RECONNECT_FIRST_MS }),
      );
    return this.#link.call(method, this.#only(method, params), options);
  }

  /** Listens to notifications. Returns what ends it. */
  on<N extends NotificationName>(name: N, listener: (params: Notifications[N]) => void): () => void {
    return this.#notifications.on(name, listener);
  }

  /** Listens to the connection's own life. Returns what ends it. */
  onConnection<E extends keyof ClientEvents>(event: E, listener: (...args: ClientEvents[E]) => void): () => void {
    return this.#life.on(event, listener as (...args: never[]) => void);
  }

  /**
   * Follows a session's output by calls. Output is acknowledged as `handlers.output` returns (or its promise is kept). With
   * `reconnect` the watch continues at its offset after a loss; what was overwritten meanwhile is a gap.
   */
  watch(id: string, options: WatchOptions, handlers: WatchHandlers): Promise<ClientWatch> {
    return startWatch(this, id, options, handlers);
  }

  /** A session's output as an async iterator: ends when the session has ended or the loop is left. At most `window` bytes (default 256 KiB) wait unread. */
  output(id: string, options: WatchOptions & { signal?: AbortSignal } = {}): AsyncIterableIterator<OutputItem> {
    return new OutputStream(this, id, options);
  }

  /**
   * Events as an async iterator, from `since` or from now on. It never ends by itself while the client reconnects; where
   * events were missed it yields `{kind: "events.gap"}`: list again. Without `reconnect` it throws UNAVAILABLE on loss.
   */
  events(options: EventStreamOptions = {}): EventStream {
    return new EventStream(this, options);
  }

  /** True when this client connects again by itself. */
  get reconnects(): boolean {
    return this.#options.reconnect === true;
  }

  /** Lets the process end while this client is connected. */
  unref(): void {
    this.#link?.reference(false);
  }

  /** Pending calls are rejected with UNAVAILABLE, streams end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const link = this.#link;
    this.#link = null;
    await link?.close();
    this.#life.call("closed");
  }

  async #open(): Promise<void> {
    const { client, connectTimeoutMs = 5_000 } = this.#options;
    let link: Link | null = null;
    const opened = await Link.open(
      this.#socket,
      {
        notification: (name, params) => void this.#notifications.call(name, params),
        lost: (error) => this.#lost(link, error),
      },
      connectTimeoutMs,
    );
    link = opened;
    try {
      const hello = (await opened.call(
        "daemon.hello",
        { protocol: PROTOCOL, ...(client === undefined ? {} : { client }) },
        { deadlineMs: connectTimeoutMs },
      )) as HelloResult;
      this.#known = isOlder(hello.revision, REVISION) ? await knownParameters(opened) : null;
      this.#hello = hello;
    } catch (error) {
      await opened.close();
      throw error;
    }
    if (this.#closed) {
      await opened.close();
      return;
    }
    if (opened.lost !== null) throw opened.lost;
    this.#link = opened;
  }

  #lost(link: Link | null, error: LifeguardError): void {
    if (link === null || link !== this.#link) return;
    this.#link = null;
    this.#life.call("disconnected", error);
    if (this.#options.reconnect === true) this.#retryAfter(RECONNECT_FIRST_MS);
    else void this.close();
  }

  #retryAfter(ms: number): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#open().then(
        () => (this.#closed ? undefined : this.#life.call("connected")),
        () => this.#retryAfter(Math.min(ms * 2, RECONNECT_MAX_MS)),
      );
    }, ms);
  }

  #only(method: string, params: Record<string, unknown>): Record<string, unknown> {
    const known = this.#known?.get(method);
    if (known === undefined) return params;
    return Object.fromEntries(Object.entries(params).filter(([name]) => known.has(name)));
  }
}

function isOlder(theirs: string, ours: string): boolean {
  const [major = 0, minor = 0] = theirs.split(".").map(Number);
  const [ourMajor = 0, ourMinor = 0] = ours.split(".").map(Number);
  return major < ourMajor || (major === ourMajor && minor < ourMinor);
}

async function knownParameters(link: Link): Promise<Map<string, Set<string>>> {
  const schema = (await link.call("daemon.schema", {})) as SchemaResult;
  const known = new Map<string, Set<string>>();
  for (const [name, method] of Object.entries(schema.methods)) {
    const { properties = {} } = method.params as { properties?: Record<string, unknown> };
    known.set(name, new Set(Object.keys(properties)));
  }
  return known;
}
