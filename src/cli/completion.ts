/** Completion: the scripts for the shells, and the answer they ask for at every Tab, from the records of the verbs. */
import { RootCommand } from "@bomb.sh/tab";
import type { Command } from "@bomb.sh/tab";
import type { SessionSummary } from "../session.js";
import { connectTo } from "./connect.js";
import { printable } from "./printable.js";
import type { Terminal } from "./terminal.js";
import type { Completes, VerbRecord } from "./verb.js";
import { EXIT } from "./verb.js";
import { GLOBAL_OPTIONS, VERBS } from "./verbs.js";

/** A person waits with a finger on Tab. Later than this there are no sessions in the answer. */
const LIST_MS = 1_000;

export function completionScript(shell: "bash" | "zsh" | "fish"): string {
  const script = captured(() => new RootCommand().setup("lifeguard", "lifeguard", shell));
  return shell === "bash" ? forBash(script) : script;
}

/** What the library's bash script takes from bash-completion, for shells without it. */
const WORDS_FUNCTION = `if ! declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref() {
        words=("\${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=\${COMP_WORDS[COMP_CWORD]}
        prev=\${COMP_WORDS[COMP_CWORD - 1]}
    }
fi
`;

/**
 * The library's script, with three things put right: it may be sourced twice, it works without the bash-completion package, and
 * the words typed are quoted before they are evaluated: unquoted, a Tab after `lifeguard logs x > file` would empty the file.
 */
function forBash(script: string): string {
  const unquoted = "lifeguard complete -- ${words[@]:1}";
  if (!script.includes(unquoted)) throw new Error("@bomb.sh/tab writes another bash script than the one this was made for");
  return (
    WORDS_FUNCTION +
    script.replaceAll(/^readonly /gm, "").replace(unquoted, () => 'lifeguard complete -- $(printf "%q " "${words[@]:1:cword}")')
  );
}

/** @param words what follows `lifeguard complete`: `--`, then the words typed, the last one perhaps unfinished */
export async function complete(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  globals: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const typed = words[0] === "--" ? words.slice(1) : [...words];
  const records = await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb.record));
  const wantsSessions = records.some(
    (record) =>
      typed.join(" ").startsWith(`${record.name} `) &&
      [...(record.arguments ?? []), ...(record.options ?? [])].some(({ completes }) => typeof completes === "string"),
  );
  const sessions = wantsSessions ? await listSessions(env, globals) : [];
  const root = rootOf(records, sessions);
  // The library prints, and takes the words as it finds them: an unfinished word is last, a finished one has "" after it.
  terminal.stdout.write(captured(() => root.parse([...typed])));
  return EXIT.done;
}

export function rootOf(records: readonly VerbRecord[], sessions: readonly SessionSummary[]): RootCommand {
  const root = new RootCommand();
  for (const record of records) {
    const command = root.command(record.name, record.summary);
    for (const option of record.options ?? [])
      if (option.hidden !== true) addOption(command, option.flags, option.description, option.completes, sessions);
    for (const option of GLOBAL_OPTIONS) addOption(command, option.flags, option.description, undefined, sessions);
    for (const argument of record.arguments ?? []) {
      const { completes } = argument;
      const variadic = argument.name.includes("...");
      command.argument(
        argument.name.replace(/[^a-z]/g, ""),
        completes === undefined
          ? undefined
          : (offer) => candidates(completes, sessions).forEach(([value, description]) => offer(value, description)),
        variadic,
      );
    }
  }
  return root;
}

function addOption(
  command: Command,
  flags: string,
  description: string,
  completes: Completes | undefined,
  sessions: readonly SessionSummary[],
): void {
  const name = flags.split(" ")[0]?.slice(2) ?? "";
  if (!flags.includes("<")) command.option(name, description);
  // Without an offer of its own an option with a value still needs a function: that is how the library knows that a value follows.
  else command.option(name, description, (offer) => candidates(completes, sessions).forEach(([value, words]) => offer(value, words)));
}

function candidates(completes: Completes | undefined, sessions: readonly SessionSummary[]): [string, string][] {
  if (completes === undefined) return [];
  if (typeof completes !== "string") return completes.map((word) => [word, ""]);
  const wanted = sessions.filter((session) => completes === "session" || (completes === "ended-session") === (session.state === "exited"));
  return wanted.flatMap((session): [string, string][] => [
    [session.name, printable(`${session.state}, ${session.id}`)],
    [session.id, printable(`${session.state}, ${session.name}`)],
  ]);
}

async function listSessions(env: NodeJS.ProcessEnv, globals: readonly string[]): Promise<SessionSummary[]> {
  const at = globals.indexOf("--socket");
  const connect = connectTo({ env, socketFlag: at === -1 ? undefined : globals[at + 1], mayStart: false });
  try {
    const client = await connect();
    return (await client.call("session.list", { all: true }, { deadlineMs: LIST_MS })).sessions;
  } catch {
    // Completion without sessions is better than a complaint in the middle of a command line.
    return [];
  } finally {
    await connect.end();
  }
}

/** What a function of the completion library prints with console.log: it has no other way to answer. */
function captured(print: () => void): string {
  let text = "";
  const { log } = console;
  // oxlint-disable-next-line no-console
  console.log = (line: unknown) => void (text += `${String(line)}\n`);
  try {
    print();
  } finally {
    // oxlint-disable-next-line no-console
    console.log = log;
  }
  return text;
}
