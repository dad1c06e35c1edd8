import { parseAge } from "../duration.js";
import { jsonPage } from "../json.js";
import { pruneLines } from "../store-lines.js";
import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  olderThan?: number;
  dryRun?: boolean;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "prune",
    summary: "remove what has been kept long enough",
    details:
      "Ended sessions and periodic checkpoints, as the daemon does every hour. Never what is live, pinned, needed by a fork, or not saved yet.",
    options: [
      {
        flags: "--older-than <duration>",
        description: "sessions that ended longer ago than this, as 7d; else as configured",
        parse: parseAge,
      },
      { flags: "--dry-run", description: "only say what would go" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard prune --older-than 2d --dry-run",
    startsDaemon: true,
  },
  async run({ options, terminal, connect }: Invocation<Options>) {
    const report = await (
      await connect()
    ).call("store.prune", {
      ...(options.olderThan === undefined ? {} : { older_than_ms: options.olderThan }),
      ...(options.dryRun === true ? { dry_run: true } : {}),
    });
    const lines = (): string => `${pruneLines(report, options.dryRun === true).join("\n")}\n`;
    await writePaced(terminal.stdout, options.json === true ? jsonPage(report) : lines());
    return EXIT.done;
  },
};
