/**
 * What the outside may ask, checked and handed to the parts: table (who), lifecycle (birth and death), hosting (actors), events,
 * waits, watchers and pens. A listing is answered from the table, which actors keep current; nobody is asked.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { ReadResult, Screen, ScreenRequest } from "../actors/messages.js";
import type { Clock } from "../clock.js";
import { BOUNDS } from "../bounds.js";
import type { Config } from "../config.js";
import { LifeguardError } from "../errors.js";
import type { Explanation } from "../explanation.js";
import { findProfile, type Profile, type ProfileSet } from "../profiles/profile.js";
import { checkLabels } from "../persistence/checks.js";
import { signalNumber } from "../reaper/signals.js";
import { checkName, type Evidence, type SessionSpec, type SessionState, type SessionSummary, type TerminalSize } from "../session.js";
import type {
  Caller,
  CreateRequest,
  DaemonStatus,
  EventCursor,
  EventFilter,
  KeepingApi,
  KillResult,
  LifeguardEvent,
  ListRequest,
  ReportAnswer,
  ReportRequest,
  PromptAnswer,
  PromptRequest,
  SessionChange,
  SocketFigures,
  SupervisorApi,
  TmuxApi,
  WaitRequest,
  Watch,
  WatchRequest,
  WatchSink,
} from "./api.js";
import type { Pen, SessionEntry } from "./entry.js";
import { baseEnvironment, checkEnvironment, userShell } from "./environment.js";
import type { EventLog, Subscription } from "./events.js";
import type { Hosting } from "./hosting.js";
import type { Lifecycle } from "./lifecycle.js";
import type { Reports } from "./reports.js";
import type { Prompts } from "./prompts.js";
import { takesNoInput } from "./refusals.js";
import type { SelfGuard } from "./self-guard.js";
import { checkLimits } from "./session-scope.js";
import type { SessionTable } from "./table.js";
import { refuseUnderTmux } from "./tmux/place.js";
import type { TmuxSessions } from "./tmux/sessions.js";
import type { Vitals } from "./vitals.js";

export interface SupervisorParts {
  config: Config;
  clock: Clock;
  table: SessionTable;
  events: EventLog;
  hosting: Hosting;
  lifecycle: Lifecycle;
  vitals: Vitals;
  profiles: () => ProfileSet;
  keeping: KeepingApi;
  guard: SelfGuard;
  reports: Reports;
  prompts: Prompts;
  tmux: TmuxSessions;
  /** Tells the composition that somebody asked for the end. */
  requestStop(): void;
  metrics(status: DaemonStatus, socket: SocketFigures): Promise<string>;
  reload(): Promise<{ changed: string[]; restart: string[] }>;
}

export class Supervisor implements SupervisorApi {
  readonly #p: SupervisorParts;
  #watchNumber = 0;
  readonly #watches = new Map<string, { entry: SessionEntry; connection: number; watch: Watch }>();

  constructor(parts: SupervisorParts) {
    this.#p = parts;
  }

  get keeping(): KeepingApi {
    return this.#p.keeping;
  }

  get tmux(): TmuxApi {
    return this.#p.tmux;
  }

  get boot(): string {
    return this.#p.events.boot;
  }

  // ---- sessions -------------------------------------------------------------------------------------------------------

  async create(request: CreateRequest): Promise<SessionSummary> {
    const { lifecycle, prompts } = this.#p;
    const spec = this.#specify(request);
    const ways = request.tool === undefined || request.command !== undefined ? null : this.#tool(request.tool).prompt;
    const prompt = prompts.first(request.prompt, ways);
    const entry = await lifecycle.create(spec, prompt.argument);
    await prompts.begin(entry, prompt);
    return entry.summary(this.#p.clock.now());
  }

  #specify(request: CreateRequest): SessionSpec {
    const { config, table } = this.#p;
    const backend = request.backend ?? "pty";
    if (backend === "tmux") refuseUnderTmux(request);
    const name = table.nameForNew(request.name);
    const tool = request.tool === undefined ? null : this.#tool(request.tool);
    const [toolCommand, ...toolArgs] = request.command === undefined ? (tool?.command ?? []) : [];
    const env = request.env ?? {};
    checkEnvironment(env);
    checkLabels(request.labels ?? {});
    checkLimits(request.limits);
    const complete = baseEnvironment(request.env_base ?? "daemon", env);
    return {
      name,
      cwd: request.cwd ?? process.cwd(),
      tool: tool?.name ?? null,
      command: request.command ?? toolCommand ?? userShell(complete),
      args: [...toolArgs, ...(request.args ?? [])],
      env: complete,
      envSecret: request.env_secret ?? [],
      cols: request.cols ?? config.session.cols,
      rows: request.rows ?? config.session.rows,
      restart: request.restart ?? "never",
      isolation: request.isolation ?? "shared",
      backend,
      labels: request.labels ?? {},
      allowSelf: request.allow_self ?? false,
      ...(request.limits === undefined ? {} : { limits: request.limits }),
    };
  }

