import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseList, parsePair } from "../words.js";

interface Options {
  name?: string;
  label?: Record<string, string>;
  unlabel?: string[];
  pin?: true;
  unpin?: true;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "set",
    summary: "rename, label or pin a session",
    details: "What is not named stays as it is. It is on the disk when this ends. A pinned session is never taken by retention or prune.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "session" }],
    options: [
      { flags: "--name <name>", description: "its new name" },
      { flags: "--label <name=value>", description: "add or change a label; may be repeated", parse: parsePair },
      { flags: "--unlabel <names>", description: "take labels away, separated by commas", parse: parseList },
      { flags: "--pin", description: "keep it whatever its age" },
      { flags: "--unpin", description: "let retention have it in its time" },
      { flags: "--json", description: "print the summary as the daemon answers it" },
    ],
    example: "lifeguard set build --name release --label team=infra\nlifeguard set build --pin",
    startsDaemon: true,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const { name, label, unlabel, pin, unpin } = options;
    if (pin && unpin) throw new UsageError("--pin and --unpin contradict each other: pass one");
    if (name === undefined && label === undefined && unlabel === undefined && !pin && !unpin)
      throw new UsageError("nothing to set: pass --name, --label, --unlabel, --pin or --unpin");
    const client = await connect();
    const labels = label === undefined && unlabel === undefined ? undefined : (await client.call("session.get", { id })).labels;
    const changed =
      labels === undefined
        ? undefined
        : Object.fromEntries(Object.entries({ ...labels, ...label }).filter(([key]) => unlabel?.includes(key) !== true));
    const session = await client.call("session.update", {
      id,
      ...(name === undefined ? {} : { name }),
      ...(changed === undefined ? {} : { labels: changed }),
      ...(pin || unpin ? { pinned: pin === true } : {}),
    });
    if (options.json === true) terminal.stdout.write(jsonPage(session));
    return EXIT.done;
  },
};
