import { jsonPage } from "../json.js";
import { testLines } from "../thought-lines.js";
import { givenSettings, SETTINGS_ARGUMENT, SETTINGS_OPTIONS } from "../thought-settings.js";
import type { SettingsOptions } from "../thought-settings.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options extends SettingsOptions {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "thought test",
    summary: "try a thought engine once, and say what it answers; changes nothing",
    details: "It is asked about a session that does not exist. What is not named is as in use. Exit 1 when it does not work.",
    arguments: [SETTINGS_ARGUMENT],
    options: [...SETTINGS_OPTIONS, { flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard thought test -- my-engine --model small",
    startsDaemon: false,
  },
  async run({ words, options, terminal, connect }: Invocation<Options>) {
    const answer = await (await connect()).call("thought.config.test", givenSettings(words, options), { deadlineMs: 660_000 });
    terminal.stdout.write(options.json === true ? jsonPage(answer) : `${testLines(answer).join("\n")}\n`);
    return answer.ok ? EXIT.done : EXIT.failed;
  },
};
