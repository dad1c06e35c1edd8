/** The store for people: how it is, what was found, what went. Pure. */
import type { PruneReport, StoreStatus, VerifyReport } from "../rpc/client.js";
import { briefAge } from "./duration.js";
import { printable } from "./printable.js";
import { briefBytes } from "./sizes.js";

type Findings = Pick<VerifyReport, "damaged" | "unsupported" | "foreign">;

/** One line a file: what was damaged first. */
export function findingLines({ damaged, unsupported, foreign }: Findings): string[] {
  return [
    ...damaged.map(
      ({ path, kind, reason, quarantined_to }) =>
        `damaged  ${printable(path)} (${printable(kind)}): ${printable(reason)}${quarantined_to === undefined ? "" : `; moved to ${printable(quarantined_to)}`}`,
    ),
    ...unsupported.map(({ path, reason }) => `newer    ${printable(path)}: ${printable(reason)}`),
    ...foreign.map((path) => `not ours ${printable(path)}`),
  ];
}

export function queueWords({
  items,
  bytes,
  oldest_ms,
  coalesced,
  refused,
}: Omit<StoreStatus["queue"], "written" | "failed" | "waiting">): string {
  const waits = items === 0 ? "nothing waits" : `${items} writes wait, ${briefBytes(bytes)}, the oldest for ${briefAge(oldest_ms)}`;
  return `${waits}; ${coalesced} were replaced by newer ones, ${refused} refused`;
}

export function pruneLines({ removed, kept, foreign, bytes }: PruneReport, dryRun: boolean): string[] {
  const verb = dryRun ? "would remove" : "removed";
  return [
    ...removed.map(
      ({ kind, id, session, reason, bytes: size }) =>
        `${verb} ${kind} ${id}${kind === "session" ? "" : ` of ${session}`}, ${briefBytes(size)}: ${printable(reason)}`,
    ),
    ...kept.map(({ id, reason }) => `kept ${id}: ${printable(reason)}`),
    ...foreign.map((path) => `not ours ${printable(path)}`),
    removed.length === 0 ? "nothing is old enough" : `${verb} ${removed.length}, ${briefBytes(bytes)}`,
  ];
}
