/** Reading a journal: only the segments that the wanted numbers are in. */
import { LifeguardError, messageOf } from "../errors.js";
import { READ_LIMIT, READ_LIMIT_MAX } from "./journal-shapes.js";
import type { JournalEntry, JournalRead, JournalReadOptions } from "./journal-shapes.js";
import { SEGMENT_READ_BYTES } from "./open-journal.js";
import type { OpenJournal, Segment } from "./open-journal.js";
import { decodeCarry, decodeEntry, scanLines } from "./segment.js";
import type { Scan } from "./segment.js";
import type { Archives } from "./store.js";
import type { Tree } from "./tree.js";

interface Parts {
  tree: Tree;
  archives: Archives;
}

interface SegmentContent {
  bytes: Buffer;
  scan: Scan;
}

export async function readJournal(parts: Parts, journal: OpenJournal, options: JournalReadOptions): Promise<JournalRead> {
  const limit = Math.min(options.limit ?? READ_LIMIT, READ_LIMIT_MAX);
  if (!Number.isInteger(limit) || limit < 1)
    throw new LifeguardError("INVALID_PARAMS", `limit is 1–${READ_LIMIT_MAX}, got ${String(options.limit)}`, { field: "limit" });
  const since = options.since ?? 1;
  if (!Number.isSafeInteger(since) || since < 0)
    throw new LifeguardError("INVALID_PARAMS", `since is a number from 1, got ${String(since)}`, { field: "since" });
  if (journal.unsupported !== null)
    throw new LifeguardError("UNSUPPORTED", `journal ${journal.id}: ${journal.unsupported}`, { id: journal.id });
  // What is there now: entries that come while this reads are for the next call.
  const segments = [...journal.segments];
  const [end, lastBytes] = [journal.next, journal.lastBytes];
  const boundary = options.from_boundary === true ? journal.boundary : null;
  const start = Math.max(since, boundary === null ? 1 : boundary.through + 1);
  const result: JournalRead = {
    entries: [],
    next: Math.max(start, 1),
    more: false,
    damage: journal.repairs.filter(({ segment }) => isTail(segments, segment)),
  };
  const known = new Map<string, SegmentContent>();
  const content = async (segment: Segment): Promise<SegmentContent> => {
    const there = known.get(segment.name);
    if (there !== undefined) return there;
    const max = segment === segments.at(-1) ? lastBytes : SEGMENT_READ_BYTES;
    const read = await readSegment(parts.tree, journal, segment, max);
    known.set(segment.name, read);
    return read;
  };
  if (boundary !== null) {
    const segment = segments.find(({ first }) => first === boundary.seq);
    result.boundary = await describeBoundary(parts.archives, boundary, segment === undefined ? null : await content(segment));
  }
  for (const [index, segment] of segments.entries()) {
    const following = segments[index + 1];
    if (following !== undefined && following.first <= start) continue;
    const { bytes, scan } = await content(segment);
    known.delete(segment.name);
    addDamage(result, segment, scan, start, following?.first);
    for (const line of scan.lines) {
      if (line.seq < start || (boundary !== null && line.seq === boundary.seq)) continue;
      if (line.seq >= end) break;
      if (result.entries.length >= limit) {
        result.more = true;
        return result;
      }
      result.next = line.seq + 1;
      const entry = decode(bytes, line, segment, result);
      if (entry !== null && (options.branch === undefined || entry.branch === options.branch)) result.entries.push(entry);
    }
  }
  result.next = Math.max(result.next, end);
  return result;
}

/** Damage of the last segment was found when it was opened, and its bytes may have been cut since: it is told with every read of it. */
function isTail(segments: Segment[], name: string): boolean {
  return segments.at(-1)?.name === name;
}

function decode(bytes: Buffer, line: Scan["lines"][number], segment: Segment, result: JournalRead): JournalEntry | null {
  try {
    return decodeEntry(bytes, line);
  } catch (error) {
    tell(result, {
      seq: line.seq,
      offset: line.start,
      segment: segment.name,
      reason: messageOf(error).replaceAll(/\s+/g, " ").slice(0, 120),
    });
    return null;
  }
}

function addDamage(result: JournalRead, segment: Segment, scan: Scan, start: number, following: number | undefined): void {
  for (const damage of scan.damage) if (damage.seq === undefined || damage.seq >= start) tell(result, { ...damage, segment: segment.name });
  if (following === undefined) return;
  for (let seq = Math.max(scan.next, start); seq < Math.min(following, scan.next + 1_000); seq++) {
    tell(result, { seq, offset: scan.good, segment: segment.name, reason: "it is missing from the end of its segment" });
  }
}

function tell(result: JournalRead, damage: JournalRead["damage"][number]): void {
  const known = result.damage.some((each) => each.segment === damage.segment && each.offset === damage.offset && each.seq === damage.seq);
  if (!known) result.damage.push(damage);
}

async function readSegment(tree: Tree, journal: OpenJournal, segment: Segment, max: number): Promise<SegmentContent> {
  const bytes = (await tree.read([...journal.place, segment.name], { max })) ?? Buffer.alloc(0);
  const reading = decodeCarry(bytes);
  const scan = scanLines(bytes, "end" in reading ? reading.end : 0, segment.first);
  if (reading.is === "damaged") scan.damage.unshift({ offset: 0, reason: reading.reason });
  return { bytes, scan };
}

/** What replay begins with: the archive's text, else the summary in the boundary, else words that say what is missing. */
async function describeBoundary(
  archives: Archives,
  boundary: { seq: number; archive: string },
  content: SegmentContent | null,
): Promise<NonNullable<JournalRead["boundary"]>> {
  const line = content?.scan.lines.find(({ seq }) => seq === boundary.seq);
  let archive = boundary.archive;
  let summary = "";
  if (line !== undefined && content !== null) {
    const { data } = decodeEntry(content.bytes, line);
    if (typeof data === "object" && data !== null) {
      if ("archive" in data && typeof data.archive === "string") archive = data.archive;
      if ("summary" in data && typeof data.summary === "string") summary = data.summary;
    }
  }
  if (archive === "")
    return { seq: boundary.seq, archive, archive_missing: true, prefix: `[the boundary at entry ${boundary.seq} is damaged]` };
  try {
    return { seq: boundary.seq, archive, archive_missing: false, prefix: await archives.get(archive) };
  } catch (error) {
    const why = error instanceof LifeguardError && error.name === "NOT_FOUND" ? "missing" : messageOf(error);
    return { seq: boundary.seq, archive, archive_missing: true, prefix: summary === "" ? `[archive ${archive}: ${why}]` : summary };
  }
}
