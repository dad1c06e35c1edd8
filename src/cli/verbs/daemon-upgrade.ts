import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LifeguardError } from "../../errors.js";
import { resolvePaths } from "../../paths.js";
import type { Paths } from "../../paths.js";
import { Client } from "../../rpc/client.js";
import type { SessionSummary } from "../../rpc/client.js";
import { packageVersion } from "../../package-files.js";
import { installationFor } from "../service/installation.js";
import { installedService } from "../service/platforms.js";
import { counted } from "../counted.js";
import { jsonPage } from "../json.js";
import { startDaemon } from "../start-daemon.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UnreachableError } from "../verb.js";

interface Options {
  json?: boolean;
}

/** From the old daemon's end to the new one's first answer, at the very most: a start waits for the lock and adopts everything. */
const SERVED_MS = 60_000;
const ASK_AGAIN_MS = 5;

export const verb: Verb<Options> = {
  record: {
    name: "daemon upgrade",
    summary: "replace the running daemon by this version of lifeguard; agents go on",
    details:
      "The old daemon hands its sessions to their keeper and ends; the new one takes them up with every byte. Watchers that reconnect go on at their offset. Keepers of another version go on until their last session ends. Prints how long nobody answered.",
    options: [{ flags: "--json", description: "print the figures as JSON" }],
    example: "npm install -g lifeguard && lifeguard daemon upgrade",
    startsDaemon: false,
  },
  async run({ options, env, terminal, socketFlag, connect }: Invocation<Options>) {
    const paths = resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag });
    const { socket } = paths;
    const old = await connect();
    await configured(paths, old.hello.pid);
    const from = old.hello;
    const before = live((await old.call("session.list", {})).sessions);
    let goneAt = 0;
    const gone = new Promise<void>((resolve) =>
      old.onConnection("closed", () => {
        goneAt = performance.now();
        resolve();
      }),
    );
    const service = installedService(socket, env);
    if (service !== null) {
      refreshFiles(
        service.manager.directory,
        service.manager.files(installationFor({ system: service.scope === "system", socketFlag }, env)),
      );
      const restarted = service.manager.restart();
      await Promise.race([gone, restarted]);
      await restarted;
    } else {
      await old.call("daemon.stop", {});
      await gone;
      await startDaemon(env, socketFlag);
    }
    const client = await served(socket, from.pid);
    const gap = Math.round(performance.now() - (goneAt === 0 ? performance.now() : goneAt));
    const after = new Map((await client.call("session.list", { all: true })).sessions.map((session) => [session.id, session]));
    const lost = before.filter(({ id }) => !after.has(id)).map(({ id }) => id);
    const behind = before.filter(({ id, offset }) => (after.get(id)?.offset ?? 0) < offset).map(({ id }) => id);
    const { keepers } = await client.call("daemon.status", {});
    const result = {
      from: from.version,
      to: client.hello.version,
      pid: client.hello.pid,
      sessions: before.length,
      lost,
      behind,
      unanswered_ms: gap,
      keepers: keepers.map(({ pid, version, sessions }) => ({ pid, version, sessions })),
    };
    await client.close();
    if (options.json === true) terminal.stdout.write(jsonPage(result));
    else {
      terminal.stdout.write(
        `${from.version} → ${result.to} (pid ${result.pid}): ${counted(before.length, "session")}, ${lost.length} lost, ${behind.length} behind their output; nobody answered for ${gap} ms\n`,
      );
      for (const { pid, version, sessions } of keepers)
        if (version !== result.to)
          terminal.stdout.write(
            `the keeper of ${version} (pid ${pid}) goes on with ${counted(sessions, "session")} until ${sessions === 1 ? "it ends" : "they end"}\n`,
          );
    }
    if (result.to !== packageVersion())
      terminal.stderr.write(
        `lifeguard: the daemon that answers is ${result.to}, this is ${packageVersion()}: another installation was started\n`,
      );
    return lost.length === 0 && behind.length === 0 ? EXIT.done : EXIT.failed;
  },
};

/** What this version's daemon would refuse to start with, before the one that runs is ended. @throws INVALID_PARAMS with file, line, key */
async function configured(paths: Paths, pid: number): Promise<void> {
  const { loadConfig } = await import("../../config.js");
  try {
    loadConfig(paths);
  } catch (error) {
    if (!(error instanceof LifeguardError)) throw error;
    throw new LifeguardError(error.name, `${error.message}; nothing was replaced: the daemon (pid ${pid}) goes on`, error.data, {
      cause: error,
    });
  }
}

function live(sessions: readonly SessionSummary[]): SessionSummary[] {
  return sessions.filter(({ state }) => state !== "exited");
}

function refreshFiles(directory: string, files: readonly { name: string; text: string }[]): void {
  for (const { name, text } of files) {
    const path = join(directory, name);
    if (readFileSync(path, "utf8") !== text) writeFileSync(path, text);
  }
}

async function served(socket: string, not: number): Promise<Client> {
  const until = performance.now() + SERVED_MS;
  for (;;) {
    try {
      const client = await Client.connect({ socket, reconnect: false, client: "lifeguard-cli" });
      if (client.hello.pid !== not) return client;
      await client.close();
    } catch {
      // Not yet.
    }
    if (performance.now() > until)
      throw new UnreachableError(`no new daemon answers at ${socket} within ${SERVED_MS / 1_000} s; its log says why`);
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}
