/**
 * Whether a report is taken, and what of it: pure. A report changes what people believe of a session, so that one which comes too late,
 * from the wrong place or about something else is refused with its reason, and nothing of it is used.
 */
import { isAbsolute, relative } from "node:path";
import type { ReportRequest } from "./api.js";
import type { Ancestor } from "./self-guard.js";

export interface ReportFacts {
  now: number;
  /** The session's process runs, and has since then. */
  running: boolean;
  startedAt: number;
  /** When the newest report of the same source happened; 0 without one. */
  newestAt: number;
  /** The tool in front, by its profile's name; null: none is known. */
  front: string | null;
  /** The report's tool by its profile's name; as it was said when there is no profile. */
  tool: string | null;
  /** Names of that tool's programs. */
  programs: readonly string[];
  /** How the reporter is known to belong to the session: it runs inside it, it has its environment, or not at all. */
  belongs: "inside" | "environment" | null;
  /** The reporter and the processes above it, nearest first. */
  family: readonly Ancestor[];
  /** Whether the process that the report names is one of the session's. */
  pidBelongs: boolean;
  /** Directories of the session: where it was started, where it is. */
  directories: readonly string[];
}

/** A clock that is a little ahead is no news from the future. */
const AHEAD_MS = 1_000;
/** A reporter takes its time before the daemon has noted the start. */
const EARLY_MS = 1_000;

/** When it happened: what lies in the future is now. */
export function reportTime(at: number | undefined, now: number): number {
  return at === undefined || at > now + AHEAD_MS ? now : at;
}

/** @returns why it is not taken, null when it is */
export function refusal(report: ReportRequest, facts: ReportFacts): string | null {
  const { now, front, tool, belongs } = facts;
  if (!facts.running) return "the session is not running";
  const at = reportTime(report.at, now);
  if (at < facts.startedAt - EARLY_MS) return `it is of ${now - at} ms ago, from before the session's process was started`;
  if (at < facts.newestAt) return `it is older than what ${report.source} has said already, by ${facts.newestAt - at} ms`;
  if (report.pid !== undefined && !facts.pidBelongs) return `process ${report.pid} does not run in this session`;
  if (tool !== null && front !== null && tool !== front) return `it is about ${tool}, and ${front} is in front`;
  const inner = nested(facts.family, facts.programs);
  if (inner !== null) return `it comes from ${inner.name} (process ${inner.pid}), which was started by the ${tool ?? "tool"} in front`;
  const { cwd } = report;
  if (belongs === null && cwd !== undefined && !facts.directories.some((directory) => within(cwd, directory)))
    return `it is about ${cwd}, and the session is in ${facts.directories[0] ?? "?"}`;
  return null;
}

/** What only counts of a conversation that is proven to be this session's. */
export function saysMore(report: ReportRequest): boolean {
  const { conversation_id, transcript, model, token_count, context_limit, skill } = report;
  return [conversation_id, transcript, model, token_count, context_limit, skill].some((value) => value !== undefined);
}

/**
 * An agent can start another one of its kind for a task of its own: that one's hooks run with the same environment, and know nothing
 * of the session's conversation. It is told by what lies between the two: a shell.
 */
function nested(family: readonly Ancestor[], programs: readonly string[]): Ancestor | null {
  const tools = family.map(({ name }) => programs.includes(name));
  const inner = tools.indexOf(true);
  if (inner < 0) return null;
  const gap = tools.indexOf(false, inner);
  return gap >= 0 && tools.includes(true, gap) ? (family[inner] ?? null) : null;
}

export function within(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith("../") && !isAbsolute(way));
}
