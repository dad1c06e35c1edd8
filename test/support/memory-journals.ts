/** Journals and archives without a disk, and what outlives a store that has none. */
import type { Clock } from "../../src/clock.js";
import { LifeguardError } from "../../src/errors.js";
import { checkJournalId, checkLabel, checkText, journalNumber } from "../../src/persistence/checks.js";
import type {
  Archives,
  Checkpoint,
  Fork,
  IdKind,
  Ids,
  JournalEntry,
  JournalHead,
  Journals,
  RegistryRecord,
  StoredThought,
} from "../../src/persistence/store.js";

interface Journal {
  head: Omit<JournalHead, "message_count" | "last_seq" | "branches" | "boundary">;
  entries: JournalEntry[];
  boundary: { seq: number; through: number; archive: string; summary: string } | null;
}

/** What outlives the store: hand it to the next one. */
export class World {
  marks: Record<IdKind, number> = { session: 0, journal: 0, name: 0 };
  records = new Map<string, RegistryRecord>();
  checkpoints: Checkpoint[] = [];
  forks: Fork[] = [];
  journals = new Map<string, Journal>();
  archives = new Map<string, string>();
  thoughts = new Map<string, StoredThought>();
  documents = new Map<string, { version: number; value: unknown }>();
}

const MIB = 1024 * 1024;
const no = (what: string): LifeguardError => new LifeguardError("NOT_FOUND", `no ${what}`);
const invalid = (field: string): LifeguardError => new LifeguardError("INVALID_PARAMS", `${field} is not right`, { field });

