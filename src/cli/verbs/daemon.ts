import { closeSync, writeSync } from "node:fs";
import { LifeguardError, messageOf } from "../../errors.js";
import { ownCommand } from "../own-command.js";
import { startDaemon } from "../start-daemon.js";
import type { Readiness } from "../start-daemon.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseCount } from "../words.js";

interface Options {
  background?: boolean;
  readyFd?: number;
}

export const verb: Verb<Options> = {
  record: {
    name: "daemon",
    summary: "run the daemon, in this terminal or in the background",
    details:
      "Ctrl-C ends it; its sessions go on under the keeper until the next daemon takes them up. Verbs that need a daemon start one by themselves.",
    options: [
      { flags: "--background", description: "detach; returns when it is ready" },
      {
        flags: "--ready-fd <number>",
        description: "write one line of JSON to this descriptor when ready, and be silent",
        hidden: true,
        parse: (word) => parseCount(word, 3),
      },
    ],
    example: "lifeguard daemon --background",
    startsDaemon: false,
  },
  async run(invocation: Invocation<Options>) {
    const { options, env, terminal, socketFlag } = invocation;
    if (options.background !== true) return await foreground(invocation);
    const readiness = await startDaemon(env, socketFlag);
    if ("failed" in readiness) {
      terminal.stderr.write(`lifeguard: ${readiness.failed}\n`);
      return EXIT.failed;
    }
    const { ready } = readiness;
    terminal.stdout.write(`the daemon runs (pid ${ready.pid}): ${ready.socket}\n`);
    return EXIT.done;
  },
};

/** For what was printed last to get out. */
const LINGER_MS = 500;

async function foreground({ options, env, terminal, socketFlag }: Invocation<Options>): Promise<number> {
  const tell = options.readyFd === undefined ? null : readinessTo(options.readyFd);
  // A service manager is told in its own way, and its journal wants no greeting.
  const silent = tell !== null || (env["NOTIFY_SOCKET"] ?? "") !== "";
  const say = (text: string): void => void (!silent && terminal.stdout.write(text));
  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  // Again is harmless: a signal to the whole process group reaches us more than once (npm passes it on), and the exit hook of
  // atomically sends each signal a second time. The end has a budget, so there is nothing to hurry.
  const ended = (): void => stop.abort();
  for (const signal of signals) process.on(signal, ended);
  try {
    const { runDaemon } = await import("../../daemon.js");
    const { exitCode, left, notSaved } = await runDaemon({
      env,
      flags: socketFlag === undefined ? {} : { socket: socketFlag },
      stop: stop.signal,
      onReady: (ready) => {
        tell?.({ ready });
        say(greeting(ready, ownCommand(env)));
      },
    });
    say(farewell(left, notSaved, ownCommand(env)));
    return exitCode;
  } catch (error) {
    const name = error instanceof LifeguardError ? error.name : null;
    tell?.({ failed: messageOf(error), taken: name === "ALREADY_EXISTS", ...(name === null ? {} : { name }) });
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, ended);
    // Whatever is still open: a daemon that says it has ended is gone, and one that could not start does not stay half alive.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

/** Tells once, then closes: the other end waits for a line or the end. */
function readinessTo(fd: number): (readiness: Readiness) => void {
  let told = false;
  return (readiness) => {
    if (told) return;
    told = true;
    try {
      writeSync(fd, `${JSON.stringify(readiness)}\n`);
      closeSync(fd);
    } catch {
      // Whoever started us has gone. The daemon is wanted all the same.
    }
  };
}

export function greeting(ready: { socket: string; state: string; pid: number; restored: number }, command: string): string {
  const restored = ready.restored === 0 ? "" : `  sessions  ${ready.restored} found running under the keeper\n`;
  return `lifeguard runs (pid ${ready.pid})
  socket    ${ready.socket}
  state     ${ready.state}
${restored}
Try next, in another terminal:
  ${command} new --name work -- bash
  ${command} attach work        leave it with C-\\
  ${command} top

Ctrl-C ends the daemon; sessions go on under the keeper.
`;
}

export function farewell(left: number, notSaved: readonly string[], command: string): string {
  const unsaved = notSaved.length === 0 ? "" : `not saved: ${notSaved.join(", ")}\n`;
  if (left === 0) return `\n${unsaved}the daemon has ended; no session is left\n`;
  return `
${unsaved}the daemon has ended; ${left} session${left === 1 ? " goes" : "s go"} on under the keeper, and the next daemon takes ${left === 1 ? "it" : "them"} up again.
To end ${left === 1 ? "it" : "them"}: ${command} kill ID, or all at once: ${command} daemon --background && ${command} daemon stop --all
`;
}
