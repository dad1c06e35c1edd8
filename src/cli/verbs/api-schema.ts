import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "api schema",
    summary: "the daemon's whole API as JSON Schema",
    options: [{ flags: "--json", description: "changes nothing: it is JSON anyway" }],
    example: "lifeguard api schema | jq '.methods | keys'",
    startsDaemon: false,
  },
  async run({ terminal, connect }: Invocation<Record<string, never>>) {
    const schema = await (await connect()).call("daemon.schema");
    await writePaced(terminal.stdout, `${JSON.stringify(schema, null, 2)}\n`);
    return EXIT.done;
  },
};