/** @param live a session's record. @throws NOT_FOUND */
export function memoryJournals(
  world: World,
  clock: Clock,
  ids: Ids,
  live: (id: string) => RegistryRecord,
): { journals: Journals; archives: Archives } {
  const journal = (id: string): Journal => {
    checkJournalId(id);
    const found = world.journals.get(id);
    if (found !== undefined) return found;
    if (journalNumber(id) !== null) throw no(`journal ${id}`);
    const created = live(id).created_at;
    const own: Journal = {
      head: { id, agent: null, created_by: null, title: "", summary: "", created_at: created, updated_at: created },
      entries: [],
      boundary: null,
    };
    world.journals.set(id, own);
    return own;
  };
  const headOf = ({ head, entries, boundary }: Journal): JournalHead => ({
    ...head,
    updated_at: Math.max(head.updated_at, ...entries.map(({ at }) => at)),
    message_count: entries.filter(({ kind }) => kind === "message").length,
    last_seq: entries.length,
    branches: [...new Set(entries.flatMap(({ branch }) => (branch === undefined ? [] : [branch])))],
    boundary: boundary === null ? null : { seq: boundary.seq, archive: boundary.archive },
  });
  const newestOf = (agent: string, createdBy: string): Journal | undefined =>
    [...world.journals.values()]
      .filter(({ head }) => head.agent === agent && head.created_by === createdBy)
      .toSorted((a, b) => (journalNumber(a.head.id) ?? 0) - (journalNumber(b.head.id) ?? 0))
      .at(-1);
  const journals: Journals = {
    create: async ({ agent, created_by, title = "" }) => {
      checkText("agent", agent);
      checkText("created_by", created_by);
      const id = `jrnl_${ids.mint("journal").number}`;
      const now = clock.now();
      const made: Journal = {
        head: { id, agent, created_by, title, summary: "", created_at: now, updated_at: now },
        entries: [],
        boundary: null,
      };
      world.journals.set(id, made);
      return headOf(made);
    },
    open: async (input) => {
      checkText("agent", input.agent);
      checkText("created_by", input.created_by);
      const there = newestOf(input.agent, input.created_by);
      return there === undefined ? { head: await journals.create(input), created: true } : { head: headOf(there), created: false };
    },
    latest: async ({ agent, created_by }) => {
      const there = newestOf(checkText("agent", agent), checkText("created_by", created_by));
      if (there === undefined) throw no("journal of this pair");
      return headOf(there);
    },
    get: async (id) => headOf(journal(id)),
    list: async () =>
      [...world.journals.values()]
        .filter(({ head }) => journalNumber(head.id) !== null)
        .toSorted((a, b) => (journalNumber(b.head.id) ?? 0) - (journalNumber(a.head.id) ?? 0))
        .map(headOf),
    update: async (id, { title, summary }) => {
      const { head } = journal(id);
      if (title !== undefined) head.title = title;
      if (summary !== undefined) head.summary = summary;
      head.updated_at = clock.now();
      return headOf(journal(id));
    },
    remove: async (id) => {
      if (journalNumber(checkJournalId(id)) === null) throw invalid("id");
      return world.journals.delete(id);
    },
    append: async (id, { kind, data, author, branch, from }) => {
      if (!["message", "thought", "event", "note"].includes(kind)) throw invalid("kind");
      if (author !== undefined) checkText("author", author);
      if (branch !== undefined) checkLabel("branch", branch);
      const { entries } = journal(id);
      if (from !== undefined && (!Number.isSafeInteger(from) || from < 1 || from > entries.length)) throw invalid("from");
      if (Buffer.byteLength(JSON.stringify(data ?? null)) > MIB) throw new LifeguardError("LIMIT", "the entry is too large");
      const seq = entries.length + 1;
      const at = clock.now();
      entries.push({
        seq,
        at,
        kind,
        ...(author === undefined ? {} : { author }),
        ...(branch === undefined ? {} : { branch }),
        ...(from === undefined ? {} : { from }),
        data: data instanceof Uint8Array ? Buffer.from(data) : structuredClone(data ?? null),
      });
      return { seq, at };
    },
    read: async (id, { since = 1, limit: most = 1_000, branch, from_boundary = false } = {}) => {
      if (branch !== undefined) checkLabel("branch", branch);
      if (!Number.isSafeInteger(since) || since < 0) throw invalid("since");
      if (!Number.isInteger(most) || most < 1) throw invalid("limit");
      const { entries, boundary: last } = journal(id);
      const boundary = from_boundary ? last : null;
      const start = Math.max(since, boundary === null ? 1 : boundary.through + 1);
      const wanted = entries.filter(({ seq }) => seq >= start && seq !== boundary?.seq);
      const looked = branch === undefined ? wanted.slice(0, most) : upTo(wanted, branch, most);
      const more = looked.length < wanted.length;
      const found = looked.filter((each) => branch === undefined || each.branch === branch);
      const text = boundary === null ? undefined : world.archives.get(boundary.archive);
      return {
        entries: found,
        next: more ? (looked.at(-1)?.seq ?? start - 1) + 1 : Math.max(start, entries.length + 1),
        more,
        damage: [],
        ...(boundary === null
          ? {}
          : {
              boundary: {
                seq: boundary.seq,
                archive: boundary.archive,
                archive_missing: text === undefined,
                prefix: text ?? (boundary.summary === "" ? `[archive ${boundary.archive}: missing]` : boundary.summary),
              },
            }),
      };
    },
    compact: async (id, { archive, summary = "", through }) => {
      checkLabel("archive", archive);
      const held = journal(id);
      if (through !== undefined && (!Number.isSafeInteger(through) || through < 0 || through > held.entries.length))
        throw invalid("through");
      const seq = held.entries.length + 1;
      const at = clock.now();
      held.entries.push({ seq, at, kind: "compact", data: { archive, summary, ...(through === undefined ? {} : { through }) } });
      held.boundary = { seq, through: Math.max(held.boundary?.through ?? 0, through ?? seq - 1), archive, summary };
      return { seq };
    },
  };

  const archives: Archives = {
    put: async (name, text) => void world.archives.set(checkLabel("name", name), text),
    get: async (name) => {
      const text = world.archives.get(checkLabel("name", name));
      if (text === undefined) throw no(`archive ${name}`);
      return text;
    },
    has: (name) => world.archives.has(checkLabel("name", name)),
  };
  return { journals, archives };
}

/** Entries looked at until `most` of the branch were found. */
function upTo(entries: JournalEntry[], branch: string, most: number): JournalEntry[] {
  let found = 0;
  const end = entries.findIndex((each) => each.branch === branch && ++found === most);
  return end < 0 ? entries : entries.slice(0, end + 1);
}
