import { jsonPage } from "../json.js";
import { TMUX_SERVER_OPTIONS, tmuxServer, type TmuxServerOptions } from "../tmux-server.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options extends TmuxServerOptions {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "tmux adopt",
    summary: "make tmux sessions sessions of ours; prints their ids",
    details: "By their exact names, as tmux ls shows them. They stay in tmux, and nobody who looks at them notices.",
    arguments: [{ name: "<name...>", description: "names of tmux sessions, in full" }],
    options: [...TMUX_SERVER_OPTIONS, { flags: "--json", description: "print everything known about each" }],
    example: "lifeguard tmux adopt work",
    startsDaemon: true,
  },
  async run({ words, options, terminal, connect }: Invocation<Options>) {
    const client = await connect();
    for (const name of words) {
      const session = await client.call("tmux.adopt", { name, ...tmuxServer(options) });
      terminal.stdout.write(options.json === true ? jsonPage(session) : `${session.id}\n`);
    }
    return EXIT.done;
  },
};
