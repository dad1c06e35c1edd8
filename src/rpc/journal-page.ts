/**
 * One answer of `journal.read`: as many entries as were asked for, but no more bytes than an answer should have. The store
 * counts entries only, and a thousand of them may be a gigabyte: so it is asked for a few, then for more.
 */
import type { JournalEntry, JournalRead, JournalReadOptions } from "../supervisor/api.js";
import type { JournalPage } from "./protocol.js";

/** Entries of an answer when the caller does not say (1 000), and the most (100 000). */
export const PAGE_ENTRIES = 1_000;
export const PAGE_ENTRIES_MAX = 100_000;
/** Bytes of entries in one answer (4 MiB); one entry always fits. */
export const PAGE_BYTES: number = 4 * 1024 * 1024;

const FIRST_LOOK = 16;
const GROWTH = 8;

/**
 * @param read the journal, as the store reads it
 * @throws what `read` throws
 */
export async function readPage(
  read: (options: JournalReadOptions) => Promise<JournalRead>,
  { limit = PAGE_ENTRIES, ...options }: JournalReadOptions,
  mostBytes: number = PAGE_BYTES,
): Promise<JournalPage> {
  let look = Math.min(FIRST_LOOK, limit);
  let part = await read({ ...options, limit: look });
  const { boundary } = part;
  const page: JournalPage = {
    entries: [],
    next: part.next,
    more: part.more,
    ...(boundary === undefined ? {} : { archive: boundary.archive, boundary }),
    damage: [],
  };
  // The boundary has been described once; on from there it is one entry to be passed over.
  const { from_boundary: _, ...onwards } = options;
  let bytes = 0;
  for (;;) {
    for (const entry of part.entries) {
      if (entry.seq === boundary?.seq) continue;
      bytes += entryBytes(entry);
      if (bytes > mostBytes && page.entries.length > 0) return { ...page, next: entry.seq, more: true, damage: before(page, entry.seq) };
      page.entries.push(entry);
    }
    addDamage(page, part);
    page.next = part.next;
    page.more = part.more;
    if (!part.more || page.entries.length >= limit) return page;
    look = Math.min(look * GROWTH, limit - page.entries.length);
    part = await read({ ...onwards, since: part.next, limit: look });
  }
}

function addDamage(page: JournalPage, part: JournalRead): void {
  for (const damage of part.damage) {
    const known = page.damage.some(
      ({ segment, offset, seq }) => segment === damage.segment && offset === damage.offset && seq === damage.seq,
    );
    if (!known) page.damage.push(damage);
  }
}

/** Damage beyond the end of this page is told with the next one. */
function before(page: JournalPage, seq: number): JournalPage["damage"] {
  return page.damage.filter((damage) => damage.seq === undefined || damage.seq < seq);
}

function entryBytes({ data, author = "", branch = "" }: JournalEntry): number {
  const size = data instanceof Uint8Array ? data.length : (JSON.stringify(data)?.length ?? 0);
  return size + author.length + branch.length + 64;
}
