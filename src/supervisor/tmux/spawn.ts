/** A program that is started in tmux by us. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LifeguardError, messageOf } from "../../errors.js";
import { asTmuxWrites } from "../../tmux/names.js";
import type { SessionEntry } from "../entry.js";
import { sessionEnvironment } from "../environment.js";
import type { CallerWorld } from "../spawn-order.js";
import { launchScript } from "./launch-script.js";
import { placeOf } from "./place.js";
import { asLifeguardError, type Servers } from "./servers.js";

/**
 * A session of the first configured server; `entry.tmux` says which afterwards.
 * @param program its path, and the whole argument vector
 * @param lifeguard path of the daemon's own socket
 * @throws SPAWN_FAILED, ALREADY_EXISTS, TIMEOUT, UNSUPPORTED
 */
export async function spawnInTmux(
  entry: SessionEntry,
  program: { file: string; argv: readonly string[] },
  servers: Servers,
  lifeguard: string,
  world: CallerWorld,
): Promise<{ pid: number }> {
  const { spec, size } = entry;
  const socket = servers.socketOf({});
  const script = join(entry.directory, "start.sh");
  await mkdir(entry.directory, { recursive: true, mode: 0o700 });
  const text = launchScript(sessionEnvironment(spec.env, entry.id, lifeguard), program.file, program.argv, world);
  await writeFile(script, text, { mode: 0o600 });
  try {
    const made = await servers.exclusive(socket, async (server) => {
      try {
        await server.checkVersion();
        server.makeDirectory();
        const command = ["/bin/sh", script];
        const session = await server.create({ name: asTmuxWrites(spec.name), cwd: spec.cwd, ...size, command });
        entry.tmux = placeOf(socket, session, false);
        return session;
      } catch (error) {
        throw asLifeguardError(error, server);
      }
    });
    return { pid: made.pid };
  } catch (error) {
    await rm(script, { force: true });
    if (error instanceof LifeguardError && error.name !== "UNAVAILABLE" && error.name !== "NOT_FOUND") throw error;
    throw new LifeguardError("SPAWN_FAILED", `tmux did not start ${spec.command}: ${messageOf(error)}`, {}, { cause: error });
  }
}
