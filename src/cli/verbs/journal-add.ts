import { isUtf8 } from "node:buffer";
import { jsonPage } from "../json.js";
import { readAll } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseChoice, parseCount, parseJson } from "../words.js";

const KINDS = ["message", "thought", "event", "note"] as const;

interface Options {
  kind?: (typeof KINDS)[number];
  author?: string;
  branch?: string;
  from?: number;
  data?: unknown;
  key?: string;
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "journal add",
    summary: "add an entry to a journal; prints its number",
    details: "When it prints, the entry is on the disk. A text that begins with - comes after --.",
    arguments: [
      { name: "<id>", description: "a session, for its own journal, or jrnl_<n>", completes: "session" },
      { name: "[text]", description: "what to add; - or left out: stdin" },
    ],
    options: [
      {
        flags: "--kind <kind>",
        description: `${KINDS.join(", ")}; note when left out`,
        completes: KINDS,
        parse: (word) => parseChoice(word, KINDS),
      },
      { flags: "--data <json>", description: "a JSON value instead of a text", parse: parseJson },
      { flags: "--author <name>", description: "who says so" },
      { flags: "--branch <name>", description: "the branch that it belongs to besides" },
      { flags: "--from <number>", description: "the entry it departs from", parse: (word) => parseCount(word, 1) },
      { flags: "--key <key>", description: "the same key within 10 minutes adds nothing again" },
      { flags: "--json", description: "print what the daemon answers" },
    ],
    example: "lifeguard journal add claude 'tests are green'\nmake test 2>&1 | lifeguard journal add claude --kind event",
    startsDaemon: true,
  },
  async run({ words: [id = "", text], options, terminal, connect }: Invocation<Options>) {
    if (options.data !== undefined && text !== undefined) throw new UsageError("a text and --data are given: give one");
    const typed = async (): Promise<string | Buffer> => (text === undefined || text === "-" ? asText(await readAll(terminal.stdin)) : text);
    const data = options.data === undefined ? await typed() : options.data;
    // What is in a journal stays there.
    if (options.data === undefined && isBlank(data))
      throw new UsageError("the text is blank, and an entry is never removed: give a text, or --data with a JSON value");
    const answer = await (
      await connect()
    ).call("journal.append", {
      id,
      kind: options.kind ?? "note",
      data,
      ...(options.author === undefined ? {} : { author: options.author }),
      ...(options.branch === undefined ? {} : { branch: options.branch }),
      ...(options.from === undefined ? {} : { from: options.from }),
      ...(options.key === undefined ? {} : { key: options.key }),
    });
    terminal.stdout.write(options.json === true ? jsonPage(answer) : `${answer.seq}\n`);
    return EXIT.done;
  },
};

function isBlank(data: unknown): boolean {
  return typeof data === "string" && data.trim() === "";
}

/** Text where it is text, else the bytes. */
function asText(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString("utf8") : bytes;
}
