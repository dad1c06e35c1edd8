import { coloursFor } from "../colours.js";
import { jsonPage } from "../json.js";
import { thoughtDetails } from "../thought-lines.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "thought show",
    summary: "the newest thought of a session, with all that came with it",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "session" }],
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard thought show build",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, env, terminal, connect }: Invocation<{ json?: boolean }>) {
    const answer = await (await connect()).call("thought.get", { id });
    const setting = { now: Date.now(), colours: coloursFor(terminal.stdout, env) };
    const lines = (): string =>
      answer.thought === null
        ? `nobody has said anything of ${answer.id} yet`
        : thoughtDetails(answer.id, answer.thought, setting).join("\n");
    terminal.stdout.write(options.json === true ? jsonPage(answer) : `${lines()}\n`);
    return EXIT.done;
  },
};
