import { LifeguardError } from "../../errors.js";
import { installationFor } from "../service/installation.js";
import { launchAgents, systemdUnits } from "../service/templates.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  system?: boolean;
  as?: string;
  for?: string;
}

export const verb: Verb<Options> = {
  record: {
    name: "service print",
    summary: "print what service install would write",
    options: [
      { flags: "--system", description: "for the machine rather than for you" },
      { flags: "--as <user>", description: "with --system: whose agents they are" },
      { flags: "--for <manager>", description: "systemd or launchd (default: this machine's)", completes: ["systemd", "launchd"] },
    ],
    example: "lifeguard service print",
    startsDaemon: false,
  },
  async run({ options, env, terminal, socketFlag }: Invocation<Options>) {
    const kind = options.for ?? (process.platform === "darwin" ? "launchd" : "systemd");
    if (kind !== "systemd" && kind !== "launchd")
      throw new LifeguardError("INVALID_PARAMS", `--for is systemd or launchd, got ${kind}`, { field: "for", received: kind });
    const installation = installationFor({ system: options.system === true, as: options.as, socketFlag }, env);
    const files = kind === "systemd" ? systemdUnits(installation) : launchAgents(installation);
    const comment = kind === "systemd" ? (name: string): string => `# ${name}\n` : (name: string): string => `<!-- ${name} -->\n`;
    terminal.stdout.write(files.map(({ name, text }) => comment(name) + text).join("\n"));
    return EXIT.done;
  },
};
