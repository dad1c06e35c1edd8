import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ force?: boolean }> = {
  record: {
    name: "rm",
    summary: "forget an ended session and its files",
    arguments: [{ name: "<id...>", description: "ids or names, in full", completes: "ended-session" }],
    options: [{ flags: "--force", description: "kill it first when it lives" }],
    example: "lifeguard rm build",
    startsDaemon: true,
  },
  async run({ words, options, connect }: Invocation<{ force?: boolean }>) {
    const client = await connect();
    for (const id of words) await client.call("session.remove", { id, ...(options.force === true ? { force: true } : {}) });
    return EXIT.done;
  },
};
