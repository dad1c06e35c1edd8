/** config.toml and profiles. Each advice about a line was tried on the text before it is given. */
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../../errors.js";
import { settingsProblems } from "../../config.js";
import { problemText } from "../../config-problems.js";
import type { ConfigProblem } from "../../config-problems.js";
import { loadProfiles, ownProfiles, SHIPPED_PROFILES } from "../../profiles/load.js";
import { aside, ok, problem, quoted, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import type { Surroundings } from "./surroundings.js";

const CHECK = "configuration";

export function checkConfiguration({ paths: { config } }: Surroundings): Finding[] {
  let text: string;
  try {
    text = readFileSync(config, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [ok(CHECK, `${config} is not there: everything has its default`)];
    return [problem(CHECK, `${config} cannot be read: ${messageOf(error)}`, `mv ${quoted(config)} ${quoted(aside(config, existsSync))}`)];
  }
  const problems = settingsProblems(text);
  if (problems.length > 0) {
    const { remedy, note } = remedyFor(text, config);
    return problems.map((one) => problem(CHECK, problemText(config, one), remedy, note));
  }
  return [ok(CHECK, config), ...tokenInTheOpen(text, config)];
}

/**
 * One command for all that is wrong in the file, so that what it keeps aside is the file as it was: the known key in place of each
 * unknown one, or the line commented out, whichever is taken; where that does not mend it all, the whole file out of the way.
 */
function remedyFor(text: string, file: string): { remedy: string; note: string } {
  const original = aside(file, existsSync);
  const scripts: string[] = [];
  let mended = text;
  for (let problems = settingsProblems(text); problems.length > 0; problems = settingsProblems(mended)) {
    const script = scriptsFor(problems[0]).find((one) => isBetter(settingsProblems(applied(mended, one)), problems));
    if (script === undefined)
      return { remedy: `mv ${quoted(file)} ${quoted(original)}`, note: "everything has its default until it is mended" };
    scripts.push(script);
    mended = applied(mended, script);
  }
  const words = scripts.map((script) => `-e ${quoted(script)}`).join(" ");
  return { remedy: `sed -i${original.slice(file.length)} ${words} ${quoted(file)}`, note: `the file as it was stays in ${original}` };
}

function scriptsFor(one: ConfigProblem | undefined): string[] {
  if (one === undefined || one.line === null) return [];
  const { line, meant, key } = one;
  const wrong = key.split(".").at(-1) ?? "";
  return [...(meant === null || !/^[\w-]+$/.test(wrong) ? [] : [`${line}s/${wrong}/${meant}/`]), `${line}s/^/# /`];
}

/** Fewer problems; what is not TOML hides the others, and is better when what is left of it begins further down. */
function isBetter(after: readonly ConfigProblem[], before: readonly ConfigProblem[]): boolean {
  const brokenAt = (problems: readonly ConfigProblem[]): number =>
    problems.some(({ key }) => key === "") ? (problems[0]?.line ?? 0) : Number.POSITIVE_INFINITY;
  if (brokenAt(after) !== brokenAt(before)) return brokenAt(after) > brokenAt(before);
  return brokenAt(after) === Number.POSITIVE_INFINITY && after.length < before.length;
}

/** What sed would make of it. */
function applied(text: string, script: string): string {
  const [, number, from = "", to = ""] = /^(\d+)s\/(.*)\/(.*)\/$/.exec(script) ?? [];
  const lines = text.split("\n");
  const index = Number(number) - 1;
  lines[index] = from === "^" ? `${to}${lines[index] ?? ""}` : (lines[index] ?? "").replace(from, to);
  return lines.join("\n");
}

function tokenInTheOpen(text: string, file: string): Finding[] {
  if (!/^\s*token\s*=\s*["']./m.test(text) || (statSync(file).mode & 0o044) === 0) return [];
  return [warning(CHECK, `${file} holds a token and other users may read it`, `chmod 600 ${quoted(file)}`)];
}

export function checkProfiles({ paths: { config } }: Surroundings): Finding[] {
  const directory = ownProfiles(config);
  try {
    if (existsSync(directory)) accessSync(directory, constants.R_OK | constants.X_OK);
    const { set, problems } = loadProfiles([SHIPPED_PROFILES, directory]);
    if (problems.length === 0) return [ok("profiles", `${set.profiles.length} tools are known`)];
    return problems.map((what) => {
      const file = fileOf(what, directory);
      if (file === null) return problem("profiles", what, null, "it came with the package: install it again");
      return problem(
        "profiles",
        what,
        `mv ${quoted(file)} ${quoted(aside(file, existsSync))}`,
        "the tool is as shipped until the file is mended and moved back; lifeguard profile test tries one",
      );
    });
  } catch (error) {
    return [problem("profiles", `${directory} cannot be read: ${messageOf(error)}`, `chmod u+rx ${quoted(directory)}`)];
  }
}

/** The file a problem names, when it is one of the user's. */
function fileOf(what: string, directory: string): string | null {
  const at = what.indexOf(".toml");
  const file = at < 0 ? "" : what.slice(0, at + ".toml".length);
  return dirname(file) === directory && existsSync(file) ? file : null;
}
