/** The main thread's side of the actors: one address per session, whichever thread it runs in. Each actor is one long-running task. */
import { availableParallelism } from "node:os";
import { BOUNDS } from "../bounds.js";
import { LifeguardError, messageOf } from "../errors.js";
import { closeDescriptor } from "../libc/descriptors.js";
import type { Log } from "../log.js";
import type { Isolation } from "../session.js";
import { withDeadline } from "./deadline.js";
import { CLAIM } from "./messages.js";
import type { ActorApi, ActorBegun, ActorEvent, ActorStart, EndedScreen, RenderTask, Rendered, ThreadVitals } from "./messages.js";
import type { ActorThread } from "./pool-thread.js";
import { NO_FIGURES } from "./thread-figures.js";
import type { ThreadFiguresReading } from "./thread-figures.js";
import { THREAD_DEADLINE_MS, Threads } from "./threads.js";

export interface ThreadLoss {
  thread: number;
  /** Sessions whose actor was ready. A start that was still under way is rejected with UNAVAILABLE instead. */
  sessions: string[];
  /** The session whose code ran last, also when it is not among `sessions`. */
  suspect: string | null;
  reason: string;
}

export interface ActorPoolListener {
  event(event: ActorEvent): void;
  /** A thread has died and has exited: its sessions have no actor, and their descriptors are closed. Reported once per thread. */
  threadLost(loss: ThreadLoss): void;
  unresponsive(sessions: string[], is: boolean): void;
}

export interface ActorPoolOptions {
  /** Threads that share actors; 0 = as many as cores, at least 2 and at most 8. */
  threads: number;
  heapMib: number;
  inflightPath: string;
  maxSessions: number;
  commandDeadlineMs: number;
  log: Log;
  listener: ActorPoolListener;
}

/** What an actor may be asked through {@link ActorPool.call}. */
export type PendingCall = Exclude<keyof ActorApi, "ping" | "stop">;
export type CallArguments<K extends PendingCall> = Parameters<ActorApi[K]> extends [string, ...infer Rest] ? Rest : never;

interface Address {
  /** Null while the task waits for a thread of its own. */
  thread: ActorThread | null;
  /** Calls not yet answered. */
  mailbox: number;
  /** The actor has said `ready`. */
  ready: boolean;
  onReady: () => void;
  /** The actor has said `failed`: it is on its way out, and may be started again. */
  failed: boolean;
  /** Its task has ended, however. Never rejects. */
  ended: Promise<void>;
}

/** How long ending actors may hold up a close; a thread that hangs is terminated. */
const CLOSE_DEADLINE_MS = 3_000;
/** Screens of ended sessions rendered at once, beside the actors of a thread. */
const RENDERS = 64;

export class ActorPool {
  readonly #options: ActorPoolOptions;
  readonly #addresses = new Map<string, Address>();
  #threads: Threads | null = null;
  #rendering = 0;

  constructor(options: ActorPoolOptions) {
    this.#options = options;
  }

