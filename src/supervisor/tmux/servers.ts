/** The tmux servers that have been asked for, one object each, and one thing at a time with each of them. */
import { dirname } from "node:path";
import type { Config } from "../../config.js";
import { LifeguardError } from "../../errors.js";
import { Turnstile } from "../../reaper/turnstile.js";
import { addressOf, socketPath, type TmuxAddress } from "../../tmux/address.js";
import { asTmuxWrites } from "../../tmux/names.js";
import { TmuxError, TmuxServer, type TmuxSession } from "../../tmux/server.js";
import { baseEnvironment } from "../environment.js";

export class Servers {
  readonly #settings: Config["tmux"];
  readonly #servers = new Map<string, { server: TmuxServer; turn: Turnstile }>();
  /** Of a server that is started by us, and so of what runs in it. */
  readonly env: NodeJS.ProcessEnv;
  /** Of a control client: it sends all of it to its server, which needs none. */
  readonly clientEnv: NodeJS.ProcessEnv;

  constructor(settings: Config["tmux"]) {
    this.#settings = settings;
    const own = baseEnvironment("daemon", {});
    const { TMUX_TMPDIR: directory } = process.env;
    // Which directory tmux puts its sockets in is the one thing of TMUX* that concerns us.
    this.clientEnv = { PATH: own["PATH"], HOME: own["HOME"], LANG: "C.UTF-8" };
    this.env = directory === undefined ? own : { ...own, TMUX_TMPDIR: directory };
  }

  get program(): string {
    return this.#settings.program;
  }

  /** Sockets of the configured servers, the one that new sessions are made on first. @throws INVALID_PARAMS */
  configured(): string[] {
    return this.#settings.servers.map((word) => socketPath(addressOf(word), this.env));
  }

  /** The socket that is meant: the first configured one when none is. @throws INVALID_PARAMS */
  socketOf(address: TmuxAddress): string {
    if (address.socket !== undefined || address.socketName !== undefined) return socketPath(address, this.env);
    return this.configured()[0] ?? socketPath({}, this.env);
  }

  at(socket: string): TmuxServer {
    return this.#at(socket).server;
  }

  /** One at a time per server: a listing and what is made of it must not meet a session that is being made. */
  exclusive<T>(socket: string, work: (server: TmuxServer) => Promise<T>): Promise<T> {
    const { server, turn } = this.#at(socket);
    return turn.pass(() => work(server));
  }

  #at(socket: string): { server: TmuxServer; turn: Turnstile } {
    let found = this.#servers.get(socket);
    if (found === undefined) {
      const { program, deadline_ms, breaker_ms } = this.#settings;
      const server = new TmuxServer({ socket, program, env: this.env, deadlineMs: deadline_ms, breakerMs: breaker_ms });
      found = { server, turn: new Turnstile(1) };
      this.#servers.set(socket, found);
    }
    return found;
  }
}

/** What a client is told when tmux did not do as asked. */
export function asLifeguardError(error: unknown, server: TmuxServer): unknown {
  if (!(error instanceof TmuxError)) return error;
  switch (error.kind) {
    case "silent":
      return new LifeguardError("TIMEOUT", `${error.message}: nothing was changed. Look whether it hangs (tmux -S ${server.socket} ls)`, {
        socket: server.socket,
        retry_after_ms: Math.max(1_000, server.silentForMs),
      });
    case "absent":
      return new LifeguardError("NOT_FOUND", `no tmux server runs at ${server.socket}: start it, or name another socket`, {
        socket: server.socket,
        directory: dirname(server.socket),
      });
    case "missing":
      return new LifeguardError("NOT_FOUND", error.message, { socket: server.socket });
    case "refused":
      return new LifeguardError("UNAVAILABLE", `tmux at ${server.socket} refused: ${error.message}`, { socket: server.socket });
    default:
      return error.kind satisfies never;
  }
}

export function noSuchSession(name: string, server: TmuxServer, listed: readonly TmuxSession[]): LifeguardError {
  const written = asTmuxWrites(name);
  const hint = listed.some((one) => one.name === written)
    ? `tmux writes it ${JSON.stringify(written)}`
    : listed.length === 0
      ? "it has no sessions"
      : `it has ${listed
          .slice(0, 8)
          .map((one) => JSON.stringify(one.name))
          .join(", ")}${listed.length > 8 ? ", …" : ""}`;
  return new LifeguardError(
    "NOT_FOUND",
    `the tmux server at ${server.socket} has no session ${JSON.stringify(name.slice(0, 80))}: ${hint}`,
    {
      received: name.slice(0, 80),
      socket: server.socket,
    },
  );
}
