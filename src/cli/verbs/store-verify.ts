import { jsonPage } from "../json.js";
import { findingLines } from "../store-lines.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "store verify",
    summary: "read every byte of the store and say what is damaged",
    details: "What is damaged is moved to quarantine. Exit 1 when something is.",
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard store verify",
    startsDaemon: false,
  },
  async run({ options, terminal, connect }: Invocation<{ json?: boolean }>) {
    const report = await (await connect()).call("store.verify");
    const count = report.damaged.length;
    const sum = `${report.checked} files read, ${count === 0 ? "nothing is damaged" : `${count} ${count === 1 ? "is" : "are"} damaged`}`;
    terminal.stdout.write(options.json === true ? jsonPage(report) : `${[...findingLines(report), sum].join("\n")}\n`);
    return count === 0 ? EXIT.done : EXIT.failed;
  },
};
