/**
 * `notify` in Codex's config.toml, edited as text: order, comments and spelling of everything else stay. A notify of the person's own is
 * wrapped: our words go before its first one, and Codex's program then runs both.
 */
import { isDeepStrictEqual } from "node:util";
import { parse, TomlError } from "smol-toml";
import { SettingsError } from "./settings-error.js";

interface Statement {
  key: string;
  start: number;
  valueStart: number;
  valueEnd: number;
}

const KEY = /(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'))*/y;
/** A string, a comment, or one character of something else. */
const PIECE = /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[\s\S]/y;
const THEN = "--then";

/** What stands in the file: null when there is no notify. @throws SettingsError */
export function notifyIn(text: string): readonly string[] | null {
  const { notify } = readToml(text);
  if (notify === undefined) return null;
  if (!Array.isArray(notify) || notify.some((word) => typeof word !== "string"))
    throw new SettingsError("its notify is no list of words, so it can neither be kept nor replaced");
  return notify as string[];
}

/** Inline hooks of config.toml: Codex warns at every start when a hooks.json stands beside them. */
export function hasInlineHooks(text: string): boolean {
  const { hooks } = readToml(text);
  return typeof hooks === "object" && hooks !== null && Object.keys(hooks).some((key) => key !== "state");
}

/**
 * @param text null: the file is not there
 * @param own the words to put first
 * @param lengthOfOwn how many of these words are ours, also of another installation; 0: none
 */
export function withNotify(text: string | null, own: readonly string[], lengthOfOwn: (words: readonly string[]) => number): string {
  if (text === null) return `notify = ${list(own)}\n`;
  const words = notifyIn(text);
  const statement = topLevel(text).find(({ key }) => key === "notify");
  let edited: string;
  if (words === null) edited = withLine(text, `notify = ${list(own)}`);
  else if (statement === undefined) throw new SettingsError("its notify stands where it cannot be edited");
  else {
    const { valueStart, valueEnd } = statement;
    const value = text.slice(valueStart, valueEnd);
    const count = lengthOfOwn(words);
    if (count === 0)
      edited = `${text.slice(0, valueStart)}[${inner([...own, THEN])}${/^\[\r?\n/.test(value) ? "," : ", "}${value.slice(1)}${text.slice(valueEnd)}`;
    else if (isDeepStrictEqual(words.slice(0, count), own)) edited = text;
    else {
      const before = `[${inner(words.slice(0, count))}`;
      const rest = value.startsWith(before)
        ? value.slice(before.length)
        : `${words.length > count ? ", " : ""}${inner(words.slice(count))}]`;
      edited = `${text.slice(0, valueStart)}[${inner(own)}${rest}${text.slice(valueEnd)}`;
    }
  }
  return checked(text, edited);
}

/** @returns null when nothing else is in it, and it was ours to begin with */
export function withoutNotify(text: string, lengthOfOwn: (words: readonly string[]) => number): string | null {
  const words = notifyIn(text);
  const statement = topLevel(text).find(({ key }) => key === "notify");
  const count = words === null ? 0 : lengthOfOwn(words);
  if (words === null || statement === undefined || count === 0) return text;
  const { start, valueStart, valueEnd } = statement;
  if (words[count] !== THEN) {
    const end = text.indexOf("\n", valueEnd);
    const from = text.lastIndexOf("\n", start) + 1;
    // The last line without a newline: the one before it was ours, too.
    const edited = end === -1 ? text.slice(0, from).replace(/\r?\n$/, "") : text.slice(0, from) + text.slice(end + 1);
    return edited === "" && end !== -1 ? null : checked(text, edited);
  }
  const value = text.slice(valueStart, valueEnd);
  const before = `[${inner(words.slice(0, count + 1))},`;
  const was = value.startsWith(before) ? `[${value.slice(before.length).replace(/^ /, "")}` : list(words.slice(count + 1));
  return checked(text, text.slice(0, valueStart) + was + text.slice(valueEnd));
}

function list(words: readonly string[]): string {
  return `[${inner(words)}]`;
}

/** JSON's strings are TOML's, but for DEL. */
function inner(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word).replaceAll("\x7f", "\\u007f")).join(", ");
}

/** After the last top-level line: what stands behind the first table belongs to that. */
function withLine(text: string, line: string): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  if (text === "") return line;
  const last = topLevel(text).at(-1);
  if (last === undefined) {
    const at = text.startsWith("\ufeff") ? 1 : 0;
    return `${text.slice(0, at)}${line}${newline}${text.slice(at)}`;
  }
  const end = text.indexOf("\n", last.valueEnd);
  return end === -1 ? `${text}${newline}${line}` : `${text.slice(0, end + 1)}${line}${newline}${text.slice(end + 1)}`;
}

function readToml(text: string): Record<string, unknown> {
  try {
    return parse(text.replace(/^\ufeff/, ""), { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const offset =
      text
        .split("\n")
        .slice(0, error.line - 1)
        .join("\n").length +
      error.column -
      (error.line === 1 ? 1 : 0);
    throw new SettingsError(`it is no TOML: ${error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "")}`, text, offset);
  }
}

/** The statements before the first table. @param text valid TOML */
function topLevel(text: string): Statement[] {
  const statements: Statement[] = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  for (;;) {
    at += /^(?:\s|#[^\n]*)*/.exec(text.slice(at))?.[0].length ?? 0;
    KEY.lastIndex = at;
    const key = KEY.exec(text)?.[0];
    if (key === undefined) return statements;
    const valueStart = at + key.length + (/^\s*=[ \t]*/.exec(text.slice(at + key.length))?.[0].length ?? 0);
    const valueEnd = endOfValue(text, valueStart);
    statements.push({ key: /^(["'])(.*)\1$/.exec(key)?.[2] ?? key, start: at, valueStart, valueEnd });
    at = valueEnd;
  }
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let end = start;
  PIECE.lastIndex = start;
  for (let piece = PIECE.exec(text)?.[0]; piece !== undefined; piece = PIECE.exec(text)?.[0]) {
    if (depth === 0 && (piece === "\n" || piece.startsWith("#"))) return end;
    if (piece === "[" || piece === "{") depth++;
    if (piece === "]" || piece === "}") depth--;
    if (!/^\s$/.test(piece)) end = PIECE.lastIndex;
  }
  return end;
}

/** @throws SettingsError when more than notify differs */
function checked(before: string, after: string): string {
  const others = (text: string): unknown => ({ ...readToml(text), notify: null });
  if (!isDeepStrictEqual(others(before), others(after)))
    throw new SettingsError("the change would have touched more than notify: this is a fault of lifeguard, nothing was written");
  return after;
}
