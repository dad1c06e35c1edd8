/** Methods on journals: append-only records, those with an id of their own and one of every session. */
import { z } from "zod";
import type { SupervisorApi } from "../../supervisor/api.js";
import { PAGE_BYTES, PAGE_ENTRIES, PAGE_ENTRIES_MAX, readPage } from "../journal-page.js";
import { method } from "../method.js";
import type { Method } from "../method.js";
import { idempotencyKey, json, label, line, reference } from "../parameters.js";
import { emptyShape } from "../shapes.js";
import { journalPageShape, journalShape, removedShape } from "../shapes-kept.js";

const TITLE_CHARS = 512;
const NAME_CHARS = 256;
const LIST_ANSWER_BYTES = 256 * 1024;

const journal = reference.describe("`jrnl_<n>`, or a session: its own journal");
const agent = line(NAME_CHARS).describe("compared as given");
const createdBy = line(NAME_CHARS).describe("compared as given");
const title = line(TITLE_CHARS, 0);
const seq = (what: string): z.ZodInt => z.int(`is ${what}: a whole number from 1`).min(1, `is ${what}: a whole number from 1`);

const JOURNAL_ID = /^jrnl_[1-9][0-9]{0,15}$/;

/** A journal by its own id, or the one of a session by whatever means that session. */
function journalOf(supervisor: SupervisorApi, id: string): string {
  return JOURNAL_ID.test(id) ? id : supervisor.resolve(id, { prefix: true });
}

const create: Method = method({
  name: "journal.create",
  since: "1.1",
  summary: "Always makes a new one.",
  params: z.strictObject({ agent, created_by: createdBy, title: title.exactOptional() }),
  result: journalShape,
  handler: (input, { supervisor }) => supervisor.keeping.journals.create(input),
});

const open: Method = method({
  name: "journal.open",
  since: "1.1",
  summary: "The newest of exactly this pair, or a new one. Two at once get the same.",
  params: z.strictObject({ agent, created_by: createdBy, title: title.describe("of a new one").exactOptional() }),
  result: z.object({ id: z.string(), created: z.boolean() }),
  handler: async (input, { supervisor }) => {
    const { head, created } = await supervisor.keeping.journals.open(input);
    return { id: head.id, created };
  },
});

const latest: Method = method({
  name: "journal.latest",
  since: "1.1",
  summary: "The newest of exactly this pair.",
  params: z.strictObject({ agent, created_by: createdBy }),
  result: journalShape,
  handler: (pair, { supervisor }) => supervisor.keeping.journals.latest(pair),
});

const append: Method = method({
  name: "journal.append",
  since: "1.1",
  summary:
    "Adds an entry; answers with its number when it is on the disk. Numbers grow by one in the order of the calls. The same `key` within 10 minutes answers with the entry already there.",
  params: z.strictObject({
    id: journal,
    kind: z.enum(["message", "thought", "event", "note"]),
    data: z
      .union([z.instanceof(Uint8Array), json], "is a JSON value, or bytes")
      .refine((value) => value !== undefined, "is missing")
      .describe("a JSON value, or bytes; at most 1 MiB as stored"),
    author: line(NAME_CHARS).exactOptional(),
    branch: label.describe("the entry is in the history and in this branch").exactOptional(),
    from: seq("an entry's number").describe("the entry it departs from").exactOptional(),
    key: idempotencyKey.optional(),
  }),
  bytes: ["data"],
  result: z.object({ seq: z.int().min(1), at: z.number() }),
  handler: ({ id, key, ...entry }, { supervisor, caller, host }) => {
    const into = journalOf(supervisor, id);
    const add = (): Promise<{ seq: number; at: number }> => supervisor.keeping.journals.append(into, entry);
    return key === undefined ? add() : host.idempotency.once(`${caller.uid} journal.append ${key}`, { into, ...entry }, add);
  },
});

