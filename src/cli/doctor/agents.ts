/** What is around the daemon: hooks in the agents' settings, the shell's start-up files, tmux. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "smol-toml";
import { VERBS } from "../verbs.js";
import { ok, problem, quoted, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import { read } from "./processes.js";
import type { Surroundings } from "./surroundings.js";

type Tool = "claude" | "codex";

export function checkHooks(around: Surroundings): Finding[] {
  return [...hooksOf("claude", around), ...hooksOf("codex", around)];
}

function hooksOf(tool: Tool, { env, lifeguard }: Surroundings): Finding[] {
  const home = env["HOME"] ?? homedir();
  const directory = tool === "claude" ? (env["CLAUDE_CONFIG_DIR"] ?? join(home, ".claude")) : (env["CODEX_HOME"] ?? join(home, ".codex"));
  const install = `${lifeguard} hook install ${tool}`;
  const files = tool === "claude" ? ["settings.json"] : ["config.toml", "hooks.json"];
  const findings: Finding[] = [];
  let commands = 0;
  for (const path of files.map((name) => join(directory, name)).filter((file) => existsSync(file))) {
    const found = commandsIn(path, tool);
    if (found === null) {
      findings.push(
        warning("hooks", `${path} cannot be read as what it is: nobody can tell whether ${tool} reports`, `"$EDITOR" ${quoted(path)}`),
      );
      continue;
    }
    commands += found.length;
    const missing = [...new Set(found.flatMap((words) => missingIn(words, env)))];
    if (missing.length > 0)
      findings.push(
        problem(
          "hooks",
          `${path} runs what is not there: ${missing.join(", ")}; ${tool} does not report`,
          "hook install" in VERBS ? install : null,
        ),
      );
  }
  if (findings.length > 0) return findings;
  if (commands > 0) return [ok("hooks", `${tool} reports what it does`)];
  return existsSync(directory)
    ? [ok("hooks", `${tool} does not report; its screen tells its state${"hook install" in VERBS ? `. ${install} has it report` : ""}`)]
    : [];
}

/** Command lines of ours in a settings file, as words; null when it cannot be parsed. */
function commandsIn(path: string, tool: Tool): string[][] | null {
  const found: string[][] = [];
  const isOurs = new RegExp(`lifeguard'? hook ${tool}(?:\\s|$)`);
  const look = (value: unknown): void => {
    if (typeof value === "string" && isOurs.test(value)) found.push(shellWordsOf(value));
    else if (Array.isArray(value)) {
      const at = value.indexOf("hook");
      if (at > 0 && value[at + 1] === tool && /(?:^|\/)lifeguard$/.test(String(value[at - 1]))) found.push(value.map(String));
      else for (const one of value) look(one);
    } else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) look(one);
  };
  try {
    const text = readFileSync(path, "utf8");
    look(path.endsWith(".toml") ? parse(text) : JSON.parse(text));
    return found;
  } catch {
    return null;
  }
}

/** Up to `hook`: what follows is ours. */
function shellWordsOf(line: string): string[] {
  const words = [...line.matchAll(/'((?:[^']|'\\'')*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single?.replaceAll("'\\''", "'") ?? double ?? bare ?? "",
  );
  return words.slice(0, Math.max(0, words.indexOf("hook")));
}

/** Programs by path or by name, and the files they run. */
function missingIn(words: readonly string[], env: NodeJS.ProcessEnv): string[] {
  return words.filter((word, index) => {
    if (word.startsWith("/")) return !existsSync(word);
    return index === 0 && word !== "" && !onPath(word, env);
  });
}

function onPath(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env["PATH"] ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const RC_FILES: Readonly<Record<string, readonly string[]>> = {
  bash: [".bashrc", ".bash_profile", ".profile"],
  zsh: [".zshrc", ".zprofile"],
  fish: [".config/fish/config.fish"],
};

export function checkShell({ env, lifeguard }: Surroundings): Finding[] {
  if (!("shell-integration" in VERBS)) return [];
  const shell = (env["SHELL"] ?? "").split("/").at(-1) ?? "";
  const files = RC_FILES[shell];
  if (files === undefined) return [];
  const home = env["HOME"] ?? homedir();
  const where = files.map((name) => join(home, name)).find((path) => read(path).includes("shell-integration"));
  if (where !== undefined) return [ok("shell", `${shell} says where commands begin and end (${where})`)];
  const line = shell === "fish" ? `${lifeguard} shell-integration fish | source` : `eval "$(${lifeguard} shell-integration ${shell})"`;
  return [
    ok("shell", `${shell} does not say where commands begin and end; this line in ${join(home, files[0] ?? "")} has it do so: ${line}`),
  ];
}

/** Options of the tmux that lifeguard uses are there from this one on. */
const TMUX = [3, 2] as const;

export async function checkTmux(): Promise<Finding[]> {
  const said = await new Promise<string>((resolve) => {
    execFile("tmux", ["-V"], { timeout: 2_000 }, (error, stdout) => resolve(error === null ? stdout.trim() : ""));
  });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined) return [ok("tmux", "not there; only sessions in tmux need it")];
  if (Number(major) > TMUX[0] || (Number(major) === TMUX[0] && Number(minor) >= TMUX[1])) return [ok("tmux", said)];
  return [
    warning(
      "tmux",
      `${said} is older than ${TMUX.join(".")}: sessions in tmux are not offered`,
      null,
      "as your system installs a newer one",
    ),
  ];
}
