import { journalTable } from "../journal-lines.js";
import { jsonPage } from "../json.js";
import { outputColumns, writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "journal ls",
    summary: "a table of the journals that belong to no session",
    details: "A session's own journal is meant by the session.",
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard journal ls",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<{ json?: boolean }>) {
    const answer = await (await connect()).call("journal.list");
    const lines = (): string => `${journalTable(answer.journals, { now: Date.now(), width: outputColumns(terminal) }).join("\n")}\n`;
    await writePaced(terminal.stdout, options.json === true ? jsonPage(answer) : lines());
    return EXIT.done;
  },
};
