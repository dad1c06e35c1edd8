/** One command line from its words to its exit code. */
import { LifeguardError, messageOf } from "../errors.js";
import { connectTo } from "./connect.js";
import { DIRECTORY_GONE, isDirectoryGone } from "./current-directory.js";
import { CommanderError, parseWords } from "./parse.js";
import type { Terminal } from "./terminal.js";
import type { Verb } from "./verb.js";
import { EXIT, exitCodeOf, UnreachableError, UsageError } from "./verb.js";
import { findVerb, GLOBAL_OPTIONS, partsOf, VERBS } from "./verbs.js";

export async function run(argv: readonly string[], env: NodeJS.ProcessEnv, terminal: Terminal): Promise<number> {
  try {
    return await runVerb(argv, env, terminal);
  } catch (error) {
    const { words, code } = failure(error);
    if (words !== null) terminal.stderr.write(`lifeguard: ${words}\n`);
    return code;
  }
}

async function runVerb(argv: readonly string[], env: NodeJS.ProcessEnv, terminal: Terminal): Promise<number> {
  const { globals, words: given } = leadingOptions(argv);
  // `lifeguard help ls` is `lifeguard ls --help`.
  const words = given[0] === "help" && given.length > 1 ? [...given.slice(1), "--help"] : given;
  const first = words[0];
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    terminal.stdout.write(await (await import("./help.js")).helpText());
    // Nothing said is a mistake; a question is not.
    return first === undefined ? EXIT.usage : EXIT.done;
  }
  if (first === "--version" || first === "-V" || first === "-v") {
    terminal.stdout.write(`${(await import("../package-files.js")).packageVersion()}\n`);
    return EXIT.done;
  }
  // What the scripts of `completion` call at every Tab.
  if (first === "complete") return await (await import("./completion.js")).complete(words.slice(1), env, globals, terminal);
  const found = findVerb(words);
  if (found === undefined && (words[1] === "--help" || words[1] === "-h")) {
    const text = await (await import("./help.js")).groupHelp(first);
    if (text !== null) {
      terminal.stdout.write(text);
      return EXIT.done;
    }
  }
  if (found === undefined) throw new UsageError(`${await unknownWords(words)}; lifeguard --help lists the verbs`);
  refuseNoSuchPart(found.name, words);
  const { verb }: { verb: Verb<Record<string, unknown>> } = await found.load();
  const parsed = parseWords(verb.record, [...globals, ...words.slice(found.name.split(" ").length)], {
    out: (text) => terminal.stdout.write(text),
    err: (text) => terminal.stderr.write(text),
  });
  const { socket, start, ...options } = parsed.options;
  const socketFlag = typeof socket === "string" ? socket : undefined;
  const connect = connectTo({ env, socketFlag, mayStart: verb.record.startsDaemon && start !== false });
  try {
    return await verb.run({ words: parsed.words, options, env, terminal, connect, socketFlag });
  } finally {
    await connect.end();
  }
}

/** `lifeguard --socket S ls`: options of all verbs may stand before the verb. */
function leadingOptions(argv: readonly string[]): { globals: string[]; words: string[] } {
  const words = [...argv];
  const globals: string[] = [];
  for (;;) {
    const word = words[0];
    const known = GLOBAL_OPTIONS.find(({ flags }) => word !== undefined && flags.split(" ")[0] === word.split("=")[0]);
    if (known === undefined) return { globals, words };
    const takesNext = known.flags.includes("<") && word?.includes("=") === false;
    if (takesNext && words.length < 2) throw new UsageError(`${word} needs a value: ${known.flags}, ${known.description}`);
    globals.push(...words.splice(0, takesNext ? 2 : 1));
  }
}

async function unknownWords(words: readonly string[]): Promise<string> {
  const [first = "", second] = words;
  const parts = partsOf(first);
  if (parts.length > 0)
    return `${JSON.stringify(first)} needs one more word: ${parts.join(" or ")}${second === undefined ? "" : `, got ${JSON.stringify(second)}`}`;
  const { nearest } = await import("../config-problems.js");
  const meant = nearest(first, [...new Set(Object.keys(VERBS).map((name) => name.split(" ")[0] ?? ""))]);
  return `there is no verb ${JSON.stringify(first)}${meant === null ? "" : `; did you mean ${meant}?`}`;
}

/** `daemon foo`: a verb that takes no words of its own, and has others behind it. @throws UsageError */
function refuseNoSuchPart(name: string, words: readonly string[]): void {
  const second = words[1];
  if (name !== "daemon" || second === undefined || second.startsWith("-")) return;
  throw new UsageError(
    `${JSON.stringify(name)} goes alone or with one more word: ${partsOf(name).join(" or ")}, got ${JSON.stringify(second)}; lifeguard --help lists the verbs`,
  );
}

/** What went wrong, in words (null: already written), and the exit code that says so. */
export function failure(error: unknown): { words: string | null; code: number } {
  if (error instanceof CommanderError) return { words: null, code: error.exitCode === 0 ? EXIT.done : EXIT.usage };
  if (error instanceof UsageError) return { words: error.message, code: EXIT.usage };
  if (error instanceof UnreachableError) return { words: error.message, code: EXIT.unreachable };
  if (error instanceof LifeguardError) return { words: error.message, code: exitCodeOf(error) };
  if (isDirectoryGone(error)) return { words: `${DIRECTORY_GONE}: cd into one that exists`, code: EXIT.failed };
  return { words: messageOf(error), code: EXIT.failed };
}
