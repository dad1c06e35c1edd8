/** Taking over the sessions that outlived the last daemon: their processes run, or ended while nobody looked. */
import { mkdirSync } from "node:fs";
import type { Clock } from "../clock.js";
import type { Config } from "../config.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { inflightPath } from "../paths.js";
import type { Custody, KeptExit, KeptSession } from "../reaper/custody.js";
import { sessionId, type SessionSpec } from "../session.js";
import { newestMarkAt } from "../spool/index-file.js";
import { salvageLeft } from "../spool/salvage.js";
import { openSpoolReader } from "../spool/spool-reader.js";
import { restartHistory } from "./backoff.js";
import { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Hosting } from "./hosting.js";
import type { Keeping } from "./keeping.js";
import type { Lifecycle } from "./lifecycle.js";
import { decodeRecord, type SessionRecord } from "./record.js";
import { entryOf } from "./remember.js";
import { setState } from "./state.js";
import type { SessionTable } from "./table.js";

export interface AdoptionParts {
  config: Config;
  clock: Clock;
  log: Log;
  table: SessionTable;
  events: EventLog;
  custody: Custody;
  hosting: Hosting;
  lifecycle: Lifecycle;
  keeping: Keeping;
}

export interface Adoption {
  /** Whose process is there. */
  sessions: number;
  /** Were live when the last daemon ended, and have no process now: a reboot, or the keeper was killed too. */
  gone: SessionEntry[];
  /** Were live under tmux: tmux is to be asked what became of them. */
  tmux: SessionEntry[];
  /** Settles when every actor is up, or has said why not. */
  actors: Promise<void>;
}

/**
 * Lists every session that the store knows, and takes over those whose process outlived the last daemon. Resolves when all are
 * listed and their masters are here; actors go on starting, and calls wait for them.
 */
