/**
 * Sessions that tmux has, in the order of their lives: found or adopted or made → followed → cut and joined again → gone. The
 * lifecycle decides what an end means, as for any session; what tmux says, and what it means that it says nothing, is decided here.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { TmuxNews } from "../../actors/messages.js";
import { terminalGroup } from "../../actors/tmux-processes.js";
import type { Clock } from "../../clock.js";
import type { Config } from "../../config.js";
import { LifeguardError, messageOf } from "../../errors.js";
import type { Log } from "../../log.js";
import { killTree, signalForeground } from "../../reaper/kill-ladder.js";
import { isNameFor, nameFor } from "../../tmux/names.js";
import type { SessionSummary, TmuxRow } from "../../session.js";
import type { TmuxAddress } from "../../tmux/address.js";
import type { TmuxServer, TmuxSession } from "../../tmux/server.js";
import type { TmuxApi } from "../api.js";
import type { SessionEntry } from "../entry.js";
import type { EventLog } from "../events.js";
import type { Hosting } from "../hosting.js";
import type { Keeping } from "../keeping.js";
import type { Lifecycle } from "../lifecycle.js";
import type { CallerWorld } from "../spawn-order.js";
import type { SessionTable } from "../table.js";
import { Adoptions } from "./adoptions.js";
import { Attachments } from "./attachments.js";
import { killSession } from "./kill-session.js";
import { LeftAlone } from "./left-alone.js";
import type { TmuxLines } from "./lines.js";
import { adoptedCommand } from "./place.js";
import { planReconciliation } from "./plan.js";
import { asLifeguardError, noSuchSession, Servers } from "./servers.js";
import { spawnInTmux } from "./spawn.js";

export interface TmuxParts {
  config: Config;
  clock: Clock;
  log: Log;
  table: SessionTable;
  events: EventLog;
  world: CallerWorld;
  hosting: () => Hosting;
  keeping: () => Keeping;
  lifecycle: () => Lifecycle;
}

export class TmuxSessions implements TmuxLines, TmuxApi {
  readonly #p: TmuxParts;
  readonly #servers: Servers;
  readonly #attachments: Attachments;
  readonly #adoptions: Adoptions;
  readonly #left: LeftAlone;
  /** Their server does not answer. */
  readonly #silent = new Set<SessionEntry>();
  /** Being looked at, and whether to look once more. */
  readonly #looking = new Map<string, boolean>();
  #timer: NodeJS.Timeout | null = null;
  #over = false;

  constructor(parts: TmuxParts) {
    this.#p = parts;
    this.#servers = new Servers(parts.config.tmux);
    this.#left = new LeftAlone(parts.config.paths.state, parts.log);
    this.#attachments = new Attachments(this.#servers, parts.log, (entry) => {
      if (entry.tmux !== null) void this.#look(entry.tmux.socket, false);
    });
    this.#adoptions = new Adoptions(parts, this.#servers);
  }

  // ---- what people ask --------------------------------------------------------------------------------------------------

  /** @throws TIMEOUT when the server does not answer; a server that is not there has no sessions */
  async list(address: TmuxAddress): Promise<TmuxRow[]> {
    const server = this.#servers.at(this.#servers.socketOf(address));
    const sessions = await this.#asked(server, () => server.sessions());
    const ours = this.#known(server.socket).filter((entry) => entry.live);
    return sessions.map((session) => ({
      name: session.name,
      socket: server.socket,
      session: session.id,
      created_at: session.created * 1000,
      attached: session.attached,
      windows: session.windows,
      id: ours.find((entry) => this.#adoptions.isOf(entry, session))?.id ?? null,
    }));
  }

  /** The session of ours that it is from now on; the same as before when it was ours already. @throws NOT_FOUND, TIMEOUT, LIMIT, UNSUPPORTED */
  async adopt(name: string, address: TmuxAddress): Promise<SessionSummary> {
    const entry = await this.#adopt(name, address);
    return entry.summary(this.#p.clock.now());
  }

  async #adopt(name: string, address: TmuxAddress): Promise<SessionEntry> {
    const socket = this.#servers.socketOf(address);
    return await this.#servers.exclusive(socket, async (server) => {
      const listed = await this.#asked(server, async () => {
        await server.checkVersion();
        return await server.sessions();
      });
      const session = listed.find((one) => one.name === name);
      if (session === undefined) throw noSuchSession(name, server, listed);
      const known = this.#known(socket);
      const live = known.find((entry) => entry.live && this.#adoptions.isOf(entry, session));
      if (live !== undefined) return live;
      if (session.dead)
        throw new LifeguardError(
          "EXITED",
          `the program of the tmux session ${JSON.stringify(name)} has ended: respawn it, or end the session`,
        );
      this.#left.remove(socket, session);
      const { back } = planReconciliation(asKnown(known), [session]);
      return back[0] === undefined
        ? await this.#adoptions.adopt(socket, session)
        : await this.#adoptions.revive(back[0].known.entry, session);
    });
  }

  // ---- made under tmux --------------------------------------------------------------------------------------------------

  /** Starts the session's program in a tmux session of its own. @throws SPAWN_FAILED, ALREADY_EXISTS, TIMEOUT, UNSUPPORTED */
  async spawn(entry: SessionEntry, file: string, argv: readonly string[]): Promise<{ pid: number }> {
    const { config, world } = this.#p;
    return await spawnInTmux(entry, { file, argv }, this.#servers, config.paths.socket, world);
  }

  // ---- followed ---------------------------------------------------------------------------------------------------------

  open(entry: SessionEntry): Promise<number> {
    return this.#attachments.open(entry);
  }

  welcomed(entry: SessionEntry): Promise<void> {
    return this.#attachments.welcomed(entry);
  }

  /** Its client ends, with the actor that `stop` stops; tmux goes on. */
  async leave(entry: SessionEntry, stop: () => Promise<unknown>): Promise<void> {
    this.#silent.delete(entry);
    if (entry.tmux === null) {
      await stop();
      return;
    }
    // A start that is under way may still have to come in, and is stopped when it is up.
    await entry.actor?.catch(() => undefined);
    await this.#attachments.going(entry.tmux.socket, async () => {
      await stop();
      const gone = this.#attachments.gone(entry);
      this.#attachments.end(entry);
      await gone;
    });
  }

  news(entry: SessionEntry, news: TmuxNews): void {
    if (news.kind === "joined") this.#attachments.joined(entry);
    if (entry.tmux === null || entry.phase !== "running") return;
    switch (news.kind) {
      case "joined":
        return;
      case "renamed":
        this.#renamed(entry, news.name);
        return;
      case "process":
        entry.pid = news.pid;
        return;
      case "dead":
        this.#ended(entry, { code: news.code, signal: news.signal });
        return;
      case "astray": {
        // What it shows is another session's: away with it, and see where ours is.
        this.#attachments.end(entry);
        void this.#look(entry.tmux.socket, false);
        return;
      }
      default:
        news satisfies never;
    }
  }

  #renamed(entry: SessionEntry, name: string): void {
    const { table, events } = this.#p;
    const { tmux, spec } = entry;
    if (tmux === null || tmux.name === name || name === "") return;
    const follows = isNameFor(spec.name, tmux.name);
    tmux.name = name;
    entry.dirty = true;
    if (tmux.adopted) Object.assign(spec, adoptedCommand(tmux.socket, name));
    if (!follows) return;
    const from = spec.name;
    table.rename(
      entry,
      nameFor(name, (candidate) => ![undefined, entry].includes(table.liveNamed(candidate))),
    );
    if (spec.name !== from) events.append("session.renamed", entry.id, { from, to: spec.name });
    this.#p.keeping().rememberSoon(entry);
  }

  /** Its program has ended, or its tmux session has, and then nobody knows how. */
  #ended(entry: SessionEntry, status: { code: number | null; signal: number | null }): void {
    const { lifecycle, clock, log } = this.#p;
    const { tmux, pid } = entry;
    lifecycle().exited(entry.number, { pid: pid ?? 0, ...status, at: clock.now() });
    if (tmux === null || tmux.adopted || (status.code === null && status.signal === null)) return;
    // Kept by tmux only for us to see how it ended.
    this.#attachments
      .going(tmux.socket, () => this.#servers.at(tmux.socket).kill(tmux.session))
      .catch((error: unknown) =>
        log.warn({ session: entry.id, phase: "tmux", err: messageOf(error) }, "an ended tmux session could not be removed"),
      );
  }

  // ---- looked after -----------------------------------------------------------------------------------------------------

  /** Looks at every server in use now, and again and again. */
  start(): void {
    const { tmux } = this.#p.config;
    const tick = (): void => {
      const sockets = new Set(tmux.discover ? this.#servers.configured() : []);
      for (const entry of this.#p.table.entries()) if (entry.tmux !== null && entry.live) sockets.add(entry.tmux.socket);
      for (const socket of sockets) void this.#look(socket, tmux.discover);
    };
    this.#timer ??= setInterval(tick, tmux.period_ms);
    tick();
  }

  stop(): void {
    this.#over = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#attachments.stop();
  }

  /** One look at a time per server; who comes meanwhile gets one more after it. Never rejects. */
  async #look(socket: string, discover: boolean): Promise<void> {
    if (this.#looking.has(socket)) {
      this.#looking.set(socket, true);
      return;
    }
    this.#looking.set(socket, false);
    try {
      await this.#servers.exclusive(socket, (server) => this.#reconcile(server, discover));
    } catch (error) {
      this.#p.log.warn({ phase: "tmux", socket, err: messageOf(error) }, "a tmux server could not be looked at");
    }
    const again = this.#looking.get(socket) === true;
    this.#looking.delete(socket);
    if (again && !this.#over) void this.#look(socket, false);
  }

  async #reconcile(server: TmuxServer, discover: boolean): Promise<void> {
    const { socket } = server;
    let listed: TmuxSession[];
    try {
      listed = await server.sessions();
    } catch (error) {
      // Not an empty listing: nobody knows, and nothing is concluded from it.
      this.#unanswered(socket, messageOf(error));
      return;
    }
    if (this.#over) return;
    this.#answered(socket);
    const plan = planReconciliation(asKnown(this.#known(socket)), listed);
    for (const known of plan.gone) this.#gone(known.entry);
    for (const { known, session } of plan.present) {
      this.#adoptions.unseen.delete(known.entry);
      this.#renamed(known.entry, session.name);
      if (!this.#attachments.has(known.entry)) void this.#rejoin(known.entry);
    }
    this.#left.prune(socket, listed);
    if (!discover) return;
    for (const { known, session } of plan.back)
      if (!session.dead) await this.#try(session, () => this.#adoptions.revive(known.entry, session), socket);
    for (const session of plan.found) if (!session.dead) await this.#try(session, () => this.#adoptions.adopt(socket, session), socket);
  }

  /** @returns when it is ours, is left alone, or could not be had */
  async #try(session: TmuxSession, adopt: () => Promise<SessionEntry>, socket: string): Promise<void> {
    if (this.#over || this.#left.has(socket, session)) return;
    try {
      await adopt();
      await turn();
    } catch (error) {
      this.#p.log.warn(
        { phase: "tmux", socket, tmux: session.id, err: messageOf(error) },
        "a tmux session that was found could not be adopted",
      );
    }
  }

  #gone(entry: SessionEntry): void {
    if (entry.phase !== "running") return;
    if (!this.#adoptions.unseen.has(entry)) {
      this.#ended(entry, { code: null, signal: null });
      return;
    }
    this.leave(entry, () => this.#adoptions.missing(entry)).catch((error: unknown) =>
      this.#p.log.error({ session: entry.id, phase: "tmux", err: messageOf(error) }, "a missing session was not let go of"),
    );
  }

  /** Somebody has detached our client, or it could not keep up: the session is there, and the actor is given another one. */
  async #rejoin(entry: SessionEntry): Promise<void> {
    const { hosting, log } = this.#p;
    const { actor } = entry;
    if (actor === null) return;
    // A start that is under way brings a client of its own.
    await actor.catch(() => undefined);
    if (this.#over || entry.phase !== "running" || entry.actor !== actor || this.#attachments.has(entry)) return;
    try {
      await hosting().rewire(entry);
    } catch (error) {
      log.warn({ session: entry.id, phase: "tmux", err: messageOf(error) }, "a tmux session was not joined again");
    }
  }

  #unanswered(socket: string, detail: string): void {
    for (const entry of this.#known(socket)) {
      if (entry.phase !== "running" || this.#silent.has(entry)) continue;
      this.#silent.add(entry);
      this.#p.hosting().setHealth(entry, "degraded", detail);
    }
  }

  #answered(socket: string): void {
    for (const entry of [...this.#silent]) {
      if (entry.tmux?.socket !== socket) continue;
      this.#silent.delete(entry);
      if (entry.live) this.#p.hosting().setHealth(entry, "ok", "its tmux server answers again");
    }
  }

  // ---- the start of a daemon --------------------------------------------------------------------------------------------

  /**
   * Sessions that tmux had when the last daemon ended. Resolves when every server has answered or has let its time pass; those of a
   * silent one are taken over as they were.
   * @returns those that are missing
   */
  async readopt(entries: readonly SessionEntry[]): Promise<SessionEntry[]> {
    const sockets = new Set(entries.flatMap((entry) => entry.tmux?.socket ?? []));
    const missing = await Promise.all(
      [...sockets].map((socket) =>
        this.#adoptions.readopt(
          socket,
          entries.filter((entry) => entry.tmux?.socket === socket),
        ),
      ),
    );
    return missing.flat();
  }

  // ---- ended by us ------------------------------------------------------------------------------------------------------

  /** Ends the tmux session, and what of its processes outlives it. @throws TIMEOUT, UNAVAILABLE; then nothing has changed for us */
  async kill(entry: SessionEntry, graceMs: number): Promise<{ processes: number }> {
    const { tmux } = entry;
    if (tmux === null) return { processes: 0 };
    const server = this.#servers.at(tmux.socket);
    const { outlived, processes } = await this.#attachments.going(tmux.socket, () =>
      this.#asked(server, () => killSession(server, tmux.session)),
    );
    this.#ended(entry, { code: null, signal: null });
    const { config } = this.#p;
    const query = { sessionId: entry.id, socket: config.paths.socket, keeperPids: [], keeperWasLost: false };
    const trees = outlived.map((leader) => killTree({ ...query, leader, graceMs, deadlineMs: config.session.kill_deadline_ms }));
    const left = (await Promise.all(trees)).flatMap((tree) => tree.left);
    if (left.length > 0)
      throw new LifeguardError("TIMEOUT", `processes ${left.join(", ")} of ${entry.id} are still there after KILL`, { pids: left });
    return { processes };
  }

  /** One signal to the program in front. */
  signal(entry: SessionEntry, signal: number): { processes: number } {
    const pid = entry.pid ?? 0;
    return { processes: signalForeground(terminalGroup(pid) ?? pid, signal) ? 1 : 0 };
  }

  /** It is not ours any more, and is not found again by itself. @throws Error when that cannot be remembered */
  async detach(entry: SessionEntry): Promise<void> {
    const { tmux } = entry;
    if (tmux === null)
      throw new LifeguardError("UNSUPPORTED", `${entry.id} is not a tmux session: it cannot be detached, only killed`, { field: "mode" });
    this.#left.add(tmux);
    await this.#p.lifecycle().letGo(entry);
  }

  #known(socket: string): SessionEntry[] {
    return [...this.#p.table.entries()].filter((entry) => entry.tmux?.socket === socket);
  }

  async #asked<T>(server: TmuxServer, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw asLifeguardError(error, server);
    }
  }
}

function asKnown(entries: readonly SessionEntry[]): { place: NonNullable<SessionEntry["tmux"]>; live: boolean; entry: SessionEntry }[] {
  return entries.flatMap((entry) => (entry.tmux === null ? [] : [{ place: entry.tmux, live: entry.live, entry }]));
}
