import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "config schema",
    summary: "what config.toml may say, as JSON Schema, for editors",
    details: "Keys, values and defaults. docs/configuration.md says what they mean.",
    options: [{ flags: "--json", description: "as always" }],
    example: "lifeguard config schema > ~/.config/lifeguard/schema.json",
    startsDaemon: false,
  },
  async run({ terminal }: Invocation<Record<string, never>>) {
    const { settingsAsJsonSchema } = await import("../../config.js");
    terminal.stdout.write(`${JSON.stringify(settingsAsJsonSchema(), null, 2)}\n`);
    return EXIT.done;
  },
};
