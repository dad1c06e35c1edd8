/**
 * The 30 s checkpoint loop. Each session has its own moment within the period (by its number), so that a thousand that changed at
 * once are not saved at once; one that has not changed is not looked at twice. A tick never waits for the disk: a session whose last
 * save is still under way is passed over until its next moment.
 */
import type { SessionEntry } from "./entry.js";
import type { Keeping } from "./keeping.js";
import type { SessionTable } from "./table.js";

/** Moments within one period. */
const PARTS = 120;

export class CheckpointLoop {
  readonly #table: SessionTable;
  readonly #keeping: Keeping;
  readonly #periodMs: number;
  readonly #under = new Set<SessionEntry>();
  #part = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(table: SessionTable, keeping: Keeping, periodMs: number) {
    this.#table = table;
    this.#keeping = keeping;
    this.#periodMs = periodMs;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), Math.max(1, this.#periodMs / PARTS));
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.#part = (this.#part + 1) % PARTS;
    for (const entry of this.#table.entries()) {
      if (!entry.dirty || entry.asleep || entry.number % PARTS !== this.#part || this.#under.has(entry)) continue;
      this.#under.add(entry);
      this.#keeping
        .checkpoint(entry, "periodic")
        .catch(() => undefined) // Logged and announced there; the session is dirty again.
        .finally(() => this.#under.delete(entry));
    }
  }
}
