import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "daemon reload",
    summary: "have the running daemon read its configuration again",
    details:
      "Says what has changed, and what is read only when the daemon starts (lifeguard daemon upgrade starts it anew; agents go on). A file that is wrong is refused with its line, and changes nothing.",
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard daemon reload",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<{ json?: boolean }>) {
    const answer = await (await connect()).call("daemon.reload");
    if (options.json === true) {
      terminal.stdout.write(jsonPage(answer));
      return EXIT.done;
    }
    const { changed, restart } = answer;
    const lines = [changed.length === 0 ? "nothing has changed" : `changed: ${changed.join(", ")}`];
    if (restart.length > 0) lines.push(`needs a restart (lifeguard daemon upgrade): ${restart.join(", ")}`);
    terminal.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  },
};
