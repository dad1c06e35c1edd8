/** What has been kept long enough. Only a session that has ended goes, and only what nobody needs. */
import { messageOf } from "../errors.js";
import type { Clock } from "../clock.js";
import type { FileCheckpoints } from "./checkpoints.js";
import { GROUPS } from "./checkpoints.js";
import type { FileForks } from "./forks.js";
import { checkpointsPlace, sessionPlace } from "./places.js";
import type { PersistenceQueue } from "./queue.js";
import type { SessionRow } from "./record-shapes.js";
import type { FileRegistry } from "./registry.js";
import type { PruneReport, PruneRequest } from "./store.js";
import type { Place, Tree } from "./tree.js";

export interface RetentionParts {
  tree: Tree;
  clock: Clock;
  queue: PersistenceQueue;
  registry: FileRegistry;
  checkpoints: FileCheckpoints;
  forks: FileForks;
  foreign: () => string[];
}

interface Due {
  row: SessionRow;
  reason: string;
  /** Why it may not go. Another went in its place, so that it stays this time whatever becomes of that. */
  keep: string | null;
  bytes: number;
}

export async function prune(parts: RetentionParts, request: PruneRequest): Promise<PruneReport> {
  const report: PruneReport = { removed: [], kept: [], foreign: parts.foreign(), bytes: 0 };
  const halt: Halt = { reason: null };
  await pruneCheckpoints(parts, request, report, halt);
  for (const due of await dueSessions(parts, request)) await pruneSession(parts, request, report, due, halt);
  return report;
}

/** Set once the disk has not taken a removal: each of the others would have to be waited for as long. */
interface Halt {
  reason: string | null;
}

function haltingReason(error: unknown): string | null {
  const { name } = error as Error;
  return name === "STORE_FULL" || name === "UNAVAILABLE" ? "the disk did not take the removals before it" : null;
}

/** Why a session is not to go; null when it may. Asked when it is chosen, and again when the delete runs. */
function reasonToKeep(parts: RetentionParts, request: PruneRequest, id: string): string | null {
  const row = parts.registry.row(id);
  if (row === undefined) return null;
  if (row.state !== "exited") return "it is live";
  if (row.pinned) return "it is pinned";
  return parts.forks.needing(id) ?? request.keep(id);
}

/** Since it ended. A clock that stepped back, or an end in the future, makes it younger, never older. */
function ageOf(row: SessionRow, now: number): number {
  return Math.max(0, now - (row.exit?.at ?? row.last_activity_at));
}

async function dueSessions(parts: RetentionParts, request: PruneRequest): Promise<Due[]> {
  const now = parts.clock.now();
  const ended = parts.registry.list().filter(({ state }) => state === "exited");
  const bytesOf = async (id: string): Promise<number> => (await sizeOf(parts.tree, sessionPlace(id))) + (request.bytesOutside?.(id) ?? 0);
  // Longest ended first; of those that ended together, the lower number.
  ended.sort((a, b) => ageOf(b, now) - ageOf(a, now));
  const due: Due[] = [];
  let left = ended.length;
  let all = 0;
  const sizes = new Map<string, number>();
  if (request.allBytes !== null) {
    for (const { id } of ended) {
      const bytes = await bytesOf(id);
      sizes.set(id, bytes);
      all += bytes;
    }
  }
  for (const row of ended) {
    const age = ageOf(row, now);
    let reason: string | null = null;
    if (age > request.olderThanMs) reason = `it ended ${Math.floor(age / 3_600_000)} h ago`;
    else if (left > request.sessionsKept) reason = `${left} sessions have ended, ${request.sessionsKept} are kept`;
    else if (request.allBytes !== null && all > request.allBytes) reason = `ended sessions have ${all} bytes, ${request.allBytes} are kept`;
    if (reason === null) continue;
    const bytes = sizes.get(row.id) ?? (await bytesOf(row.id));
    const keep = reasonToKeep(parts, request, row.id);
    due.push({ row, reason, keep, bytes });
    if (keep !== null) continue;
    all -= bytes;
    left -= 1;
  }
  return due;
}

async function pruneSession(parts: RetentionParts, request: PruneRequest, report: PruneReport, due: Due, halt: Halt): Promise<void> {
  const { registry, queue } = parts;
  const { row, reason, bytes } = due;
  const { id } = row;
  const keep = due.keep ?? reasonToKeep(parts, request, id) ?? (queue.pending(id) ? "something of it is not saved yet" : halt.reason);
  if (keep !== null) {
    report.kept.push({ id, reason: keep });
    return;
  }
  if (!request.dryRun) {
    try {
      const ended = row.exit?.at;
      const unless = (): string | null =>
        registry.row(id)?.exit?.at === ended ? reasonToKeep(parts, request, id) : "it has been started again";
      if (!(await (request.remove?.(id, unless) ?? registry.remove(id, { unless })))) return;
    } catch (error) {
      report.kept.push({ id, reason: messageOf(error) });
      halt.reason = haltingReason(error);
      return;
    }
  }
  report.removed.push({ kind: "session", id, session: id, reason, bytes });
  report.bytes += bytes;
}

/** Also of live sessions: what is beyond the policy, and beyond the bytes of one session. The newest always stays. */
async function pruneCheckpoints(parts: RetentionParts, request: PruneRequest, report: PruneReport, halt: Halt): Promise<void> {
  const { checkpoints, tree } = parts;
  for (const shelf of checkpoints.shelves()) {
    const due = new Map<string, { bytes: number; reason: string }>();
    for (const group of [GROUPS.periodic, GROUPS.exit]) {
      for (const file of checkpoints.surplus(shelf, group, request.periodicKept)) {
        due.set(file.uuid, {
          bytes: (await tree.inspect(shelf.place(file)))?.bytes ?? 0,
          reason: `more than ${request.periodicKept} of its kind`,
        });
      }
    }
    if (request.sessionBytes !== null) {
      let bytes = await sizeOf(tree, checkpointsPlace(shelf.session));
      for (const file of checkpoints.surplus(shelf, ["periodic", "exit", "shutdown"], 1)) {
        if (bytes <= request.sessionBytes) break;
        const size = (await tree.inspect(shelf.place(file)))?.bytes ?? 0;
        if (!due.has(file.uuid))
          due.set(file.uuid, { bytes: size, reason: `its session's checkpoints have ${bytes} bytes, ${request.sessionBytes} are kept` });
        bytes -= size;
      }
    }
    for (const [id, { bytes, reason }] of due) {
      if (halt.reason !== null) {
        report.kept.push({ id, reason: halt.reason });
        continue;
      }
      try {
        if (!request.dryRun && !(await (request.within ?? waited)(checkpoints.remove(id)))) continue;
        report.removed.push({ kind: "checkpoint", id, session: shelf.session, reason, bytes });
        report.bytes += bytes;
      } catch (error) {
        report.kept.push({ id, reason: messageOf(error) });
        halt.reason = haltingReason(error);
      }
    }
  }
}

/** Who does not bound the wait waits. */
function waited<T>(removal: Promise<T>): Promise<T> {
  return removal;
}

/** Bytes of the files in a directory and the directories in it. */
async function sizeOf(tree: Tree, place: Place): Promise<number> {
  let bytes = 0;
  for (const { name, kind } of (await tree.list(place)) ?? []) {
    // A name that cannot be a place is not ours.
    if (!/^[A-Za-z0-9]/.test(name)) continue;
    if (kind === "file") bytes += (await tree.inspect([...place, name]))?.bytes ?? 0;
    else if (kind === "directory" && place.length < 4) bytes += await sizeOf(tree, [...place, name]);
  }
  return bytes;
}
