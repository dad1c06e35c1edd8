import { layOut } from "../columns.js";
import { briefAge } from "../duration.js";
import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import { outputColumns } from "../terminal.js";
import { TMUX_SERVER_OPTIONS, tmuxServer, type TmuxServerOptions } from "../tmux-server.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options extends TmuxServerOptions {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "tmux ls",
    summary: "the sessions of a tmux server, ours and others",
    options: [...TMUX_SERVER_OPTIONS, { flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard tmux ls -L work",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<Options>) {
    const answer = await (await connect()).call("tmux.list", tmuxServer(options));
    if (options.json === true) {
      terminal.stdout.write(jsonPage(answer));
      return EXIT.done;
    }
    const rows = answer.sessions.map(({ name, windows, attached, created_at, id }) => [
      printable(name),
      String(windows),
      String(attached),
      briefAge(Date.now() - created_at),
      id ?? "-",
    ]);
    const columns = [
      { title: "TMUX SESSION", least: 12 },
      { title: "WINDOWS", align: "right" as const },
      { title: "CLIENTS", align: "right" as const },
      { title: "AGE", align: "right" as const },
      { title: "ADOPTED AS" },
    ];
    terminal.stdout.write(`${layOut(columns, rows, outputColumns(terminal)).join("\n")}\n`);
    return EXIT.done;
  },
};
