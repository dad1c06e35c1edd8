/** What a journal is given, checked before anything is done with it. */
import { LifeguardError } from "../errors.js";
import { checkLabel, checkText, SUMMARY_BYTES, TITLE_CHARS } from "./checks.js";
import { ENTRY_KINDS } from "./journal-shapes.js";
import type { AppendInput } from "./journal-shapes.js";

/** Who a journal belongs to. Compared as given. */
export interface Pair {
  agent: string;
  created_by: string;
}

export function checkPair({ agent, created_by }: Pair): void {
  checkText("agent", agent);
  checkText("created_by", created_by);
}

export function checkTitle(title: string | undefined): void {
  if (title !== undefined && title !== "") checkText("title", title, TITLE_CHARS);
}

export function checkSummary(summary: string | undefined): void {
  if (summary !== undefined && Buffer.byteLength(summary) > SUMMARY_BYTES) {
    throw new LifeguardError("LIMIT", `summary has ${Buffer.byteLength(summary)} bytes, at most ${SUMMARY_BYTES} are kept`, {
      field: "summary",
      limit: SUMMARY_BYTES,
    });
  }
}

export function checkEntry(entry: AppendInput): void {
  const kinds: readonly string[] = ENTRY_KINDS.filter((kind) => kind !== "compact");
  if (!kinds.includes(entry.kind)) {
    throw new LifeguardError("INVALID_PARAMS", `kind is one of ${kinds.join(", ")}, got ${JSON.stringify(entry.kind)?.slice(0, 80)}`, {
      field: "kind",
    });
  }
  if (entry.author !== undefined) checkText("author", entry.author);
  if (entry.branch !== undefined) checkLabel("branch", entry.branch);
}
