/** How a verb finds its daemon, and starts one where it may. */
import { join } from "node:path";
import { LifeguardError } from "../errors.js";
import { resolvePaths } from "../paths.js";
import type { Paths } from "../paths.js";
import { Client } from "../rpc/client.js";
import { NoDaemonError, UnreachableError } from "./verb.js";

export interface Connect {
  /**
   * @param options `reconnect`: connect again when the daemon goes, as the verb lives longer than a daemon may
   * @throws UnreachableError with what to do
   */
  (options?: { reconnect?: boolean }): Promise<Client>;
  /** Closes every client made. */
  end(): Promise<void>;
}

export interface ConnectSetting {
  env: NodeJS.ProcessEnv;
  socketFlag: string | undefined;
  mayStart: boolean;
}

/** Another daemon that starts, or one that ends, may hold the lock so long: together more than a shutdown's budget. */
const LOCK_WAIT_MS = 15_000;
const LOCK_RETRY_MS = 50;
/** The same where none is started: one that begins or ends is given so long to answer, or to be gone. */
const HOLDER_PATIENCE_MS = 1_000;
/** How long the lock's holder is asked before another start is tried; twice as long each time. */
const FIRST_PATIENCE_MS = 500;

export function connectTo(setting: ConnectSetting): Connect {
  const clients: Client[] = [];
  const connect = async (options: { reconnect?: boolean } = {}): Promise<Client> => {
    const client = await findOrStart(setting, options.reconnect === true);
    clients.push(client);
    return client;
  };
  return Object.assign(connect, { end: async () => void (await Promise.all(clients.map((client) => client.close()))) });
}

async function findOrStart(setting: ConnectSetting, reconnect: boolean): Promise<Client> {
  const { env, socketFlag, mayStart } = setting;
  const paths = resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag });
  const { socket } = paths;
  const attempt = (): Promise<Client> => Client.connect({ socket, reconnect, client: "lifeguard-cli" });
  try {
    return await attempt();
  } catch (error) {
    if (!nobodyThere(error)) throw await unreachable(error, paths);
  }
  if ((env["LIFEGUARD_SESSION"] ?? "") !== "")
    return await whoStarts(
      attempt,
      paths,
      ", and none is started from inside a session: start it outside, with lifeguard daemon --background",
    );
  if (!mayStart) return await whoStarts(attempt, paths, ": start one with lifeguard daemon --background");
  // Where a service manager sees to the daemon, it is the one to start it.
  const { installedService } = await import("./service/platforms.js");
  const service = installedService(socket, env);
  if (service !== null) {
    await service.manager.start();
    return await attempt();
  }
  const { startDaemon } = await import("./start-daemon.js");
  const giveUp = performance.now() + LOCK_WAIT_MS;
  for (let patienceMs = FIRST_PATIENCE_MS; ; patienceMs *= 2) {
    await startDaemon(env, socketFlag);
    // Who holds the lock is about to answer, or about to end. In the first case asking is enough, and another start would only be
    // in its way; in the second the lock is free in a moment.
    const askUntil = performance.now() + patienceMs;
    do {
      try {
        return await attempt();
      } catch (error) {
        if (!nobodyThere(error)) throw await unreachable(error, paths);
        if (performance.now() > giveUp) throw (await heldButSilent(paths)) ?? (await unreachable(error, paths));
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    } while (performance.now() < askUntil);
  }
}

/** Nothing listens: no socket, or one whose daemon is dead. */
function nobodyThere(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return error instanceof LifeguardError && error.name === "UNAVAILABLE" && (cause?.code === "ENOENT" || cause?.code === "ECONNREFUSED");
}

/** The daemon that is on its way up, where there is one. @throws UnreachableError, with `todo` when there is none at all */
async function whoStarts(attempt: () => Promise<Client>, paths: Paths, todo: string): Promise<Client> {
  const giveUp = performance.now() + HOLDER_PATIENCE_MS;
  for (;;) {
    const silent = await heldButSilent(paths);
    if (silent === null) throw new NoDaemonError(paths.socket, todo);
    if (performance.now() > giveUp) throw silent;
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    try {
      return await attempt();
    } catch (error) {
      if (!nobodyThere(error)) throw await unreachable(error, paths);
    }
  }
}

/** Null when nobody holds the lock. To start another daemon would be in vain, and to ask this one to stop as well. */
async function heldButSilent(paths: Paths): Promise<UnreachableError | null> {
  const holder = await lockHolder(paths);
  return holder === null
    ? null
    : new UnreachableError(
        `no daemon answers at ${paths.socket}, but one with pid ${holder} runs on ${paths.state}: lifeguard doctor says what to do`,
      );
}

async function lockHolder({ state }: Paths): Promise<number | null> {
  const { holderOf } = await import("./doctor/processes.js");
  return holderOf(join(state, "lock"));
}

async function unreachable(error: unknown, paths: Paths): Promise<unknown> {
  if (!(error instanceof LifeguardError)) return error;
  if (error.name === "TIMEOUT") {
    const holder = await lockHolder(paths);
    const who = holder === null ? "" : ` (pid ${holder} holds the lock of ${paths.state})`;
    const words = `a daemon listens at ${paths.socket} and does not answer${who}: ${error.message}; lifeguard doctor says what to do`;
    return new LifeguardError("TIMEOUT", words, error.data, { cause: error });
  }
  return error.name === "UNAVAILABLE" || error.data["field"] === "socket" ? new UnreachableError(error.message) : error;
}

/** Resolves true once the client is connected again, false when it is not within `ms`, or when `signal` says that nobody waits. */
export async function reconnected(client: Client, ms: number, signal?: AbortSignal): Promise<boolean> {
  if (client.connected) return true;
  if (signal?.aborted === true) return false;
  return await new Promise<boolean>((resolve) => {
    const settle = (connected: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", given);
      undo();
      resolve(connected);
    };
    const given = (): void => settle(false);
    const timer = setTimeout(() => settle(client.connected), ms);
    const undo = client.onConnection("connected", () => settle(true));
    signal?.addEventListener("abort", given);
  });
}
