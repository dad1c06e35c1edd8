/**
 * Between the table and the actor threads: starts a session's actor, carries questions to it, keeps its entry current from what
 * it posts, and brings it back when its thread is lost. A session without an actor (ended, in back-off) is answered from its
 * files.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ActorApi, ActorEvent, ActorSettings, ReadResult, Screen, ScreenRequest } from "../actors/messages.js";
import type { ActorPool, CallArguments, PendingCall, ThreadLoss } from "../actors/pool.js";
import { planAfterLoss, type Death, type Restart } from "../actors/loss-policy.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import { duplicate } from "../libc/descriptors.js";
import type { Log } from "../log.js";
import type { ProfileSet } from "../profiles/profile.js";
import { openSpoolReader } from "../spool/spool-reader.js";
import type { Checkpoints } from "../persistence/store.js";
import { endedScreen } from "./ended-screen.js";
import { deferred, type SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import { Fanout } from "./fanout.js";
import { setState, startConversation } from "./state.js";
import type { SessionTable } from "./table.js";
import type { TmuxLines } from "./tmux/lines.js";

type Answer<M extends PendingCall> = Awaited<ReturnType<ActorApi[M]>>;

/** Two deaths on shared threads, one on its own, and a start without a terminal, which cannot kill its thread. */
const START_ATTEMPTS = 5;
/** A dying thread exits within milliseconds of failing its tasks; later than this no report is coming. */
const LOSS_REPORT_MS = 5_000;

/** Why an actor is started: its process is new, or it goes on after the loss of its thread, of the daemon, or of its tmux client. */
export type StartKind = "fresh" | "worker" | "daemon" | "tmux";

export class Hosting {
  readonly #pool: ActorPool;
  readonly #table: SessionTable;
  readonly #events: EventLog;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #config: Config;
  readonly #profiles: () => ProfileSet;
  readonly #checkpoints: Checkpoints;
  readonly #tmux: TmuxLines;
  #deaths: Death[] = [];
  readonly #starting = new Set<string>();
  #nextLoss = deferred();

  constructor(parts: {
    pool: ActorPool;
    table: SessionTable;
    events: EventLog;
    clock: Clock;
    log: Log;
    config: Config;
    profiles: () => ProfileSet;
    checkpoints: Checkpoints;
    tmux: TmuxLines;
  }) {
    this.#pool = parts.pool;
    this.#table = parts.table;
    this.#events = parts.events;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#config = parts.config;
    this.#profiles = parts.profiles;
    this.#checkpoints = parts.checkpoints;
    this.#tmux = parts.tmux;
  }

