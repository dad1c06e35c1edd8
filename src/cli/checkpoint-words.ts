/** Which checkpoint a word of the command line means. */
import { LifeguardError } from "../errors.js";
import type { Client } from "../rpc/client.js";
import { UsageError } from "./verb.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Shorter beginnings would too often be words of another meaning. */
const BEGINNING = /^[0-9a-f][0-9a-f-]{3,35}$/;

/** In full, for verbs that cannot be taken back. @throws UsageError */
export function wholeCheckpoint(word: string): string {
  if (!UUID.test(word)) throw new UsageError(`${JSON.stringify(word)} is no checkpoint's id in full: lifeguard checkpoint ls has them`);
  return word;
}

/**
 * Its id, the beginning of it when only one begins so, or a session: its newest good one.
 * @throws UsageError when several begin so; LifeguardError NOT_FOUND
 */
export async function findCheckpoint(client: Client, word: string): Promise<string> {
  if (UUID.test(word)) return word;
  if (BEGINNING.test(word)) {
    const { checkpoints } = await client.call("checkpoint.list");
    const begins = checkpoints.filter(({ checkpoint }) => checkpoint.startsWith(word));
    if (begins.length > 1) throw new UsageError(`${begins.length} checkpoints begin with ${word}: write more of it`);
    const [only] = begins;
    if (only !== undefined) return only.checkpoint;
  }
  try {
    return (await client.call("checkpoint.latest", { id: word })).checkpoint;
  } catch (error) {
    if (error instanceof LifeguardError && error.name === "NOT_FOUND" && BEGINNING.test(word))
      throw new LifeguardError("NOT_FOUND", `no checkpoint begins with ${word}, and: ${error.message}`, error.data, { cause: error });
    throw error;
  }
}