  #tool(name: string): Profile {
    const set = this.#p.profiles();
    const profile = findProfile(set, name);
    if (profile !== undefined) return profile;
    const known = set.profiles.map((one) => one.name).join(", ");
    throw new LifeguardError("INVALID_PARAMS", `there is no profile of a tool ${JSON.stringify(name.slice(0, 80))}: there are ${known}`, {
      field: "tool",
    });
  }

  list(request: ListRequest): { sessions: SessionSummary[]; cursor: EventCursor } {
    const { table, events, clock } = this.#p;
    const now = clock.now();
    const wanted = Object.entries(request.labels ?? {});
    const sessions: SessionSummary[] = [];
    for (const entry of table.entries()) {
      if (!entry.live && request.all !== true) continue;
      if (request.state !== undefined && entry.state !== request.state) continue;
      if (!wanted.every(([label, value]) => entry.spec.labels[label] === value)) continue;
      sessions.push(entry.summary(now));
    }
    return { sessions, cursor: events.cursor };
  }

  resolve(reference: string, options: { prefix: boolean }): string {
    return this.#p.table.resolve(reference, options).id;
  }

  get(id: string): SessionSummary {
    return this.#p.table.byId(id).summary(this.#p.clock.now());
  }

  async update(id: string, change: SessionChange): Promise<SessionSummary> {
    const { table, events, clock, hosting, lifecycle } = this.#p;
    const entry = table.byId(id);
    if (change.name !== undefined) {
      const checked = checkName(change.name);
      if ("problem" in checked) throw new LifeguardError("INVALID_PARAMS", checked.problem, { field: "name" });
      table.claim(checked.name, entry);
      const from = entry.spec.name;
      table.rename(entry, checked.name);
      if (from !== checked.name) events.append("session.renamed", id, { from, to: checked.name });
    }
    if (change.labels !== undefined) {
      checkLabels(change.labels);
      entry.spec.labels = change.labels;
    }
    if (change.pinned !== undefined) entry.pinned = change.pinned;
    if (change.name !== undefined || change.labels !== undefined || change.pinned !== undefined) await lifecycle.recordChanged(entry);
    if (change.seen === true) {
      if (entry.actor !== null) void hosting.ask(entry, "seen").catch(() => undefined);
      events.append("session.acknowledged", id);
    }
    return entry.summary(clock.now());
  }

  // ---- typing ---------------------------------------------------------------------------------------------------------

  async input(id: string, data: Uint8Array, caller: Caller): Promise<{ accepted: number }> {
    const entry = this.#typeable(id, caller);
    const answer = await this.#p.hosting.ask(entry, "input", data);
    // What was taken is said in an answer, not in an error: a client that sends on from there must not guess.
    if (answer.accepted === 0 && data.byteLength > 0) throw takesNoInput(entry, data.byteLength);
    return answer;
  }

  async keys(id: string, keys: string[], caller: Caller): Promise<{ accepted: number }> {
    return this.#p.hosting.ask(this.#typeable(id, caller), "keys", keys);
  }

  async paste(id: string, text: string, caller: Caller): Promise<{ accepted: number }> {
    return this.#p.hosting.ask(this.#typeable(id, caller), "paste", text);
  }

  async resize(id: string, size: TerminalSize, caller: Caller): Promise<{ offset: number }> {
    const entry = this.#typeable(id, caller);
    return this.#p.hosting.askAgain(entry, "resize", size);
  }

  async prompt(id: string, request: PromptRequest, caller: Caller): Promise<PromptAnswer> {
    const entry = this.#p.table.byId(id);
    this.#p.guard.refuse(entry, caller, "prompt");
    return this.#p.prompts.prompt(entry, request, caller);
  }

  /** @throws NOT_FOUND, EXITED, FORBIDDEN, NOT_WRITER */
  #typeable(id: string, caller: Caller): SessionEntry {
    const entry = this.#p.table.byId(id);
    if (entry.actor === null)
      throw new LifeguardError("EXITED", `session ${entry.id} (${entry.spec.name}) is not running: restart it first`);
    this.#p.guard.refuse(entry, caller, "type into");
    if (entry.pen !== null && entry.pen.connection !== caller.connection) {
      throw new LifeguardError(
        "NOT_WRITER",
        `watch ${entry.pen.watch} of another client holds the pen of ${entry.id}: wait until it is put down, or take it (attach --take; session.watch with take: true)`,
        { writer: entry.pen.watch },
      );
    }
    return entry;
  }

  // ---- looking --------------------------------------------------------------------------------------------------------

  screen(id: string, request: ScreenRequest): Promise<Screen> {
    return this.#p.hosting.screen(this.#p.table.byId(id), request);
  }

  explain(id: string): Promise<Explanation> {
    return this.#p.hosting.askAgain(this.#p.table.byId(id), "explain");
  }

  report(id: string, report: ReportRequest, caller: Caller): Promise<ReportAnswer> {
    return this.#p.reports.take(id, report, caller);
  }

  read(id: string, since: number, max: number): Promise<ReadResult> {
    return this.#p.hosting.read(this.#p.table.byId(id), since, Math.min(max, BOUNDS.readBytesMax));
  }

  async watch(id: string, request: WatchRequest, sink: WatchSink, caller: Caller): Promise<Watch> {
    const { table, hosting } = this.#p;
    const entry = table.byId(id);
    this.#watchNumber += 1;
    const name = `watch_${this.#watchNumber}`;
    if (request.write === true || request.take === true)
      this.#takePen(
        entry,
        { watch: name, connection: caller.connection, lost: (writer) => sink.penLost?.(writer) },
        request.take === true,
        caller,
      );
    const ended = (): void => this.#watchEnded(name, entry);
    let watch: Watch;
    try {
      watch = await entry.fanout.add(
        name,
        request,
        {
          room: () => sink.room(),
          output: (offset, data, ageMs) => sink.output(offset, data, ageMs),
          gap: (from, to) => sink.gap(from, to),
          resized: (size, offset) => sink.resized(size, offset),
          closed: (reason) => {
            ended();
            sink.closed(reason);
          },
        },
        entry.actor === null ? { at: entry.offset } : null,
      );
    } catch (error) {
      ended();
      throw error;
    }
    this.#watches.set(name, { entry, connection: caller.connection, watch });
    if (request.answers === true) {
      entry.answering.add(name);
      if (entry.actor !== null && entry.answering.size === 1) await hosting.ask(entry, "leaveAnswers", true);
    }
    return watch;
  }

  #takePen(entry: SessionEntry, pen: Pen, take: boolean, caller: Caller): void {
    this.#p.guard.refuse(entry, caller, "type into");
    const holder = entry.pen;
    if (holder !== null && holder.connection !== caller.connection && !take) {
      throw new LifeguardError("NOT_WRITER", `watch ${holder.watch} holds the pen of ${entry.id}: pass take (--take) to take it`, {
        writer: holder.watch,
      });
    }
    entry.pen = pen;
    this.#p.events.append("session.writer", entry.id, { writer: pen.watch, previous: holder?.watch ?? null });
    holder?.lost(pen.watch);
  }

  #watchEnded(name: string, entry: SessionEntry): void {
    this.#watches.delete(name);
    if (entry.pen?.watch === name) {
      entry.pen = null;
      this.#p.events.append("session.writer", entry.id, { writer: null, previous: name });
    }
    if (entry.answering.delete(name) && entry.answering.size === 0 && entry.actor !== null) {
      void this.#p.hosting.ask(entry, "leaveAnswers", false).catch(() => undefined);
    }
  }

  connectionClosed(connection: number): void {
    this.#p.guard.forget(connection);
    for (const open of [...this.#watches.values()]) if (open.connection === connection) open.watch.end();
  }

  wait(id: string, request: WaitRequest): Promise<{ state: SessionState; evidence: Evidence }> {
    const entry = this.#p.table.byId(id);
    return entry.waits.wait({ state: entry.state, evidence: entry.evidence }, request);
  }

  subscribe(since: EventCursor | null, filter: EventFilter, listener: (event: LifeguardEvent) => void): Subscription {
    return this.#p.events.subscribe(since, filter, listener);
  }

  // ---- ending ---------------------------------------------------------------------------------------------------------

  async kill(id: string, options: { signal: string | undefined; graceMs: number | undefined }, caller: Caller): Promise<KillResult> {
    const { table, lifecycle, config } = this.#p;
    const entry = table.byId(id);
    this.#p.guard.refuse(entry, caller, "kill");
    if (options.signal !== undefined) {
      const number = signalNumber(options.signal);
      if (number === null)
        throw new LifeguardError(
          "INVALID_PARAMS",
          `signal ${JSON.stringify(options.signal)} is not known: write a name such as TERM, INT or KILL, or a number from 1 to 64`,
          { field: "signal" },
        );
      const { processes } = lifecycle.signal(entry, number);
      return { exit: entry.exit, processes };
    }
    const { processes } = await lifecycle.kill(entry, options.graceMs ?? config.session.kill_grace_ms);
    return { exit: entry.exit, processes };
  }

  async restart(id: string, caller: Caller): Promise<SessionSummary> {
    const { table, lifecycle, clock } = this.#p;
    const entry = table.byId(id);
    this.#p.guard.refuse(entry, caller, "restart");
    await lifecycle.restart(entry);
    return entry.summary(clock.now());
  }

  async remove(id: string, options: { force: boolean; mode?: "detach" | "kill" | undefined }, caller: Caller): Promise<void> {
    const { table, lifecycle, config, tmux } = this.#p;
    const entry = table.byId(id);
    this.#p.guard.refuse(entry, caller, "remove");
    if (options.mode === "detach") return tmux.detach(entry);
    // Its process has ended, also when that was under the last daemon: what it wrote is being taken in, and there is nothing to kill.
    if (entry.phase === "draining") await entry.end.promise;
    if (entry.live) {
      if (!options.force && !(options.mode === "kill" && entry.tmux !== null))
        throw new LifeguardError("BUSY", `session ${entry.id} (${entry.spec.name}) is live: kill it first, or pass force (--force)`, {
          state: entry.state,
        });
      await lifecycle.kill(entry, config.session.kill_grace_ms);
    }
    await lifecycle.remove(entry);
  }

  // ---- the daemon -----------------------------------------------------------------------------------------------------

  async status(): Promise<DaemonStatus> {
    return this.#p.vitals.status(this.#watches.size);
  }

  metrics(socket: SocketFigures): Promise<string> {
    return this.#p.metrics(this.#p.vitals.status(this.#watches.size), socket);
  }

  async reload(caller: Caller): Promise<{ changed: string[]; restart: string[] }> {
    const { table, guard, reload } = this.#p;
    for (const entry of table.entries())
      if (entry.live && !entry.spec.allowSelf && guard.isInside(caller, entry))
        throw new LifeguardError("FORBIDDEN", `a process inside ${entry.id} may not have the configuration read again`, {
          pid: caller.pid,
        });
    return await reload();
  }

  async stop(options: { all: boolean }, caller: Caller): Promise<{ sessions: number }> {
    const { table, lifecycle, config, guard, requestStop } = this.#p;
    const live = [...table.entries()].filter((entry) => entry.live);
    // What was adopted from tmux was there before us, and stays.
    const ours = live.filter((entry) => entry.tmux?.adopted !== true);
    // An agent that may not end itself may not end everybody either.
    if (options.all) for (const entry of ours) guard.refuse(entry, caller, "end");
    if (options.all) await Promise.all(ours.map((entry) => lifecycle.kill(entry, config.session.kill_grace_ms)));
    // The answer goes out before the server begins to close.
    void turn().then(requestStop);
    return { sessions: live.length };
  }
}
