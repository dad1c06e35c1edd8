/** tmux sessions that become ours: new ones, ones that come back, and those of the last daemon. */
import { mkdir } from "node:fs/promises";
import type { TmuxSession } from "../../tmux/server.js";
import { LifeguardError, messageOf } from "../../errors.js";
import { isNameFor, nameFor } from "../../tmux/names.js";
import type { SessionSpec } from "../../session.js";
import { deferred, SessionEntry } from "../entry.js";
import { setState, startConversation } from "../state.js";
import { adoptedCommand, isSame, placeOf } from "./place.js";
import type { Servers } from "./servers.js";
import type { TmuxParts } from "./sessions.js";

export class Adoptions {
  readonly #p: TmuxParts;
  readonly #servers: Servers;
  /** Of the last daemon, and not seen by this one yet: their server has not answered. */
  readonly unseen: Set<SessionEntry> = new Set();

  constructor(parts: TmuxParts, servers: Servers) {
    this.#p = parts;
    this.#servers = servers;
  }

  isOf(entry: SessionEntry, session: TmuxSession): boolean {
    return entry.tmux !== null && isSame(entry.tmux, session);
  }

  /** @throws LIMIT; what starting an actor throws */
  async adopt(socket: string, session: TmuxSession): Promise<SessionEntry> {
    const { table, config, clock, events, log } = this.#p;
    table.refuseMore(config.daemon.max_sessions);
    const spec: SessionSpec = {
      name: nameFor(session.name, (name) => table.liveNamed(name) !== undefined),
      cwd: "/",
      tool: null,
      ...adoptedCommand(socket, session.name),
      env: {},
      envSecret: [],
      cols: session.cols,
      rows: session.rows,
      restart: "never",
      isolation: "shared",
      backend: "tmux",
      labels: {},
      allowSelf: false,
    };
    const { number, id, durable } = table.mint();
    durable.catch((error: unknown) =>
      log.warn({ session: id, phase: "tmux", err: messageOf(error) }, "a session's number is not on the disk yet"),
    );
    const now = clock.now();
    const entry = new SessionEntry(number, id, spec, table.directory, now, now);
    this.#p.hosting().equip(entry);
    table.add(entry);
    entry.tmux = placeOf(socket, session, true);
    entry.evidence = { source: "supervisor", rule: "adopted", confidence: "high", at: now, detail: "it was found in tmux" };
    try {
      await this.#begin(entry, session, "fresh");
    } catch (error) {
      entry.removed = true;
      table.delete(entry);
      if (entry.slot !== null) table.freeSlot(entry.slot);
      throw error;
    }
    events.append("session.created", id, { summary: entry.summary(clock.now()) });
    this.#p.keeping().rememberSoon(entry);
    return entry;
  }

  /** One that had ended is there again: it keeps its id, and its offsets go on. */
  async revive(entry: SessionEntry, session: TmuxSession): Promise<SessionEntry> {
    const { table, events } = this.#p;
    const before = entry.tmux;
    await this.#p.lifecycle().retire(entry.id);
    await this.#p.keeping().wake(entry);
    if (before === null || !entry.move("due"))
      throw new LifeguardError("BUSY", `${entry.id} is on its way out: ask again`, { retry_after_ms: 250 });
    const wanted = isNameFor(entry.spec.name, before.name) ? session.name : entry.spec.name;
    table.rename(
      entry,
      nameFor(wanted, (name) => ![undefined, entry].includes(table.liveNamed(name))),
    );
    entry.tmux = placeOf(before.socket, session, before.adopted);
    if (before.adopted) Object.assign(entry.spec, adoptedCommand(before.socket, session.name));
    entry.epoch += 1;
    entry.exit = null;
    entry.killing = false;
    entry.resumed = null;
    startConversation(entry, null, events);
    try {
      await this.#begin(entry, session, "fresh");
    } catch (error) {
      this.#end(entry, "lost", "its tmux session was there again, and could not be followed");
      throw error;
    }
    events.append("session.restarted", entry.id, { epoch: entry.epoch, offset: entry.offset });
    this.#p.keeping().rememberSoon(entry);
    return entry;
  }

