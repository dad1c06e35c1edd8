/** What a keeper is told to start. */
import { randomUUID } from "node:crypto";
import type { Config } from "../config.js";
import type { SpawnOrder } from "../reaper/custody.js";
import type { SessionEntry } from "./entry.js";
import { sessionEnvironment } from "./environment.js";
import { encodeRecord } from "./record.js";
import { inScope, type KeeperUnit } from "./session-scope.js";

/** What the processes of sessions inherit besides their environment: the world the daemon was started from, not Node's. */
export interface CallerWorld {
  nofileSoft: number;
  umask: number;
  /** The unit in which agents live; null without a service manager. */
  keeperUnit: KeeperUnit | null;
}

/** @param slot its slot in the in-flight file @param started its path, and the whole argument vector @throws LIMIT when what is to be kept of the session does not fit */
export function spawnOrder(
  entry: SessionEntry,
  slot: number,
  started: { file: string; argv: string[] },
  config: Config,
  world: CallerWorld,
): SpawnOrder {
  const { spec } = entry;
  const program = { ...started, env: sessionEnvironment(spec.env, entry.id, config.paths.socket) };
  return {
    session: entry.number,
    slot,
    record: encodeRecord(entry.record()),
    directory: entry.directory,
    spool: { bytes: config.session.spool_bytes, busyBytes: config.session.spool_busy_bytes },
    ...(spec.limits === undefined ? program : inScope(program, spec.limits, world.keeperUnit, `${entry.id}-${randomUUID()}`)),
    cwd: spec.cwd,
    size: entry.size,
    nofileSoft: world.nofileSoft,
    umask: world.umask,
  };
}
