import { packageFile } from "../../package-files.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseChoice } from "../words.js";

const SHELLS = ["bash", "zsh", "fish"] as const;

interface Options {
  title?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "shell-integration",
    summary: "a script that makes a shell say where commands begin and end, with their status",
    details: "For the end of your shell's start-up file. It does nothing outside sessions of lifeguard.",
    arguments: [{ name: "<shell>", description: SHELLS.join(", "), completes: SHELLS }],
    options: [{ flags: "--title", description: "set the title too: the directory, or the command that runs" }],
    example: 'eval "$(lifeguard shell-integration bash)"\nlifeguard shell-integration fish | source',
    startsDaemon: false,
  },
  async run({ words: [word = ""], options, terminal }: Invocation<Options>) {
    const shell = parseChoice(word, SHELLS);
    const { readFile } = await import("node:fs/promises");
    const script = await readFile(packageFile(`shell/integration.${shell}`), "utf8");
    terminal.stdout.write(script.replaceAll("@TITLE@", options.title === true ? "1" : "''"));
    return EXIT.done;
  },
};
