/** A tool of ours with hooks, conversations and a resume command, for tests that look at reports: a script, and its profile. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startDaemon, type TestDaemon } from "./daemon.js";

const HOOK = fileURLToPath(new URL("report-hook.mjs", import.meta.url));

/**
 * Lines that it reads: `busy` and `ready` change its title · `hook EVENT [CONVERSATION] [TRANSCRIPT]` has a hook report that · `about
 * SESSION EVENT [CONVERSATION]` has it report about another session · `quit` ends it. A conversation is a file in BOOKS; `--resume`
 * of one that is not there is refused.
 */
const SCRIPT = `#!/bin/bash
printf '\\033]2;mt: ready\\007'
[ "$1" = --resume ] && { [ -e "$BOOKS/$2" ] || { echo "no conversation $2"; exit 1; }; echo "resumed $2"; }
echo "made with: $*"
report() { "$NODE" ${HOOK} mytool-hook "$JOURNAL" "{\\"type\\":\\"$1\\",\\"session_id\\":\${2:+\\"}\${2:-null}\${2:+\\"},\\"transcript_path\\":\${3:+\\"}\${3:-null}\${3:+\\"},\\"cwd\\":\\"$PWD\\"}"; }
while read -r word a b c; do
  case $word in
    quit) exit 0 ;;
    fail) exit 3 ;;
    hook) report $a $b $c ;;
    about) LIFEGUARD_SESSION=$a report $b $c ;;
    *) printf '\\033]2;mt: %s\\007' "$word" ;;
  esac
  echo "did $word"
done
`;
const PROFILE = `format = 1
name = "mytool"
title = "My Tool"
command = ["mytool"]
processes = ["mytool"]
resume = ["mytool", "--resume", "{conversation}"]
context_limit = 77_000
[resume_options]
none = ["--quiet"]
drop = ["--resume"]
[events]
Begin = {}
Work = { state = "busy", reliable = true }
Rest = { state = "idle", reliable = true }
Ask = { state = "attention", reliable = false }
[[rule]]
id = "works"
state = "busy"
region = "title"
match = '^mt: busy'
[[rule]]
id = "rests"
state = "idle"
region = "title"
match = '^mt: ready'
`;

export interface ReportingTool {
  daemon: TestDaemon;
  /** For session.create. */
  params: { tool: string; env: Record<string, string>; cwd: string };
  books: string;
  /** What the hooks said and were answered, a line of JSON each. */
  journal: string;
}

/** A daemon that knows the tool. @param config the text of config.toml */
export async function startReportingTool(config = ""): Promise<ReportingTool> {
  const daemon = await startDaemon({ config });
  const [bin, books, cwd] = ["bin", "books", "work"].map((name) => join(daemon.home, name)) as [string, string, string];
  for (const directory of [bin, books, cwd]) mkdirSync(directory);
  writeFileSync(join(bin, "mytool"), SCRIPT);
  chmodSync(join(bin, "mytool"), 0o755);
  const journal = join(daemon.home, "hooks.jsonl");
  writeFileSync(journal, "");
  const env = { PATH: `${bin}:${process.env["PATH"] ?? "/usr/bin:/bin"}`, NODE: process.execPath, BOOKS: books, JOURNAL: journal };
  mkdirSync(join(daemon.home, "profiles"), { recursive: true });
  writeFileSync(join(daemon.home, "profiles", "mytool.toml"), PROFILE);
  return { daemon, params: { tool: "mytool", env, cwd }, books, journal };
}
