import { parseDuration } from "../duration.js";
import { jsonPage } from "../json.js";
import { exitWords } from "../session-table.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  signal?: string;
  grace?: number;
  json?: boolean;
}

const SIGNALS = ["HUP", "INT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH"] as const;

export const verb: Verb<Options> = {
  record: {
    name: "kill",
    summary: "end a session and everything it started",
    details:
      "Hang-up, then TERM, then KILL, with a grace between them, to the whole process tree; answers when it is gone. With --signal: that signal once to the foreground program, and nothing else.",
    arguments: [{ name: "<id>", description: "id or name, in full", completes: "live-session" }],
    options: [
      {
        flags: "--signal <name>",
        description: "send only this, as INT or SIGUSR1",
        completes: SIGNALS,
        parse: (word) => (/^SIG/i.test(word) ? word.toUpperCase() : `SIG${word.toUpperCase()}`),
      },
      { flags: "--grace <duration>", description: "between the signals, 5s when left out", parse: parseDuration },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard kill build --grace 1s",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    const answer = await client.call("session.kill", {
      id,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.grace === undefined ? {} : { grace_ms: options.grace }),
    });
    if (options.json === true) terminal.stdout.write(jsonPage(answer));
    else if (answer.exit === null) terminal.stdout.write(`sent ${options.signal ?? "the signal"} to ${id}\n`);
    else
      terminal.stdout.write(`ended ${id}: ${exitWords(answer.exit)}, ${answer.processes} process${answer.processes === 1 ? "" : "es"}\n`);
    return EXIT.done;
  },
};
