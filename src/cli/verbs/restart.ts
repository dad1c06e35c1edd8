import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "restart",
    summary: "end a session's process and start it again, in its tool's conversation where that is known",
    arguments: [{ name: "<id>", description: "id or name, in full", completes: "session" }],
    options: [{ flags: "--json", description: "print the summary after it" }],
    example: "lifeguard restart build",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<{ json?: boolean }>) {
    const session = await (await connect()).call("session.restart", { id });
    terminal.stdout.write(
      options.json === true
        ? jsonPage(session)
        : `restarted ${session.id} (${session.name}): pid ${session.pid ?? "–"}, epoch ${session.epoch}\n`,
    );
    return EXIT.done;
  },
};
