/** Every id, name, label and branch that reaches the store is checked here as well as at the RPC door. None becomes part of a path. */
import { LifeguardError } from "../errors.js";
import { checkName, sessionNumber } from "../session.js";

const KIB = 1024;

/** Characters of a label, branch or archive name: seen whole in a table column. */
const LABEL_CHARS = 64;
/** Characters of an agent, an author, a title. */
const TEXT_CHARS = 256;
export const TITLE_CHARS = 512;
export const SUMMARY_BYTES: number = 1024 * KIB;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const JOURNAL = /^jrnl_([1-9][0-9]{0,15})$/;
/** ASCII only: what looks like another letter is not taken for it. No slash: nobody can mistake it for a path. */
const LABEL = /^[A-Za-z0-9._:+=@#-](?:[A-Za-z0-9._:+=@# -]*[A-Za-z0-9._:+=@#-])?$/;
/** Names of devices on systems whose people share backups with ours. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
// C0, DEL, C1, line and paragraph separators, and what reorders text.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

function refuse(field: string, expected: string, received: unknown): never {
  const shown = typeof received === "string" ? JSON.stringify(received.slice(0, 80)) : typeof received;
  throw new LifeguardError("INVALID_PARAMS", `${field} is ${expected}, got ${shown}`, { field });
}

export function journalNumber(id: string): number | null {
  const match = JOURNAL.exec(id);
  const number = match === null ? null : Number(match[1]);
  return number === null || !Number.isSafeInteger(number) ? null : number;
}

export function checkSessionId(id: unknown): string {
  if (typeof id !== "string") refuse("id", "a session id like sess_12", id);
  const number = sessionNumber(id);
  if (number === null || !Number.isSafeInteger(number)) refuse("id", "a session id like sess_12", id);
  return id;
}

/** A journal's id: `jrnl_<n>`, or a session's id for its own journal. */
export function checkJournalId(id: unknown): string {
  if (typeof id !== "string" || (journalNumber(id) === null && sessionNumber(id) === null))
    refuse("id", "a journal id like jrnl_12 or a session id", id);
  return id;
}

export function checkUuid(field: string, id: unknown): string {
  if (typeof id !== "string" || !UUID.test(id)) refuse(field, "a UUID in lower case", id);
  return id;
}

/** A session's name as it may be stored: trimmed already. */
export function checkStoredName(name: unknown): string {
  if (typeof name !== "string") refuse("name", "a name", name);
  const checked = checkName(name);
  if ("problem" in checked || checked.name !== name) refuse("name", "1–64 of letters, digits, '.', '_', '-'", name);
  if (DEVICE.test(name)) refuse("name", "not the name of a device", name);
  return name;
}

/** A checkpoint's label, a branch, an archive's name: 1–64 of letters, digits, `. _ : + = @ # -` and inner spaces. */
export function checkLabel(field: string, label: unknown): string {
  if (typeof label !== "string" || label.length > LABEL_CHARS || !LABEL.test(label)) {
    refuse(field, "1–64 of letters, digits, spaces and . _ : + = @ # -", label);
  }
  if (/^\.+$/.test(label) || DEVICE.test(label)) refuse(field, "not a name that systems keep for themselves", label);
  return label;
}

/** Labels of a session: keys like {@link checkLabel}, values any printable text of up to 256 characters. */
export function checkLabels(labels: Record<string, string>): void {
  for (const [key, value] of Object.entries(labels)) {
    checkLabel("labels", key);
    if (typeof value !== "string" || value.length > TEXT_CHARS || UNPRINTABLE.test(value))
      refuse(`labels.${key}`, "printable text of up to 256 characters", value);
  }
}

/** Compared as given, so anything printable of 1–256 characters; never part of a path, not even as a slug. */
export function checkText(field: string, text: unknown, chars: number = TEXT_CHARS): string {
  if (typeof text !== "string" || text.length === 0 || text.length > chars || UNPRINTABLE.test(text)) {
    refuse(field, `printable text of 1–${chars} characters`, text);
  }
  return text;
}
