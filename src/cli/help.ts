/** `lifeguard --help`. */
import { GLOBAL_OPTIONS, VERBS } from "./verbs.js";

export async function helpText(): Promise<string> {
  const records = await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb.record));
  const usages = records.map(
    (record) => [[record.name, ...(record.arguments ?? []).map((argument) => argument.name)].join(" "), record.summary] as const,
  );
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
    "",
    "An <id> is a session's id, its name, or the beginning of either when only one begins so.",
    "Exit codes: 0 done · 1 failed · 2 usage · 3 no such session · 4 timeout · 5 cannot reach the daemon",
    "",
  ].join("\n");
}
