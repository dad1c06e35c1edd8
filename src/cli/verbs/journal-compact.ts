import { jsonPage } from "../json.js";
import { readInput } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseCount } from "../words.js";

interface Options {
  archive: string;
  file?: string;
  summary?: string;
  through?: number;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "journal compact",
    summary: "begin a journal anew behind a summary of what was; prints the boundary's number",
    details:
      "Everything before the boundary stays readable. Entries that came while the summary was made are kept: --through names the last one it covers.",
    arguments: [{ name: "<id>", description: "a session, for its own journal, or jrnl_<n>", completes: "session" }],
    options: [
      { flags: "--archive <name>", description: "the name of the archive that holds the summary", required: true },
      { flags: "--file <file>", description: "store this text under that name first; - is stdin" },
      { flags: "--summary <text>", description: "a short one, for when the archive is missing" },
      {
        flags: "--through <number>",
        description: "the last entry that is summed up; all there are now when left out",
        parse: (word) => parseCount(word),
      },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard journal compact claude --archive claude-monday --file summary.md --through 812",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const { archive, summary, through, file } = options;
    const text = file === undefined ? undefined : (await readInput(file, terminal.stdin)).toString("utf8");
    const client = await connect();
    // First the text, then what points to it.
    if (text !== undefined) await client.call("journal.archive.put", { name: archive, text });
    const answer = await client.call("journal.compact", {
      id,
      archive,
      ...(summary === undefined ? {} : { summary }),
      ...(through === undefined ? {} : { through }),
    });
    terminal.stdout.write(options.json === true ? jsonPage(answer) : `${answer.seq}\n`);
    return EXIT.done;
  },
};
