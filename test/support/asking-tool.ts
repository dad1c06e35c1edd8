/** The tool of asking-tool.mjs in a session: its profile, its command, and what its log says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("asking-tool.mjs", import.meta.url));

const PROFILE = `format = 1
name = "askingtool"
title = "Asking Tool"
command = ["node"]
prompt = { paste = true, submit = ["Enter"], settle_ms = 100 }
prompt_box = { edges = '^─{10}' }
[[rule]]
id = "dialog"
state = "attention"
region = "bottom"
lines = 6
all = ['Do you want to proceed', '^❯ 1\\. Yes']
over_title = true
[[rule]]
id = "works"
state = "busy"
region = "title"
match = '^at: works'
[[rule]]
id = "rests"
state = "idle"
region = "inside_box"
title = '^at: rests'
match = '^❯'
`;

/** One line of its log. `after`: milliseconds since the dialog opened. */
export interface Noted {
  what: "ready" | "prompt" | "opened" | "typed_into_dialog" | "answered";
  at: number;
  text?: string;
  bytes?: string;
  after?: number;
}

export function installAskingTool(home: string): void {
  const profiles = join(home, "profiles");
  mkdirSync(profiles, { recursive: true });
  writeFileSync(join(profiles, "askingtool.toml"), PROFILE);
}

/** @param options dialogEveryMs: 0 for none by itself (SIGUSR1 opens one, SIGUSR2 closes it) */
export function askingTool(
  log: string,
  { dialogEveryMs = 0, turnMs = 150 }: { dialogEveryMs?: number; turnMs?: number } = {},
): { tool: string; command: string; args: string[]; cols: number; rows: number } {
  return { tool: "askingtool", command: process.execPath, args: [PROGRAM, log, String(dialogEveryMs), String(turnMs)], cols: 80, rows: 30 };
}

export function notedBy(log: string): Noted[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Noted);
}
