import { LifeguardError, messageOf } from "../../errors.js";
import type { Client } from "../../rpc/client.js";
import { printable } from "../printable.js";
import { jsonPage } from "../json.js";
import { writePaced, type Terminal } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";

const OUTCOME = { won: "→", outranked: "·", contradicted: "×", no_match: " " } as const;

interface Options {
  json?: boolean;
  record?: string;
  mask?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "explain",
    summary: "why a session's state is what it is, and what would change it",
    details:
      "→ is the rule that decides, · what also holds and is outranked, × a report that the screen has ended; the others say what they lack. --record keeps it for a bug report, with what the session has printed as far as that is held: lifeguard profile test replays the file. Read it before you send it.",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" }],
    options: [
      { flags: "--json", description: "print the explanation as the daemon answers it" },
      { flags: "--record <file>", description: "keep the evidence in a new file (- is stdout), an asciicast v2" },
      { flags: "--mask", description: "with --record: letters and digits replaced, layout kept; no names, paths and commands" },
    ],
    example: "lifeguard explain build\nlifeguard explain build --record evidence.cast --mask",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    if (options.record !== undefined) return await record(await connect(), id, options.record, options.mask === true, terminal);
    if (options.mask === true) throw new UsageError("--mask is for --record FILE");
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

/** Never over a file that is there, and for nobody else to read. */
async function record(client: Client, id: string, file: string, masked: boolean, terminal: Terminal): Promise<number> {
  const { evidenceFile } = await import("../evidence-file.js");
  const { packageVersion } = await import("../../package-files.js");
  const { stat, writeFile } = await import("node:fs/promises");
  const isDirectory =
    file !== "-" &&
    (await stat(file).then(
      (there) => there.isDirectory(),
      () => false,
    ));
  if (isDirectory) throw new UsageError(`${file} is a directory: name a file in it, which is not there yet`);
  const text = await evidenceFile(client, id, masked, packageVersion());
  if (file === "-") {
    await writePaced(terminal.stdout, text);
    return EXIT.done;
  }
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new LifeguardError(
      there ? "ALREADY_EXISTS" : "UNAVAILABLE",
      there ? `${file} is there already: name another file, or delete it` : `cannot write ${file}: ${messageOf(error)}`,
      { file },
    );
  }
  terminal.stdout.write(
    masked
      ? `${printable(file)}: letters and digits are masked, blanks and punctuation are not\n`
      : `${printable(file)}: everything the session shows is in it as it is; --mask replaces letters and digits\n`,
  );
  return EXIT.done;
}
