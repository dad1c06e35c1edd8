import { coloursFor } from "../colours.js";
import { jsonPage } from "../json.js";
import { configLines } from "../thought-lines.js";
import { givenSettings, SETTINGS_ARGUMENT, SETTINGS_OPTIONS } from "../thought-settings.js";
import type { SettingsOptions } from "../thought-settings.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";

interface Options extends SettingsOptions {
  reset?: boolean;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "thought config",
    summary: "which engine has thoughts, and how it is; with options: change it",
    details:
      "What is changed counts at once and over restarts, in place of [thought] in config.toml, until --reset. What is not named stays as it is. lifeguard thought test tries it first.",
    arguments: [SETTINGS_ARGUMENT],
    options: [
      ...SETTINGS_OPTIONS,
      { flags: "--reset", description: "back to what config.toml says" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard thought config\nlifeguard thought config --tick 30s -- my-engine --model small",
    startsDaemon: false,
  },
  async run({ words, options, env, terminal, connect }: Invocation<Options>) {
    const change = givenSettings(words, options);
    const [given] = Object.keys(change);
    if (options.reset === true && given !== undefined) throw new UsageError("--reset takes nothing beside it");
    const client = await connect();
    let answer = await client.call("thought.config.get");
    if (given !== undefined || options.reset === true)
      answer = await client.call("thought.config.set", {
        version: answer.version,
        ...(options.reset === true ? { reset: true } : change),
      });
    const lines = (): string => `${configLines(answer, Date.now(), coloursFor(terminal.stdout, env)).join("\n")}\n`;
    terminal.stdout.write(options.json === true ? jsonPage(answer) : lines());
    return EXIT.done;
  },
};
