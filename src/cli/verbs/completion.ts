import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseChoice } from "../words.js";

const SHELLS = ["bash", "zsh", "fish"] as const;

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "completion",
    summary: "a script that makes Tab complete verbs, options and sessions",
    arguments: [{ name: "<shell>", description: SHELLS.join(", "), completes: SHELLS }],
    example: "source <(lifeguard completion bash)\nlifeguard completion fish > ~/.config/fish/completions/lifeguard.fish",
    startsDaemon: false,
  },
  async run({ words: [shell = ""], terminal }: Invocation<Record<string, never>>) {
    const { completionScript } = await import("../completion.js");
    terminal.stdout.write(completionScript(parseChoice(shell, SHELLS)));
    return EXIT.done;
  },
};
