/**
 * A session's way from `create` to its end, in life order: launch or adopt → run → exit → drain → ended, or once more round.
 *
 * Who does what: custody (the keepers) starts and holds processes, the pool hosts actors, which own the bytes, and this file
 * decides. Nothing else starts, ends or restarts a session.
 */
import { mkdir, rm } from "node:fs/promises";
import type { ActorPool } from "../actors/pool.js";
import { withDeadline } from "../actors/deadline.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import { foregroundGroup } from "../libc/terminals.js";
import type { Log } from "../log.js";
import type { Custody, KeptExit } from "../reaper/custody.js";
import { describeExit, exitReason } from "../reaper/exit-steps.js";
import { signalForeground } from "../reaper/kill-ladder.js";
import { signalName } from "../reaper/signals.js";
import type { SessionExit, SessionSpec } from "../session.js";
import { Backoff } from "./backoff.js";
import type { Hosting } from "./hosting.js";
import type { Durably } from "./durably.js";
import { deferred, SessionEntry } from "./entry.js";
import { programOf } from "./environment.js";
import type { EventLog } from "./events.js";
import type { Keeping } from "./keeping.js";
import { encodeRecord } from "./record.js";
import type { Removal, RemovalKind } from "./removal.js";
import { decideRestart } from "./restart-policy.js";
import { resumeRefused, type ResumePlan } from "./resume.js";
import { endTree } from "./session-tree.js";
import { spawnOrder, type CallerWorld } from "./spawn-order.js";
import { sayState, startConversation } from "./state.js";
import type { SessionTable } from "./table.js";
import { refuseAdopted } from "./tmux/place.js";
import type { TmuxSessions } from "./tmux/sessions.js";

export interface LifecycleParts {
  config: Config;
  clock: Clock;
  log: Log;
  table: SessionTable;
  events: EventLog;
  custody: Custody;
  pool: ActorPool;
  hosting: Hosting;
  keeping: Keeping;
  /** How a session goes on when its process is started again. */
  plan(entry: SessionEntry): ResumePlan;
  durably: Durably;
  removal: Removal;
  world: CallerWorld;
  tmux: TmuxSessions;
}

export class Lifecycle {
  readonly #p: LifecycleParts;
  readonly backoff: Backoff;

