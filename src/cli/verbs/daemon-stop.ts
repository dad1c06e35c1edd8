import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { resolvePaths } from "../../paths.js";
import type { Client } from "../../rpc/client.js";
import { connectTo, type Connect } from "../connect.js";
import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, NoDaemonError, UnreachableError } from "../verb.js";

interface Options {
  all?: boolean;
  json?: boolean;
}

/** More than the daemon's own budget for ending (8 s by default), and than killing every session takes. */
const ENDED_MS = 60_000;
/** How often it is looked whether it has. */
const LOOK_MS = 10;

export const verb: Verb<Options> = {
  record: {
    name: "daemon stop",
    summary: "end the daemon; the sessions go on under the keeper",
    details:
      "The next daemon takes them up again. Answers when the daemon has ended. With --all, where no daemon runs but a keeper does, one is started to end what that holds.",
    options: [
      { flags: "--all", description: "end the sessions too" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard daemon stop --all",
    startsDaemon: false,
  },
  async run(invocation: Invocation<Options>) {
    const { options, terminal } = invocation;
    const client = await whoeverEnds(invocation);
    const answer = await client.call("daemon.stop", options.all === true ? { all: true } : {});
    await ended(client, join(resolvePaths(invocation.env).state, "lock"));
    if (options.json === true) terminal.stdout.write(jsonPage(answer));
    else if (options.all === true) terminal.stdout.write("the daemon and all its sessions have ended\n");
    else
      terminal.stdout.write(
        `the daemon has ended; ${answer.sessions} session${answer.sessions === 1 ? " goes" : "s go"} on under the keeper\n`,
      );
    return EXIT.done;
  },
};

/**
 * The connection ends while the daemon still closes its store: then its lock says when it has ended. Another state directory's daemon
 * (`--socket`) does not hold this lock, and its connection is all there is to go by.
 * @throws UnreachableError after {@link ENDED_MS}
 */
async function ended(client: Client, lock: string): Promise<void> {
  const { pid } = client.hello;
  const giveUp = performance.now() + ENDED_MS;
  const { holderOf } = await import("../doctor/processes.js");
  while (client.connected || holderOf(lock) === pid) {
    if (performance.now() > giveUp)
      throw new UnreachableError(`the daemon (pid ${pid}) has not ended within ${ENDED_MS / 1_000} s; its log says why`);
    await pause(LOOK_MS);
  }
}

/**
 * The daemon; with --all, where none runs and a keeper does, one that is started for it: only a daemon ends sessions.
 * @throws UnreachableError
 */
async function whoeverEnds({ options, connect, env, socketFlag }: Invocation<Options>): Promise<Client> {
  try {
    return await connect();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (options.all === true) {
      const { keepersIn } = await import("../doctor/processes.js");
      if (keepersIn(resolvePaths(env).runtime).some(({ alive }) => alive)) {
        const starting: Connect = connectTo({ env, socketFlag, mayStart: true });
        return await starting();
      }
    }
    // Whoever wants it to end needs no advice on how to start it.
    throw error instanceof NoDaemonError ? new UnreachableError(`no daemon runs: nobody answers at ${error.socket}`) : error;
  }
}
