import type { Client, JournalPage } from "../../rpc/client.js";
import { coloursFor } from "../colours.js";
import { damageLine, entryLine } from "../journal-lines.js";
import { jsonPage } from "../json.js";
import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseCount } from "../words.js";

interface Options {
  since?: number;
  limit?: number;
  branch?: string;
  fromBoundary?: boolean;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "journal show",
    summary: "the entries of a journal, one a line",
    details: "Entries that are damaged are named on stderr.",
    arguments: [{ name: "<id>", description: "a session, for its own journal, or jrnl_<n>", completes: "session" }],
    options: [
      { flags: "--since <number>", description: "from this entry on", parse: (word) => parseCount(word) },
      { flags: "--limit <number>", description: "so many at most", parse: (word) => parseCount(word, 1) },
      { flags: "--branch <name>", description: "only those of this branch" },
      { flags: "--from-boundary", description: "only what follows the last compaction, its summary first" },
      { flags: "--json", description: "print what the daemon answers; more and next say whether that is all" },
    ],
    example: "lifeguard journal show claude --from-boundary",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, env, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    if (options.json === true) {
      await writePaced(terminal.stdout, jsonPage(await page(client, id, options), ["data"]));
      return EXIT.done;
    }
    const colours = coloursFor(terminal.stdout, env);
    const told = new Set<string>();
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    let { since } = options;
    for (let more = true, first = true; more && left > 0; first = false) {
      const answer = await page(client, id, {
        ...options,
        ...(since === undefined ? {} : { since }),
        ...(left === Number.POSITIVE_INFINITY ? {} : { limit: left }),
      });
      if (first && answer.boundary !== undefined) await writePaced(terminal.stdout, withNewline(answer.boundary.prefix));
      for (const entry of answer.entries) await writePaced(terminal.stdout, `${entryLine(entry, colours)}\n`);
      for (const line of answer.damage.map(damageLine).filter((each) => !told.has(each))) {
        told.add(line);
        terminal.stderr.write(`lifeguard: ${line}\n`);
      }
      left -= answer.entries.length;
      since = answer.next;
      ({ more } = answer);
    }
    return EXIT.done;
  },
};

async function page(client: Client, id: string, { since, limit, branch, fromBoundary }: Options): Promise<JournalPage> {
  return await client.call("journal.read", {
    id,
    ...(since === undefined ? {} : { since }),
    ...(limit === undefined ? {} : { limit }),
    ...(branch === undefined ? {} : { branch }),
    ...(fromBoundary === true ? { from_boundary: true } : {}),
  });
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
