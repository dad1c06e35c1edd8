/** What waits for the disk on behalf of one session, in order. */
import type { Job } from "./queue.js";

export interface Ticket {
  job: Job<unknown>;
  /** Monotonic milliseconds when it was put; a replacement keeps it. */
  since: number;
  /** Counted against the queue's bound; false in the waiting room. */
  admitted: boolean;
  running: boolean;
  /** The disk did not take it at the last try. */
  refused: boolean;
  /** Under way for too long. */
  stalled: boolean;
  settled: Promise<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

export class Lane {
  readonly name: string;
  /** The first one is, or will be, at p-queue. */
  readonly tickets: Ticket[] = [];
  readonly idle: (() => void)[] = [];
  /** A task of this lane is in p-queue, or rests before its next try. */
  scheduled = false;
  retry: NodeJS.Timeout | null = null;
  retryMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Something of it was not taken by the disk at its last try. */
  get refused(): boolean {
    return this.tickets.some((ticket) => ticket.refused);
  }

  /** The snapshot of this kind that a newer one may replace: not under way, and no delete after it that it would pass. */
  replaceable(kind: string): Ticket | undefined {
    for (const ticket of this.tickets.toReversed()) {
      if (ticket.job.class === "delete") return undefined;
      if (ticket.job.class === "snapshot" && ticket.job.kind === kind) return ticket.running ? undefined : ticket;
    }
    return undefined;
  }

  /**
   * When the first ticket is a snapshot that the disk has refused, or that waits for a place in the queue: what does not have to wait for it (entries, which are refused by name
   * then, and deletes, which give room) goes before it. Snapshots that come to stand behind a removal find it done, and have nothing
   * to save.
   * @returns whether another one is first now; only while none is running
   */
  passOver(): boolean {
    const [first] = this.tickets;
    if (first === undefined || first.job.class !== "snapshot" || (first.admitted && !first.refused)) return false;
    const found = this.tickets.findIndex(({ job, admitted }) => job.class !== "snapshot" && admitted);
    if (found < 0) return false;
    this.tickets.unshift(...this.tickets.splice(found, 1));
    return true;
  }

  add(job: Job<unknown>, since: number): Ticket {
    let resolve!: (value: unknown) => void;
    let reject!: (reason: unknown) => void;
    const settled = new Promise<unknown>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const ticket: Ticket = { job, since, admitted: false, running: false, refused: false, stalled: false, settled, resolve, reject };
    this.tickets.push(ticket);
    return ticket;
  }
}
