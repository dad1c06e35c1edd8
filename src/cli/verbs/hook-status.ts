import { HOOK_TOOLS } from "../hook/payload.js";
import { jsonPage } from "../json.js";
import { lastingCommand } from "../own-command.js";
import { homely, printable } from "../printable.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface StatusOptions {
  json?: true;
}

const WORDS = {
  installed: () => "installed",
  partly: (tool: string) => `installed in part, completed by: lifeguard hook install ${tool}`,
  another: (tool: string) => `installed by another lifeguard or an older one, mended by: lifeguard hook install ${tool}`,
  no: () => "not installed",
} as const;

export const verb: Verb<StatusOptions> = {
  record: {
    name: "hook status",
    summary: "which agents report to lifeguard",
    options: [{ flags: "--json", description: "as JSON" }],
    example: "lifeguard hook status",
    startsDaemon: false,
  },
  async run({ options, env, terminal }: Invocation<StatusOptions>) {
    const { standingOf } = await import("../hook/tools.js");
    const standings = HOOK_TOOLS.map((tool) => standingOf(tool, lastingCommand(env), env));
    if (options.json === true) terminal.stdout.write(jsonPage({ tools: standings }));
    else
      for (const { tool, state, files } of standings)
        terminal.stdout.write(
          `${tool.padEnd(7)} ${WORDS[state](tool)} (${files.map((file) => printable(homely(file, env["HOME"]))).join(", ")})\n`,
        );
    return EXIT.done;
  },
};
