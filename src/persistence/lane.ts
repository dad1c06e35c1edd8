/** What waits for the disk on behalf of one session, in order. */
import type { Job } from "./queue.js";

export interface Ticket {
  job: Job<unknown>;
  /** Monotonic milliseconds when it was put; a replacement keeps it. */
  since: number;
  /** Counted against the queue's bound; false in the waiting room. */
  admitted: boolean;
  running: boolean;
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

  /** The snapshot of this kind that a newer one may replace: not under way, and no delete after it that it would pass. */
  replaceable(kind: string): Ticket | undefined {
    for (const ticket of this.tickets.toReversed()) {
      if (ticket.job.class === "delete") return undefined;
      if (ticket.job.class === "snapshot" && ticket.job.kind === kind) return ticket.running ? undefined : ticket;
    }
    return undefined;
  }

  add(job: Job<unknown>, since: number): Ticket {
    let resolve!: (value: unknown) => void;
    let reject!: (reason: unknown) => void;
    const settled = new Promise<unknown>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const ticket: Ticket = { job, since, admitted: false, running: false, stalled: false, settled, resolve, reject };
    this.tickets.push(ticket);
    return ticket;
  }
}