  constructor(parts: LifecycleParts) {
    this.#p = parts;
    const { clock, log, events, keeping, config } = parts;
    const longestMs = config.session.restart_backoff_max_ms;
    this.backoff = new Backoff({ clock, log, events, keeping, longestMs, relaunch: (entry) => this.#relaunch(entry) });
  }

  // ---- birth ----------------------------------------------------------------------------------------------------------

  /** Those that have ended leave their actors now rather than with the reaper's next tick, where one that is starting needs one. */
  async makeRoom(): Promise<void> {
    const { table, config } = this.#p;
    if (table.size <= config.daemon.max_sessions) return;
    const retirable = [...this.retirable()];
    if (table.live + retirable.length > config.daemon.max_sessions) await Promise.all(retirable.map((id) => this.retire(id)));
  }

  /**
   * The name in `spec` is free and checked; so is everything else but the command and the directory.
   * @param argument one more argument, of this first start only
   */
  async create(spec: SessionSpec, argument: string | null = null): Promise<SessionEntry> {
    const { table, clock, config, events, keeping, durably, log } = this.#p;
    table.refuseMore(config.daemon.max_sessions);
    refuseAdopted(spec);
    const file = programOf(spec);
    const { number, id, durable } = table.mint();
    const entry = new SessionEntry(number, id, spec, table.directory, clock.now(), clock.now());
    entry.prompts.argument = argument;
    this.#p.hosting.equip(entry);
    table.add(entry);
    try {
      await this.#launch(entry, file, { how: "fresh", why: "it is new" });
    } catch (error) {
      await this.#free(entry).catch(() => undefined);
      entry.removed = true;
      table.delete(entry);
      await rm(entry.directory, { recursive: true, force: true });
      throw error;
    }
    events.append("session.created", id, { summary: entry.summary(clock.now()) });
    keeping.rememberSoon(entry);
    // Its number has been on its way to the disk since before the launch. A disk that refuses is no reason to end what runs.
    const reason = await durably.unlessTrouble(durable);
    if (reason !== null) log.warn({ session: id, phase: "create", err: reason }, "a session's number is not on the disk yet");
    return entry;
  }

  /**
   * @param file the program, as {@link programOf} has found it
   * @param plan carried out before anything is waited for: no other session can take the conversation meanwhile
   */
  async #launch(entry: SessionEntry, file: string, plan: ResumePlan): Promise<void> {
    const { config, custody, table, clock, hosting, world } = this.#p;
    entry.end = deferred();
    entry.killing = false;
    entry.exit = null;
    entry.resumed = plan.how === "resume" ? plan.conversation : null;
    startConversation(entry, entry.resumed, this.#p.events);
    entry.restartDueAt = null;
    entry.startedAt = clock.now();
    entry.slot ??= table.takeSlot();
    await this.makeRoom();
    const argv = [entry.spec.command, ...(plan.how === "resume" ? plan.args : entry.spec.args), ...entry.prompts.takeArgument()];
    if (entry.spec.backend === "tmux") return this.#launchInTmux(entry, file, argv);
    const order = spawnOrder(entry, entry.slot, { file, argv }, config, world);
    // Both take most of a millisecond, and neither needs the other (a keeper that reads for a dead daemon makes the directory itself).
    const directory = mkdir(entry.directory, { recursive: true, mode: 0o700 });
    directory.catch(() => undefined);
    const { pid, master } = await custody.spawn(order).catch(async (error: unknown) => {
      await directory.catch(() => undefined);
      throw error;
    });
    entry.pid = pid;
    entry.master = master;
    entry.move("started");
    try {
      await hosting.start(entry, "fresh", directory);
    } catch (error) {
      // A process without an actor is of no use to anybody, and would never end: nobody reads what it writes.
      entry.killing = true;
      await endTree(this.#p, entry.id, pid, { graceMs: 0, deadlineMs: config.session.kill_deadline_ms }).catch(() => undefined);
      await entry.end.promise;
      throw error;
    }
  }

  async #launchInTmux(entry: SessionEntry, file: string, argv: string[]): Promise<void> {
    const { tmux, hosting, config } = this.#p;
    entry.pid = (await tmux.spawn(entry, file, argv)).pid;
    entry.move("started");
    try {
      await hosting.start(entry, "fresh");
    } catch (error) {
      entry.killing = true;
      await tmux.kill(entry, config.session.kill_grace_ms);
      await entry.end.promise;
      throw error;
    }
  }

  // ---- end ------------------------------------------------------------------------------------------------------------

  /** The process has ended (custody's word). Everything after is one straight line per session. */
  exited(session: number, exit: KeptExit): void {
    const entry = this.#p.table.byNumber(session);
    if (entry === undefined || !entry.move("ended")) return;
    void this.#finish(entry, exit).catch((error: unknown) => {
      this.#p.log.error({ session: entry.id, phase: "exit", err: messageOf(error) }, "an exit could not be dealt with");
    });
  }

