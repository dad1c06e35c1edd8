/** What is wrong with the text of a config.toml: which key, in which line, and what was probably meant. Pure. */
import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { messageOf } from "./errors.js";

export interface ConfigProblem {
  /** `session.cols`; empty when the text is no TOML. */
  key: string;
  /** From 1; null when it cannot be told. */
  line: number | null;
  message: string;
  /** For an unknown key: the known one that is nearest, in the same section. */
  meant: string | null;
}

/** Where keys are known by name: the schema of config.toml as JSON Schema. */
export interface KnownKeys {
  properties?: Record<string, KnownKeys>;
}

export type Checked<T> = { settings: T; problems?: never } | { settings?: never; problems: ConfigProblem[] };

/** The settings, completed; or every problem there is, in the order of the text as far as known. */
export function checkSettings<T>(text: string, schema: z.ZodType<T>, known: () => KnownKeys): Checked<T> {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? error.line : null;
    return { problems: [{ key: "", line, message: `is not TOML: ${firstLine(messageOf(error))}`, meant: null }] };
  }
  const result = schema.safeParse(raw);
  if (result.success) return { settings: result.data };
  const problems = result.error.issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.map(String);
    if (issue.code !== "unrecognized_keys")
      return [{ key: path.join("."), line: lineOf(text, path), message: issue.message.replace(/^Invalid input: /, ""), meant: null }];
    const names = namesAt(known(), path);
    return issue.keys.map((name) => {
      const meant = nearest(name, names);
      const where = path.length === 0 ? "" : ` of [${path.join(".")}]`;
      const hint = meant === null ? `the keys${where} are ${names.join(", ")}` : `did you mean ${meant}?`;
      return { key: [...path, name].join("."), line: lineOf(text, [...path, name]), message: `unknown key; ${hint}`, meant };
    });
  });
  return { problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

/** `file:line: key: what is wrong`. */
export function problemText(file: string, { key, line, message }: ConfigProblem): string {
  const where = line === null ? file : `${file}:${line}`;
  return key === "" ? `${where} ${message}` : `${where}: ${key}: ${message}`;
}

function namesAt(known: KnownKeys, path: readonly string[]): string[] {
  let at: KnownKeys | undefined = known;
  for (const part of path) at = at?.properties?.[part];
  return Object.keys(at?.properties ?? {});
}

/** The line on which a key is set, or its section begins; null when it is written in a way that this does not follow. */
function lineOf(text: string, path: readonly string[]): number | null {
  const wanted = path.join(".");
  let section = "";
  let found: number | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    const key = /^\s*([A-Za-z0-9_."'\s-]+?)\s*=/.exec(line)?.[1];
    if (header !== undefined) {
      section = bare(header);
      if (section === wanted) found ??= index + 1;
    } else if (key !== undefined) {
      const whole = section === "" ? bare(key) : `${section}.${bare(key)}`;
      if (whole === wanted) return index + 1;
      // `session = { colz = 1 }`: the line of what holds it.
      if (wanted.startsWith(`${whole}.`)) found = index + 1;
    }
  }
  return found;
}

const bare = (key: string): string => key.replaceAll(/["'\s]/g, "");

/** At most so many letters off: beyond, a guess is none. */
const FAR = 3;

/** The name with the fewest letters put in, left out, exchanged or swapped; null when none is near. */
export function nearest(word: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.min(FAR, Math.floor(word.length / 2)) + 1;
  for (const name of names) {
    const distance = lettersOff(word.toLowerCase().replaceAll("-", "_"), name);
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

/** Optimal string alignment: edits of one letter, and swaps of two that stand together. */
function lettersOff(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? text).replace(/^Invalid TOML document: /, "");
}
