/**
 * Writes the tables of docs/protocol.md from the code (`node scripts/write-protocol-doc.mjs`, after a build).
 * A test holds the pages against the code, and says to run this.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OWN = "scripts/write-protocol-doc.mjs";
const FENCE = (name, script) => [`<!-- begin ${name}: written by ${script} -->`, `<!-- end ${name} -->`];

/** The page with what lies between the marks of each part replaced. @throws Error when a mark is missing */
export function filled(page, parts, script = OWN) {
  let text = page;
  for (const [name, body] of Object.entries(parts)) {
    const [begin, end] = FENCE(name, script);
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`the page has no part ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${body}\n${text.slice(to)}`;
  }
  return text;
}

/** @param schema what `daemon.schema` answers */
export function protocolParts(schema) {
  return {
    methods: Object.entries(schema.methods)
      .map(([name, method]) => methodText(name, method))
      .join("\n\n"),
    notifications: table(
      ["notification", "fields", "when"],
      Object.entries(schema.notifications).map(([name, { summary, params }]) => [`\`${name}\``, fields(params), summary]),
    ),
    events: table(
      ["kind", "fields", "when"],
      Object.entries(schema.events).map(([kind, { summary, fields: shape }]) => [`\`${kind}\``, fields(shape), summary]),
    ),
    summary: table(["field", "type", ""], rows(schema.methods["session.get"].result)),
  };
}

function methodText(name, { since, summary, params, result }) {
  const required = new Set(params.required ?? []);
  const either = new Set((params.allOf ?? []).flatMap(({ oneOf = [] }) => oneOf.flatMap((choice) => choice.required)));
  const takes = Object.entries(params.properties ?? {}).map(([field, shape]) => [
    `\`${field}\`${required.has(field) ? "" : either.has(field) ? " (either)" : "?"}`,
    type(shape),
    shape.description ?? "",
    shape.since,
  ]);
  const answers = answerText(result);
  return [
    `### \`${name}\``,
    "",
    `${summary} (since ${since})`,
    "",
    ...(takes.length === 0 ? ["Takes nothing."] : [table(["parameter", "type", "", "since"], takes)]),
    "",
    answers,
  ].join("\n");
}

function answerText(result) {
  if (result.type !== "object") return `Answers a ${type(result)}${result.description === undefined ? "" : `: ${result.description}`}.`;
  if (Object.keys(result.properties).length === 0) return "Answers `{}`.";
  return sameAsSummary(result) ? "Answers the session's [summary](#the-session-summary)." : `Answers ${inline(result)}.`;
}

const sameAsSummary = (shape) => shape.properties?.["rest_state"] !== undefined;

function fields(shape) {
  const all = Object.entries(shape.properties ?? {});
  if (all.length === 0) return "";
  return all
    .map(
      ([name, field]) =>
        `\`${name}\`${(shape.required ?? []).includes(name) ? "" : "?"}: ${sameAsSummary(field) ? "SessionSummary" : type(field)}`,
    )
    .join(", ");
}

function inline(shape) {
  return `{ ${fields(shape)} }`;
}

function rows(shape) {
  return Object.entries(shape.properties).map(([name, field]) => [`\`${name}\``, type(field), field.description ?? ""]);
}

function type(shape) {
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${value}\``).join(", ");
  if (shape.const !== undefined) return `\`${shape.const}\``;
  if (shape.anyOf !== undefined) return [...new Set(shape.anyOf.map(type))].join(" or ");
  if (shape.contentEncoding === "base64") return "base64";
  if (typeof shape.description === "string" && shape.description.startsWith("bytes: bin")) return "bytes";
  if (Array.isArray(shape.type)) return shape.type.map((one) => type({ ...shape, type: one })).join(" or ");
  switch (shape.type) {
    case "array":
      return `list of ${sameAsSummary(shape.items ?? {}) ? "SessionSummary" : type(shape.items ?? {})}`;
    case "object":
      return shape.properties === undefined ? `map of ${type(shape.additionalProperties ?? {})}` : inline(shape);
    case "integer":
      return limits("integer", shape);
    case "number":
    case "string":
    case "boolean":
    case "null":
      return shape.type;
    default:
      return "anything";
  }
}

function limits(name, { minimum, maximum }) {
  const from = minimum === undefined || minimum <= -Number.MAX_SAFE_INTEGER ? null : minimum;
  const to = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? null : maximum;
  if (from !== null && to !== null) return `${name} ${from}…${to}`;
  return from === null ? name : `${name} ≥ ${from}`;
}

function table(head, lines) {
  const row = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [row(head), `|${"---|".repeat(head.length)}`, ...lines.map(row)].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { describeApi } = await import("../dist/rpc/schema.js");
  const { METHODS } = await import("../dist/rpc/methods/table.js");
  const page = new URL("../docs/protocol.md", import.meta.url);
  writeFileSync(page, filled(readFileSync(page, "utf8"), protocolParts(describeApi(METHODS.values()))));
}
