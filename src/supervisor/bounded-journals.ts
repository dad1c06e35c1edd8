/** The store's journals and archives as clients get them: nobody waits for the disk beyond the bound. */
import type { Archives, Journals } from "../persistence/store.js";
import type { Durably } from "./durably.js";

const MEANWHILE = "What is under way may still come to be there: look (journal.get, journal.read) before doing it again.";

export function boundedJournals(journals: Journals, durably: Durably): Journals {
  const within = <T>(work: Promise<T>, what: string): Promise<T> => durably.within(work, { what, meanwhile: MEANWHILE });
  return {
    create: (input) => within(journals.create(input), "the new journal"),
    open: (input) => within(journals.open(input), "the new journal"),
    latest: (input) => journals.latest(input),
    get: (id) => journals.get(id),
    list: () => journals.list(),
    update: (id, change) => within(journals.update(id, change), `the head of ${id}`),
    remove: (id) => within(journals.remove(id), `the removal of ${id}`),
    append: (id, entry) => within(journals.append(id, entry), `an entry of ${id}`),
    read: (id, options) => journals.read(id, options),
    compact: (id, input) => within(journals.compact(id, input), `a boundary of ${id}`),
  };
}

export function boundedArchives(archives: Archives, durably: Durably): Archives {
  return {
    put: (name, text) => durably.within(archives.put(name, text), { what: `archive ${name}`, meanwhile: MEANWHILE }),
    get: (name) => archives.get(name),
    has: (name) => archives.has(name),
  };
}
