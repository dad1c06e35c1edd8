/** A journal's head: whose it is, its title and summary; as stored, as held in memory, and as a listing shows it. */
import type { JournalHead, JournalTally, StoredHead } from "./record-shapes.js";

/** Longer summaries are read from the journal's head when they are listed: a thousand of 1 MiB are not kept in memory. */
const SUMMARY_BYTES = 4_096;

/** A journal's head in memory; `summary` null: it is on the disk. */
export type ShownHead = Omit<StoredHead, "summary"> & { summary: string | null };

export function shownHead(stored: StoredHead): ShownHead {
  return { ...stored, summary: stored.summary.length > SUMMARY_BYTES ? null : stored.summary };
}

export function listedHead(head: StoredHead, tally: JournalTally): JournalHead {
  const { messages: message_count, last_seq, branches, boundary } = tally;
  return { ...head, updated_at: Math.max(head.updated_at, tally.updated_at), message_count, last_seq, branches, boundary };
}

export function pairKey({ agent, created_by }: { agent: string | null; created_by: string | null }): string {
  return JSON.stringify([agent, created_by]);
}

export function placed(id: string): (head: StoredHead) => string | null {
  return (head) => (head.id === id ? null : `it says it is of ${JSON.stringify(head.id.slice(0, 40))} and lies in the place of ${id}`);
}

export function emptyHead(id: string, createdAt: number): StoredHead {
  return { id, agent: null, created_by: null, title: "", summary: "", created_at: createdAt, updated_at: createdAt };
}
