/** What a keeper is told to start. */
import type { Config } from "../config.js";
import type { SpawnOrder } from "../reaper/custody.js";
import type { SessionEntry } from "./entry.js";
import { sessionEnvironment } from "./environment.js";
import { encodeRecord } from "./record.js";

/** What the processes of sessions inherit besides their environment: the world the daemon was started from, not Node's. */
export interface CallerWorld {
  nofileSoft: number;
  umask: number;
}

/** @param slot its slot in the in-flight file @param file the program's path @throws LIMIT when what is to be kept of the session does not fit */
export function spawnOrder(entry: SessionEntry, slot: number, file: string, config: Config, world: CallerWorld): SpawnOrder {
  const { spec } = entry;
  return {
    session: entry.number,
    slot,
    record: encodeRecord(entry.record()),
    directory: entry.directory,
    spool: { bytes: config.session.spool_bytes, busyBytes: config.session.spool_busy_bytes },
    file,
    argv: [spec.command, ...spec.args],
    env: sessionEnvironment(spec.env, entry.id, config.paths.socket),
    cwd: spec.cwd,
    size: entry.size,
    nofileSoft: world.nofileSoft,
    umask: world.umask,
  };
}
