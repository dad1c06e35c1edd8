import type { Invocation, Verb } from "../verb.js";
import { EXIT, UnreachableError } from "../verb.js";
import { jsonPage } from "../json.js";

interface Options {
  all?: boolean;
  json?: boolean;
}

/** More than the daemon's own budget for ending (8 s by default), and than killing every session takes. */
const ENDED_MS = 60_000;

export const verb: Verb<Options> = {
  record: {
    name: "daemon stop",
    summary: "end the daemon; the sessions go on under the keeper",
    details: "The next daemon takes them up again. Answers when the daemon has ended.",
    options: [
      { flags: "--all", description: "end the sessions too" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard daemon stop --all",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    const gone = new Promise<void>((resolve) => client.onConnection("closed", resolve));
    const answer = await client.call("daemon.stop", options.all === true ? { all: true } : {});
    const timer = new Promise<"late">((resolve) => {
      setTimeout(resolve, ENDED_MS, "late").unref();
    });
    if ((await Promise.race([gone, timer])) === "late")
      throw new UnreachableError(`the daemon (pid ${client.hello.pid}) has not ended within ${ENDED_MS / 1_000} s; its log says why`);
    if (options.json === true) terminal.stdout.write(jsonPage(answer));
    else if (options.all === true) terminal.stdout.write("the daemon and all its sessions have ended\n");
    else
      terminal.stdout.write(
        `the daemon has ended; ${answer.sessions} session${answer.sessions === 1 ? " goes" : "s go"} on under the keeper\n`,
      );
    return EXIT.done;
  },
};
