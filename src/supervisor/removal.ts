/**
 * Taking a session away for good, whoever asked: its tombstone, its files in the store, then what it has outside. On a full disk this
 * is how room is made, so it needs none: what it has outside goes first then.
 */
import { rm } from "node:fs/promises";
import type { Durably } from "./durably.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Keeping } from "./keeping.js";
import type { SessionTable } from "./table.js";

/** What became of what ran. */
export interface RemovalKind {
  mode: "kill" | "detach";
  backend_alive: boolean;
}

export interface RemovalParts {
  table: SessionTable;
  events: EventLog;
  keeping: Keeping;
  durably: Durably;
}

export class Removal {
  readonly #p: RemovalParts;
  /** Those that the disk has not taken yet: whoever asks again waits for the same one. */
  readonly #underWay = new Map<SessionEntry, Promise<boolean>>();

  constructor(parts: RemovalParts) {
    this.#p = parts;
  }

  /**
   * Its process has ended, and nobody holds its files.
   * @param unless looked at when the removal runs: a reason not to, or null
   * @returns false when the store did not know it
   * @throws BUSY naming the fork that needs one of its checkpoints, or with the reason `unless` gave; STORE_FULL, UNAVAILABLE when the
   *   disk does not take it within the bound: it goes on by itself then
   */
  async remove(
    entry: SessionEntry,
    reason: "removed" | "retention",
    unless: () => string | null,
    how: RemovalKind = { mode: "kill", backend_alive: false },
  ): Promise<boolean> {
    let work = this.#underWay.get(entry);
    if (work === undefined) {
      work = this.#remove(entry, reason, unless, how).finally(() => this.#underWay.delete(entry));
      this.#underWay.set(entry, work);
    }
    return this.#p.durably.within(work, {
      what: `the removal of ${entry.id}`,
      meanwhile: "It goes on by itself as long as this daemon runs; until it is done the session is listed.",
    });
  }

  async #remove(entry: SessionEntry, reason: "removed" | "retention", unless: () => string | null, how: RemovalKind): Promise<boolean> {
    const { table, events, keeping } = this.#p;
    const outside = (): Promise<void> => rm(entry.directory, { recursive: true, force: true });
    // Nothing of it has to be saved from here on, unless it turns out that it stays.
    entry.removed = true;
    let known: boolean;
    try {
      // The tombstone first: whatever happens from here on, the session does not come back.
      known = await keeping.store.registry.remove(entry.id, { unless, makeRoom: outside });
    } catch (error) {
      entry.removed = false;
      throw error;
    }
    table.delete(entry);
    entry.fanout.removed();
    entry.waits.removed(entry.id);
    events.append("session.removed", entry.id, { reason, ...how });
    await outside();
    return known;
  }
}
