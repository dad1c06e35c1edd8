import { checkpointTable } from "../checkpoint-table.js";
import { jsonPage } from "../json.js";
import { outputColumns, writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "checkpoint ls",
    summary: "a table of the checkpoints, newest first",
    arguments: [{ name: "[id]", description: "only those of this session", completes: "session" }],
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard checkpoint ls claude",
    startsDaemon: false,
  },
  async run({ words: [id], options, terminal, connect }: Invocation<{ json?: boolean }>) {
    const answer = await (await connect()).call("checkpoint.list", id === undefined ? {} : { id });
    const lines = (): string => `${checkpointTable(answer.checkpoints, { now: Date.now(), width: outputColumns(terminal) }).join("\n")}\n`;
    await writePaced(terminal.stdout, options.json === true ? jsonPage(answer) : lines());
    return EXIT.done;
  },
};
