/**
 * Starts a daemon in the background: `lifeguard daemon --ready-fd 3`, detached, told ready or sorry through a pipe. Two at once race
 * safely: the lock of the state directory decides, and the loser's caller talks to the winner.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { LifeguardError } from "../errors.js";
import type { ErrorName } from "../errors.js";
import { packageFile } from "../package-files.js";
import { resolvePaths } from "../paths.js";
import { UnreachableError } from "./verb.js";

/** A thousand sessions are adopted within a second; a machine under load may need more. At the bound: exit 5. */
const READY_MS = 30_000;
/** What a daemon may say before it is ready. More is cut. */
const WORDS_BYTES = 64 * 1024;

const LAUNCHER = packageFile("bin/lifeguard");

/** What the daemon verb writes to its pipe: one line of JSON. */
export type Readiness =
  | { ready: { socket: string; state: string; pid: number; restored: number } }
  /** `taken`: another daemon holds the lock, and will answer soon if it does not yet. `name`: the error's, when it has one. */
  | { failed: string; taken: boolean; name?: ErrorName };

/**
 * Resolves when the daemon answers, or could not take the lock.
 * @throws UnreachableError in the daemon's own words, INVALID_PARAMS when it is the configuration that it refuses
 */
export async function startDaemon(env: NodeJS.ProcessEnv, socketFlag: string | undefined): Promise<Readiness> {
  const paths = resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag });
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  // Only what a daemon says that dies before it has a log of its own ends up here, so it cannot grow.
  const words = openSync(join(paths.state, "daemon.err"), "w", 0o600);
  const environment: NodeJS.ProcessEnv = { ...env };
  delete environment["LIFEGUARD_SESSION"];
  const child = spawn(
    process.execPath,
    [LAUNCHER, "daemon", "--ready-fd", "3", ...(socketFlag === undefined ? [] : ["--socket", socketFlag])],
    {
      detached: true,
      cwd: "/",
      env: environment,
      stdio: ["ignore", words, words, "pipe"],
    },
  );
  closeSync(words);
  try {
    const line = await firstLine(child.stdio[3] as Readable, child);
    if (line === "")
      throw new UnreachableError(`the daemon ended before it was ready; its last words are in ${join(paths.state, "daemon.err")}`);
    const readiness = JSON.parse(line) as Readiness;
    if ("failed" in readiness && !readiness.taken) {
      if (readiness.name === "INVALID_PARAMS") throw new LifeguardError("INVALID_PARAMS", readiness.failed);
      throw new UnreachableError(readiness.failed);
    }
    return readiness;
  } finally {
    (child.stdio[3] as Readable).destroy();
    child.unref();
  }
}

async function firstLine(pipe: Readable, child: ReturnType<typeof spawn>): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    let text = "";
    const timer = setTimeout(
      () => settle(() => reject(new UnreachableError(`the daemon (pid ${child.pid ?? "?"}) was not ready within ${READY_MS / 1_000} s`))),
      READY_MS,
    );
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      end();
    };
    pipe.setEncoding("utf8");
    pipe.on("data", (chunk: string) => {
      text = (text + chunk).slice(0, WORDS_BYTES);
      const end = text.indexOf("\n");
      if (end !== -1) settle(() => resolve(text.slice(0, end)));
    });
    pipe.on("end", () => settle(() => resolve("")));
    pipe.on("error", (error) => settle(() => reject(error)));
    child.on("error", (error) => settle(() => reject(new UnreachableError(`cannot start the daemon: ${error.message}`))));
  });
}
