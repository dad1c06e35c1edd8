/** What goes into a journal and comes out, field names as on the wire. */

export const ENTRY_KINDS = ["message", "thought", "event", "compact", "note"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface AppendInput {
  /** `compact` is written by compact() only. */
  kind: Exclude<EntryKind, "compact">;
  /** A JSON value, or bytes; at most 1 MiB as stored. Bytes come back as a Buffer. */
  data: unknown;
  author?: string;
  /** The entry is in the history and in this branch. */
  branch?: string;
  /** The entry it departs from; must be there. */
  from?: number;
}

export interface JournalEntry {
  seq: number;
  at: number;
  kind: EntryKind;
  author?: string;
  branch?: string;
  from?: number;
  data: unknown;
}

export interface CompactInput {
  /** The name under which the archive's text is, or will be, stored. */
  archive: string;
  summary?: string;
  /** The last entry that is summed up; later ones are replayed after the boundary. Left out: all there are now. */
  through?: number;
}

export interface JournalReadOptions {
  /** The first number wanted, inclusive. */
  since?: number;
  /** Entries at most (1 000); `next` goes on. */
  limit?: number;
  branch?: string;
  /** Only what follows the last boundary. */
  from_boundary?: boolean;
}

export interface JournalDamage {
  /** The entry, as far as it can be told. */
  seq?: number;
  /** Bytes from the start of its segment. */
  offset: number;
  segment: string;
  reason: string;
}

export interface JournalRead {
  entries: JournalEntry[];
  /** The `since` that goes on from here: the number after the last entry looked at. */
  next: number;
  /** Set when entries after `next` are there already. */
  more: boolean;
  /** With `from_boundary`, when there is one. */
  boundary?: { seq: number; archive: string; archive_missing: boolean; prefix: string };
  damage: JournalDamage[];
}

export const READ_LIMIT = 1_000;
export const READ_LIMIT_MAX = 100_000;
