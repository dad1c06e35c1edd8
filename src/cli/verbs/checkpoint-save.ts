import { jsonPage } from "../json.js";
import { readInput } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseCount, parseJson } from "../words.js";

interface Options {
  label?: string;
  context?: string;
  state?: unknown;
  extra?: unknown;
  tasks?: number;
  tokens?: number;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "checkpoint save",
    summary: "keep a session as it is now; prints the checkpoint's id",
    details: "It stays until it is removed. What it was made with, its state and its terminal are in it, and what you give besides.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "session" }],
    options: [
      { flags: "--label <label>", description: "a few words to find it by" },
      { flags: "--context <file>", description: "a file to keep with it, of any kind; - is stdin" },
      { flags: "--state <json>", description: "a JSON value to keep with it", parse: parseJson },
      { flags: "--extra <json>", description: "another one", parse: parseJson },
      { flags: "--tasks <number>", description: "how many tasks are completed", parse: (word) => parseCount(word) },
      { flags: "--tokens <number>", description: "how many tokens were used", parse: (word) => parseCount(word) },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard checkpoint save claude --label 'tests green' --context notes.md",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const context = options.context === undefined ? undefined : await readInput(options.context, terminal.stdin);
    const row = await (
      await connect()
    ).call("checkpoint.save", {
      id,
      ...(options.label === undefined ? {} : { label: options.label }),
      ...(context === undefined ? {} : { context }),
      ...(options.state === undefined ? {} : { state: options.state }),
      ...(options.extra === undefined ? {} : { extra: options.extra }),
      ...(options.tasks === undefined ? {} : { tasks_completed: options.tasks }),
      ...(options.tokens === undefined ? {} : { token_count: options.tokens }),
    });
    terminal.stdout.write(options.json === true ? jsonPage(row) : `${row.checkpoint}\n`);
    return EXIT.done;
  },
};
