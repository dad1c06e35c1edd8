import { resolvePaths } from "../../paths.js";
import { layOut } from "../columns.js";
import { jsonPage } from "../json.js";
import { outputColumns } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "profile list",
    summary: "the tools that are known, and how well",
    details:
      "Shipped profiles, and on top of them the files in profiles/ beside config.toml. A file that is refused is named, with its line.",
    options: [{ flags: "--json", description: "print the profiles as they are used" }],
    example: "lifeguard profile list",
    startsDaemon: false,
  },
  async run({ options, env, terminal }: Invocation<Options>) {
    // Here and not above: it brings the schema library, for which every completion would pay.
    const { loadProfiles, ownProfiles, SHIPPED_PROFILES } = await import("../../profiles/load.js");
    const directory = ownProfiles(resolvePaths(env).config);
    const { set, problems } = loadProfiles([SHIPPED_PROFILES, directory]);
    if (options.json === true) terminal.stdout.write(jsonPage({ profiles: set.profiles, problems, directory }));
    else {
      const rows = set.profiles.map((profile) => [
        profile.name,
        profile.verified === null ? "unverified" : profile.verified.on,
        profile.verified?.versions.join(", ") ?? "",
        String(profile.rules.length),
        profile.files.some((file) => file.startsWith(directory)) ? "with your own file" : "",
      ]);
      const titles = [
        { title: "TOOL" },
        { title: "CHECKED" },
        { title: "WITH" },
        { title: "RULES", align: "right" as const },
        { title: "" },
      ];
      terminal.stdout.write(`${layOut(titles, rows, outputColumns(terminal)).join("\n")}\n`);
    }
    for (const problem of problems) terminal.stderr.write(`${problem}\n`);
    return problems.length === 0 ? EXIT.done : EXIT.failed;
  },
};
