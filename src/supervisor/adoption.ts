/** Taking over the sessions that outlived the last daemon: their processes run, or ended while nobody looked. */
import { mkdirSync } from "node:fs";
import type { Clock } from "../clock.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { Custody, KeptExit, KeptSession } from "../reaper/custody.js";
import { sessionId, type SessionSpec } from "../session.js";
import { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Hosting } from "./hosting.js";
import type { Lifecycle } from "./lifecycle.js";
import { decodeRecord, type SessionRecord } from "./record.js";
import type { SessionTable } from "./table.js";

export interface AdoptionParts {
  clock: Clock;
  log: Log;
  table: SessionTable;
  events: EventLog;
  custody: Custody;
  hosting: Hosting;
  lifecycle: Lifecycle;
}

export interface Adoption {
  sessions: number;
  /** Settles when every actor is up, or has said why not. */
  actors: Promise<void>;
}

/**
 * Takes over every session that outlived the last daemon. Resolves when all are listed and their masters are here; actors
 * go on starting, and calls wait for them.
 */
export async function adoptSessions(parts: AdoptionParts): Promise<Adoption> {
  const { custody, table, log, hosting, events, lifecycle } = parts;
  const ended: { entry: SessionEntry; exit: KeptExit }[] = [];
  for (const kept of await custody.open()) {
    const entry = adoptOne(kept, parts);
    table.holdSlot(kept.slot);
    table.add(entry);
    if (kept.exit !== null) ended.push({ entry, exit: kept.exit });
  }
  const starts: Promise<void>[] = [];
  await custody.masters(
    [...table.entries()].map((entry) => entry.number),
    (session, master) => {
      const entry = table.byNumber(session);
      if (entry === undefined) return;
      entry.master = master;
      starts.push(
        hosting.start(entry, "daemon").then(
          () => {
            entry.recoveredFrom = "daemon";
          },
          (error: unknown) => log.error({ session: entry.id, phase: "adopt", err: messageOf(error) }, "a session's actor did not start"),
        ),
      );
    },
  );
  for (const { entry, exit } of ended) lifecycle.exited(entry.number, exit);
  const sessions = starts.length;
  return {
    sessions,
    actors: Promise.all(starts).then(() => events.append("daemon.started", null, { restored: sessions })),
  };
}

function adoptOne(kept: KeptSession, parts: AdoptionParts): SessionEntry {
  const { table, clock, log, hosting } = parts;
  const id = sessionId(kept.session);
  let record: SessionRecord;
  try {
    record = decodeRecord(kept.record);
  } catch (error) {
    // The process is there and may be somebody's work: it is listed under its id, never dropped.
    log.error(
      { session: id, phase: "adopt", err: messageOf(error) },
      "the keeper's record of a session cannot be read; it goes on without its specification",
    );
    record = unknownRecord(id, kept.session, clock.now());
  }
  const entry = new SessionEntry(kept.session, id, record.spec, table.directory, clock.now(), record.createdAt);
  hosting.equip(entry);
  mkdirSync(entry.directory, { recursive: true, mode: 0o700 });
  entry.phase = "running";
  entry.pid = kept.pid;
  entry.slot = kept.slot;
  entry.epoch = record.epoch;
  entry.restarts = record.restarts;
  entry.startedAt = record.startedAt;
  entry.killing = record.killing;
  return entry;
}

function unknownRecord(id: string, number: number, now: number): SessionRecord {
  const spec: SessionSpec = {
    name: `recovered-${number}`,
    cwd: "/",
    tool: null,
    command: "/bin/sh",
    args: [],
    env: {},
    envSecret: [],
    cols: 120,
    rows: 40,
    restart: "never",
    isolation: "shared",
    backend: "pty",
    labels: {},
    allowSelf: false,
  };
  return { version: 1, id, createdAt: now, startedAt: now, epoch: 1, restarts: 0, killing: false, spec };
}
