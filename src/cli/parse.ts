/** Records of verbs as commander commands. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { VerbRecord } from "./verb.js";
import { UsageError } from "./verb.js";
import { GLOBAL_OPTIONS, partsOf } from "./verbs.js";

export interface ParsedWords {
  words: string[];
  options: Record<string, unknown>;
}

/**
 * @param words after the verb's own
 * @throws CommanderError when the words are wrong (its message is already written) or help was asked for
 */
export function parseWords(
  record: VerbRecord,
  words: readonly string[],
  write: { out: (text: string) => void; err: (text: string) => void },
): ParsedWords {
  const command = commandFor(record);
  command.exitOverride().configureOutput({
    writeOut: write.out,
    writeErr: write.err,
    outputError: (text, put) => put(text.replace(/^error: /, "lifeguard: ")),
  });
  command.showHelpAfterError(`Try: lifeguard ${record.name} --help`);
  let parsed: ParsedWords | undefined;
  command.action(() => {
    parsed = { words: command.args, options: command.opts() };
  });
  command.parse(record.rewrite?.(words) ?? [...words], { from: "user" });
  // commander has either run the action or thrown.
  return parsed ?? { words: [], options: {} };
}

export function commandFor(record: VerbRecord): Command {
  const command = new Command(`lifeguard ${record.name}`).description(
    record.details === undefined ? record.summary : `${record.summary}\n\n${record.details}`,
  );
  for (const argument of record.arguments ?? []) command.argument(argument.name, argument.description);
  for (const option of record.options ?? []) {
    const made = new Option(option.flags, option.description);
    made.makeOptionMandatory(option.required === true).hideHelp(option.hidden === true);
    const { parse } = option;
    if (parse !== undefined) {
      made.argParser((word, previous) => {
        try {
          return parse(word, previous);
        } catch (error) {
          if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
          throw error;
        }
      });
    }
    command.addOption(made);
  }
  for (const option of GLOBAL_OPTIONS) command.option(option.flags, option.description);
  command.helpOption("-h, --help", "this text");
  const parts = partsOf(record.name);
  const also =
    parts.length === 0 ? "" : `\n\nMore of it, each with --help:\n${parts.map((part) => `  lifeguard ${record.name} ${part}`).join("\n")}`;
  command.addHelpText(
    "after",
    `\nExample:\n${record.example
      .split("\n")
      .map((line) => `  ${line}`)
      .join("\n")}${also}`,
  );
  return command;
}

export { CommanderError };
