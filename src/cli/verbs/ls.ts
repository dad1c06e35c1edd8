import type { SessionState } from "../../session.js";
import { coloursFor } from "../colours.js";
import { jsonPage } from "../json.js";
import { sessionTable } from "../session-table.js";
import { outputColumns } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parsePair, parseState } from "../words.js";

interface Options {
  all?: boolean;
  state?: SessionState;
  label?: Record<string, string>;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "ls",
    summary: "a table of the sessions",
    details:
      "A question mark after the state: the evidence for it is weak. Idle z, zz, zzz: for 30 s, 5 minutes, 30 minutes. The title is the session's thought where there is one.",
    options: [
      { flags: "--all", description: "also those that have ended" },
      {
        flags: "--state <state>",
        description: "only those in this state",
        completes: ["starting", "busy", "idle", "attention", "error", "exited"],
        parse: parseState,
      },
      { flags: "--label <name=value>", description: "only those with this label; may be repeated", parse: parsePair },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard ls --all --label team=build",
    startsDaemon: false,
  },
  async run({ options, env, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    const answer = await client.call("session.list", {
      // Who asks for ended ones by state means those too.
      all: options.all === true || options.state === "exited",
      ...(options.state === undefined ? {} : { state: options.state }),
      ...(options.label === undefined ? {} : { labels: options.label }),
    });
    if (options.json === true) {
      terminal.stdout.write(jsonPage(answer));
      return EXIT.done;
    }
    const lines = sessionTable(answer.sessions, {
      now: Date.now(),
      home: env["HOME"],
      width: outputColumns(terminal),
      colours: coloursFor(terminal.stdout, env),
    });
    terminal.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  },
};
