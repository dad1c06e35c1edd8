import { printable } from "../printable.js";
import { jsonPage } from "../json.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

const OUTCOME = { won: "→", outranked: "·", contradicted: "×", no_match: " " } as const;

interface Options {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "explain",
    summary: "why a session's state is what it is, and what would change it",
    details:
      "→ is the rule that decides, · what also holds and is outranked, × a report that the screen has ended; the others say what they lack.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" }],
    options: [{ flags: "--json", description: "print the explanation as the daemon answers it" }],
    example: "lifeguard explain build",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const why = await (await connect()).call("session.explain", { id });
    if (options.json === true) {
      terminal.stdout.write(jsonPage(why));
      return EXIT.done;
    }
    const { evidence, tool, held, inputs, report } = why;
    const lines = [`${why.state} since ${new Date(why.since).toISOString()}`];
    if (evidence !== null)
      lines.push(`  because ${evidence.source} ${evidence.rule} (${evidence.confidence}): ${printable(evidence.detail)}`);
    if (held !== null)
      lines.push(`  now ${held.state} shows (${held.rule}: ${printable(held.text)}), said once it has lasted ${held.hold_ms} ms`);
    lines.push(
      tool === null
        ? "tool: none that is known"
        : `tool: ${tool.title} (profile ${tool.name} ${tool.revision}, ${tool.verified === null ? "not verified" : `verified with ${tool.verified}`})`,
    );
    for (const file of tool?.files ?? []) lines.push(`  ${printable(file)}`);
    if (report !== null)
      lines.push(
        `last report: ${report.source} ${report.event}${report.state === null ? "" : ` (${report.state})`}, ` +
          `${report.age_ms} ms ago, ${report.outcome.replace("_", " ")}: ${printable(report.text)}`,
      );
    lines.push("evidence, strongest first:");
    for (const one of why.candidates)
      lines.push(`${OUTCOME[one.outcome]} ${one.source} ${one.rule}: ${one.state}, in ${one.region}: ${printable(one.text)}`);
    lines.push(
      "seen:",
      `  title ${JSON.stringify(printable(inputs.title))}, in front ${inputs.foreground === null ? "nothing known" : printable(inputs.foreground)}, ` +
        `quiet for ${inputs.quiet_ms === null ? "ever" : `${inputs.quiet_ms} ms`}${inputs.alternate_screen ? ", alternate screen" : ""}`,
      "what would change it:",
      ...why.would_change.map((change) => `  ${printable(change)}`),
    );
    terminal.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.done;
  },
};
