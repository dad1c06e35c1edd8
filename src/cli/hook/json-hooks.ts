/**
 * Our entries in the `hooks` table that Claude Code's settings.json and Codex's hooks.json share: per event a list of groups, each with
 * a list of handlers. Ours is a group of its own, the last one of each event: what a person has stays where it is.
 */
import { freshJson, memberOf, readJson, replaced, sameJson, valueOf, withLast, without } from "./json-text.js";
import type { JsonNode } from "./json-text.js";
import { SettingsError } from "./settings-error.js";

export interface Handler {
  type: "command";
  command: string;
  /** Seconds. */
  timeout: number;
}

interface Place {
  event: string;
  handler: JsonNode;
  /** From the root inwards, ending with the handler's list. */
  path: { container: JsonNode; index: number }[];
}

/**
 * @param text null: the file is not there
 * @param isOurs by the command, also that of another installation
 * @throws SettingsError
 */
export function withHooks(text: string | null, events: readonly string[], handler: Handler, isOurs: (command: string) => boolean): string {
  if (text === null) return freshJson({ hooks: Object.fromEntries(events.map((event) => [event, [{ hooks: [handler] }]])) });
  let edited = text;
  for (const event of events) edited = withEvent(edited, event, handler, isOurs);
  if (!sameJson(bare(edited, isOurs), bare(text, isOurs)))
    throw new SettingsError(
      "the change would have touched more than hooks of lifeguard: this is a fault of lifeguard, nothing was written",
    );
  return edited;
}

/** @returns null when nothing else is in it @throws SettingsError */
export function withoutHooks(text: string, isOurs: (command: string) => boolean): string | null {
  let edited = text;
  for (;;) {
    const own = handlersOf(edited).find((place) => isOurs(commandOf(edited, place)));
    if (own === undefined) return edited;
    const left = without(edited, own.path);
    if (left === null) return null;
    edited = left;
  }
}

/** The events that have a handler of ours, and whether it is exactly `handler`. */
export function hooksIn(text: string, handler: Handler, isOurs: (command: string) => boolean): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const place of handlersOf(text))
    if (isOurs(commandOf(text, place))) found.set(place.event, sameJson(valueOf(text, place.handler), handler));
  return found;
}

function withEvent(text: string, event: string, handler: Handler, isOurs: (command: string) => boolean): string {
  const own = handlersOf(text).find((place) => place.event === event && isOurs(commandOf(text, place)));
  if (own !== undefined) return sameJson(valueOf(text, own.handler), handler) ? text : replaced(text, own.handler, handler);
  const group = { hooks: [handler] };
  const root = readJson(text);
  const hooks = memberOf(root, "hooks")?.value;
  if (hooks === undefined) return withLast(text, root, "hooks", { [event]: [group] });
  const groups = memberOf(hooks, event)?.value;
  return groups === undefined ? withLast(text, hooks, event, [group]) : withLast(text, groups, null, group);
}

/** Every handler there is, with the shape checked on the way. */
function handlersOf(text: string): Place[] {
  const root = readJson(text);
  const must = (node: JsonNode, kind: JsonNode["kind"], what: string): void => {
    if (node.kind !== kind) throw new SettingsError(`${what} is no ${kind}`, text, node.start);
  };
  must(root, "object", "the file");
  const at = root.members.findLastIndex(({ key }) => key === "hooks");
  const hooks = root.members[at]?.value;
  if (hooks === undefined) return [];
  must(hooks, "object", "hooks");
  return hooks.members.flatMap(({ key, value: groups }, event) => {
    must(groups, "array", `hooks.${key}`);
    return groups.items.flatMap((group, number) => {
      const list = group.members.findLastIndex((member) => member.key === "hooks");
      const handlers = group.members[list]?.value;
      return (handlers?.items ?? []).map((handler, index) => ({
        event: key,
        handler,
        path: [
          { container: root, index: at },
          { container: hooks, index: event },
          { container: groups, index: number },
          // The group goes with its last handler, whatever else is in it: a matcher alone does nothing.
          ...(handlers === undefined || handlers.items.length === 1
            ? []
            : [
                { container: group, index: list },
                { container: handlers, index },
              ]),
        ],
      }));
    });
  });
}

function commandOf(text: string, { handler }: Place): string {
  const value = valueOf(text, handler) as { command?: unknown } | null;
  return typeof value?.command === "string" ? value.command : "";
}

/** What is in the file beside our handlers, to compare. */
function bare(text: string, isOurs: (command: string) => boolean): unknown {
  const left = withoutHooks(text, isOurs);
  const value = (left === null ? {} : JSON.parse(left.replace(/^\ufeff/, ""))) as { hooks?: Record<string, unknown[]> };
  // An empty list of hooks, or none, is the same.
  const hooks = Object.fromEntries(Object.entries(value.hooks ?? {}).filter(([, groups]) => groups.length > 0));
  return { ...value, hooks };
}
