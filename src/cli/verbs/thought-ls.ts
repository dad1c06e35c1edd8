import { jsonPage } from "../json.js";
import { outputColumns } from "../terminal.js";
import { thoughtTable } from "../thought-lines.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "thought ls",
    summary: "what each session is doing, and who says so",
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard thought ls",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<{ json?: boolean }>) {
    const client = await connect();
    const answer = await client.call("thought.list");
    if (options.json === true) {
      terminal.stdout.write(jsonPage(answer));
      return EXIT.done;
    }
    const { sessions } = await client.call("session.list", { all: true, fields: ["id", "name"] });
    const names = new Map(sessions.map(({ id, name }) => [id, name]));
    const lines = thoughtTable(answer.thoughts, { names, now: Date.now(), width: outputColumns(terminal) });
    terminal.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  },
};
