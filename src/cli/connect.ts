/** How a verb finds its daemon, and starts one where it may. */
import { LifeguardError } from "../errors.js";
import { resolvePaths } from "../paths.js";
import { Client } from "../rpc/client.js";
import { UnreachableError } from "./verb.js";

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
  const { socket } = resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag });
  const attempt = (): Promise<Client> => Client.connect({ socket, reconnect, client: "lifeguard-cli" });
  try {
    return await attempt();
  } catch (error) {
    if (!nobodyThere(error)) throw unreachable(error);
    if ((env["LIFEGUARD_SESSION"] ?? "") !== "")
      throw new UnreachableError(
        `no daemon answers at ${socket}, and none is started from inside a session: start it outside, with lifeguard daemon --background`,
      );
    if (!mayStart) throw new UnreachableError(`no daemon answers at ${socket}: start one with lifeguard daemon --background`);
  }
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
    const readiness = await startDaemon(env, socketFlag);
    // Who holds the lock is about to answer, or about to end. In the first case asking is enough, and another start would only be
    // in its way; in the second the lock is free in a moment.
    const askUntil = performance.now() + patienceMs;
    do {
      try {
        return await attempt();
      } catch (error) {
        if (!nobodyThere(error)) throw unreachable(error);
        if (performance.now() > giveUp)
          throw "failed" in readiness
            ? new UnreachableError(`${readiness.failed}, but it does not answer at ${socket}`)
            : unreachable(error);
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

function unreachable(error: unknown): unknown {
  const told = error instanceof LifeguardError && (error.name === "UNAVAILABLE" || error.data["field"] === "socket");
  return told ? new UnreachableError(error.message) : error;
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
