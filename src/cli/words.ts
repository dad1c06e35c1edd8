/** Words of the command line turned into values. Each says what it got and what would do. */
import { SESSION_STATES } from "../session.js";
import type { SessionLimits, SessionState, TerminalSize } from "../session.js";
import { messageOf } from "../errors.js";
import { UsageError } from "./verb.js";

/** `120x40`. */
export function parseSize(word: string): TerminalSize {
  const match = /^([0-9]{1,5})x([0-9]{1,5})$/i.exec(word.trim());
  if (match === null) throw new UsageError(`${JSON.stringify(word)} is no size: write columns x rows, as 120x40`);
  const size = { cols: Number(match[1]), rows: Number(match[2]) };
  if (size.cols < 2 || size.cols > 1_000 || size.rows < 1 || size.rows > 500)
    throw new UsageError(`${JSON.stringify(word)} is no size: 2 to 1000 columns, 1 to 500 rows`);
  return size;
}

/** `K=V` into the map of those before it. */
export function parsePair(word: string, previous: unknown): Record<string, string> {
  const at = word.indexOf("=");
  if (at < 1) throw new UsageError(`${JSON.stringify(word)} is no NAME=VALUE`);
  return { ...(previous as Record<string, string> | undefined), [word.slice(0, at)]: word.slice(at + 1) };
}

const LIMITS = ["memory_max", "cpu_weight", "tasks_max"] as const;
const POWERS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `memory_max=2G`, `tasks_max=100`, added to those before it. */
export function parseLimit(word: string, previous: unknown): SessionLimits {
  const [, name, digits, power] = /^([a-z_]+)=([0-9]{1,15})([KMGT]?)$/.exec(word) ?? [];
  const limit = LIMITS.find((known) => known === name);
  if (limit === undefined)
    throw new UsageError(`${JSON.stringify(word)} is no limit: ${LIMITS.join(", ")}, each with =NUMBER, as in memory_max=2G`);
  return { ...(previous as SessionLimits | undefined), [limit]: Number(digits) * (POWERS[power ?? ""] ?? 1) };
}

/** `idle,attention`. */
export function parseStates(word: string): SessionState[] {
  return word.split(",").map((part) => parseState(part.trim()));
}

export function parseState(word: string): SessionState {
  const state = SESSION_STATES.find((known) => known === word);
  if (state === undefined) throw new UsageError(`${JSON.stringify(word)} is no state: one of ${SESSION_STATES.join(", ")}`);
  return state;
}

/** A whole number from `least` up. */
export function parseCount(word: string, least = 0): number {
  const count = /^[0-9]{1,16}$/.test(word) ? Number(word) : Number.NaN;
  if (!Number.isSafeInteger(count) || count < least)
    throw new UsageError(`${JSON.stringify(word)} is no whole number${least > 0 ? ` from ${least} up` : ""}`);
  return count;
}

/** One of a few words. */
export function parseChoice<Choice extends string>(word: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === word);
  if (found === undefined) throw new UsageError(`${JSON.stringify(word)} is not among ${choices.join(", ")}`);
  return found;
}

/** `BOOT:SEQ`, as `events` prints them together in each line. */
export function parseCursor(word: string): { boot: string; seq: number } {
  const at = word.lastIndexOf(":");
  const seq = Number(word.slice(at + 1));
  if (at < 1 || at === word.length - 1 || !Number.isSafeInteger(seq) || seq < 0)
    throw new UsageError(`${JSON.stringify(word)} is no cursor: write BOOT:SEQ, the boot and seq of the last event seen`);
  return { boot: word.slice(0, at), seq };
}

/** `a,b` into the list of those before it. */
export function parseList(word: string, previous: unknown): string[] {
  const parts = word.split(",").map((part) => part.trim());
  return [...((previous as string[] | undefined) ?? []), ...parts.filter((part) => part !== "")];
}

/** Any JSON value. */
export function parseJson(word: string): unknown {
  try {
    return JSON.parse(word) as unknown;
  } catch (error) {
    throw new UsageError(`${JSON.stringify(word.slice(0, 80))} is no JSON: ${messageOf(error)}`);
  }
}
