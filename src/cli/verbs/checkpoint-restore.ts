import { wholeCheckpoint } from "../checkpoint-words.js";
import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  force?: boolean;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "checkpoint restore",
    summary: "start an ended session again from a checkpoint of it",
    arguments: [{ name: "<checkpoint>", description: "its id, in full" }],
    options: [
      { flags: "--force", description: "end the session first when it lives" },
      { flags: "--json", description: "print the summary after it" },
    ],
    example: "lifeguard checkpoint restore 3b0c2f6e-8a51-4c0e-9d5f-2f1e7a90c4d8",
    startsDaemon: true,
  },
  async run({ words: [word = ""], options, terminal, connect }: Invocation<Options>) {
    const checkpoint = wholeCheckpoint(word);
    const session = await (await connect()).call("checkpoint.restore", { checkpoint, ...(options.force === true ? { force: true } : {}) });
    terminal.stdout.write(
      options.json === true
        ? jsonPage(session)
        : `restored ${session.id} (${printable(session.name)}): pid ${session.pid ?? "–"}, epoch ${session.epoch}\n`,
    );
    return EXIT.done;
  },
};
