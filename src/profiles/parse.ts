/** One profile file, from text to data. Every refusal names file, line and key, and says what would do. */
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { LifeguardError, messageOf } from "../errors.js";
import { ALTERATIONS, REGIONS, RULE_STATES, type Profile, type ProfileRule } from "./profile.js";

const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const name = z.string().regex(NAME, "is a name: a lower-case letter, then letters, digits, '_', '-', at most 32");
const words = z.array(z.string().min(1)).max(64);
const MAX_PATTERN = 500;

const pattern = z.string().superRefine((source, context) => {
  if (source.length > MAX_PATTERN) context.addIssue({ code: "custom", message: `a pattern has at most ${MAX_PATTERN} characters` });
  try {
    void new RegExp(source, "u");
  } catch (error) {
    context.addIssue({ code: "custom", message: `is no regular expression: ${messageOf(error)}` });
  }
});
const patterns = z.array(pattern).max(32).default([]);

const ruleSchema = z
  .strictObject({
    id: name,
    state: z.enum(RULE_STATES),
    region: z.enum(REGIONS),
    lines: z.int().min(1).max(200).default(10),
    title: pattern.optional(),
    match: pattern.optional(),
    all: patterns,
    any: patterns,
    none: patterns,
    confidence: z.enum(["high", "medium", "low"]).default("high"),
    over_title: z.boolean().default(false),
  })
  .refine((rule) => rule.match !== undefined || rule.all.length > 0 || rule.any.length > 0, {
    message: "needs match, all or any: what must be there (none alone proves nothing)",
  });

const boxSchema = z
  .strictObject({ edges: pattern.optional(), mark: pattern.optional(), bar: pattern.optional(), first: pattern.optional() })
  .refine((box) => [box.edges, box.mark, box.bar].filter((value) => value !== undefined).length === 1, {
    message: "has exactly one of edges, mark, bar",
  });

const eventsSchema = z.record(
  z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "is an event's name: 1–64 letters, digits, '.', '_', '-'"),
  z
    .strictObject({ state: z.enum(RULE_STATES).optional(), reliable: z.boolean().optional() })
    .refine((event) => event.reliable !== true || event.state !== undefined, {
      message: "is reliable in nothing: it needs a state",
    }),
);

const fileSchema = z.strictObject({
  format: z.literal(1, "is 1: the version of this format that this lifeguard reads"),
  name,
  /** Takes over the profile of the same name: keys given here replace its keys, rules with the same id replace its rules. */
  extends: z.boolean().default(false),
  title: z.string().min(1).max(64).optional(),
  revision: z.int().positive().optional(),
  verified: z.boolean().optional(),
  verified_versions: words.optional(),
  verified_on: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "is a date: 2026-01-31")
    .optional(),
  aliases: z.array(name).max(16).optional(),
  command: words.optional(),
  processes: words.optional(),
  resume: words.optional(),
  resume_options: z.partialRecord(z.enum(["none", "one", "drop", "never"]), z.array(z.string().min(1)).max(128)).optional(),
  prompt: z
    .strictObject({
      paste: z.boolean().optional(),
      submit: words.min(1).optional(),
      settle_ms: z.int().min(0).max(10_000).optional(),
      pass: z.enum(["typed", "argument"]).optional(),
      alters: z.array(z.enum(ALTERATIONS)).max(ALTERATIONS.length).optional(),
      collapsed: pattern.optional(),
      placeholder: pattern.optional(),
    })
    .optional(),
  conversation: z.string().max(200).optional(),
  hooks: words.optional(),
  /** What the tool's own events say of its state; an event without a state says nothing of it. */
  events: eventsSchema.optional(),
  context_limit: z.int().positive().optional(),
  startup_ms: z.int().min(0).max(600_000).optional(),
  prompt_box: boxSchema.optional(),
  notes: z.array(z.string().max(400)).max(16).optional(),
  /** Ids of rules of the extended profile that are not wanted. */
  drop: z.array(name).optional(),
  rule: z.array(ruleSchema).max(64).default([]),
});

/** A file as it stands: an `extends` file says only what differs. */
export interface ProfilePart {
  name: string;
  extends: boolean;
  drop: string[];
  values: Partial<Omit<Profile, "name" | "rules" | "files" | "prompt" | "resumeOptions">> & {
    prompt?: Partial<Profile["prompt"]>;
    resumeOptions?: Partial<Profile["resumeOptions"]>;
  };
  rules: ProfileRule[];
}

