import { coloursFor } from "../colours.js";
import { sessionDetails } from "../details.js";
import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "show",
    summary: "everything known about a session, evidence included",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "session" }],
    options: [{ flags: "--json", description: "print the summary as the daemon answers it" }],
    example: "lifeguard show build",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, env, terminal, connect }: Invocation<{ json?: boolean }>) {
    const session = await (await connect()).call("session.get", { id });
    if (options.json === true) terminal.stdout.write(jsonPage(session));
    else
      terminal.stdout.write(
        `${sessionDetails(session, { now: Date.now(), home: env["HOME"], colours: coloursFor(terminal.stdout, env) }).join("\n")}\n`,
      );
    return EXIT.done;
  },
};
