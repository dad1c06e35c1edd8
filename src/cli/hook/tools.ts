/** What is written into the settings of each agent so that it tells us what it does, and what is taken out again. */
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { shellWords } from "../printable.js";
import { hooksIn, withHooks, withoutHooks } from "./json-hooks.js";
import type { Handler } from "./json-hooks.js";
import type { HookTool } from "./payload.js";
import { changeOf, readSettings } from "./settings-file.js";
import type { SettingsChange } from "./settings-file.js";
import { hasInlineHooks, notifyIn, withNotify, withoutNotify } from "./toml-notify.js";

export interface Plan {
  changes: SettingsChange[];
  /** Sentences for the person: what falls short, and what comes next once the changes are made. */
  notes: string[];
  next: string[];
}

/** Whether an agent reports: to this installation of lifeguard, to another one, only in part, or not. */
export type Reporting = "installed" | "another" | "partly" | "no";

export interface Standing {
  tool: HookTool;
  state: Reporting;
  files: string[];
}

/** Codex clamps some of its hooks to this many seconds, with a warning; ours are over in one. */
const TIMEOUT_S = 3;
const ASKING_MS = 10_000;
/**
 * Claude Code warns of an event that it does not know, in a dialog at every start. These are old enough for everybody, so that the same
 * settings serve several versions.
 */
const CLAUDE_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "Notification",
  "Stop",
  "SubagentStop",
  "SessionEnd",
];
/** Claude Code 2.1.197 knows them, as it says itself; without them a turn that the API ends looks as if it went on. */
const CLAUDE_NEWER_EVENTS = ["PostToolUseFailure", "StopFailure"];
const CLAUDE_NEWER_SINCE = [2, 1, 197];
const CODEX_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "SubagentStop",
  "Stop",
  "Interrupt",
  "SessionEnd",
];

/** @param own the words that run this lifeguard from anywhere: program, launcher */
export function planInstall(tool: HookTool, own: readonly string[], env: NodeJS.ProcessEnv): Plan {
  const handler = handlerOf(tool, own);
  const isOurs = ours(tool);
  if (tool === "claude") {
    const events = isNewerClaude(env) ? [...CLAUDE_EVENTS, ...CLAUDE_NEWER_EVENTS] : CLAUDE_EVENTS;
    const change = changeOf(readSettings(claudeSettings(env)), (text) => withHooks(text, events, handler, isOurs));
    return { changes: [change], notes: [], next: ["Sessions of Claude Code that run already report once they are started again."] };
  }
  const [config, hooks] = codexSettings(env).map((path) => readSettings(path));
  if (config === undefined || hooks === undefined) return { changes: [], notes: [], next: [] };
  const changes = [changeOf(config, (text) => withNotify(text, notifyWords(own), lengthOfOwn))];
  let inline = false;
  changeOf(config, (text) => {
    inline = text !== null && hasInlineHooks(text);
    return text;
  });
  if (inline)
    return {
      changes,
      notes: [
        `${config.path} has hooks of its own, beside which Codex wants no hooks.json: only notify was set up. Move them to ${hooks.path}, and install again, to get the rest.`,
      ],
      next: [],
    };
  if (!codexHasHooks(env))
    return {
      changes,
      notes: [
        "No Codex that knows hooks was found on the PATH: only notify was set up, which tells of finished turns. Install again when there is one.",
      ],
      next: [],
    };
  return {
    changes: [...changes, changeOf(hooks, (text) => withHooks(text, CODEX_EVENTS, handler, isOurs))],
    notes: [],
    next: ["Codex runs no hook that you have not seen: it asks at its next start (Hooks need review). Until then only notify reports."],
  };
}

