/** `lifeguard --help`. */
import { GLOBAL_OPTIONS, VERBS } from "./verbs.js";

/** Each verb with its arguments, and what it does. */
async function usagesOf(names: readonly string[]): Promise<(readonly [usage: string, summary: string])[]> {
  const records = await Promise.all(names.flatMap((name) => VERBS[name] ?? []).map(async (load) => (await load()).verb.record));
  return records.map(
    (record) => [[record.name, ...(record.arguments ?? []).map((argument) => argument.name)].join(" "), record.summary] as const,
  );
}

/** `lifeguard checkpoint --help`: the verbs that begin with this word; null when none does. */
export async function groupHelp(word: string): Promise<string | null> {
  const usages = await usagesOf(Object.keys(VERBS).filter((name) => name.startsWith(`${word} `)));
  if (usages.length === 0) return null;
  const width = Math.max(...usages.map(([usage]) => usage.length));
  return [
    `Usage: lifeguard ${word} …      lifeguard VERB --help says more about each`,
    "",
    ...usages.map(([usage, summary]) => `  ${usage.padEnd(width)}  ${summary}`),
    "",
  ].join("\n");
}

export async function helpText(): Promise<string> {
  const usages = await usagesOf(Object.keys(VERBS));
  const width = Math.max(...usages.map(([usage]) => usage.length), ...GLOBAL_OPTIONS.map(({ flags }) => flags.length));
  return [
    "lifeguard keeps terminal sessions alive and lets any program drive them.",
    "",
    "Usage: lifeguard VERB [options]      lifeguard VERB --help says more about each",
    "",
    ...usages.map(([usage, summary]) => `  ${usage.padEnd(width)}  ${summary}`),
    "",
    "Options of every verb:",
    ...GLOBAL_OPTIONS.map(({ flags, description }) => `  ${flags.padEnd(width)}  ${description}`),
    `  ${"-h, --help".padEnd(width)}  what the verb does and takes`,
    "",
    "lifeguard --version (-V, -v) says which version this is.",
    "",
    "An <id> is a session's id, its name, or the beginning of either when only one begins so;",
    "kill, restart and rm want the id or name in full.",
    "Exit codes: 0 done · 1 failed · 2 usage · 3 no such session · 4 timeout · 5 cannot reach the daemon",
    "",
  ].join("\n");
}
