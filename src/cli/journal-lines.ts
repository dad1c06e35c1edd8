/** Journals for people: a table of them, and a line an entry. Pure. */
import type { Journal, JournalDamage, JournalEntry } from "../rpc/client.js";
import type { Colours } from "./colours.js";
import type { Column } from "./columns.js";
import { layOut } from "./columns.js";
import { briefAge } from "./duration.js";
import { rfc3339 } from "./json.js";
import { printable } from "./printable.js";
import { briefBytes } from "./sizes.js";

const COLUMNS: readonly Column[] = [
  { title: "JOURNAL" },
  { title: "AGENT", least: 8 },
  { title: "CREATED BY", least: 10 },
  { title: "ENTRIES", align: "right" },
  { title: "MESSAGES", align: "right" },
  { title: "UPDATED", align: "right" },
  { title: "TITLE", least: 8 },
];

export function journalTable(journals: readonly Journal[], { now, width }: { now: number; width: number | undefined }): string[] {
  const cells = journals.map((journal) => [
    journal.id,
    printable(journal.agent ?? ""),
    printable(journal.created_by ?? ""),
    String(journal.last_seq),
    String(journal.message_count),
    briefAge(now - journal.updated_at),
    printable(journal.title),
  ]);
  return layOut(COLUMNS, cells, width);
}

/** `12 2026-01-31T12:00:00.000Z message me [try ← 3] text`: what an agent wrote is one line, and no terminal acts on it. */
export function entryLine(entry: JournalEntry, colours: Colours): string {
  const { seq, at, kind, author, branch, from } = entry;
  const departs = [branch, ...(from === undefined ? [] : [`← ${from}`])].filter((part) => part !== undefined).join(" ");
  const words = [
    String(seq),
    colours.dim(String(rfc3339(at))),
    kind,
    ...(author === undefined ? [] : [printable(author)]),
    ...(departs === "" ? [] : [`[${printable(departs)}]`]),
    dataWords(entry.data),
  ];
  return words.join(" ");
}

function dataWords(data: unknown): string {
  if (typeof data === "string") return printable(data);
  if (data instanceof Uint8Array) return `(${briefBytes(data.length)})`;
  return printable(JSON.stringify(data));
}

export function damageLine({ seq, segment, offset, reason }: JournalDamage): string {
  return `${seq === undefined ? "something" : `entry ${seq}`} is damaged (${segment}, byte ${offset}): ${printable(reason)}`;
}