const read: Method = method({
  name: "journal.read",
  since: "1.1",
  summary:
    "Entries by number, as many as fit into an answer; go on with `next`. With `from_boundary` only what follows the last compaction. Damaged entries are named in `damage`, never silently left out.",
  params: z.strictObject({
    id: journal,
    since: z.int("is an entry's number").min(0, "is an entry's number").describe("the first one wanted").exactOptional(),
    limit: z
      .int("is a number of entries")
      .min(1, "is at least 1 entry")
      .max(PAGE_ENTRIES_MAX, `is at most ${PAGE_ENTRIES_MAX} entries`)
      .describe(`default ${PAGE_ENTRIES}`)
      .exactOptional(),
    branch: label.describe("only entries of this branch").exactOptional(),
    from_boundary: z.boolean().exactOptional(),
  }),
  result: journalPageShape,
  answerBytes: () => PAGE_BYTES,
  handler: ({ id, ...options }, { supervisor }) => {
    const from = journalOf(supervisor, id);
    return readPage((asked) => supervisor.keeping.journals.read(from, asked), options);
  },
});

const compact: Method = method({
  name: "journal.compact",
  since: "1.1",
  summary:
    "Writes a boundary: replay from it begins after `through`, with the archive's text. Everything before stays readable. Entries that came while the summary was made are kept when `through` names the last one it covers.",
  params: z.strictObject({
    id: journal,
    archive: label.describe("the name under which the archive's text is, or will be, stored"),
    summary: z.string().describe("for when the archive is missing").exactOptional(),
    through: z
      .int("is an entry's number, or 0")
      .min(0, "is an entry's number, or 0")
      .describe("the last entry summed up; all there are now when left out")
      .exactOptional(),
  }),
  result: z.object({ seq: z.int().min(1).describe("the boundary's own") }),
  handler: ({ id, ...input }, { supervisor }) => supervisor.keeping.journals.compact(journalOf(supervisor, id), input),
});

const list: Method = method({
  name: "journal.list",
  since: "1.1",
  summary: "Journals with an id of their own, newest first.",
  params: z.strictObject({}),
  result: z.object({ journals: z.array(journalShape) }),
  answerBytes: () => LIST_ANSWER_BYTES,
  handler: async (_params, { supervisor }) => ({ journals: await supervisor.keeping.journals.list() }),
});

const get: Method = method({
  name: "journal.get",
  since: "1.1",
  summary: "What is known of a journal, without its entries.",
  params: z.strictObject({ id: journal }),
  result: journalShape,
  handler: ({ id }, { supervisor }) => supervisor.keeping.journals.get(journalOf(supervisor, id)),
});

const update: Method = method({
  name: "journal.update",
  since: "1.1",
  summary: "Sets title and summary.",
  params: z.strictObject({ id: journal, title: title.exactOptional(), summary: z.string().describe("at most 1 MiB").exactOptional() }),
  result: journalShape,
  handler: ({ id, ...change }, { supervisor }) => supervisor.keeping.journals.update(journalOf(supervisor, id), change),
});

const remove: Method = method({
  name: "journal.remove",
  since: "1.1",
  summary: "Removes a journal and says whether it existed. A session's own goes with its session.",
  params: z.strictObject({ id: journal }),
  result: removedShape,
  handler: async ({ id }, { supervisor }) => ({ removed: await supervisor.keeping.journals.remove(journalOf(supervisor, id)) }),
});

const archivePut: Method = method({
  name: "journal.archive.put",
  since: "1.1",
  summary: "Keeps a text under a name; another under the same name replaces it.",
  params: z.strictObject({ name: label, text: z.string() }),
  result: emptyShape,
  handler: async ({ name, text }, { supervisor }) => {
    await supervisor.keeping.archives.put(name, text);
    return {};
  },
});

const archiveGet: Method = method({
  name: "journal.archive.get",
  since: "1.1",
  summary: "The text under a name.",
  params: z.strictObject({ name: label }),
  result: z.object({ name: z.string(), text: z.string() }),
  answerBytes: () => PAGE_BYTES,
  handler: async ({ name }, { supervisor }) => ({ name, text: await supervisor.keeping.archives.get(name) }),
});

export const journalMethods: readonly Method[] = [
  create,
  open,
  latest,
  append,
  read,
  compact,
  list,
  get,
  update,
  remove,
  archivePut,
  archiveGet,
];
