/**
 * JSON with the places of everything in it, so that a few members can be put into a person's file and taken out again while every other
 * byte stays. An edit reads the text anew: files of settings are small.
 */
import { isDeepStrictEqual } from "node:util";
import { SettingsError } from "./settings-error.js";

export interface JsonMember {
  key: string;
  start: number;
  value: JsonNode;
}

export interface JsonNode {
  kind: "object" | "array" | "scalar";
  start: number;
  end: number;
  members: JsonMember[];
  items: JsonNode[];
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** @throws SettingsError with line and column */
export function readJson(text: string): JsonNode {
  let at = text.startsWith("\ufeff") ? 1 : 0;
  const fail = (expected: string): never => {
    throw new SettingsError(`it is no JSON: ${expected} expected`, text, at);
  };
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? null;
    at += found?.length ?? 0;
    return found;
  };
  const take = (mark: string): boolean => {
    match(SPACE);
    if (text[at] !== mark) return false;
    at++;
    return true;
  };
  const value = (): JsonNode => {
    match(SPACE);
    const node: JsonNode = { kind: "scalar", start: at, end: at, members: [], items: [] };
    if (take("{")) {
      node.kind = "object";
      for (let more = !take("}"); more; more = take(",") || (!take("}") && fail(`"," or "}"`))) {
        match(SPACE);
        const start = at;
        const key = text[at] === '"' ? match(SCALAR) : null;
        if (key === null) fail("a name in double quotes");
        if (!take(":")) fail('":"');
        node.members.push({ key: JSON.parse(key ?? '""') as string, start, value: value() });
      }
    } else if (take("[")) {
      node.kind = "array";
      for (let more = !take("]"); more; more = take(",") || (!take("]") && fail(`"," or "]"`))) node.items.push(value());
    } else if (match(SCALAR) === null) fail("a value");
    node.end = at;
    return node;
  };
  const root = value();
  match(SPACE);
  if (at < text.length) fail("the end of the file");
  return root;
}

export function valueOf(text: string, node: JsonNode): unknown {
  return JSON.parse(text.slice(node.start, node.end)) as unknown;
}

/** JSON.parse takes the last of several members of one name, and so do agents. */
export function memberOf(node: JsonNode, key: string): JsonMember | undefined {
  return node.members.findLast((member) => member.key === key);
}

/**
 * Puts an element after the last one. Into an empty container it goes directly behind the bracket: that is how `without` knows that
 * the container was there before.
 */
export function withLast(text: string, container: JsonNode, key: string | null, value: unknown): string {
  const last = container.members.at(-1) ?? container.items.at(-1);
  const name = key === null ? "" : `${JSON.stringify(key)}: `;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const first = container.members[0] ?? container.items[0];
  const lines = first === undefined ? text.includes("\n") : text.slice(container.start, first.start).includes("\n");
  const margin = (at: number): string => /(?:^|\n)([ \t]*)[^\n]*$/.exec(text.slice(0, at))?.[1] ?? "";
  const indent = last === undefined ? margin(container.start) + unitOf(text) : margin(last.start);
  const written = lines ? pretty(value, unitOf(text), indent, newline) : onOneLine(value);
  const at = last === undefined ? container.start + 1 : endOf(last);
  const before = last === undefined ? "" : lines ? `,${newline}${indent}` : ", ";
  return text.slice(0, at) + before + name + written + text.slice(at);
}

/**
 * Takes element number `index` of the last container of `path` out. A container that is empty then goes too, unless it was there, empty,
 * before `withLast`.
 * @param path from the root inwards: each container, and the number of the element in it that is the next one
 * @returns null when nothing is left
 */
export function without(text: string, path: readonly { container: JsonNode; index: number }[]): string | null {
  const step = path.at(-1);
  if (step === undefined) return null;
  const { container, index } = step;
  const all: (JsonMember | JsonNode)[] = container.kind === "object" ? container.members : container.items;
  const [before, own, after] = [all[index - 1], all[index], all[index + 1]];
  if (own === undefined) return text;
  if (before !== undefined) return text.slice(0, endOf(before)) + text.slice(endOf(own));
  if (after !== undefined) return text.slice(0, own.start) + text.slice(after.start);
  if (own.start === container.start + 1) return text.slice(0, own.start) + text.slice(endOf(own));
  return without(text, path.slice(0, -1));
}

export function replaced(text: string, node: JsonNode, value: unknown): string {
  const lines = text.slice(node.start, node.end).includes("\n");
  const indent = /(?:^|\n)([ \t]*)[^\n]*$/.exec(text.slice(0, node.start))?.[1] ?? "";
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  return text.slice(0, node.start) + (lines ? pretty(value, unitOf(text), indent, newline) : onOneLine(value)) + text.slice(node.end);
}

/** The whole text of a file that was not there. */
export function freshJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function sameJson(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(one, other);
}

function endOf(element: JsonMember | JsonNode): number {
  return "value" in element ? element.value.end : element.end;
}

function unitOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
}

function pretty(value: unknown, unit: string, indent: string, newline: string): string {
  return JSON.stringify(value, null, unit).replaceAll("\n", `${newline}${indent}`);
}

function onOneLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\n */g, " ");
}
