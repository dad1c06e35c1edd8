/** The socket and everybody on it: lets in who may come, turns away who may not or is too many, ends politely. */
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { systemClock } from "../clock.js";
import { BOUNDS } from "../bounds.js";
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import { peerCredentials } from "../libc/sockets.js";
import type { Log } from "../log.js";
import type { Caller, SocketFigures, SupervisorApi } from "../supervisor/api.js";
import { Connection, descriptorOf, IN_FLIGHT } from "./connection.js";
import type { ConnectionParts } from "./connection.js";
import { pickDialect } from "./dialect.js";
import { Idempotency } from "./idempotency.js";
import type { Host } from "./method.js";
import { METHODS } from "./methods/table.js";
import type { SchemaResult } from "./protocol.js";
import { describeApi } from "./schema.js";
import { SocketTally } from "./socket-tally.js";
import { bindSocket, inheritedSocket } from "./socket-path.js";
import type { BoundSocket } from "./socket-path.js";

export interface RpcServerOptions {
  config: Pick<Config, "paths" | "rpc" | "daemon">;
  version: string;
  supervisor: SupervisorApi;
  log: Log;
}

/** Values in one request: far more than any method takes, and few enough that decoding them costs little. */
const MOST_VALUES = 262_144;
/** Clients too many that are still being told so; further ones are closed without a word. */
const MOST_TURNED_AWAY = 64;
const TURN_AWAY_MS = 1_000;
/** What a polite end may take. */
const CLOSE_MS = 2_000;
const INSPECT_MS = 1_000;