export async function adoptSessions(parts: AdoptionParts): Promise<Adoption> {
  const { custody, table, log, hosting, events, lifecycle } = parts;
  const [keptSessions] = await Promise.all([custody.open(), listRemembered(parts)]);
  const ended: { entry: SessionEntry; exit: KeptExit }[] = [];
  const present = new Set<SessionEntry>();
  for (const kept of keptSessions) {
    const entry = adoptOne(kept, parts);
    present.add(entry);
    table.holdSlot(kept.slot);
    table.add(entry);
    if (kept.exit !== null) ended.push({ entry, exit: kept.exit });
  }
  const starts: Promise<void>[] = [];
  await custody.masters(
    [...present].map((entry) => entry.number),
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
  const sessions = starts.length - ended.length;
  const left = [...table.entries()].filter((entry) => entry.state !== "exited" && !present.has(entry));
  // One that waited to be started again has ended, wherever it ran.
  const [tmux, without] = [left.filter((entry) => askTmux(entry)), left.filter((entry) => !askTmux(entry))];
  salvage(without, parts);
  // It had no process to lose: only the daemon has died, and it waits on. After a reboot the policy decides.
  const waiting = without.filter((entry) => custody.keeperWasThere && entry.restartDueAt !== null && !entry.killing);
  for (const entry of waiting) lifecycle.backoff.resume(entry);
  const gone = without.filter((entry) => !waiting.includes(entry));
  for (const entry of gone) declareLost(entry, parts);
  const actors = Promise.all(starts).then(() => events.append("daemon.started", null, { restored: sessions }));
  void actors.then(() => showCheckpoints(parts));
  return { sessions, gone, tmux, actors };
}

function askTmux(entry: SessionEntry): boolean {
  return entry.tmux !== null && entry.exit === null;
}

/** The sessions of the store: ended ones as they were, live ones until the keeper says what became of them. */
async function listRemembered(parts: AdoptionParts): Promise<void> {
  const { keeping, table, hosting, clock, log } = parts;
  const { store } = keeping;
  for (const row of store.registry.list()) {
    try {
      const entry = entryOf(await store.registry.get(row.id), table.directory, clock.now());
      entry.restartHistory = restartHistory(entry.restartTimes, clock);
      hosting.equip(entry);
      keeping.showThought(entry);
      table.add(entry);
    } catch (error) {
      // Named in store.status too; one bad record never stops the start.
      log.error({ session: row.id, phase: "adopt", err: messageOf(error) }, "a session's record cannot be read");
    }
  }
}

/** Before anybody else gets their slots: the last words of those that died with both daemon and keeper. */
function salvage(gone: readonly SessionEntry[], parts: AdoptionParts): void {
  const { config, log } = parts;
  const { spool_bytes: bytes, spool_busy_bytes: busyBytes } = config.session;
  try {
    const found = salvageLeft(
      inflightPath(config.paths),
      gone.map((entry) => entry.directory),
      { bytes, busyBytes },
    );
    if (found.sessions > 0) log.info({ phase: "adopt", ...found }, "in-flight pages of sessions without a process are in their spools");
  } catch (error) {
    log.error(
      { phase: "adopt", err: messageOf(error) },
      "in-flight pages could not be salvaged; the last bytes of ended sessions may be missing",
    );
  }
}

/** The records know of most of them. After the start, not beside it: of a thousand sessions it takes both processors for a tenth of a second. */
async function showCheckpoints(parts: AdoptionParts): Promise<void> {
  const { table, keeping, log } = parts;
  try {
    for (const row of await keeping.store.checkpoints.list()) {
      const entry = table.find(row.session);
      if (entry !== null) entry.lastCheckpointAt = Math.max(entry.lastCheckpointAt ?? 0, row.created_at);
    }
  } catch (error) {
    log.warn({ phase: "adopt", err: messageOf(error) }, "checkpoints could not be listed");
  }
}

/** It was live when the last daemon ended, and no keeper has it: nobody can know its exit status, and a 0 is never made up. */
function declareLost(entry: SessionEntry, parts: AdoptionParts): void {
  const { events, clock, keeping } = parts;
  readLeft(entry, clock);
  entry.pid = null;
  entry.recoveredFrom = "checkpoint";
  // One in back-off had ended before, and its exit is known.
  const known = entry.exit !== null;
  const at = Math.max(entry.lastActivityAt, entry.startedAt ?? entry.createdAt);
  entry.exit ??= { code: null, signal: null, at, reason: entry.killing ? "killed" : "lost" };
  const detail = known
    ? "it waited to be started again when the daemon ended"
    : "its process was gone when the daemon started, and its exit status with it";
  events.append("session.exited", entry.id, {
    code: entry.exit.code,
    signal: entry.exit.signal,
    reason: entry.exit.reason,
    restarting: false,
  });
  setState(entry, "exited", { source: "supervisor", rule: "process_gone", confidence: "high", at: clock.now(), detail }, events, clock);
  keeping.rememberSoon(entry);
}

/** Its record is of the last checkpoint: how much it wrote after that, and when, its spool and index know. */
function readLeft(entry: SessionEntry, clock: Clock): void {
  try {
    const spool = openSpoolReader(entry.directory);
    entry.offset = Math.max(entry.offset, spool.end);
    spool.close();
    entry.lastActivityAt = Math.max(entry.lastActivityAt, Math.min(newestMarkAt(entry.directory) ?? 0, clock.now()));
  } catch {
    // Lost or damaged: whoever reads it is told.
  }
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
  const known = table.find(id);
  const entry = known ?? new SessionEntry(kept.session, id, record.spec, table.directory, clock.now(), record.createdAt);
  if (known === null) hosting.equip(entry);
  // The keeper's is the newer word on what runs, and has the secrets that are never on the disk.
  else table.respecify(entry, record.spec);
  mkdirSync(entry.directory, { recursive: true, mode: 0o700 });
  // The last daemon had decided on this exit; it is decided on once more, and counts once.
  if (kept.exit !== null && entry.restartDueAt !== null && entry.epoch === record.epoch) {
    entry.restartTimes.pop();
    entry.restartHistory.pop();
  }
  entry.exit = null;
  entry.restartDueAt = null;
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
