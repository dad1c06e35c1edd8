import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "keys",
    summary: "press keys in a session",
    details: "Names are tmux's: C-c, M-x, Up, Enter, Escape, Tab, F5, PageUp, Space. Anything else is typed as it is.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" },
      {
        name: "<keys...>",
        description: "in order",
        completes: ["C-c", "C-d", "Enter", "Escape", "Tab", "Up", "Down", "Left", "Right", "PageUp", "PageDown", "Home", "End", "Space"],
      },
    ],
    example: "lifeguard keys build C-c Up Enter",
    startsDaemon: true,
  },
  async run({ words: [id = "", ...keys], connect }: Invocation<Record<string, never>>) {
    await (await connect()).call("session.keys", { id, keys });
    return EXIT.done;
  },
};
