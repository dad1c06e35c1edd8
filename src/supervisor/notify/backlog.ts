/**
 * What waits to be told, and what may be told now. Pure: times come in as arguments, in ms of one clock that never goes back.
 * One notice waits per session, the newest: a session that flaps is told of once, with the count. When more sessions are due than may
 * be told of, what waits is told in one.
 */
import type { Notice } from "../../notices.js";

export interface BacklogSettings {
  /** Least time between two notices of one session. */
  sessionEveryMs: number;
  /** Notices a minute, all sessions together. */
  perMinute: number;
  /** Runs at once. */
  atOnce: number;
}

export interface Waiting {
  session: string;
  notice: Notice;
  /** When it happened, ms since 1970. */
  at: number;
  /** How many older ones of this session it stands for. */
  coalesced: number;
}

/** What to tell now: the first is the one it is about, the others are told with it. Or how long to wait, null for ever. */
export type Next = { tell: [Waiting, ...Waiting[]] } | { waitMs: number | null };

const MINUTE_MS = 60_000;
const RANK: Record<Notice, number> = { attention: 0, failed: 1, finished: 2 };

export class Backlog {
  readonly #settings: BacklogSettings;
  readonly #waiting = new Map<string, Waiting>();
  /** When each session was last told of; only while that still matters. */
  readonly #toldAt = new Map<string, number>();
  /** The runs of the last minute. */
  #runs: number[] = [];
  /** Something was due and could not be told: what waits goes together. */
  #heldBack = false;

  constructor(settings: BacklogSettings) {
    this.#settings = settings;
  }

  /** True while the bound of all sessions holds notices back. */
  get heldBack(): boolean {
    return this.#heldBack;
  }

  add(session: string, notice: Notice, at: number): void {
    const before = this.#waiting.get(session);
    // Last in the order: the oldest that waits is told first.
    this.#waiting.delete(session);
    this.#waiting.set(session, { session, notice, at, coalesced: before === undefined ? 0 : before.coalesced + 1 });
  }

  forget(session: string): void {
    this.#waiting.delete(session);
    this.#toldAt.delete(session);
  }

  /** @param running runs under way */
  next(now: number, running: number): Next {
    const { sessionEveryMs, perMinute, atOnce } = this.#settings;
    for (const [session, at] of this.#toldAt) if (now - at >= sessionEveryMs) this.#toldAt.delete(session);
    const due = [...this.#waiting.values()].filter(({ session }) => !this.#toldAt.has(session));
    if (due.length === 0) {
      this.#heldBack = false;
      const waits = [...this.#waiting.keys()].map((session) => (this.#toldAt.get(session) ?? now) + sessionEveryMs - now);
      return { waitMs: waits.length === 0 ? null : Math.max(1, Math.min(...waits)) };
    }
    this.#runs = this.#runs.filter((at) => now - at < MINUTE_MS);
    if (this.#runs.length >= perMinute) {
      this.#heldBack = true;
      return { waitMs: Math.max(1, (this.#runs[0] ?? now) + MINUTE_MS - now) };
    }
    if (running >= atOnce) {
      this.#heldBack = true;
      return { waitMs: null };
    }
    const [first, ...more] = this.#heldBack ? due.sort((a, b) => RANK[a.notice] - RANK[b.notice]) : due.slice(0, 1);
    if (first === undefined) return { waitMs: null };
    this.#heldBack = false;
    this.#runs.push(now);
    for (const { session } of [first, ...more]) {
      this.#waiting.delete(session);
      this.#toldAt.set(session, now);
    }
    return { tell: [first, ...more] };
  }
}