  async #begin(entry: SessionEntry, session: TmuxSession, how: "fresh" | "daemon"): Promise<void> {
    const { table, clock } = this.#p;
    entry.end = deferred();
    entry.pid = session.pid;
    entry.size = { cols: session.cols, rows: session.rows };
    entry.startedAt ??= session.created * 1000;
    entry.lastActivityAt = Math.min(clock.now(), Math.max(entry.lastActivityAt, session.activityAt));
    entry.slot ??= table.takeSlot();
    entry.move("started");
    await this.#p.lifecycle().makeRoom();
    await this.#p.hosting().start(entry, how, mkdir(entry.directory, { recursive: true, mode: 0o700 }));
  }

  // ---- of the last daemon -----------------------------------------------------------------------------------------------

  /** @returns those that are missing: announced as ended, and kept */
  async readopt(socket: string, entries: readonly SessionEntry[]): Promise<SessionEntry[]> {
    const { log, hosting, table } = this.#p;
    let answer: (listed: TmuxSession[] | null) => void = () => {};
    const listing = new Promise<TmuxSession[] | null>((resolve) => {
      answer = resolve;
    });
    const missing: SessionEntry[] = [];
    const starts = entries.map(async (entry) => {
      entry.phase = "running";
      entry.exit = null;
      entry.slot ??= table.takeSlot();
      entry.pid = 0; // Not known before tmux says so.
      this.unseen.add(entry);
      const seen = listing.then(async (listed) => {
        const session = listed?.find((one) => this.isOf(entry, one));
        if (listed !== null && session === undefined)
          throw new LifeguardError("EXITED", `the tmux session of ${entry.id} is not there any more`);
        await mkdir(entry.directory, { recursive: true, mode: 0o700 });
        if (session === undefined) return;
        this.unseen.delete(entry);
        entry.pid = session.pid;
      });
      try {
        await hosting().start(entry, "daemon", seen);
        entry.recoveredFrom = "daemon";
      } catch (error) {
        if (error instanceof LifeguardError && error.name === "EXITED") {
          await this.missing(entry);
          missing.push(entry);
          return;
        }
        log.error({ session: entry.id, phase: "adopt", err: messageOf(error) }, "a session's actor did not start");
      }
    });
    const listed = await this.#servers
      .exclusive(socket, (server) => server.sessions())
      .catch((error: unknown) => {
        log.warn(
          { phase: "tmux", socket, err: messageOf(error) },
          "a tmux server did not say what became of its sessions: they are taken over as they were",
        );
        return null;
      });
    answer(listed);
    await Promise.all(starts);
    return missing;
  }

  /** It was there when the last daemon ended, and is not now. */
  async missing(entry: SessionEntry): Promise<void> {
    this.unseen.delete(entry);
    await this.#p.hosting().stop(entry);
    this.#end(entry, "startup_missing", "its tmux session was gone when the daemon started");
    this.#p.keeping().rememberSoon(entry);
  }

  /** The end of one that has no actor. */
  #end(entry: SessionEntry, reason: "startup_missing" | "lost", detail: string): void {
    const { events, clock, table } = this.#p;
    entry.actor = null;
    entry.pid = null;
    if (entry.slot !== null) table.freeSlot(entry.slot);
    entry.slot = null;
    entry.phase = "ended";
    entry.exit = { code: null, signal: null, at: Math.max(entry.lastActivityAt, entry.startedAt ?? entry.createdAt), reason };
    events.append("session.exited", entry.id, { code: null, signal: null, reason, restarting: false });
    setState(entry, "exited", { source: "supervisor", rule: reason, confidence: "high", at: clock.now(), detail }, events, clock);
    entry.fanout.ended(entry.offset);
    entry.end.resolve();
  }
}
