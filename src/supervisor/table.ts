/**
 * All sessions, live and ended: who is who, which names and slots are taken, which number comes next.
 * An id is never used twice. Numbers of sessions that are gone without a trace (removed) are remembered in one small file.
 */
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileSync } from "atomically";
import { LifeguardError } from "../errors.js";
import { sessionId, sessionNumber } from "../session.js";
import type { SessionEntry } from "./entry.js";

export class SessionTable {
  /** Directory that holds one directory per session. */
  readonly directory: string;
  readonly #markPath: string;
  readonly #entries = new Map<string, SessionEntry>();
  readonly #slots = new Set<number>();
  #lowestFreeSlot = 0;
  #highest: number;
  /** What the file says; written before the last trace of a higher number is deleted. */
  #mark: number;
  #nextName = 1;

  constructor(state: string) {
    this.directory = join(state, "sessions");
    this.#markPath = join(state, "last-session-number");
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    this.#mark = readMark(this.#markPath);
    this.#highest = this.#mark;
    for (const name of readdirSync(this.directory)) this.noteNumber(sessionNumber(name) ?? 0);
  }

  /** A number seen anywhere: the next one minted is greater. */
  noteNumber(number: number): void {
    this.#highest = Math.max(this.#highest, number);
  }

  mint(): { number: number; id: string } {
    this.#highest += 1;
    return { number: this.#highest, id: sessionId(this.#highest) };
  }

  /** Call before a session's directory is deleted: afterwards only this mark remembers that its number was used. */
  rememberNumbers(): void {
    if (this.#mark >= this.#highest) return;
    this.#mark = this.#highest;
    writeFileSync(this.#markPath, `${this.#mark}\n`, { mode: 0o600 });
  }

  add(entry: SessionEntry): void {
    this.#entries.set(entry.id, entry);
    this.noteNumber(entry.number);
    // A number used as a name moves the counter on, so that a session without a name never collides with it.
    if (/^[0-9]{1,15}$/.test(entry.spec.name)) this.#nextName = Math.max(this.#nextName, Number(entry.spec.name) + 1);
  }

  delete(entry: SessionEntry): void {
    this.#entries.delete(entry.id);
  }

  entries(): IterableIterator<SessionEntry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  byId(id: string): SessionEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined)
      throw new LifeguardError("NOT_FOUND", `no session ${JSON.stringify(id)}: session.list shows those there are`, { received: id });
    return entry;
  }

  find(id: string): SessionEntry | null {
    return this.#entries.get(id) ?? null;
  }

  byNumber(number: number): SessionEntry | undefined {
    return this.#entries.get(sessionId(number));
  }

  /** A name for a session whose user gave none: the next number of a counter that only grows. */
  mintName(): string {
    while (this.liveNamed(String(this.#nextName)) !== undefined) this.#nextName += 1;
    return String(this.#nextName++);
  }

  /** One whose process has ended no longer holds its name, also while it waits for the reaper. */
  liveNamed(name: string): SessionEntry | undefined {
    for (const entry of this.#entries.values()) if (entry.live && entry.phase !== "retiring" && entry.spec.name === name) return entry;
    return undefined;
  }

  resolve(reference: string, options: { prefix: boolean }): SessionEntry {
    const exact = this.#entries.get(reference) ?? this.liveNamed(reference);
    if (exact !== undefined) return exact;
    // Of several ended sessions with this name, the newest is meant.
    const ended = [...this.#entries.values()].filter((entry) => entry.spec.name === reference).at(-1);
    if (ended !== undefined) return ended;
    if (options.prefix && reference !== "") {
      const all = [...this.#entries.values()].filter((entry) => entry.id.startsWith(reference) || entry.spec.name.startsWith(reference));
      const live = all.filter((entry) => entry.live);
      const candidates = live.length > 0 ? live : all;
      if (candidates.length === 1) return candidates[0] as SessionEntry;
      if (candidates.length > 1) {
        const named = candidates.slice(0, 8).map((entry) => `${entry.id} (${entry.spec.name})`);
        throw new LifeguardError(
          "INVALID_PARAMS",
          `${JSON.stringify(reference)} could be ${named.join(", ")}${candidates.length > 8 ? ", …" : ""}: write more of it`,
          { received: reference, candidates: named },
        );
      }
    }
    throw new LifeguardError("NOT_FOUND", `no session ${JSON.stringify(reference.slice(0, 80))}: session.list shows those there are`, {
      received: reference.slice(0, 80),
    });
  }

  /** The lowest free slot of the in-flight file. */
  takeSlot(): number {
    let slot = this.#lowestFreeSlot;
    while (this.#slots.has(slot)) slot += 1;
    this.#slots.add(slot);
    this.#lowestFreeSlot = slot + 1;
    return slot;
  }

  holdSlot(slot: number): void {
    this.#slots.add(slot);
  }

  freeSlot(slot: number): void {
    this.#slots.delete(slot);
    this.#lowestFreeSlot = Math.min(this.#lowestFreeSlot, slot);
  }
}

function readMark(path: string): number {
  try {
    const number = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(number) && number > 0 ? number : 0;
  } catch {
    return 0;
  }
}
