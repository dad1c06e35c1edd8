import { sendPaste } from "../paced-input.js";
import { readInput } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "paste",
    summary: "paste a file, or what comes on stdin, into a session",
    details:
      "As one bracketed paste when the program asked for those; more than 192 KiB as several, in order. It waits for a program that reads slowly.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" },
      { name: "[file]", description: "- or left out: stdin" },
    ],
    example: "git diff | lifeguard paste claude",
    startsDaemon: true,
  },
  async run({ words: [id = "", file = "-"], terminal, connect }: Invocation<Record<string, never>>) {
    const bytes = await readInput(file, terminal.stdin);
    await sendPaste(await connect(), id, bytes.toString("utf8"));
    return EXIT.done;
  },
};