export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #parts: ConnectionParts;
  #bound: BoundSocket | null = null;
  #inspection: NodeJS.Timeout | null = null;
  #lastConnection = 0;
  #turnedAway = new Set<Socket>();
  #watches = 0;
  readonly #tally = new SocketTally();
  #schema: SchemaResult | null = null;
  #closing = false;
  #emptied: (() => void) | null = null;

  constructor(options: RpcServerOptions) {
    this.#options = options;
    const { config, supervisor, log } = options;
    this.#parts = {
      host: this.#host(),
      supervisor,
      methods: METHODS,
      log,
      // Looked up when they are needed: a reload is heeded.
      get frames() {
        return { maxFrameBytes: config.rpc.max_frame_bytes, maxNesting: config.rpc.max_nesting, maxValues: MOST_VALUES };
      },
      get outboundBytes() {
        return config.rpc.outbound_bytes;
      },
    };
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.#connected(socket));
    this.#server.on("error", (error) => log.error({ err: error }, "the socket cannot accept"));
  }

  /**
   * Binds and listens; clients are answered from here on.
   * @param inherited a listening descriptor of the service manager's, which then stands for the path
   * @throws LifeguardError INVALID_PARAMS, ALREADY_EXISTS, UNAVAILABLE about the socket's path
   */
  async listen(inherited: number | null = null): Promise<void> {
    const bound = inherited === null ? await bindSocket(this.#options.config.paths.socket) : inheritedSocket(inherited);
    this.#bound = bound;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ fd: bound.fd }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#inspection = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#connections) connection.inspect(now);
    }, INSPECT_MS).unref();
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  get connections(): number {
    return this.#connections.size;
  }

  figures(): SocketFigures {
    let outboundBytes = 0;
    for (const connection of this.#connections) outboundBytes += connection.waiting;
    return this.#tally.figures({ connections: this.#connections.size, outboundBytes });
  }

  /** Stops accepting, answers what was asked (waits end with UNAVAILABLE), ends every connection, removes the socket. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const closed = this.#bound === null ? Promise.resolve() : new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#bound?.unlink();
    for (const socket of this.#turnedAway) socket.destroy();
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
      if (this.#connections.size === 0) resolve();
    });
    for (const connection of [...this.#connections]) connection.close();
    const late = setTimeout(() => {
      for (const connection of [...this.#connections]) connection.destroy();
    }, CLOSE_MS);
    await emptied;
    clearTimeout(late);
    if (this.#inspection !== null) clearInterval(this.#inspection);
    await closed;
  }

  #connected(socket: Socket): void {
    const caller = this.#caller(socket);
    if (caller === null) {
      this.#tally.turnedAway++;
      socket.destroy();
      return;
    }
    if (this.#connections.size >= this.#options.config.rpc.max_connections) {
      this.#tally.turnedAway++;
      this.#turnAway(socket);
      return;
    }
    this.#tally.accepted++;
    const connection = new Connection(socket, caller, this.#parts, (gone) => {
      this.#connections.delete(gone);
      if (this.#connections.size === 0) this.#emptied?.();
    });
    this.#connections.add(connection);
    if (this.#closing) connection.destroy();
    else socket.resume();
  }

  /** Who it is, or null when they may not come in. Nothing has been read yet. */
  #caller(socket: Socket): Caller | null {
    try {
      const { pid, uid } = peerCredentials(descriptorOf(socket));
      const own = process.getuid?.() ?? uid;
      if (uid === own || uid === 0) return { connection: ++this.#lastConnection, pid, uid };
      this.#options.log.warn({ peer: pid, uid }, "a connection of another user was refused");
    } catch (error) {
      this.#options.log.warn({ err: messageOf(error) }, "a connection was refused: the system does not say whose it is");
    }
    return null;
  }

  /** One LIMIT error in the client's own dialect, which its first bytes tell; then the end. */
  #turnAway(socket: Socket): void {
    const { max_connections: limit } = this.#options.config.rpc;
    socket.on("error", () => undefined);
    if (this.#turnedAway.size >= MOST_TURNED_AWAY) {
      socket.destroy();
      return;
    }
    this.#turnedAway.add(socket);
    const timer = setTimeout(() => socket.destroy(), TURN_AWAY_MS);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#turnedAway.delete(socket);
    });
    socket.once("end", () => socket.destroy());
    socket.once("data", (chunk: Buffer) => {
      const dialect = pickDialect(chunk[0] ?? 0, this.#parts.frames);
      let id: number | string | null = null;
      try {
        dialect.push(chunk);
        const first = dialect.next();
        if (first?.type === "request") id = first.id;
      } catch {
        // Told the same.
      }
      socket.end(
        dialect.error(
          id,
          new LifeguardError(
            "LIMIT",
            `${limit} clients are connected, which is the limit (rpc.max_connections in config.toml); close one`,
            { limit, setting: "rpc.max_connections" },
          ),
        ),
      );
      socket.resume();
    });
    socket.resume();
  }

  #host(): Host {
    const { config, version } = this.#options;
    const { rpc } = config;
    return {
      version,
      get limits() {
        return {
          frame_bytes: rpc.max_frame_bytes,
          nesting: rpc.max_nesting,
          values: MOST_VALUES,
          outbound_bytes: rpc.outbound_bytes,
          in_flight: IN_FLIGHT,
          read_bytes: BOUNDS.readBytesMax,
          connections: rpc.max_connections,
          watches: rpc.max_watchers,
          sessions: config.daemon.max_sessions,
          events: rpc.event_history,
        };
      },
      tally: this.#tally,
      figures: () => this.figures(),
      methods: [...METHODS.keys()],
      idempotency: new Idempotency({ clock: systemClock, ttlMs: BOUNDS.idempotencyMs, most: BOUNDS.idempotencyKeys }),
      schema: () => (this.#schema ??= describeApi(METHODS.values())),
      connections: () => this.#connections.size,
      countWatch: (by) => {
        if (by > 0 && this.#watches >= rpc.max_watchers) {
          throw new LifeguardError("LIMIT", `${rpc.max_watchers} watches are open, which is the limit (rpc.max_watchers in config.toml)`, {
            limit: rpc.max_watchers,
            setting: "rpc.max_watchers",
          });
        }
        this.#watches += by;
      },
    };
  }
}