/** @throws LifeguardError INVALID_PARAMS: `file:line: key: what is wrong` */
export function parseProfile(text: string, file: string): ProfilePart {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    const at = error instanceof TomlError ? `${file}:${error.line}` : file;
    throw refused(at, "", `is not TOML: ${messageOf(error).split("\n", 1)[0] ?? ""}`, error);
  }
  const result = fileSchema.safeParse(raw);
  if (!result.success) {
    const issue = result.error.issues[0];
    const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
    const said =
      unknown !== undefined
        ? "is no key of a profile"
        : ((issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message) ?? "is not understood").replace(
            /^Invalid input: /,
            "",
          );
    throw refused(`${file}:${lineOf(text, path)}`, path.join("."), said);
  }
  const { data } = result;
  const seen = new Set<string>();
  for (const [index, rule] of data.rule.entries()) {
    if (seen.has(rule.id))
      throw refused(`${file}:${lineOf(text, ["rule", index, "id"])}`, `rule.${index}.id`, `${JSON.stringify(rule.id)} is there twice`);
    seen.add(rule.id);
  }
  return partOf(data, text, file);
}

function partOf(data: z.output<typeof fileSchema>, text: string, file: string): ProfilePart {
  if (data.verified === true && (data.verified_versions === undefined || data.verified_on === undefined))
    throw refused(
      `${file}:${lineOf(text, ["verified"])}`,
      "verified",
      "needs verified_versions and verified_on: which versions were run, and when",
    );
  const values: ProfilePart["values"] = {};
  if (data.title !== undefined) values.title = data.title;
  if (data.revision !== undefined) values.revision = data.revision;
  if (data.verified !== undefined)
    values.verified = data.verified ? { versions: data.verified_versions ?? [], on: data.verified_on ?? "" } : null;
  if (data.aliases !== undefined) values.aliases = data.aliases;
  if (data.command !== undefined) values.command = data.command;
  if (data.processes !== undefined) values.processes = data.processes;
  if (data.resume !== undefined) values.resume = data.resume;
  if (data.resume_options !== undefined) values.resumeOptions = data.resume_options;
  if (data.conversation !== undefined) values.conversation = data.conversation;
  if (data.hooks !== undefined) values.hooks = data.hooks;
  if (data.events !== undefined)
    values.events = Object.fromEntries(
      Object.entries(data.events).map(([event, { state = null, reliable = false }]) => [event, { state, reliable }]),
    );
  if (data.context_limit !== undefined) values.contextLimit = data.context_limit;
  if (data.startup_ms !== undefined) values.startupMs = data.startup_ms;
  if (data.notes !== undefined) values.notes = data.notes;
  if (data.prompt !== undefined)
    values.prompt = {
      ...(data.prompt.paste === undefined ? {} : { paste: data.prompt.paste }),
      ...(data.prompt.submit === undefined ? {} : { submit: data.prompt.submit }),
      ...(data.prompt.settle_ms === undefined ? {} : { settleMs: data.prompt.settle_ms }),
      ...(data.prompt.pass === undefined ? {} : { pass: data.prompt.pass }),
      ...(data.prompt.alters === undefined ? {} : { alters: data.prompt.alters }),
      ...(data.prompt.collapsed === undefined ? {} : { collapsed: data.prompt.collapsed }),
      ...(data.prompt.placeholder === undefined ? {} : { placeholder: data.prompt.placeholder }),
    };
  const box = data.prompt_box;
  if (box !== undefined)
    for (const kind of ["edges", "mark", "bar"] as const)
      if (box[kind] !== undefined) values.box = { kind, pattern: box[kind], first: box.first ?? null };
  const rules = data.rule.map(({ match, title = null, over_title: overTitle, all, ...rule }) => ({
    ...rule,
    title,
    all: match === undefined ? all : [match, ...all],
    overTitle,
  }));
  return { name: data.name, extends: data.extends, drop: data.drop ?? [], values, rules };
}

function refused(at: string, key: string, what: string, cause?: unknown): LifeguardError {
  return new LifeguardError("INVALID_PARAMS", `${at}: ${key === "" ? "" : `${key}: `}${what}`, { field: key }, { cause });
}

/**
 * The line where a key stands: the parser keeps no places, so that it is looked for, table by table. 1 when it is not found.
 * @param path as the schema says it: `["rule", 2, "region"]`
 */
export function lineOf(text: string, path: readonly PropertyKey[]): number {
  const lines = text.split("\n");
  const [first = "", second, third] = path.map(String);
  let from = 0;
  let key = first;
  const table = new RegExp(`^\\s*\\[\\[?\\s*${escape(first)}\\s*\\]\\]?`);
  const headers = lines.flatMap((line, index) => (table.test(line) ? [index] : []));
  if (headers.length > 0) {
    const index = /^\d+$/.test(second ?? "") ? Number(second) : 0;
    from = headers[index] ?? headers[0] ?? 0;
    key = (/^\d+$/.test(second ?? "") ? third : second) ?? "";
    if (key === "") return from + 1;
  }
  const assignment = new RegExp(`^\\s*"?${escape(key)}"?\\s*=`);
  for (let at = from; at < lines.length; at++) {
    if (at > from && /^\s*\[/.test(lines[at] ?? "")) break;
    if (assignment.test(lines[at] ?? "")) return at + 1;
  }
  return from + 1;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
