/**
 * Where each thing is, and what may be there. Every part is a word of ours, a minted id, a UUID or a hash.
 *
 * ```
 * format.<generation>                                     what this directory is
 * marks.<generation>                                      the numbers minted
 * documents/<name>.<generation>
 * sessions/sess_<n>/record.<generation>                   the registry
 * sessions/sess_<n>/thought.<generation>
 * sessions/sess_<n>/checkpoints/c<generation><kind>.<uuid>   kind: p m e s, the first letter; retention reads no file
 * sessions/sess_<n>/checkpoints.index                     a cache
 * sessions/sess_<n>/journal/                              its own journal, like those below
 * journals.index                                          a cache
 * journals/jrnl_<n>/head.<generation>
 * journals/jrnl_<n>/seg.<first>[.b<through>]              `b`: begins with a boundary
 * forks/<uuid>.<generation>
 * archives/<sha-256 of the name>.<generation>
 * tombstones/<id>.<generation>
 * quarantine/
 * ```
 */
import { hash } from "node:crypto";
import { checkJournalId, checkSessionId, journalNumber } from "./checks.js";
import { CHECKPOINT_KINDS } from "./record-shapes.js";
import type { CheckpointKind } from "./record-shapes.js";
import type { Place } from "./tree.js";

export const SESSIONS: Place = ["sessions"];
export const JOURNALS: Place = ["journals"];
export const FORKS: Place = ["forks"];
export const ARCHIVES: Place = ["archives"];
export const DOCUMENTS: Place = ["documents"];
export const TOMBSTONES: Place = ["tombstones"];
export const DIRECTORIES: readonly Place[] = [SESSIONS, JOURNALS, FORKS, ARCHIVES, DOCUMENTS, TOMBSTONES];

export function sessionPlace(id: string): Place {
  return [...SESSIONS, checkSessionId(id)];
}

export function journalPlace(id: string): Place {
  return journalNumber(checkJournalId(id)) === null ? [...sessionPlace(id), "journal"] : [...JOURNALS, id];
}

export function checkpointsPlace(session: string): Place {
  return [...sessionPlace(session), "checkpoints"];
}

export function checkpointName(generation: number, kind: CheckpointKind, uuid: string): string {
  return `c${generation}${kind.slice(0, 1)}.${uuid}`;
}

const CHECKPOINT = /^c([1-9][0-9]{0,15})([pmes])\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export function parseCheckpointName(name: string): { generation: number; kind: CheckpointKind; uuid: string } | null {
  const match = CHECKPOINT.exec(name);
  const kind = CHECKPOINT_KINDS.find((each) => each.startsWith(match?.[2] ?? "?"));
  const generation = Number(match?.[1]);
  return match === null || kind === undefined || !Number.isSafeInteger(generation) ? null : { generation, kind, uuid: match[3] ?? "" };
}

export function archiveKey(name: string): string {
  return hash("sha256", name, "hex");
}

/** Names of ours in a directory of the store; everything else there is somebody else's. */
export const OURS: Record<"session" | "checkpoints" | "journal", RegExp> = {
  session: /^(record|thought)\.[1-9][0-9]{0,15}$|^checkpoints\.index$/,
  checkpoints: CHECKPOINT,
  journal: /^head\.[1-9][0-9]{0,15}$|^seg\.[1-9][0-9]{0,15}(\.b[0-9]{1,16})?$/,
};
