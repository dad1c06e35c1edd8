/**
 * Writes the tables of docs/configuration.md from the code (`node scripts/write-configuration-doc.mjs`, after a build): keys, bounds and
 * defaults from the schema, what they mean from the comments in src/config.ts and src/thought-engine.ts, when a change is heeded from src/config-applies.ts.
 * A test holds the page against the code, and says to run this.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { filled } from "./write-protocol-doc.mjs";

/**
 * @param schema what `lifeguard config schema` prints
 * @param source of the interfaces: {@link settingsSource}
 * @param whenApplied of src/config-applies.ts
 */
export function configurationParts(schema, source, whenApplied) {
  const documented = comments(source);
  const sections = Object.entries(schema.properties).map(([section, { properties }]) => {
    const rows = Object.entries(properties).map(([key, shape]) => [
      `\`${key}\``,
      defaultText(key, shape.default),
      values(shape),
      whenApplied(`${section}.${key}`),
      documented.get(`${section}.${key}`) ?? "",
    ]);
    const about = documented.get(section);
    return [
      `### \`[${section}]\``,
      "",
      ...(about === undefined ? [] : [about, ""]),
      table(["key", "default", "values", "a change is heeded", ""], rows),
    ].join("\n");
  });
  return { settings: sections.join("\n\n") };
}

/** `session.cols` → the comment above it; one without a comment of its own shares that of the key before. */
function comments(source) {
  const found = new Map();
  const interfaces = new Map([...source.matchAll(/export interface (\w+) \{\n([\s\S]*?)\n\}/g)].map(([, name, body]) => [name, body]));
  const read = (body, prefix) => {
    let comment = null;
    let shared = null;
    let block = null;
    const lines = body.split("\n");
    for (let index = 0; index < lines.length; index++) {
      const line = lines[index].trim();
      if (block !== null) {
        const ends = line.endsWith("*/");
        block.push(line.replace(/\s*\*\/$/, "").replace(/^\* ?/, ""));
        if (ends) [comment, block] = [block.join(" ").trim(), null];
        continue;
      }
      const one = /^\/\*\* (.*) \*\/$/.exec(line);
      if (one !== null) comment = one[1];
      else if (line === "/**") block = [];
      const member = /^(\w+): (.*)$/.exec(line);
      if (member === null) continue;
      const [, name, type] = member;
      const key = `${prefix}${name}`;
      if (type === "{") {
        const indent = lines[index].search(/\S/);
        const end = lines.findIndex((later, at) => at > index && later === `${" ".repeat(indent)}};`);
        if (comment !== null) found.set(key, comment);
        read(lines.slice(index + 1, end).join("\n"), `${key}.`);
        index = end;
      } else if (interfaces.has(type.replace(";", ""))) {
        if (comment !== null) found.set(key, comment);
        read(interfaces.get(type.replace(";", "")), `${key}.`);
      } else if (comment !== null) {
        found.set(key, comment);
        shared = name;
      } else if (shared !== null) found.set(key, `With \`${shared}\`.`);
      comment = null;
    }
  };
  read(interfaces.get("Settings") ?? "", "");
  return found;
}

function defaultText(key, value) {
  if (value === undefined) return "";
  const text = `\`${JSON.stringify(value)}\``;
  if (typeof value !== "number" || value === 0) return text;
  if (key.endsWith("_ms") && value >= 1_000) return `${text} (${duration(value)})`;
  if (key.endsWith("_bytes") && value >= 1_024) return `${text} (${bytes(value)})`;
  return text;
}

function duration(ms) {
  const units = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
  ];
  const [size, unit] = units.find(([unitMs]) => ms >= unitMs) ?? [1, "ms"];
  return `${ms / size} ${unit}`;
}

function bytes(value) {
  return value >= 1_048_576 ? `${value / 1_048_576} MiB` : `${value / 1_024} KiB`;
}

function values(shape) {
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (shape.type === "array") return `a list: ${values(shape.items)}`;
  if (shape.type !== "integer" && shape.type !== "number") return shape.type === "boolean" ? "`true`, `false`" : "text";
  const least = shape.minimum ?? (shape.exclusiveMinimum === undefined ? null : shape.exclusiveMinimum + 1);
  const most = shape.maximum === undefined || shape.maximum >= Number.MAX_SAFE_INTEGER ? null : shape.maximum;
  if (most === null) return least === null ? "a number" : `${least} and more`;
  return `${least ?? 0}…${most}`;
}

function table(head, lines) {
  const row = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [row(head), `|${"---|".repeat(head.length)}`, ...lines.map(row)].join("\n");
}

/** The text of the files that say what the settings are. */
export function settingsSource() {
  const text = (file) => readFileSync(new URL(`../src/${file}`, import.meta.url), "utf8");
  return text("config.ts") + text("thought-engine.ts");
}

/** The page as it should be. */
export async function configurationPage(dist) {
  const { settingsAsJsonSchema } = await import(new URL("config.js", dist).href);
  const { whenApplied } = await import(new URL("config-applies.js", dist).href);
  const page = readFileSync(PAGE, "utf8");
  return filled(page, configurationParts(settingsAsJsonSchema(), settingsSource(), whenApplied), "scripts/write-configuration-doc.mjs");
}

export const PAGE = new URL("../docs/configuration.md", import.meta.url);

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, await configurationPage(new URL("../dist/", import.meta.url)));
