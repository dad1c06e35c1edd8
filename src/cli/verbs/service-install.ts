import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { userInfo } from "node:os";
import { LifeguardError } from "../../errors.js";
import { Client } from "../../rpc/client.js";
import { ownCommand } from "../own-command.js";
import { installationFor } from "../service/installation.js";
import { serviceManager } from "../service/platforms.js";
import type { ServiceFile } from "../service/templates.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  system?: boolean;
  as?: string;
}

/** A daemon that ends hands over its sessions; the next one takes them up. Together well within this. */
const SERVED_MS = 60_000;
const ASK_AGAIN_MS = 100;

export const verb: Verb<Options> = {
  record: {
    name: "service install",
    summary: "have the machine start the daemon, and start it again when it fails",
    details:
      "Writes and enables units of systemd (lifeguard.service, lifeguard.socket, lifeguard-keeper@.service) or, on macOS, a LaunchAgent. A daemon that runs already is replaced; its sessions go on. Again after an upgrade is harmless.",
    options: [
      { flags: "--system", description: "for the machine rather than for you: needs root" },
      { flags: "--as <user>", description: "with --system: whose agents they are (default: who used sudo, else root)" },
    ],
    example: "lifeguard service install",
    startsDaemon: false,
  },
  async run({ options, env, terminal, socketFlag }: Invocation<Options>) {
    const installation = installationFor({ system: options.system === true, as: options.as, socketFlag }, env);
    const manager = serviceManager(installation.scope, env);
    const { socket } = installation.paths;
    for (const file of manager.files(installation)) {
      const changed = writeIfChanged(manager.directory, file);
      terminal.stdout.write(`${changed ? "wrote" : "unchanged"}  ${join(manager.directory, file.name)}\n`);
    }
    const before = await stopRunning(socket);
    await manager.enable();
    const client = await served(socket);
    const { sessions } = await client.call("daemon.status", {});
    await client.close();
    const live = Object.entries(sessions).reduce((sum, [state, count]) => (state === "exited" ? sum : sum + count), 0);
    terminal.stdout.write(`the daemon runs under ${manager.kind} (pid ${client.hello.pid}): ${socket}\n`);
    if (before !== null) terminal.stdout.write(`it took the place of the one that ran (pid ${before}); sessions that go on: ${live}\n`);
    const command = ownCommand(env);
    terminal.stdout.write(`\nHow it is:  ${command} service status\n`);
    if (installation.scope === "system") terminal.stdout.write(`Programs find it with:  export LIFEGUARD_SOCKET=${socket}\n`);
    else if (manager.kind === "systemd" && !lingers())
      terminal.stdout.write(`Your services end when you log out. To have agents go on:  loginctl enable-linger ${userInfo().username}\n`);
    return EXIT.done;
  },
};

function writeIfChanged(directory: string, file: ServiceFile): boolean {
  const path = join(directory, file.name);
  try {
    if (readFileSync(path, "utf8") === file.text) return false;
  } catch {
    // Not there yet.
  }
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${path}.new`, file.text, { mode: 0o644 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new LifeguardError("FORBIDDEN", `${path} cannot be written: ${(error as Error).message}`, { path }, { cause: error });
  }
  return true;
}

/** Ends the daemon that serves this socket, whoever started it; its sessions stay with the keeper. */
async function stopRunning(socket: string): Promise<number | null> {
  let client: Client;
  try {
    client = await Client.connect({ socket, reconnect: false, client: "lifeguard-cli" });
  } catch {
    return null;
  }
  const gone = new Promise<void>((resolve) => client.onConnection("closed", resolve));
  await client.call("daemon.stop", {});
  await gone;
  await client.close();
  return client.hello.pid;
}

async function served(socket: string): Promise<Client> {
  const until = performance.now() + SERVED_MS;
  for (;;) {
    try {
      return await Client.connect({ socket, reconnect: false, client: "lifeguard-cli" });
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

/** Whether the user's manager goes on without a log-in. Unknown counts as yes: no advice is better than wrong advice. */
function lingers(): boolean {
  try {
    return (
      execFileSync("loginctl", ["show-user", userInfo().username, "-p", "Linger"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim() !== "Linger=no"
    );
  } catch {
    return true;
  }
}
