import { resolve } from "node:path";
import { findCheckpoint } from "../checkpoint-words.js";
import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  name?: string;
  cwd?: string;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "checkpoint fork",
    summary: "start a new session from a checkpoint; prints its id",
    details:
      "The session it is from is untouched. While the fork is active its checkpoint cannot be removed: fork.update of the protocol says what has become of it.",
    arguments: [{ name: "<checkpoint>", description: "its id or the beginning of it, or a session: its newest", completes: "session" }],
    options: [
      { flags: "--name <name>", description: "the new session's name" },
      { flags: "--cwd <directory>", description: "where it starts; else where the other one did" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard checkpoint fork claude --name another-way",
    startsDaemon: true,
  },
  async run({ words: [word = ""], options, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    const answer = await client.call("checkpoint.fork", {
      checkpoint: await findCheckpoint(client, word),
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.cwd === undefined ? {} : { cwd: resolve(options.cwd) }),
    });
    terminal.stdout.write(options.json === true ? jsonPage(answer) : `${answer.session.id}\n`);
    return EXIT.done;
  },
};
