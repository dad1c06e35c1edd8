import { coloursFor } from "../colours.js";
import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import { findingLines, queueWords } from "../store-lines.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "store status",
    summary: "how the store is: what waits for the disk, what is damaged",
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard store status",
    startsDaemon: false,
  },
  async run({ options, env, terminal, connect }: Invocation<{ json?: boolean }>) {
    const status = await (await connect()).call("store.status");
    if (options.json === true) {
      terminal.stdout.write(jsonPage(status));
      return EXIT.done;
    }
    const { dim } = coloursFor(terminal.stdout, env);
    const { queue, in_memory: held } = status;
    const lines: [string, string][] = [
      ["store", status.ok ? "ok" : `not well${status.trouble === null ? "" : `: ${printable(status.trouble)}`}`],
      ["queue", queueWords(queue)],
      ["written", `${queue.written} writes, ${queue.failed} attempts failed`],
      ["sessions", `${status.sessions}; in memory ${held.sessions} and ${held.journals} journals`],
    ];
    const text = [...lines.map(([label, value]) => `${dim(label.padEnd(9))} ${value}`), ...findingLines(status)];
    terminal.stdout.write(`${text.join("\n")}\n`);
    return EXIT.done;
  },
};
