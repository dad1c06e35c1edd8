/**
 * The one way from memory to the disk: bounded in items and bytes, in order per session, newest-wins for what is only a picture
 * of now. p-queue runs it; admission, order and coalescing are here (p-queue has no bound, facts.md 12).
 *
 * ```
 *  put ──▶ admission ──▶ lane of its session (FIFO, one at a time) ──▶ p-queue (2 at a time) ──▶ run ──▶ durable: put resolves
 *              │ full                              ▲                                              │ disk full or failing
 *              ├─ snapshot: waiting room ──────────┘◀───────────── snapshot: back-off ◀───────────┤
 *              └─ entry: BUSY                                                       entry: refused ┘
 * ```
 */
import PQueue from "p-queue";
import type { Clock } from "../clock.js";
import { LifeguardError, messageOf } from "../errors.js";
import { errnoOf, isFull } from "./file-layer.js";
import { Lane } from "./lane.js";
import type { Ticket } from "./lane.js";

/**
 * - `snapshot`: newest wins per session and kind, in the place of the one it replaces (so that who changes all the time is written
 *   all the same); waits when the queue is full, is retried until it is on the disk.
 * - `entry`: each one is kept, BUSY when the queue is full, refused by name when the disk refuses. It does not wait behind a
 *   snapshot that the disk refuses.
 * - `delete`: is never joined with anything, nothing passes it, is retried. It gives room, so it waits neither for a place nor behind
 *   a snapshot that the disk refuses.
 */
export type JobClass = "snapshot" | "entry" | "delete";

export interface Job<T> {
  class: JobClass;
  /** What is kept in order: a session's or journal's id, or a word for what belongs to neither. */
  lane: string;
  /** With the lane it names what a newer snapshot replaces. */
  kind: string;
  /** Everybody waits for it: it needs no place, and is the next to run. */
  urgent?: boolean;
  /** What it holds in memory until it has run. */
  bytes: number;
  /** Called when there is a place for it, before put returns; not when it is refused. */
  admitted?: () => void;
  /** Writes; resolves when it is durable. Called again after a back-off when the class is retried. */
  run: () => Promise<T>;
}

/**
 * What a method that only checks and puts returns: the queue's own promise, shared by all that were joined. An async function
 * would keep its arguments until it settles: on a disk that hangs, the content of every snapshot that was replaced.
 */
export function promised<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

export interface QueueOptions {
  items: number;
  bytes: number;
  concurrency: number;
  /** Wait before another try: doubles from the first to the second figure. */
  retryMs: number;
  retryMaxMs: number;
  /** A write under way for so long means that the disk hangs. */
  stalledMs: number;
  clock: Clock;
  listener: QueueListener;
}

export interface QueueListener {
  degraded(reason: string): void;
  ok(): void;
}

/** Why the disk is not to be relied on; `full` when it has no room, and not when it fails or hangs. */
export interface Trouble {
  reason: string;
  full: boolean;
}

export interface QueueStats {
  /** Admitted and not yet durable, the waiting room included. */
  items: number;
  bytes: number;
  /** Age of the oldest of them; 0 without any. */
  oldest_ms: number;
  /** Snapshots replaced by a newer one before they were written. */
  coalesced: number;
  refused: number;
  written: number;
  /** Attempts that failed. */
  failed: number;
  /** Of `items`: admitted by nobody yet. */
  waiting: number;
}

/** Of one turn of the main loop, so much is for what is saved. */
const TURN_MS = 2;

