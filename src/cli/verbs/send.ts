import { sendBytes } from "../paced-input.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ enter?: boolean }> = {
  record: {
    name: "send",
    summary: "type text into a session",
    details: "The text goes in as it is. A text that begins with - comes after --.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" },
      { name: "<text>", description: "what to type" },
    ],
    options: [{ flags: "--enter", description: "press Enter after it" }],
    example: "lifeguard send build 'make test' --enter",
    startsDaemon: true,
  },
  async run({ words: [id = "", text = ""], options, connect }: Invocation<{ enter?: boolean }>) {
    const client = await connect();
    await sendBytes(client, id, Buffer.from(text));
    if (options.enter === true) await client.call("session.keys", { id, keys: ["Enter"] });
    return EXIT.done;
  },
};