  /** Resolves when all threads are up and can be called. */
  async open(): Promise<void> {
    const { threads, maxSessions, heapMib, inflightPath, log, listener } = this.#options;
    this.#threads = new Threads({
      shared: threads > 0 ? threads : Math.min(8, Math.max(2, availableParallelism())),
      tasks: maxSessions + RENDERS,
      own: Math.max(1, maxSessions),
      heapMib,
      inflightPath,
      log,
      listener: {
        event: (thread, event) => this.#event(thread, event),
        lost: (thread) => this.#lost(thread),
        unresponsive: (thread, is) => {
          if (thread.sessions.size > 0) listener.unresponsive([...thread.sessions], is);
        },
      },
    });
    await this.#threads.up();
  }

  /**
   * Starts an actor and resolves at its `ready`, which the listener gets first. Takes over `start.master`, whatever happens.
   * @throws LIMIT, ALREADY_EXISTS; UNAVAILABLE when its thread is lost meanwhile, none is up, or the actor could not begin
   */
  async start(start: ActorStart, where: { isolation: Isolation }): Promise<void> {
    const claim = new SharedArrayBuffer(4);
    try {
      const previous = this.#addresses.get(start.id);
      if (previous?.failed === true) await withDeadline(previous.ended, this.#options.commandDeadlineMs);
      this.#admit(start.id);
      await this.#launch(start, claim, where.isolation);
    } catch (error) {
      // Whoever has the descriptor closes it: the actor when it has taken it, otherwise nobody would.
      if (Atomics.compareExchange(new Int32Array(claim), 0, CLAIM.offered, CLAIM.withdrawn) === CLAIM.offered)
        closeDescriptor(start.master);
      throw error;
    }
  }

  /**
   * Asks an actor. Errors arrive with name, message and data as thrown there.
   * @throws NOT_FOUND without an actor, BUSY when 256 calls wait for it, TIMEOUT, UNAVAILABLE at once when its thread is lost
   */
  async call<K extends PendingCall>(id: string, method: K, ...args: CallArguments<K>): Promise<Awaited<ReturnType<ActorApi[K]>>> {
    const address = this.#addresses.get(id);
    if (address === undefined) throw new LifeguardError("NOT_FOUND", `${id} has no actor`, { id });
    const { thread } = address;
    if (method === "input" || method === "keys") this.#threads?.precedence.claim();
    if (thread === null) throw new LifeguardError("UNAVAILABLE", `${id} is being started`, { id, retry_after_ms: 100 });
    if (address.mailbox >= BOUNDS.mailbox) {
      throw new LifeguardError("BUSY", `${BOUNDS.mailbox} requests wait for ${id}: try again later`, {
        id,
        limit: BOUNDS.mailbox,
        retry_after_ms: 100,
      });
    }
    address.mailbox++;
    try {
      return await thread.call(method, [id, ...args] as unknown as Parameters<ActorApi[K]>, this.#options.commandDeadlineMs);
    } finally {
      address.mailbox--;
    }
  }

  /** The screen of a session whose process has ended, from its files. @throws BUSY, NOT_FOUND without a spool, TIMEOUT */
  async render(task: RenderTask): Promise<EndedScreen> {
    if (this.#rendering >= RENDERS)
      throw new LifeguardError("BUSY", `${RENDERS} screens of ended sessions are being rendered`, { retry_after_ms: 500 });
    this.#rendering++;
    try {
      const threads = this.#running();
      await threads.up();
      const thread = threads.leastLoaded();
      const done = await withDeadline(threads.runShared(thread, { kind: "render", render: task }), this.#options.commandDeadlineMs);
      const answer = done as Rendered;
      if ("problem" in answer) throw new LifeguardError(answer.problem.name, answer.problem.message, answer.problem.data);
      return answer.screen;
    } catch (error) {
      throw asLifeguardError(error);
    } finally {
      this.#rendering--;
    }
  }

  /** Ends an actor; resolves when its task has ended and its descriptor is closed. No actor is no error. */
  async stop(id: string): Promise<void> {
    const address = this.#addresses.get(id);
    if (address === undefined) return;
    const { thread, ended } = address;
    // An actor that ends by itself, or with its thread, does not answer any more.
    thread?.call("stop", [id], this.#options.commandDeadlineMs).catch(() => {});
    await withDeadline(ended, this.#options.commandDeadlineMs);
  }

  threads(): { id: number; actors: number; heapBytes: number }[] {
    return (this.#threads?.all() ?? []).map((thread) => ({
      id: thread.id,
      actors: thread.sessions.size,
      heapBytes: thread.vitals.heapBytes,
    }));
  }

  /** What all threads have counted since the start, and who waits for an actor's answer now. */
  figures(): ThreadFiguresReading & { waiting: number; longestMailbox: number } {
    const mailboxes = [...this.#addresses.values()].map(({ mailbox }) => mailbox);
    return {
      ...(this.#threads?.figures() ?? NO_FIGURES),
      waiting: mailboxes.reduce((sum, length) => sum + length, 0),
      longestMailbox: mailboxes.reduce((most, length) => Math.max(most, length), 0),
    };
  }

  /** What the threads say of themselves, asked now. */
  async vitals(): Promise<ThreadVitals[]> {
    return await Promise.all(
      (this.#threads?.all() ?? []).map(async (thread) => await thread.call("ping", [], this.#options.commandDeadlineMs)),
    );
  }

  has(id: string): boolean {
    return this.#addresses.has(id);
  }

  /** Ends every actor, then the threads. Agents are not touched. */
  async close(): Promise<void> {
    const threads = this.#threads;
    if (threads === null) return;
    const stops = Promise.allSettled([...this.#addresses.keys()].map(async (id) => await this.stop(id)));
    await withDeadline(stops, CLOSE_DEADLINE_MS).catch(() => {
      this.#options.log.warn({ sessions: this.#addresses.size }, "not all actors ended in time; their threads are terminated");
    });
    this.#threads = null;
    await threads.close();
    this.#addresses.clear();
  }

  #running(): Threads {
    if (this.#threads === null) throw new LifeguardError("UNAVAILABLE", "the actor pool is not open");
    return this.#threads;
  }

  // ---- starting ---------------------------------------------------------------------------------------------------------

  #admit(id: string): void {
    const limit = this.#options.maxSessions;
    if (this.#addresses.has(id)) throw new LifeguardError("ALREADY_EXISTS", `${id} has an actor`, { id });
    if (this.#addresses.size >= limit)
      throw new LifeguardError("LIMIT", `${limit} sessions run: daemon.max_sessions in config.toml sets how many may`, {
        limit: "daemon.max_sessions",
        value: limit,
      });
  }

  async #launch(start: ActorStart, claim: SharedArrayBuffer, isolation: Isolation): Promise<void> {
    const threads = this.#running();
    const address: Address = { thread: null, mailbox: 0, ready: false, onReady: () => {}, failed: false, ended: Promise.resolve() };
    const { id } = start;
    this.#addresses.set(id, address);
    try {
      const ready = new Promise<void>((resolve) => {
        address.onReady = resolve;
      });
      if (isolation === "shared") await threads.up();
      // From here to the task nothing may wait: the next start counts on this one's place being taken.
      const thread = isolation === "thread" ? null : threads.leastLoaded();
      if (thread !== null) this.#settle(id, address, thread);
      const { profiles, ...rest } = start;
      const known = thread !== null && thread.profiles === profiles.digest;
      if (thread !== null) thread.profiles = profiles.digest;
      const task = { kind: "actor", start: rest, profiles: known ? null : profiles, claim, announce: thread === null } as const;
      const running = thread === null ? threads.runOwn(task) : threads.runShared(thread, task);
      address.ended = running.then(
        () => this.#ended(id, address),
        () => this.#ended(id, address),
      );
      const tooEarly = running.then(() => {
        throw new LifeguardError("UNAVAILABLE", `the actor of ${id} ended before it was ready`, { id });
      });
      await withDeadline(Promise.race([ready, tooEarly]), THREAD_DEADLINE_MS);
    } catch (error) {
      // It may run all the same, when only its answer was late.
      address.thread?.call("stop", [id], this.#options.commandDeadlineMs).catch(() => {});
      this.#forget(id, address);
      const failure = asLifeguardError(error);
      // Worth another try elsewhere; what the actor itself could not do is not.
      if (address.thread === null || address.thread.lost !== null) failure.data["thread_lost"] = true;
      throw failure;
    }
  }

  #settle(id: string, address: Address, thread: ActorThread): void {
    address.thread = thread;
    thread.sessions.add(id);
  }

  /** A lost thread's sessions stay until its loss is reported: what is asked of them meanwhile is UNAVAILABLE, not NOT_FOUND. */
  #ended(id: string, address: Address): void {
    if (!address.ready || address.thread === null || address.thread.lost === null) this.#forget(id, address);
  }

  #forget(id: string, address: Address): void {
    if (this.#addresses.get(id) !== address) return;
    this.#addresses.delete(id);
    address.thread?.sessions.delete(id);
  }

  // ---- what threads say -------------------------------------------------------------------------------------------------

  #event(thread: ActorThread, event: ActorEvent | ActorBegun): void {
    const address = this.#addresses.get(event.id);
    if (address === undefined) return;
    if (event.type === "begun") {
      this.#settle(event.id, address, thread);
      return;
    }
    if (address.thread !== thread) return;
    if (event.type === "failed") address.failed = true;
    this.#options.listener.event(event);
    if (event.type === "ready") {
      address.ready = true;
      address.onReady();
    }
  }

  #lost(thread: ActorThread): void {
    const sessions = [...thread.sessions];
    for (const id of sessions) this.#addresses.delete(id);
    thread.sessions.clear();
    const loss: ThreadLoss = { thread: thread.id, sessions, suspect: thread.suspect, reason: thread.lost ?? "unknown" };
    this.#options.log.error(
      { thread: loss.thread, sessions: sessions.length, suspect: loss.suspect, err: loss.reason },
      "an actor thread was lost",
    );
    this.#options.listener.threadLost(loss);
  }
}

/** What a task rejects with has lost its class on the way between threads: whatever it was, another try may do. */
function asLifeguardError(error: unknown): LifeguardError {
  if (error instanceof LifeguardError) return error;
  return new LifeguardError("UNAVAILABLE", `the actor could not run: ${messageOf(error)}`, { retry_after_ms: 500 }, { cause: error });
}
