/**
 * The end of a file that a report has named. The name comes from outside: only a regular file of our own user is read, and of that a
 * bounded piece. All calls are asynchronous, because a transcript may lie on a disk that hangs.
 */
import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

const TAIL_BYTES = 262_144;

export interface Tail {
  text: string;
  /** The text is all there is. */
  whole: boolean;
  /** When the file was last written, ms since 1970. */
  writtenAt: number;
}

/** `problem` goes behind the file's name in a sentence. */
export async function readTail(path: string): Promise<Tail | { problem: string }> {
  let file;
  try {
    // Neither a link at the end of the path is followed, nor does a fifo keep us waiting.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { problem: `cannot be opened (${(error as NodeJS.ErrnoException).code ?? "unknown"})` };
  }
  try {
    const about = await file.stat();
    if (!about.isFile()) return { problem: "is no regular file" };
    if (about.uid !== process.getuid?.()) return { problem: "belongs to another user" };
    const from = Math.max(0, about.size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(about.size - from), 0, about.size - from, from);
    return { text: buffer.toString("utf8", 0, bytesRead), whole: from === 0, writtenAt: about.mtimeMs };
  } finally {
    await file.close();
  }
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DAY_MS = 86_400_000;

/**
 * Codex keeps `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl` in CODEX_HOME, by the day on which the conversation began, which its id
 * says as well. Null where there is none.
 */
export async function findRollout(conversation: string, env: Readonly<Record<string, string>>): Promise<string | null> {
  const home = env["CODEX_HOME"] ?? (env["HOME"] === undefined ? undefined : join(env["HOME"], ".codex"));
  if (home === undefined || !UUID_V7.test(conversation)) return null;
  const began = Number.parseInt(conversation.replaceAll("-", "").slice(0, 12), 16);
  // Days are local to the tool, which may be elsewhere than we are.
  for (const day of [began, began - DAY_MS, began + DAY_MS]) {
    const date = new Date(day);
    const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0"));
    const directory = join(home, "sessions", ...parts);
    const files = await readdir(directory).catch(() => []);
    const file = files.find((name) => name.startsWith("rollout-") && name.endsWith(`-${conversation}.jsonl`));
    if (file !== undefined) return join(directory, file);
  }
  return null;
}