export class PersistenceQueue {
  readonly #options: QueueOptions;
  readonly #run: PQueue;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with tickets that have not been admitted, in the order in which they came. */
  readonly #room = new Set<Lane>();
  readonly #idle = new Set<() => void>();
  readonly #underWay = new Set<Ticket>();
  #admitted = 0;
  #waiting = 0;
  #bytes = 0;
  #coalesced = 0;
  #refused = 0;
  #written = 0;
  #failed = 0;
  #trouble: Trouble | null = null;
  #draining = false;
  #closed = false;
  #turnBegan: number | null = null;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#run = new PQueue({ concurrency: options.concurrency });
  }

  /**
   * @returns what `run` resolves to. A snapshot that was replaced resolves with what replaced it.
   * @throws BUSY with `retry_after_ms` when an entry does not fit; STORE_FULL, UNAVAILABLE when the disk refuses an entry
   */
  put<T>(job: Job<T>): Promise<T> {
    if (this.#closed)
      return Promise.reject(new LifeguardError("UNAVAILABLE", `${job.kind} of ${job.lane} was not saved: the store is closed`));
    const lane = this.#laneOf(job.lane);
    const older = job.class === "snapshot" ? lane.replaceable(job.kind) : undefined;
    const grown = job.bytes - (older?.job.bytes ?? 0);
    if (this.#bytes + grown > this.#options.bytes && job.bytes > 0) return this.#refuse(job, "bytes");
    if (older !== undefined) {
      this.#coalesced++;
      this.#bytes += grown;
      older.job = job;
      return older.settled as Promise<T>;
    }
    // Others that came first go first: an entry does not overtake who waits.
    const full = this.full && job.class !== "delete" && job.urgent !== true;
    if (full && job.class === "entry") return this.#refuse(job, "items");
    const ticket = lane.add(job, this.#options.clock.monotonic());
    this.#bytes += job.bytes;
    job.admitted?.();
    if (full) {
      this.#waiting++;
      this.#room.add(lane);
    } else this.#admit(lane, ticket);
    return ticket.settled as Promise<T>;
  }

  #refuse(job: Job<unknown>, bound: "items" | "bytes"): Promise<never> {
    this.#refused++;
    const { items, bytes } = this.#options;
    const what = bound === "items" ? `${items} items` : `${bytes} bytes`;
    this.#dropLaneWhenDone(job.lane);
    return Promise.reject(
      new LifeguardError("BUSY", `${job.kind} of ${job.lane} was not saved: the queue to the disk is full (${what}); try again`, {
        what: `${job.lane} ${job.kind}`,
        limit: bound === "items" ? items : bytes,
        retry_after_ms: this.#trouble === null ? 250 : this.#options.retryMaxMs,
      }),
    );
  }

  #laneOf(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = new Lane(name)));
    return lane;
  }

  #dropLaneWhenDone(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane !== undefined && lane.tickets.length === 0) {
      this.#lanes.delete(name);
      this.#room.delete(lane);
    }
  }

  #admit(lane: Lane, ticket: Ticket): void {
    ticket.admitted = true;
    this.#admitted++;
    // A snapshot that rests, or waits for a place, is passed now.
    const resting = lane.retry !== null;
    if ((resting || !lane.scheduled) && lane.passOver() && resting) this.#retry(lane);
    else this.#start(lane);
  }

  /** A lane has at most one task in p-queue: that is what keeps a session's writes in order, and sessions take turns. */
  #start(lane: Lane): void {
    const first = lane.tickets[0];
    if (lane.scheduled || first === undefined || !first.admitted) return;
    lane.scheduled = true;
    void this.#run.add(() => this.#attempt(lane, first), { priority: first.job.urgent === true ? 1 : 0 });
  }

  async #attempt(lane: Lane, ticket: Ticket): Promise<void> {
    await this.#breathe();
    const { stalledMs } = this.#options;
    ticket.running = true;
    this.#underWay.add(ticket);
    const stalled = setTimeout(() => {
      ticket.stalled = true;
      this.#degrade(`a write has been under way for ${stalledMs} ms (${ticket.job.kind} of ${ticket.job.lane})`, false);
    }, stalledMs);
    stalled.unref();
    const { job } = ticket;
    try {
      const result = await job.run();
      this.#written++;
      this.#settle(lane, ticket, () => ticket.resolve(result));
      lane.retryMs = 0;
      this.#underWay.delete(ticket);
      if (this.#trouble !== null && !this.#troubled()) this.#recover();
    } catch (error) {
      this.#failed++;
      const errno = errnoOf(error);
      if (errno !== undefined) this.#degrade(`${errno} while saving ${job.kind} of ${job.lane}: ${messageOf(error)}`, isFull(error));
      if (errno !== undefined && job.class !== "entry") this.#later(lane, ticket);
      else this.#settle(lane, ticket, () => ticket.reject(errno === undefined ? error : refusal(job, errno, error)));
    } finally {
      clearTimeout(stalled);
      this.#underWay.delete(ticket);
    }
  }

  /** Jobs that find nothing to write end without a system call: a thousand of them must not be one turn of the main loop. */
  async #breathe(): Promise<void> {
    const now = this.#options.clock.monotonic();
    if (this.#turnBegan === null) {
      this.#turnBegan = now;
      setImmediate(() => (this.#turnBegan = null));
    } else if (now - this.#turnBegan > TURN_MS) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #settle(lane: Lane, ticket: Ticket, settle: () => void): void {
    lane.tickets.shift();
    lane.scheduled = false;
    lane.passOver();
    this.#admitted--;
    this.#bytes -= ticket.job.bytes;
    settle();
    this.#fill();
    this.#start(lane);
    this.#dropLaneWhenDone(lane.name);
    if (this.#lanes.size === 0) for (const wake of this.#idle) wake();
    for (const wake of lane.tickets.length === 0 ? lane.idle.splice(0) : []) wake();
  }

  /** Lets in who waits, lane by lane in turn. */
  #fill(): void {
    while (this.#admitted < this.#options.items) {
      const lane = this.#room.values().next().value;
      if (lane === undefined) return;
      this.#room.delete(lane);
      const ticket = lane.tickets.find((each) => !each.admitted);
      if (ticket === undefined) continue;
      this.#waiting--;
      this.#admit(lane, ticket);
      if (lane.tickets.some((each) => !each.admitted)) this.#room.add(lane);
    }
  }

  /** The lane rests without holding one of p-queue's two places. */
  #later(lane: Lane, ticket: Ticket): void {
    ticket.running = false;
    ticket.refused = true;
    const { retryMs, retryMaxMs } = this.#options;
    lane.retryMs = lane.retryMs === 0 ? retryMs : Math.min(lane.retryMs * 2, retryMaxMs);
    if (lane.passOver()) {
      lane.scheduled = false;
      this.#start(lane);
      return;
    }
    lane.retry = setTimeout(() => this.#retry(lane), this.#draining ? Math.min(lane.retryMs, retryMs) : lane.retryMs);
  }

  #retry(lane: Lane): void {
    if (lane.retry === null) return;
    clearTimeout(lane.retry);
    lane.retry = null;
    lane.scheduled = false;
    this.#start(lane);
  }

  #degrade(reason: string, full: boolean): void {
    const first = this.#trouble === null;
    this.#trouble = { reason, full };
    if (first) this.#options.listener.degraded(reason);
  }

  #troubled(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.refused) || [...this.#underWay].some((ticket) => ticket.stalled);
  }

  #recover(): void {
    this.#trouble = null;
    this.#options.listener.ok();
  }

  /** Why the disk is not to be relied on at the moment; null when it is. */
  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** An entry would be refused, a snapshot would have to wait. */
  get full(): boolean {
    return this.#admitted >= this.#options.items || this.#room.size > 0;
  }

  /** Something is not durable. */
  get busy(): boolean {
    return this.#lanes.size > 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True while something of this lane is not durable. */
  pending(lane: string): boolean {
    return this.#lanes.has(lane);
  }

  /** Resolves when nothing of this lane is left. */
  async flush(name: string): Promise<void> {
    const lane = this.#lanes.get(name);
    if (lane !== undefined) await new Promise<void>((resolve) => lane.idle.push(resolve));
  }

  stats(): QueueStats {
    const now = this.#options.clock.monotonic();
    let oldest = now;
    for (const lane of this.#lanes.values()) oldest = Math.min(oldest, lane.tickets[0]?.since ?? now);
    return {
      items: this.#admitted + this.#waiting,
      bytes: this.#bytes,
      oldest_ms: Math.max(0, Math.round(now - oldest)),
      coalesced: this.#coalesced,
      refused: this.#refused,
      written: this.#written,
      failed: this.#failed,
      waiting: this.#waiting,
    };
  }

  /**
   * Waits until all is durable, at most `budgetMs`. Nobody is turned away meanwhile: who drains has stopped what puts.
   * @returns what was not saved, as `<lane> <kind>`
   */
  async drain(budgetMs: number): Promise<string[]> {
    this.#draining = true;
    for (const lane of this.#lanes.values()) this.#retry(lane);
    let over = false;
    let wake = (): void => undefined;
    const timer = setTimeout(() => {
      over = true;
      wake();
    }, budgetMs);
    // Again when something came between the wake and us: the last checkpoint of a session that has just ended does.
    while (this.#lanes.size > 0 && !over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.#idle.add(wake);
      });
      this.#idle.delete(wake);
    }
    clearTimeout(timer);
    this.#draining = false;
    return [...this.#lanes.values()].flatMap((lane) => lane.tickets.map(({ job }) => `${job.lane} ${job.kind}`));
  }

  /** No more attempts: what is not durable is refused. For the very end; {@link drain} comes before. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#lanes.values()) {
      if (lane.retry !== null) clearTimeout(lane.retry);
      lane.retry = null;
      for (const ticket of lane.tickets.filter((each) => !each.running)) {
        ticket.reject(new LifeguardError("UNAVAILABLE", `${ticket.job.kind} of ${ticket.job.lane} was not saved: the store closed`));
      }
    }
  }
}

function refusal(job: Job<unknown>, errno: string, cause: unknown): LifeguardError {
  const data = { what: `${job.lane} ${job.kind}`, errno };
  if (isFull(cause))
    return new LifeguardError(
      "STORE_FULL",
      `${job.kind} of ${job.lane} was not saved: the disk is full (${errno}); make room (remove sessions: rm, prune; or other files there) and try again`,
      data,
      { cause },
    );
  return new LifeguardError(
    "UNAVAILABLE",
    `${job.kind} of ${job.lane} was not saved: ${messageOf(cause)}; try again when the disk answers`,
    data,
    { cause },
  );
}
