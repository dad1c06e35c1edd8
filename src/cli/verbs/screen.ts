import { jsonPage } from "../json.js";
import { writePaced } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseChoice, parseCount } from "../words.js";

const FORMATS = ["text", "ansi", "html", "svg"] as const;

interface Options {
  format?: (typeof FORMATS)[number];
  scrollback?: number;
  json?: boolean;
}

function parseFormat(word: string): (typeof FORMATS)[number] {
  if (word === "json") throw new UsageError(`"json" is not among ${FORMATS.join(", ")}: for JSON there is --json`);
  return parseChoice(word, FORMATS);
}

export const verb: Verb<Options> = {
  record: {
    name: "screen",
    summary: "what a person would see now",
    arguments: [{ name: "<id>", description: "id, name, or the beginning of either", completes: "session" }],
    options: [
      {
        flags: "--format <format>",
        description: `${FORMATS.join(", ")}; text when left out`,
        completes: FORMATS,
        parse: parseFormat,
      },
      { flags: "--scrollback <lines>", description: "so many lines of history above the screen", parse: (word) => parseCount(word) },
      { flags: "--json", description: "with size, cursor, title and offset" },
    ],
    example: "lifeguard screen build --format svg > build.svg",
    startsDaemon: false,
  },
  async run({ words: [id = ""], options, terminal, connect }: Invocation<Options>) {
    const format = options.format ?? "text";
    const client = await connect();
    const screen = await client.call("session.screen", {
      id,
      format,
      ...(options.scrollback === undefined ? {} : { scrollback: options.scrollback }),
    });
    if (options.json === true) {
      terminal.stdout.write(jsonPage(screen));
      return EXIT.done;
    }
    if (screen.checkpoint !== null)
      terminal.stderr.write(
        `lifeguard: the screen as checkpoint ${screen.checkpoint} has it: the session's own files are missing, damaged or older\n`,
      );
    const content = screen[format] ?? "";
    await writePaced(terminal.stdout, content.endsWith("\n") ? content : `${content}\n`);
    return EXIT.done;
  },
};
