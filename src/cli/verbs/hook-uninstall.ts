import { HOOK_TOOLS } from "../hook/payload.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";
import { parseChoice } from "../words.js";

interface UninstallOptions {
  dryRun?: true;
  json?: true;
}

export const verb: Verb<UninstallOptions> = {
  record: {
    name: "hook uninstall",
    summary: "take what hook install has put into an agent's settings out again",
    details: "Shows the change, then makes it. A file that is otherwise as it was is byte for byte what it was before.",
    arguments: [{ name: "<tool>", description: HOOK_TOOLS.join(", "), completes: HOOK_TOOLS }],
    options: [
      { flags: "--dry-run", description: "show the change, write nothing" },
      { flags: "--json", description: "the change as JSON" },
    ],
    example: "lifeguard hook uninstall claude",
    startsDaemon: false,
  },
  async run({ words: [word = ""], options, env, terminal }: Invocation<UninstallOptions>) {
    const tool = parseChoice(word, HOOK_TOOLS);
    const { planUninstall } = await import("../hook/tools.js");
    const { carryOut } = await import("../hook/present.js");
    carryOut(planUninstall(tool, env), {
      tool,
      json: options.json === true,
      dryRun: options.dryRun === true,
      terminal,
      home: env["HOME"],
      words: { nothing: `nothing to do: ${tool} has none of ours`, done: `took the hooks of ${tool} out` },
    });
    return EXIT.done;
  },
};