export function planUninstall(tool: HookTool, env: NodeJS.ProcessEnv): Plan {
  const isOurs = ours(tool);
  const takeHooks = (text: string | null): string | null => (text === null ? null : withoutHooks(text, isOurs));
  const takeNotify = (text: string | null): string | null => (text === null ? null : withoutNotify(text, lengthOfOwn));
  const [first, hooks] = tool === "claude" ? [claudeSettings(env)] : codexSettings(env);
  return {
    changes: [
      ...(first === undefined ? [] : [changeOf(readSettings(first), tool === "claude" ? takeHooks : takeNotify)]),
      ...(hooks === undefined ? [] : [changeOf(readSettings(hooks), takeHooks)]),
    ],
    notes: [],
    next: [],
  };
}

export function standingOf(tool: HookTool, own: readonly string[], env: NodeJS.ProcessEnv): Standing {
  const handler = handlerOf(tool, own);
  const paths = tool === "claude" ? [claudeSettings(env)] : codexSettings(env);
  const found: boolean[] = [];
  let events = 0;
  for (const path of paths) {
    changeOf(readSettings(path), (text) => {
      if (text === null) return null;
      if (path.endsWith(".json")) {
        const own = hooksIn(text, handler, ours(tool));
        events = own.size;
        found.push(...own.values());
      } else {
        const words = notifyIn(text) ?? [];
        const count = lengthOfOwn(words);
        if (count > 0) found.push(shellWords(words.slice(0, count)) === shellWords(notifyWords(own)));
      }
      return text;
    });
  }
  const all = tool === "claude" ? events >= CLAUDE_EVENTS.length : found.length > events && events >= CODEX_EVENTS.length;
  const state = found.length === 0 ? "no" : found.includes(false) ? "another" : all ? "installed" : "partly";
  return { tool, state, files: paths };
}

function claudeSettings(env: NodeJS.ProcessEnv): string {
  return join(directory(env, "CLAUDE_CONFIG_DIR", ".claude"), "settings.json");
}

function codexSettings(env: NodeJS.ProcessEnv): string[] {
  const home = directory(env, "CODEX_HOME", ".codex");
  return [join(home, "config.toml"), join(home, "hooks.json")];
}

function directory(env: NodeJS.ProcessEnv, variable: string, name: string): string {
  const value = env[variable] ?? "";
  if (value !== "") return value;
  const home = env["HOME"] ?? "";
  return join(home === "" ? homedir() : home, name);
}

/** Run by a shell. When lifeguard or its Node is gone one day, the agent hears nothing of it. */
function handlerOf(tool: HookTool, own: readonly string[]): Handler {
  return { type: "command", command: `${shellWords([...own, "hook", tool])} || true`, timeout: TIMEOUT_S };
}

function notifyWords(own: readonly string[]): string[] {
  return [...own, "hook", "codex"];
}

/** Of any installation: what runs a program called lifeguard with these words. */
function ours(tool: HookTool): (command: string) => boolean {
  const pattern = new RegExp(`(?:^|[\\s/])lifeguard'? hook ${tool}(?:\\s|$)`);
  return (command) => pattern.test(command);
}

function lengthOfOwn(words: readonly string[]): number {
  const at = words.findIndex((word, index) => word === "hook" && words[index + 1] === "codex");
  return (at === 1 || at === 2) && /(?:^|\/)lifeguard$/.test(words[at - 1] ?? "") ? at + 2 : 0;
}

function isNewerClaude(env: NodeJS.ProcessEnv): boolean {
  const version =
    /^(\d+)\.(\d+)\.(\d+)/
      .exec(ask("claude", ["--version"], env))
      ?.slice(1)
      .map(Number) ?? [];
  for (const [index, least] of CLAUDE_NEWER_SINCE.entries()) {
    const part = version[index] ?? -1;
    if (part !== least) return part > least;
  }
  return true;
}

function codexHasHooks(env: NodeJS.ProcessEnv): boolean {
  return /^hooks\s.*\strue\s*$/m.test(ask("codex", ["features", "list"], env));
}

/** What a program says; "" when it is not there. */
function ask(program: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { stdout } = spawnSync(program, args, {
    env,
    encoding: "utf8",
    timeout: ASKING_MS,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return stdout ?? "";
}
