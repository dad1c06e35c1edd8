import { parseDuration } from "../duration.js";
import { sendPaste, tellingWait } from "../paced-input.js";
import { readInput } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  timeout?: number;
}

export const verb: Verb<Options> = {
  record: {
    name: "paste",
    summary: "paste a file, or what comes on stdin, into a session",
    details:
      "As one bracketed paste when the program asked for those; more than 192 KiB as several, in order. It waits for a program that reads slowly, or not; exit 4 when the time is over before all was taken.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" },
      { name: "[file]", description: "- or left out: stdin" },
    ],
    options: [{ flags: "--timeout <duration>", description: "wait so long, as 30s; for ever when left out", parse: parseDuration }],
    example: "git diff | lifeguard paste claude",
    startsDaemon: true,
  },
  async run({ words: [id = "", file = "-"], options, terminal, connect }: Invocation<Options>) {
    const bytes = await readInput(file, terminal.stdin);
    await sendPaste(await connect(), id, bytes.toString("utf8"), tellingWait(id, terminal, options.timeout));
    return EXIT.done;
  },
};
