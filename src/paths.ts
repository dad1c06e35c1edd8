/**
 * Where things are. Apart from config.ts, which needs a schema library: a client wants the socket's path and nothing else, and
 * its start-up time is felt at every keystroke of a completion.
 */
import { mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { LifeguardError } from "./errors.js";

export interface Paths {
  /** Sockets, the lock's twin, in-flight pages. 0700. */
  runtime: string;
  /** Spools, snapshots, logs. 0700. */
  state: string;
  config: string;
  socket: string;
}

/** Where things are, from the environment alone (docs/protocol.md section 1). Makes nothing. */
export function resolvePaths(env: NodeJS.ProcessEnv, flags: { socket?: string } = {}): Paths {
  const root = absolute(env, "LIFEGUARD_HOME");
  const home = env["HOME"] ?? "";
  const state = absolute(env, "LIFEGUARD_STATE_DIR") ?? root ?? stateFromHome(env, home);
  const xdgRuntime = env["XDG_RUNTIME_DIR"] ?? "";
  const runtime =
    absolute(env, "LIFEGUARD_RUNTIME_DIR") ??
    (root !== undefined ? join(root, "run") : undefined) ??
    (isAbsolute(xdgRuntime) && isDirectory(xdgRuntime) ? join(xdgRuntime, "lifeguard") : join(state, "run"));
  const config =
    absolute(env, "LIFEGUARD_CONFIG") ??
    (root !== undefined ? join(root, "config.toml") : undefined) ??
    join(
      isAbsolute(env["XDG_CONFIG_HOME"] ?? "") ? (env["XDG_CONFIG_HOME"] as string) : join(home === "" ? homedir() : home, ".config"),
      "lifeguard",
      "config.toml",
    );
  const socket = flags.socket ?? absolute(env, "LIFEGUARD_SOCKET") ?? join(runtime, "lifeguard.sock");
  return { runtime, state, config, socket };
}

function absolute(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const value = env[variable];
  if (value === undefined || value === "") return undefined;
  if (!isAbsolute(value))
    throw new LifeguardError("INVALID_PARAMS", `${variable} must be an absolute path, got ${JSON.stringify(value)}`, { field: variable });
  return value;
}

function stateFromHome(env: NodeJS.ProcessEnv, home: string): string {
  const xdg = env["XDG_STATE_HOME"] ?? "";
  if (isAbsolute(xdg)) return join(xdg, "lifeguard");
  if (!isAbsolute(home)) {
    throw new LifeguardError(
      "INVALID_PARAMS",
      "HOME is not set: set HOME, or LIFEGUARD_HOME to a directory for everything lifeguard keeps",
      { field: "HOME" },
    );
  }
  return join(home, ".local", "state", "lifeguard");
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Makes the runtime and state directories, 0700. */
export function makeDirectories(paths: Paths): void {
  for (const path of [paths.state, paths.runtime]) mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** The in-flight file that daemon and keeper share (src/spool/inflight.ts). */
export function inflightPath(paths: Pick<Paths, "runtime">): string {
  return join(paths.runtime, "inflight");
}
