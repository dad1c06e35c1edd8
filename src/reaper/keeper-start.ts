/** Starts a keeper that outlives us: a session of its own, nothing of ours open, its log a file. */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LifeguardError } from "../errors.js";
import { programFile } from "../package-files.js";

export interface KeeperStart {
  runtime: string;
  state: string;
  version: string;
  spawner: "auto" | "posix" | "node-pty";
  logLevel: string;
}

/** Loading takes 0.1 s; a machine under load a few seconds. */
const DEADLINE_MS = 10_000;

const MAIN = programFile("reaper/keeper/main");

/**
 * Resolves once the keeper listens.
 * @throws LifeguardError UNAVAILABLE with where to look
 */
export async function startKeeper(start: KeeperStart): Promise<void> {
  const log = join(start.state, "keeper.log");
  // What escapes the logger (a crash of the runtime itself) goes to the same file.
  const errors = openSync(log, "a", 0o600);
  const before = fstatSync(errors).size;
  const child = spawn(process.execPath, [MAIN, start.runtime, start.state, start.version, start.spawner, start.logLevel], {
    detached: true,
    stdio: ["ignore", "pipe", errors],
    cwd: "/",
    env: keeperEnvironment(),
  });
  closeSync(errors);
  const { stdout } = child;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string): void =>
        reject(new LifeguardError("UNAVAILABLE", `the keeper ${what}: see ${log}${lastWords(log, before)}`, { log }));
      const timer = setTimeout(() => fail(`was not ready within ${DEADLINE_MS / 1_000} s`), DEADLINE_MS);
      child.once("error", (error) => fail(`could not be started (${error.message})`));
      child.once("exit", (code, signal) => fail(`ended at once (${signal ?? code})`));
      stdout?.once("data", () => {
        clearTimeout(timer);
        resolve();
      });
      child.once("exit", () => clearTimeout(timer));
      child.once("error", () => clearTimeout(timer));
    });
  } finally {
    child.removeAllListeners();
    stdout?.destroy();
    child.unref();
  }
}

/** Settings meant for the daemon's own runtime (a debugger's port, a heap size) are not the keeper's. */
function keeperEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of [
    "NODE_OPTIONS",
    "NODE_V8_COVERAGE",
    "NODE_CHANNEL_FD",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
  ])
    delete env[name];
  return env;
}

const LAST_WORDS_CHARACTERS = 500;

/** What a keeper that could not start had to say, from this byte of its log on. */
function lastWords(log: string, from: number): string {
  try {
    const said = readFileSync(log).subarray(from).toString("utf8").trim();
    return said === "" ? "" : `\n${said.slice(-LAST_WORDS_CHARACTERS)}`;
  } catch {
    return "";
  }
}
