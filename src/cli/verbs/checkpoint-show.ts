import { checkpointDetails } from "../checkpoint-table.js";
import { findCheckpoint } from "../checkpoint-words.js";
import { coloursFor } from "../colours.js";
import { jsonPage } from "../json.js";
import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  context?: boolean;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "checkpoint show",
    summary: "everything in a checkpoint",
    arguments: [{ name: "<checkpoint>", description: "its id or the beginning of it, or a session: its newest", completes: "session" }],
    options: [
      { flags: "--context", description: "print the context alone, byte for byte" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard checkpoint show claude --context > notes.md",
    startsDaemon: false,
  },
  async run({ words: [word = ""], options, env, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    const checkpoint = await client.call("checkpoint.get", { checkpoint: await findCheckpoint(client, word) });
    if (options.context === true) await writePaced(terminal.stdout, checkpoint.context ?? "");
    else if (options.json === true) await writePaced(terminal.stdout, jsonPage(checkpoint, ["state", "extra"]));
    else {
      const setting = { now: Date.now(), home: env["HOME"], colours: coloursFor(terminal.stdout, env) };
      await writePaced(terminal.stdout, `${checkpointDetails(checkpoint, setting).join("\n")}\n`);
    }
    return EXIT.done;
  },
};
