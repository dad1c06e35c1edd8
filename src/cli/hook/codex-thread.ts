/**
 * Which conversation a thread of Codex is. Its `notify` also runs for threads of its own making, in the middle of a turn: one that finds a
 * title for the task is said to be complete while a dialog waits for a person. Those have no rollout file.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DAY_MS = 86_400_000;

/**
 * @returns the path of its rollout file; null: there are rollouts, and none of this thread; undefined: it cannot be told, because nothing
 * is where Codex 0.169 keeps it
 */
export async function rolloutOf(thread: string, env: NodeJS.ProcessEnv): Promise<string | null | undefined> {
  const home = env["CODEX_HOME"] ?? join(env["HOME"] ?? "/", ".codex");
  if (!ID.test(thread)) return undefined;
  // A version 7 UUID begins with its moment, and rollouts lie in a directory for each local day.
  const moment = Number.parseInt(thread.replace("-", "").slice(0, 12), 16);
  let looked = false;
  for (const days of [0, -1, 1]) {
    const day = new Date(moment + days * DAY_MS);
    const parts = [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0"));
    const directory = join(home, "sessions", ...parts);
    try {
      const name = (await readdir(directory)).find((file) => file.startsWith("rollout-") && file.endsWith(`${thread}.jsonl`));
      looked = true;
      if (name !== undefined) return join(directory, name);
    } catch {
      // No such day.
    }
  }
  return looked ? null : undefined;
}
