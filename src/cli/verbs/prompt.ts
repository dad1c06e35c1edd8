import { LifeguardError } from "../../errors.js";
import type { SessionState } from "../../session.js";
import { parseDuration } from "../duration.js";
import { jsonPage } from "../json.js";
import { readInput, type Terminal } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, exitCodeOf, UsageError } from "../verb.js";
import { parseStates } from "../words.js";

interface Options {
  file?: string;
  wait?: boolean;
  until?: SessionState[];
  timeout?: number;
  queue?: boolean;
  force?: boolean;
  lossy?: boolean;
  json?: boolean;
}

/** Where a turn ends: by itself, with a question, or with a failure. */
const TURN_ENDS: readonly SessionState[] = ["idle", "attention", "error"];
/** Nothing was typed, and this is why. */
const REFUSALS: ReadonlySet<string> = new Set(["BLOCKED", "BUSY", "EXITED", "NOT_WRITER", "LIMIT", "UNSUPPORTED", "FORBIDDEN"]);

export const verb: Verb<Options> = {
  record: {
    name: "prompt",
    summary: "give an agent a prompt, and say what became of it",
    details:
      "Prints submitted (there is evidence of it), typed (there is none), queued, or refused: blocked, busy, exited (nothing was typed). With --wait the state reached comes after it. Exit 1 when it was refused, or when --wait had nothing to wait for; 4 when the time is over. A text that begins with - comes after --.",
    arguments: [
      { name: "<id>", description: "id, name, or the beginning of either", completes: "live-session" },
      { name: "[text]", description: "- or left out: stdin" },
    ],
    options: [
      { flags: "--file <file>", description: "the text is in a file" },
      { flags: "--wait", description: "until its turn is over, or asks something" },
      {
        flags: "--until <states>",
        description: `other states to wait for, separated by commas; ${TURN_ENDS.join(",")} when left out`,
        completes: ["idle", "attention", "busy", "error", "exited"],
        parse: parseStates,
      },
      { flags: "--timeout <duration>", description: "of the wait, as 30s or 10m; for ever when left out", parse: parseDuration },
      { flags: "--queue", description: "when it is busy: keep it, and deliver it when it rests" },
      { flags: "--force", description: "also while somebody else holds the pen" },
      { flags: "--lossy", description: "also where it cannot arrive as it is: CRLF, tabs in a tool that makes blanks of them" },
      { flags: "--json", description: "with the evidence" },
    ],
    example: "lifeguard prompt claude 'Fix the failing test.' --wait --timeout 10m",
    startsDaemon: true,
  },
  async run({ words: [id = "", word], options, terminal, connect }: Invocation<Options>) {
    const { until, timeout, queue, force, lossy, json } = options;
    const waits = options.wait === true || until !== undefined;
    if (timeout !== undefined && !waits) throw new UsageError("--timeout is of the wait: add --wait");
    const text = await textOf(word, options.file, terminal);
    const client = await connect();
    const say = (words: string, data: object): void => void terminal.stdout.write(json === true ? jsonPage(data) : `${words}\n`);
    try {
      const answer = await client.call("session.prompt", {
        id,
        text,
        ...(queue === true ? { queue } : {}),
        ...(force === true ? { force } : {}),
        ...(lossy === true ? { lossy } : {}),
        ...(waits ? { wait: { until: until ?? [...TURN_ENDS], ...(timeout === undefined ? {} : { timeout_ms: timeout }) } } : {}),
      });
      const { delivery, evidence, state } = answer;
      say(state === undefined ? delivery : `${delivery}\n${state}`, answer);
      if (delivery === "typed") terminal.stderr.write(`lifeguard: ${evidence.detail}\n`);
      return delivery === "typed" && waits ? EXIT.failed : EXIT.done;
    } catch (error) {
      if (!(error instanceof LifeguardError)) throw error;
      // The prompt got in, and the wait after it came to nothing.
      const delivery = /^(submitted|typed|queued): /.exec(error.message)?.[1];
      if (delivery !== undefined) say(delivery, { delivery, error: error.name });
      else if (REFUSALS.has(error.name))
        say(`refused: ${error.name.toLowerCase()}`, { delivery: "refused", reason: error.name.toLowerCase() });
      else throw error;
      terminal.stderr.write(`lifeguard: ${error.message}\n`);
      return exitCodeOf(error);
    }
  },
};

async function textOf(word: string | undefined, file: string | undefined, terminal: Terminal): Promise<string> {
  if (file !== undefined && word !== undefined) throw new UsageError("a text and --file are given; give one");
  if (word !== undefined && word !== "-") return word;
  const from = file ?? "-";
  const bytes = await readInput(from, terminal.stdin);
  try {
    // A byte order mark is no part of the text, and bytes that are no text are not replaced without a word.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${from === "-" ? "stdin" : from} is not UTF-8 text`);
  }
}
