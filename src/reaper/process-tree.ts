/**
 * Which processes belong to a session, wherever they went: one look at the whole process table, shared by everybody who needs
 * one at the time, so that ending a thousand sessions at once does not read the table a thousand times. Linux's /proc.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { hasEnded, readProcessStat } from "./process-handle.js";
import type { ProcessStat } from "./process-handle.js";

/** Reading the table gives the event loop a turn after this. */
const SLICE_MS = 4;

export interface TreeQuery {
  /** Pid of the session's first process. Its number is taken as valid while it is there, also as a zombie. */
  leader: number;
  /** LIFEGUARD_SESSION and LIFEGUARD_SOCKET, as the session's processes have them in their environment. */
  sessionId: string;
  socket: string;
  /** Escaped descendants become children of these (subreapers). */
  keeperPids: readonly number[];
  /** A keeper died: its orphans may be anybody's children, so everybody's environment is looked at. */
  keeperWasLost: boolean;
}

/** The process table at one time, more or less: processes may come and go while it is read. */
export class ProcessTable {
  readonly #stats: ReadonlyMap<number, ProcessStat>;
  readonly #children = new Map<number, number[]>();
  readonly #sessions = new Map<number, number[]>();
  readonly #groups = new Map<number, number[]>();
  /** By the keepers asked for: whose strays are whose. */
  readonly #strays = new Map<string, Map<string, number[]>>();

  constructor(stats: ReadonlyMap<number, ProcessStat>) {
    this.#stats = stats;
    for (const [pid, stat] of stats) {
      put(this.#children, stat.parent, pid);
      put(this.#sessions, stat.session, pid);
      put(this.#groups, stat.group, pid);
    }
  }

  startTime(pid: number): number | null {
    return this.#stats.get(pid)?.startTime ?? null;
  }

  /**
   * The processes of a session, zombies included (a process whose first thread has ended looks like one while it lives): its leader, the leader's process group and session, strays that carry the session's mark,
   * those in `known` that are still there, and all their descendants. Never this process, a keeper, or pid 1, nor what is below them
   * on another branch.
   */
  members(query: TreeQuery, known: ReadonlyMap<number, { startTime: number | null }>): number[] {
    const spared = new Set([process.pid, 1, 0, ...query.keeperPids]);
    const owner = ownerKey(query.sessionId, query.socket);
    const roots = [query.leader, ...this.#ofLeader(query, owner), ...this.#straysOf(query, owner)];
    for (const [pid, { startTime }] of known) if (this.startTime(pid) === startTime) roots.push(pid);
    const found = new Set<number>();
    for (let pid = roots.pop(); pid !== undefined; pid = roots.pop()) {
      if (found.has(pid) || spared.has(pid) || !this.#stats.has(pid)) continue;
      found.add(pid);
      roots.push(...(this.#children.get(pid) ?? []));
    }
    return [...found];
  }

  /** While the leader is there, its number names its group and session; once it is collected, only the mark proves anything. */
  #ofLeader({ leader }: TreeQuery, owner: string): number[] {
    const near = [...(this.#groups.get(leader) ?? []), ...(this.#sessions.get(leader) ?? [])];
    return this.#stats.has(leader) ? near : near.filter((pid) => ownerOf(pid, this.#stats.get(pid)) === owner);
  }

  #straysOf(query: TreeQuery, owner: string): number[] {
    const key = query.keeperWasLost ? "everywhere" : query.keeperPids.join(" ");
    let byOwner = this.#strays.get(key);
    if (byOwner === undefined) {
      byOwner = new Map();
      const candidates = query.keeperWasLost ? this.#stats.keys() : query.keeperPids.flatMap((pid) => this.#children.get(pid) ?? []);
      for (const pid of candidates) {
        const marked = ownerOf(pid, this.#stats.get(pid));
        if (marked !== null) put(byOwner, marked, pid);
      }
      this.#strays.set(key, byOwner);
    }
    return byOwner.get(owner) ?? [];
  }
}

function put<K>(map: Map<K, number[]>, key: K, pid: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [pid]);
  else list.push(pid);
}

// ---- marks: read once per process ---------------------------------------------------------------------------------------

const marks = new Map<number, { startTime: number; owner: string | null }>();

function ownerKey(session: string, socket: string): string {
  return `${session}\0${socket}`;
}

function ownerOf(pid: number, stat: ProcessStat | undefined): string | null {
  if (stat === undefined || hasEnded(stat)) return null;
  const known = marks.get(pid);
  if (known?.startTime === stat.startTime) return known.owner;
  const owner = readOwner(pid);
  marks.set(pid, { startTime: stat.startTime, owner });
  return owner;
}

/** Null without a mark, and where the environment may not be read (another user's process). */
function readOwner(pid: number): string | null {
  let environment: string;
  try {
    environment = `\0${readFileSync(`/proc/${pid}/environ`, "utf8")}\0`;
  } catch {
    return null;
  }
  const value = (name: string): string | null => {
    const at = environment.indexOf(`\0${name}=`);
    if (at < 0) return null;
    const start = at + name.length + 2;
    return environment.slice(start, environment.indexOf("\0", start));
  };
  const session = value("LIFEGUARD_SESSION");
  const socket = value("LIFEGUARD_SOCKET");
  return session === null || socket === null ? null : ownerKey(session, socket);
}

// ---- one look for everybody who asks meanwhile --------------------------------------------------------------------------

let running: Promise<ProcessTable> | null = null;
let next: Promise<ProcessTable> | null = null;

/** A table whose reading began after this call. */
export function readProcessTable(): Promise<ProcessTable> {
  if (running === null) {
    running = read().finally(() => {
      running = null;
    });
    return running;
  }
  next ??= running.then(
    () => startNext(),
    () => startNext(),
  );
  return next;
}

function startNext(): Promise<ProcessTable> {
  next = null;
  return readProcessTable();
}

async function read(): Promise<ProcessTable> {
  const stats = new Map<number, ProcessStat>();
  let slice = performance.now();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid <= 0) continue;
    const stat = readProcessStat(pid);
    if (stat !== null) stats.set(pid, stat);
    if (performance.now() - slice < SLICE_MS) continue;
    await turn();
    slice = performance.now();
  }
  for (const pid of marks.keys()) if (!stats.has(pid)) marks.delete(pid);
  return new ProcessTable(stats);
}
