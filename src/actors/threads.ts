/**
 * The actor threads, by way of two piscina pools: one of threads that share actors, one for sessions with a thread of their own.
 *
 * What piscina does behind our back, and what is done about it: a task beyond a worker's cap waits without a word (the thread of
 * each task is named here, and there is room by construction); aborting a task terminates its whole worker (no abort signal is
 * ever passed); it replaces a worker when it fails, before it has exited (a loss is reported after the exit, when nobody reads
 * the terminals any more); it stops replacing when a new worker fails at once (then starts are refused, not left waiting).
 */
import { Piscina } from "piscina";
import { PERIODS } from "../bounds.js";
import { LifeguardError, messageOf } from "../errors.js";
import { HeapUpkeep } from "../heap.js";
import { trimHeap } from "../libc/memory.js";
import type { Log } from "../log.js";
import { programFile } from "../package-files.js";
import { keepErrorsWhole } from "./endpoint.js";
import type { ActorBegun, ActorEvent, ThreadHello, ThreadStart, ThreadTask } from "./messages.js";
import { Pace } from "./pace.js";
import { Precedence } from "./precedence.js";
import { ActorThread } from "./pool-thread.js";
import { FiguresSum } from "./thread-figures.js";
import type { ThreadFiguresReading } from "./thread-figures.js";

export interface ThreadsListener {
  event(thread: ActorThread, event: ActorEvent | ActorBegun): void;
  /** It has failed and exited, and all it posted has been heard. Once per thread. */
  lost(thread: ActorThread): void;
  unresponsive(thread: ActorThread, is: boolean): void;
}

export interface ThreadsOptions {
  /** Threads that share actors. */
  shared: number;
  /** Tasks that one of them may run at once. */
  tasks: number;
  /** Most threads of their own. */
  own: number;
  heapMib: number;
  inflightPath: string;
  log: Log;
  listener: ThreadsListener;
}