  async #finish(entry: SessionEntry, exit: KeptExit): Promise<void> {
    const { hosting, clock } = this.#p;
    // The launch that is still under way owns the entry until its actor is up.
    entry.offset = await hosting.drain(entry);
    const signal = exit.signal === null ? null : signalName(exit.signal);
    await this.#ended(entry, { code: exit.code, signal, at: Math.min(exit.at, clock.now()), reason: exitReason(exit, entry) });
  }

  /** The process is gone and its output is in the spool, or it never came to be. */
  async #ended(entry: SessionEntry, exit: SessionExit): Promise<void> {
    const { config, clock, events, log } = this.#p;
    const refused = resumeRefused(entry, exit);
    if (refused) {
      log.warn({ session: entry.id, phase: "resume", conversation: entry.resumed, code: exit.code }, "its conversation was refused");
      startConversation(entry, null, events);
    }
    const decision = refused
      ? { restart: true as const, delayMs: 0, history: entry.restartHistory }
      : decideRestart(entry.spec.restart, exit, entry.restartHistory, clock.monotonic(), {
          intensity: config.session.restart_intensity,
          windowMs: config.session.restart_window_ms,
          backoffMs: config.session.restart_backoff_ms,
          backoffMaxMs: config.session.restart_backoff_max_ms,
        });
    entry.exit = decision.restart || decision.reason !== "restart_intensity" ? exit : { ...exit, reason: "restart_intensity" };
    entry.pid = null;
    events.append("session.exited", entry.id, {
      code: exit.code,
      signal: exit.signal,
      reason: entry.exit.reason,
      restarting: decision.restart,
    });
    log.info(
      { session: entry.id, epoch: entry.epoch, phase: "exit", code: exit.code, signal: exit.signal, reason: entry.exit.reason },
      "process ended",
    );
    if (!decision.restart) {
      entry.move(exit.reason === "spawn_failed" ? "refused" : "drained");
      sayState(entry, { state: "exited", rule: "process_ended", detail: describeExit(entry.exit) }, events, clock);
      // A launch that failed has no actor, and no screen.
      this.#p.keeping.checkpoint(entry, "exit").catch(() => undefined);
      entry.fanout.ended(entry.offset);
      entry.end.resolve();
      return;
    }
    entry.restartHistory = decision.history;
    entry.move(exit.reason === "spawn_failed" ? "refused_again" : "restart");
    const began = clock.monotonic();
    const saved = this.backoff.begin(entry, exit, decision.delayMs);
    entry.end.resolve();
    // Until its record says what it waits for, the keeper's word of its exit is what the next daemon would need.
    await withDeadline(saved, decision.delayMs).catch(() => undefined);
    // Ended meanwhile: that frees it too.
    if (entry.phase !== "backoff") return;
    await this.#freeOnce(entry);
    this.backoff.wait(entry, Math.max(0, decision.delayMs - (clock.monotonic() - began)));
  }

  /** Starts the process again under the same id; offsets go on where they stood. A launch that fails counts as an end. */
  async #relaunch(entry: SessionEntry): Promise<void> {
    const { events, clock, log } = this.#p;
    if (!entry.move("due")) return;
    entry.epoch += 1;
    entry.restarts += 1;
    // Before anybody can ask: it is live again, and whoever waits for it is not told that it has ended.
    sayState(entry, { state: "starting", rule: "started_again", detail: "its process is being started again" }, events, clock);
    const plan = this.#p.plan(entry);
    log.info({ session: entry.id, epoch: entry.epoch, phase: "restart", ...plan, args: undefined }, "a session is started again");
    try {
      await this.#launch(entry, programOf(entry.spec), plan);
    } catch (error) {
      await this.#free(entry).catch(() => undefined);
      await this.#ended(entry, { code: null, signal: null, at: clock.now(), reason: "spawn_failed" });
      throw error;
    }
    this.#p.keeping.rememberSoon(entry);
    events.append("session.restarted", entry.id, { epoch: entry.epoch, offset: entry.offset });
  }

  // ---- what people ask for --------------------------------------------------------------------------------------------

  async kill(entry: SessionEntry, graceMs: number): Promise<{ processes: number }> {
    if (entry.phase === "backoff") {
      // A disk that does not answer holds nobody up: it is over here and now.
      const reason = await this.#p.durably.unlessTrouble(this.backoff.cancel(entry));
      if (reason !== null)
        this.#p.log.warn({ session: entry.id, phase: "kill", err: reason }, "the end of a back-off is not on the disk yet");
      await this.retire(entry.id);
      return { processes: 0 };
    }
    if (!entry.live) return { processes: 0 };
    entry.kill ??= this.#kill(entry, graceMs).finally(() => {
      entry.kill = null;
    });
    return entry.kill;
  }

  async #kill(entry: SessionEntry, graceMs: number): Promise<{ processes: number }> {
    const { custody, config, tmux, clock } = this.#p;
    const until = clock.monotonic() + config.session.kill_deadline_ms;
    const leftMs = (): number => Math.max(0, until - clock.monotonic());
    entry.killing = true;
    const { end, pid } = entry;
    if (pid === null) return { processes: 0 };
    if (entry.tmux !== null) {
      const killed = await tmux.kill(entry, graceMs).catch((error: unknown) => {
        entry.killing = entry.phase !== "running";
        throw error;
      });
      await end.promise;
      await this.retire(entry.id);
      return killed;
    }
    // Best effort: should this daemon die on the way, the next one must not take the exit for a crash and start it again.
    await withDeadline(custody.setRecord(entry.number, encodeRecord(entry.record())), leftMs() / 2).catch(() => undefined);
    const processes = await endTree(this.#p, entry.id, pid, { graceMs, deadlineMs: leftMs() });
    await withDeadline(end.promise, leftMs()).catch((error: unknown) => {
      throw new LifeguardError(
        "TIMEOUT",
        `the processes of ${entry.id} have ended, but its keeper does not say so: lifeguard doctor says what to do`,
        { pids: [] },
        { cause: error },
      );
    });
    await this.retire(entry.id);
    return { processes };
  }

  /** Sends one signal once to the foreground process group; nothing escalates. */
  signal(entry: SessionEntry, signal: number): { processes: number } {
    if (entry.tmux !== null && entry.pid !== null) return this.#p.tmux.signal(entry, signal);
    if (entry.pid === null || entry.master === null) throw new LifeguardError("EXITED", `session ${entry.id} has no process`);
    return { processes: signalForeground(foregroundGroup(entry.master) || entry.pid, signal) ? 1 : 0 };
  }

  /** Ends the process if there is one, and starts it again with the same specification, in its conversation where that is known. */
  async restart(entry: SessionEntry): Promise<void> {
    refuseAdopted(entry.spec);
    entry.restart ??= this.#restart(entry).finally(() => {
      entry.restart = null;
    });
    await entry.restart;
  }

  async #restart(entry: SessionEntry): Promise<void> {
    const { config, table, log, keeping } = this.#p;
    await keeping.wake(entry);
    // What cannot be started again is not ended for it.
    programOf(entry.spec);
    await this.kill(entry, config.session.kill_grace_ms);
    await this.retire(entry.id);
    const holder = table.liveNamed(entry.spec.name);
    if (holder !== undefined && holder !== entry) {
      log.warn({ session: entry.id, phase: "restart", name: entry.spec.name }, "its name is taken by a live session: it runs under its id");
      table.rename(entry, entry.id);
    }
    entry.restartHistory = [];
    entry.restartTimes = [];
    await this.#relaunch(entry);
  }

  /** Its tmux session is none of ours any more, and lives on. */
  async letGo(entry: SessionEntry): Promise<void> {
    if (entry.phase === "backoff") await this.#p.durably.unlessTrouble(this.backoff.cancel(entry));
    if (entry.move("ended")) entry.move("drained");
    await this.remove(entry, { mode: "detach", backend_alive: true });
  }

  /** @throws what {@link Removal.remove} throws */
  async remove(entry: SessionEntry, how?: RemovalKind): Promise<void> {
    await this.retire(entry.id);
    await this.#p.removal.remove(entry, "removed", () => (entry.live ? `${entry.id} is live` : null), how);
  }

  /** Name or labels have changed; known to the keeper, and durable when this resolves. @throws STORE_FULL, UNAVAILABLE */
  async recordChanged(entry: SessionEntry): Promise<void> {
    const { keeping, durably, custody, log } = this.#p;
    if (entry.master !== null)
      custody.setRecord(entry.number, encodeRecord(entry.record())).catch((error: unknown) => {
        log.warn({ session: entry.id, phase: "record", err: messageOf(error) }, "the keeper did not take a session's new record");
      });
    await durably.within(
      keeping.wake(entry).then(() => keeping.remember(entry)),
      {
        what: `the record of ${entry.id}`,
        meanwhile: "The change is made and kept in memory; it is written as soon as the disk takes it.",
      },
    );
  }

  /** Lets the keepers read from here on: the daemon ends, the sessions do not. */
  async release(entry: SessionEntry): Promise<void> {
    this.backoff.pause(entry);
    const { hosting, custody, tmux, config } = this.#p;
    // Whoever asked for its end has it, also when a service manager or Ctrl-C comes in between.
    if (entry.kill !== null) await withDeadline(entry.kill, config.daemon.shutdown_budget_ms / 2).catch(() => undefined);
    if (entry.tmux !== null && entry.phase === "running") return tmux.leave(entry, () => hosting.release(entry));
    if (!entry.move("released")) return;
    const offset = await hosting.release(entry);
    await custody.setRecord(entry.number, encodeRecord(entry.record()));
    await custody.release(entry.number, offset);
  }

  // ---- the last of it -------------------------------------------------------------------------------------------------

  *retirable(): Iterable<string> {
    for (const entry of this.#p.table.entries()) if (entry.phase === "retiring") yield entry.id;
  }

  async retire(id: string): Promise<void> {
    const entry = this.#p.table.byId(id);
    if (entry.phase !== "retiring") return;
    await this.#freeOnce(entry);
    entry.move("freed");
  }

  /** Whoever needs it first does it, the others wait: a second time would take what the next launch has. */
  async #freeOnce(entry: SessionEntry): Promise<void> {
    entry.retirement ??= this.#free(entry).finally(() => {
      entry.retirement = null;
    });
    await entry.retirement;
  }

  /** Actor, slot, master and zombie of a process that has ended. */
  async #free(entry: SessionEntry): Promise<void> {
    const { hosting, custody, table, tmux } = this.#p;
    await entry.lastScreen;
    await tmux.leave(entry, () => hosting.stop(entry));
    if (entry.master !== null) {
      entry.master = null;
      await custody.acknowledge(entry.number);
    }
    if (entry.slot !== null) table.freeSlot(entry.slot);
    entry.slot = null;
  }
}
