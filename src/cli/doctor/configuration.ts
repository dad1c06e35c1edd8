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
  if (problems.length > 0) return problems.map((one) => problem(CHECK, problemText(config, one), remedyFor(one, text, config)));
  return [ok(CHECK, config), ...tokenInTheOpen(text, config)];
}

/** The known key in place of the unknown one, or the line commented out, whichever is taken; else the file out of the way. */
function remedyFor({ line, meant, key }: ConfigProblem, text: string, file: string): string {
  const wrong = key.split(".").at(-1) ?? "";
  const scripts =
    line === null ? [] : [...(meant === null || !/^[\w-]+$/.test(wrong) ? [] : [`${line}s/${wrong}/${meant}/`]), `${line}s/^/# /`];
  const before = settingsProblems(text);
  for (const script of scripts) {
    const after = settingsProblems(applied(text, script));
    if (after.length < before.length && after.every(({ key }) => key !== "" || before.some((one) => one.key === "")))
      return `sed -i.bak ${quoted(script)} ${quoted(file)}`;
  }
  return `mv ${quoted(file)} ${quoted(aside(file, existsSync))}`;
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
