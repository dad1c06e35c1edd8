/** The options by which `thought config` and `thought test` say an engine. */
import type { ThoughtSettings } from "../rpc/client.js";
import { parseDuration } from "./duration.js";
import type { ArgumentRecord, OptionRecord } from "./verb.js";
import { parseChoice } from "./words.js";

const ENGINES = ["none", "rules", "command"] as const;

export interface SettingsOptions {
  engine?: ThoughtSettings["engine"];
  tick?: number;
  hot?: number;
  warm?: number;
  cold?: number;
  exchange?: number;
}

export const SETTINGS_ARGUMENT: ArgumentRecord = { name: "[command...]", description: "the engine's command and its words, after --" };

export const SETTINGS_OPTIONS: readonly OptionRecord[] = [
  {
    flags: "--engine <engine>",
    description: `${ENGINES.join(", ")}; command when words come after --`,
    completes: ENGINES,
    parse: (word) => parseChoice(word, ENGINES),
  },
  { flags: "--tick <duration>", description: "the command is asked once in this time: 250ms to 5m", parse: parseDuration },
  { flags: "--hot <duration>", description: "a session's turn while its objective is younger than 5 minutes", parse: parseDuration },
  { flags: "--warm <duration>", description: "the same, younger than an hour", parse: parseDuration },
  { flags: "--cold <duration>", description: "the same, older", parse: parseDuration },
  { flags: "--exchange <duration>", description: "what an answer may take: 100ms to 5m", parse: parseDuration },
];

/** What was given, and nothing else. */
export function givenSettings(words: readonly string[], options: SettingsOptions): Partial<ThoughtSettings> {
  const { engine = words.length > 0 ? "command" : undefined, tick, hot, warm, cold, exchange } = options;
  return {
    ...(engine === undefined ? {} : { engine }),
    ...(words.length === 0 ? {} : { command: [...words] }),
    ...(tick === undefined ? {} : { tick_ms: tick }),
    ...(hot === undefined ? {} : { hot_ms: hot }),
    ...(warm === undefined ? {} : { warm_ms: warm }),
    ...(cold === undefined ? {} : { cold_ms: cold }),
    ...(exchange === undefined ? {} : { exchange_ms: exchange }),
  };
}
