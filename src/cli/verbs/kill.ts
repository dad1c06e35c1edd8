import type { Client, SessionSummary } from "../../rpc/client.js";
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

/** `-9`, `-KILL`, `-SIGKILL`, `-s KILL`: as kill(1) has them. `-h` and whatever else is one letter stay options. */
export function likeKill(words: readonly string[]): string[] {
  const end = words.indexOf("--");
  return words.flatMap((word, index) => {
    if (end !== -1 && index > end) return [word];
    if (word === "-s") return ["--signal"];
    const signal = /^-((?:SIG)?[A-Z][A-Z0-9+-]+|[0-9]{1,2})$/i.exec(word)?.[1];
    return signal === undefined ? [word] : ["--signal", signal];
  });
}

const SIGNALS = ["HUP", "INT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH"] as const;

export const verb: Verb<Options> = {
  record: {
    name: "kill",
    summary: "end a session and everything it started",
    details:
      "Hang-up, then TERM, then KILL, with a grace between them, to the whole process tree; answers when it is gone. With --signal (or -9, -KILL, -s KILL, as kill(1) has them): that signal once to the foreground program, and nothing else.",
    rewrite: likeKill,
    arguments: [{ name: "<id>", description: "id or name, in full", completes: "live-session" }],
    options: [
      {
        flags: "--signal <name>",
        description: "send only this, as INT, SIGUSR1 or 9",
        completes: SIGNALS,
        parse: (word) => (/^(SIG|[0-9])/i.test(word) ? word.toUpperCase() : `SIG${word.toUpperCase()}`),
      },
      { flags: "--grace <duration>", description: "between the signals, 5s when left out", parse: parseDuration },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard kill build --grace 1s\nlifeguard kill -9 build",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    const due = options.signal === undefined ? await dueAgain(client, id) : null;
    const answer = await client.call("session.kill", {
      id,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.grace === undefined ? {} : { grace_ms: options.grace }),
    });
    if (options.json === true) terminal.stdout.write(jsonPage(answer));
    else if (answer.exit === null) terminal.stdout.write(`sent ${options.signal ?? "the signal"} to ${id}\n`);
    else if (due !== null && answer.processes === 0)
      terminal.stdout.write(`${id} was waiting to be started again after ${exitWords(due)}, and is not\n`);
    else if (options.signal === undefined && answer.processes === 0)
      terminal.stdout.write(`${id} had ended already: ${exitWords(answer.exit)}\n`);
    else
      terminal.stdout.write(`ended ${id}: ${exitWords(answer.exit)}, ${answer.processes} process${answer.processes === 1 ? "" : "es"}\n`);
    return EXIT.done;
  },
};

/** How a session ended that waits to be started again; null: it does not wait. What is wrong with `id`, the kill itself says. */
async function dueAgain(client: Client, id: string): Promise<SessionSummary["exit"]> {
  const session = await client.call("session.get", { id }).catch(() => null);
  return session?.state === "starting" && session.pid === null ? session.exit : null;
}
