import { HOOK_TOOLS } from "../hook/payload.js";
import { lastingCommand } from "../own-command.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseChoice } from "../words.js";

interface InstallOptions {
  dryRun?: true;
  json?: true;
}

export const verb: Verb<InstallOptions> = {
  record: {
    name: "hook install",
    summary: "let an agent report to lifeguard: adds hooks to the agent's own settings",
    details:
      "Shows the change, then makes it. What is there stays as it is, hooks of your own too. Twice is once; lifeguard hook uninstall takes out what this has put in. docs/hooks.md says what is changed and what for.",
    arguments: [{ name: "<tool>", description: HOOK_TOOLS.join(", "), completes: HOOK_TOOLS }],
    options: [
      { flags: "--dry-run", description: "show the change, write nothing" },
      { flags: "--json", description: "the change as JSON" },
    ],
    example: "lifeguard hook install claude --dry-run\nlifeguard hook install codex",
    startsDaemon: false,
  },
  async run({ words: [word = ""], options, env, terminal }: Invocation<InstallOptions>) {
    const tool = parseChoice(word, HOOK_TOOLS);
    const { planInstall } = await import("../hook/tools.js");
    const { carryOut } = await import("../hook/present.js");
    carryOut(planInstall(tool, lastingCommand(env), env), {
      tool,
      json: options.json === true,
      dryRun: options.dryRun === true,
      terminal,
      home: env["HOME"],
      words: { nothing: `nothing to do: ${tool} has them`, done: `installed the hooks of ${tool}` },
    });
    return EXIT.done;
  },
};