/** A thread is up within 200 ms; a replacement that takes longer than this is not coming. At the bound: UNAVAILABLE. */
export const THREAD_DEADLINE_MS = 15_000;
/** malloc_trim holds up whoever allocates for 30–40 ms. */
const TRIM_PERIOD_MS = 5_000;

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #shared: Piscina;
  readonly #own: Piscina;
  readonly #threads = new Map<number, ActorThread>();
  /** Workers that piscina gives tasks to. */
  readonly #created = new Set<number>();
  readonly #waiting = new Set<() => void>();
  /** The thread the next shared task goes to: piscina asks for it before `run` returns. */
  #placing: number | null = null;
  readonly #heartbeat: NodeJS.Timeout;
  /** What was collected in any thread goes back to the system only by malloc_trim. */
  readonly #trim = new Pace(TRIM_PERIOD_MS, () => void trimHeap());
  /** Of the main thread; the others' own say in their vitals when they have collected. */
  readonly #heap = new HeapUpkeep(() => this.#trim.poke());
  readonly #past = new FiguresSum();
  /** For keys: {@link Precedence.claim}. */
  readonly precedence: Precedence = new Precedence();
  #closing = false;

  constructor(options: ThreadsOptions) {
    keepErrorsWhole();
    this.#options = options;
    this.#shared = this.#newPool("shared", {
      minThreads: options.shared,
      maxThreads: options.shared,
      concurrentTasksPerWorker: options.tasks,
    });
    this.#own = this.#newPool("own", { minThreads: 0, maxThreads: options.own, concurrentTasksPerWorker: 1 });
    this.#heartbeat = setInterval(() => this.#beat(), PERIODS.heartbeatMs);
  }

  /** Of all threads, those that are gone included; as of their last heartbeat. */
  figures(): ThreadFiguresReading {
    const sum = new FiguresSum().add(this.#past.reading());
    for (const thread of this.#threads.values()) sum.add(thread.vitals.figures);
    return sum.reading();
  }

  all(): ActorThread[] {
    return [...this.#threads.values()];
  }

  /** Waits until all shared threads are up; goes on with fewer when a replacement does not come. @throws UNAVAILABLE when none is up */
  async up(): Promise<void> {
    const until = performance.now() + THREAD_DEADLINE_MS;
    while (this.#usable().length < this.#options.shared && performance.now() < until && !this.#closing) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, until - performance.now());
        this.#waiting.add(wake);
      });
    }
    if (this.#usable().length === 0 || this.#closing)
      throw new LifeguardError("UNAVAILABLE", "no actor thread is up", { retry_after_ms: 1_000 });
  }

  /** The shared thread with the fewest actors. Call it once all are {@link up}: else a restart would put everything on the survivor. */
  leastLoaded(): ActorThread {
    return this.#usable().reduce((least, thread) => (thread.sessions.size < least.sessions.size ? thread : least));
  }

  runShared(thread: ActorThread, task: ThreadTask): Promise<unknown> {
    this.#placing = thread.id;
    try {
      return this.#shared.run(task);
    } finally {
      this.#placing = null;
    }
  }

  /** In a thread of its own, which ends with the task. */
  runOwn(task: ThreadTask): Promise<unknown> {
    return this.#own.run(task);
  }

  /** Terminates the threads. Tasks that still run are rejected; end them first. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    this.#heap.stop();
    this.#trim.stop();
    for (const wake of this.#waiting) wake();
    await Promise.all([this.#shared.destroy(), this.#own.destroy()]);
    for (const thread of this.#threads.values()) thread.close();
    this.#threads.clear();
  }

  #newPool(kind: "shared" | "own", size: { minThreads: number; maxThreads: number; concurrentTasksPerWorker: number }): Piscina {
    const workerData: ThreadStart = { inflightPath: this.#options.inflightPath, precedence: this.precedence.shared };
    const pool = new Piscina({
      filename: programFile("actors/worker"),
      ...size,
      ...(kind === "shared" ? { loadBalancer: (_task, workers) => workers.find((worker) => worker.id === this.#placing) ?? null } : {}),
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: this.#options.heapMib },
      workerData,
    });
    pool.on("workerCreate", (worker: { id: number }) => {
      this.#created.add(worker.id);
      this.#wake();
    });
    pool.on("message", (message: unknown) => this.#hello(pool, kind, message as ThreadHello));
    // A loss is seen at its worker; without a listener this event would end the daemon.
    pool.on("error", (error: unknown) => this.#options.log.warn({ err: messageOf(error) }, "actor threads"));
    return pool;
  }

  #hello(pool: Piscina, kind: "shared" | "own", hello: ThreadHello): void {
    const worker = pool.threads.find((candidate) => candidate.threadId === hello.lifeguardThread);
    if (worker === undefined || this.#closing) {
      hello.port.close();
      return;
    }
    const thread = new ActorThread(hello, kind, (event) => this.#options.listener.event(thread, event));
    this.#threads.set(thread.id, thread);
    const left = { worker: true, port: true };
    const leave = (part: keyof typeof left): void => {
      left[part] = false;
      if (!left.worker && !left.port) this.#gone(thread);
    };
    worker.on("error", (error) => {
      thread.failed = true;
      thread.lose(messageOf(error));
    });
    worker.on("exit", (code) => {
      thread.lose(`exit code ${code}`);
      leave("worker");
    });
    thread.onClose(() => leave("port"));
    this.#wake();
  }

  #gone(thread: ActorThread): void {
    this.#threads.delete(thread.id);
    this.#past.add(thread.vitals.figures);
    this.#created.delete(thread.id);
    if (this.#closing) return;
    // Threads of their own end with their task. One that died while its actor began has no sessions, but is a loss.
    if (thread.kind === "own" && thread.sessions.size === 0 && !thread.failed) return;
    this.#options.listener.lost(thread);
  }

  #usable(): ActorThread[] {
    return this.all().filter((thread) => thread.kind === "shared" && thread.lost === null && this.#created.has(thread.id));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  // ---- heartbeat --------------------------------------------------------------------------------------------------------

  #beat(): void {
    for (const thread of this.#threads.values()) {
      if (thread.lost !== null) continue;
      const { collections } = thread.vitals;
      const silent = thread.beat(PERIODS.unresponsiveMs, () => {
        if (thread.unresponsive) this.#say(thread, false);
        if (thread.vitals.collections > collections) this.#trim.poke();
      });
      if (silent && !thread.unresponsive) this.#say(thread, true);
    }
  }

  #say(thread: ActorThread, unresponsive: boolean): void {
    thread.unresponsive = unresponsive;
    this.#options.listener.unresponsive(thread, unresponsive);
  }
}
