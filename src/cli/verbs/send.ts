import { parseDuration } from "../duration.js";
import { sendBytes, tellingWait } from "../paced-input.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  enter?: boolean;
  timeout?: number;
}

export const verb: Verb<Options> = {
  record: {
    name: "send",
    summary: "type text into a session",
    details:
      "The text goes in as it is. A text that begins with - comes after --. It waits for a program that does not read, once the session's input queue is full; exit 4 when the time is over before all was taken.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" },
      { name: "<text>", description: "what to type" },
    ],
    options: [
      { flags: "--enter", description: "press Enter after it" },
      { flags: "--timeout <duration>", description: "wait so long, as 30s; for ever when left out", parse: parseDuration },
    ],
    example: "lifeguard send build 'make test' --enter",
    startsDaemon: true,
  },
  async run({ words: [id = "", text = ""], options: { enter = false, timeout }, terminal, connect }: Invocation<Options>) {
    await sendBytes(await connect(), id, Buffer.from(text), { ...tellingWait(id, terminal, timeout), enter });
    return EXIT.done;
  },
};