  /** As the configuration says now: a reload is heeded by those that start after it. */
  get #settings(): ActorSettings {
    const { session } = this.#config;
    return {
      historyLines: session.history_lines,
      spoolBytes: session.spool_bytes,
      spoolBusyBytes: session.spool_busy_bytes,
      inputQueueBytes: session.input_queue_bytes,
      parkAfterMs: session.park_after_ms,
      idleHoldMs: session.idle_hold_ms,
      errorLingerMs: session.error_linger_ms,
      attentionAfterMs: session.attention_after_ms,
      promptConfirmMs: this.#config.prompt.confirm_ms,
    };
  }

  /** Tells every actor of changed profiles. */
  profilesChanged(set: ProfileSet): void {
    for (const entry of this.#table.entries())
      if (entry.actor !== null)
        this.ask(entry, "profiles", set).catch((error: unknown) =>
          this.#log.warn({ session: entry.id, phase: "profiles", err: messageOf(error) }, "an actor did not take the new profiles"),
        );
  }

  /** Gives a new entry its watchers. */
  equip(entry: SessionEntry): void {
    const told = (error: unknown): void =>
      this.#log.debug({ session: entry.id, phase: "watch", err: messageOf(error) }, "the actor did not hear of it");
    entry.fanout = new Fanout(
      {
        read: (since, max) => this.read(entry, since, max),
        watch: (since) => this.ask(entry, "watch", since),
        unwatch: () => void this.ask(entry, "unwatch").catch(told),
        credit: (offset) => void this.ask(entry, "credit", offset).catch(told),
        lastActivityAt: () => entry.lastActivityAt,
      },
      () => this.#clock.now(),
    );
  }

  /** @param after resolves when this start's turn has come; those who ask meanwhile wait with it */
  async start(entry: SessionEntry, how: StartKind, after: Promise<unknown> = Promise.resolve()): Promise<void> {
    const starting = after.then(() => this.#startUntilUp(entry, how));
    entry.actor = starting;
    // Those who ask meanwhile see the failure themselves; nobody asking is no reason to crash.
    starting.catch(() => undefined);
    await starting;
  }

  /**
   * A thread can die while an actor starts in it, of this very session's bytes or of another's. The start then fails before the
   * loss is reported; once it is, the loss policy has said where to try next, the last time without a terminal.
   */
  async #startUntilUp(entry: SessionEntry, how: StartKind): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const loss = this.#nextLoss.promise;
      this.#starting.add(entry.id);
      try {
        await this.#start(entry, attempt === 1 ? how : how === "fresh" ? "fresh" : "worker");
        return;
      } catch (error) {
        if (attempt >= START_ATTEMPTS || !(error instanceof LifeguardError) || error.data["thread_lost"] !== true) throw error;
        const given = new AbortController();
        await Promise.race([loss, delay(LOSS_REPORT_MS, undefined, { signal: given.signal }).catch(() => undefined)]);
        given.abort();
      } finally {
        this.#starting.delete(entry.id);
      }
    }
  }

  async #start(entry: SessionEntry, how: StartKind): Promise<void> {
    const { master, tmux } = entry;
    if ((master === null && tmux === null) || entry.slot === null || entry.pid === null)
      throw new LifeguardError("EXITED", `session ${entry.id} has no process`);
    const { pid, slot } = entry;
    const line = master === null ? await this.#tmux.open(entry) : duplicate(master);
    await this.#pool.start(
      {
        id: entry.id,
        epoch: entry.epoch,
        master: line,
        tmux: tmux === null ? null : { session: tmux.session, created: tmux.created, server: tmux.server },
        directory: entry.directory,
        slot,
        size: entry.size,
        pid,
        fresh: how === "fresh",
        continues: how === "tmux" ? null : how === "daemon" ? "daemon" : "worker",
        terminal: entry.placement.terminal,
        tool: entry.spec.tool,
        profiles: this.#profiles(),
        settings: this.#settings,
      },
      { isolation: entry.placement.isolation },
    );
    if (tmux !== null) await this.#tmux.welcomed(entry);
    await entry.fanout.restarted();
    if (entry.answering.size > 0) await this.#pool.call(entry.id, "leaveAnswers", true);
  }

  /** Another line for an actor whose tmux client has ended. */
  async rewire(entry: SessionEntry): Promise<void> {
    await this.start(entry, "tmux", this.#pool.stop(entry.id));
  }

  /** A question to the session's actor, once it is ready. @throws EXITED when the session has no actor */
  async ask<M extends PendingCall>(entry: SessionEntry, method: M, ...rest: CallArguments<M>): Promise<Answer<M>> {
    if (entry.actor === null)
      throw new LifeguardError(
        "EXITED",
        `session ${entry.id} has ended: restart it, or read what it left with session.read and session.screen`,
      );
    await entry.actor;
    return this.#pool.call(entry.id, method, ...rest);
  }

  /** The same, once more when the thread was lost under way: only for questions that may be asked twice. */
  async askAgain<M extends PendingCall>(entry: SessionEntry, method: M, ...rest: CallArguments<M>): Promise<Answer<M>> {
    try {
      return await this.ask(entry, method, ...rest);
    } catch (error) {
      if (!(error instanceof LifeguardError) || error.name !== "UNAVAILABLE") throw error;
      return this.ask(entry, method, ...rest);
    }
  }

  async read(entry: SessionEntry, since: number, max: number): Promise<ReadResult> {
    if (entry.actor !== null) {
      try {
        return await this.askAgain(entry, "read", since, max);
      } catch (error) {
        // It ended between the question and the answer: its files have it, once the actor has closed them.
        await entry.stopping;
        if (entry.actor !== null) throw error;
      }
    }
    const reader = openSpoolReader(entry.directory);
    try {
      return reader.read(since, max);
    } finally {
      reader.close();
    }
  }

  async screen(entry: SessionEntry, request: ScreenRequest): Promise<Screen> {
    if (entry.actor !== null) {
      try {
        return await this.askAgain(entry, "screen", request);
      } catch (error) {
        await entry.stopping;
        if (entry.actor !== null) throw error;
      }
    }
    return endedScreen(entry, request, {
      pool: this.#pool,
      checkpoints: this.#checkpoints,
      historyLines: this.#config.session.history_lines,
    });
  }

  /** Everything the process wrote is in the spool afterwards. @returns the final offset */
  async drain(entry: SessionEntry): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.ask(entry, "drain")).offset;
      } catch (error) {
        this.#log.warn({ session: entry.id, epoch: entry.epoch, phase: "drain", attempt, err: messageOf(error) }, "draining failed");
        // Its thread died: threadLost has put a new actor in its place by now, which salvages and drains.
        if (attempt >= 3 || entry.actor === null) return entry.offset;
      }
    }
  }

  /** The actor stops reading, and ends. @returns the offset another process may read from */
  async release(entry: SessionEntry): Promise<number> {
    const { offset } = await this.ask(entry, "release");
    await this.stop(entry);
    return offset;
  }

  async stop(entry: SessionEntry): Promise<void> {
    const { actor } = entry;
    if (actor === null) return;
    await actor.catch(() => undefined);
    if (entry.actor !== actor) return this.stop(entry);
    const stopping = this.#pool.stop(entry.id);
    entry.stopping = stopping.catch(() => undefined);
    try {
      await stopping;
      entry.actor = null;
    } finally {
      entry.stopping = null;
    }
  }

  // ---- what actors post -----------------------------------------------------------------------------------------------

  event(event: ActorEvent): void {
    const entry = this.#table.find(event.id);
    if (entry === null) return; // Posted just before it was removed.
    switch (event.type) {
      case "ready":
        entry.offset = event.offset;
        this.setHealth(entry, "ok", "its actor is up");
        entry.size = event.size;
        if (event.recovery !== null) {
          entry.recoveredFrom = event.recovery.from;
          this.#events.append("session.recovered", entry.id, { from: event.recovery.from, lost_bytes: event.recovery.lostBytes });
        }
        return;
      case "state":
        // Once the process has ended the supervisor's word counts.
        if (entry.phase === "running" || entry.phase === "launching" || entry.phase === "handed_over")
          setState(entry, event.state, event.evidence, this.#events, this.#clock);
        return;
      case "tool":
        entry.contextLimit = event.contextLimit;
        if (entry.tool === event.tool) return;
        this.#events.append("session.tool", entry.id, { from: entry.tool, to: event.tool });
        // A conversation is that of the tool that was in front.
        if (entry.tool !== null) startConversation(entry, null, this.#events);
        entry.tool = event.tool;
        return;
      case "title":
        entry.dirty = true;
        entry.title = event.title;
        this.#events.append("session.title", entry.id, { title: event.title });
        return;
      case "cwd":
        entry.dirty = true;
        entry.cwd = event.cwd;
        this.#events.append("session.cwd", entry.id, { cwd: event.cwd });
        return;
      case "current":
        entry.currentCommand = event.command;
        return;
      case "command":
        this.#events.append("session.command", entry.id, { command: event.command, exit: event.exit, duration_ms: event.durationMs });
        return;
      case "bell":
        this.#events.append("session.bell", entry.id);
        return;
      case "notification":
        this.#events.append("session.notification", entry.id, { title: event.title, body: event.body });
        return;
      case "resized":
        entry.dirty = true;
        entry.size = event.size;
        this.#events.append("session.resized", entry.id, { cols: event.size.cols, rows: event.size.rows, offset: event.offset });
        entry.fanout.resized(event.size, event.offset);
        return;
      case "activity":
        entry.dirty = true;
        entry.offset = event.offset;
        entry.lastActivityAt = Math.max(entry.lastActivityAt, event.at);
        return;
      case "output":
        entry.offset = Math.max(entry.offset, event.offset + event.data.byteLength);
        entry.lastActivityAt = event.at;
        entry.fanout.output(event.offset, event.data, event.at);
        return;
      case "prompt":
        entry.deliveries.get(event.delivery)?.told(event);
        return;
      case "gap":
        entry.fanout.gap(event.to);
        return;
      case "tmux":
        this.#tmux.news(entry, event.news);
        return;
      case "health":
        this.setHealth(entry, event.health, event.detail);
        return;
      case "failed":
        this.#log.error(
          { session: entry.id, epoch: entry.epoch, phase: "actor", err: event.message },
          "an actor failed; it is started again",
        );
        void this.#recover(entry);
        return;
      default:
        event satisfies never;
    }
  }

  threadLost(loss: ThreadLoss): void {
    const { suspect } = loss;
    // A suspect whose start was under way is not among the sessions: its start tries again by itself, where the plan says.
    const sessions =
      suspect !== null && this.#starting.has(suspect) && !loss.sessions.includes(suspect) ? [...loss.sessions, suspect] : loss.sessions;
    const plan = planAfterLoss(this.#deaths, { at: this.#clock.monotonic(), sessions, suspect });
    this.#deaths = plan.history;
    let before: Promise<unknown> = Promise.resolve();
    for (const wave of plan.waves) before = Promise.all(wave.map((restart) => this.#restartAfterLoss(restart, before)));
    const reported = this.#nextLoss;
    this.#nextLoss = deferred();
    reported.resolve();
  }

  async #restartAfterLoss(restart: Restart, before: Promise<unknown>): Promise<void> {
    const entry = this.#table.find(restart.id);
    if (entry === null || entry.actor === null) return;
    const isolation = entry.spec.isolation === "thread" ? "thread" : restart.isolation;
    entry.placement = { isolation, terminal: restart.terminal };
    if (this.#starting.has(entry.id)) return;
    await this.#recover(entry, before);
  }

  unresponsive(sessions: readonly string[], is: boolean): void {
    for (const id of sessions) {
      const entry = this.#table.find(id);
      if (entry === null || entry.unresponsive === is) continue;
      entry.unresponsive = is;
      this.#events.append("session.health", id, {
        health: is ? "unresponsive" : entry.health,
        detail: is ? "its thread does not answer" : "its thread answers again",
      });
    }
  }

  /** From snapshot and spool, on another thread or the same; nobody's call has to be repeated for it. Never rejects. */
  async #recover(entry: SessionEntry, before?: Promise<unknown>): Promise<void> {
    this.setHealth(entry, "recovering", "its actor is being started again");
    const since = this.#clock.monotonic();
    try {
      await this.start(entry, "worker", before);
      this.#log.info(
        { session: entry.id, epoch: entry.epoch, phase: "recover", ms: Math.round(this.#clock.monotonic() - since) },
        "its actor is back",
      );
    } catch (error) {
      this.setHealth(entry, "degraded", "its actor could not be started again");
      this.#log.error(
        { session: entry.id, epoch: entry.epoch, phase: "recover", err: messageOf(error) },
        "its actor could not be started again",
      );
    }
  }

  setHealth(entry: SessionEntry, health: "ok" | "recovering" | "degraded", detail: string): void {
    if (entry.health === health) return;
    entry.health = health;
    this.#events.append("session.health", entry.id, { health, detail });
  }
}
