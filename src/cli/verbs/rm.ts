import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseChoice } from "../words.js";

const MODES = ["detach", "kill"] as const;

interface Options {
  force?: boolean;
  mode?: (typeof MODES)[number];
}

export const verb: Verb<Options> = {
  record: {
    name: "rm",
    summary: "forget an ended session and its files",
    arguments: [{ name: "<id...>", description: "ids or names, in full", completes: "ended-session" }],
    options: [
      { flags: "--force", description: "kill it first when it lives" },
      {
        flags: "--mode <mode>",
        description: "of a tmux session, also one that lives: detach leaves it to tmux, kill ends it there",
        completes: MODES,
        parse: (word) => parseChoice(word, MODES),
      },
    ],
    example: "lifeguard rm build",
    startsDaemon: true,
  },
  async run({ words, options, connect }: Invocation<Options>) {
    const client = await connect();
    const how = { ...(options.force === true ? { force: true } : {}), ...(options.mode === undefined ? {} : { mode: options.mode }) };
    for (const id of words) await client.call("session.remove", { id, ...how });
    return EXIT.done;
  },
};
