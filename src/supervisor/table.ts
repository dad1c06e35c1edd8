/**
 * All sessions, live and ended: who is who, which names and slots are taken. An id is never used twice: the store mints them.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { LifeguardError } from "../errors.js";
import type { Ids } from "../persistence/store.js";
import { checkName, sessionId, sessionNumber, type SessionSpec } from "../session.js";
import type { SessionEntry } from "./entry.js";

export class SessionTable {
  /** Directory that holds one directory per session. */
  readonly directory: string;
  readonly #ids: Pick<Ids, "mint" | "seen" | "next">;
  readonly #entries = new Map<string, SessionEntry>();
  /** Live and ended ones by name: of a thousand, each new session and each call by name would look through all. */
  readonly #named = new Map<string, Set<SessionEntry>>();
  readonly #slots = new Set<number>();
  #lowestFreeSlot = 0;

  constructor(state: string, ids: Pick<Ids, "mint" | "seen" | "next">) {
    this.directory = join(state, "sessions");
    this.#ids = ids;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    // A store that was moved away, or is older than the spools: no new session goes on with the output of a forgotten one.
    for (const name of readdirSync(this.directory)) {
      const left = sessionNumber(name);
      if (Number.isSafeInteger(left)) ids.seen("session", left ?? 0);
    }
  }

  /** @returns at once; after `durable` the number is never given again, whatever happens */
  mint(): { number: number; id: string; durable: Promise<void> } {
    const { number, durable } = this.#ids.mint("session");
    return { number, id: sessionId(number), durable };
  }

  add(entry: SessionEntry): void {
    this.#entries.set(entry.id, entry);
    this.#index(entry);
    this.#ids.seen("session", entry.number);
    // A number used as a name moves the counter on, so that a session without a name never collides with it.
    if (/^[0-9]{1,15}$/.test(entry.spec.name)) this.#ids.seen("name", Number(entry.spec.name));
  }

  delete(entry: SessionEntry): void {
    this.#entries.delete(entry.id);
    this.#unindex(entry);
  }

  /** The one way to change the name of a session that is in the table. */
  rename(entry: SessionEntry, name: string): void {
    this.respecify(entry, { name });
  }

  /** Puts what is in `spec` in the place of what the session was made with, its name too. */
  respecify(entry: SessionEntry, spec: Partial<SessionSpec>): void {
    this.#unindex(entry);
    Object.assign(entry.spec, spec);
    this.#index(entry);
  }

  #index(entry: SessionEntry): void {
    // One that has been removed meanwhile is nobody's to find.
    if (this.#entries.get(entry.id) !== entry) return;
    const { name } = entry.spec;
    const named = this.#named.get(name);
    if (named === undefined) this.#named.set(name, new Set([entry]));
    else named.add(entry);
  }

  #unindex(entry: SessionEntry): void {
    const { name } = entry.spec;
    const named = this.#named.get(name);
    named?.delete(entry);
    if (named?.size === 0) this.#named.delete(name);
  }

  entries(): IterableIterator<SessionEntry> {
    return this.#entries.values();
  }

  /** Sessions of any kind. */
  get size(): number {
    return this.#entries.size;
  }

  /** Sessions with a process, or about to have one again. */
  get live(): number {
    let live = 0;
    for (const entry of this.#entries.values()) if (entry.live) live += 1;
    return live;
  }

  /** @throws LIMIT when `most` are live */
  refuseMore(most: number): void {
    if (this.size < most) return;
    const { live } = this;
    if (live < most) return;
    const problem = `${live} sessions are live, at most ${most} may be (daemon.max_sessions): end some, or raise it`;
    throw new LifeguardError("LIMIT", problem, { limit: most });
  }

  /** One line for people: `12 sessions: 3 busy, 8 idle, 1 attention`. */
  summary(): string {
    const counts = new Map<string, number>();
    for (const { live, state } of this.#entries.values()) if (live) counts.set(state, (counts.get(state) ?? 0) + 1);
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const parts = [...counts].map(([state, count]) => `${count} ${state}`);
    return `${all} session${all === 1 ? "" : "s"}${all === 0 ? "" : `: ${parts.join(", ")}`}`;
  }

  byId(id: string): SessionEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined)
      throw new LifeguardError("NOT_FOUND", `no session ${JSON.stringify(id)}: list all (ls --all) to see those there are`, {
        received: id,
      });
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
    let name: string;
    do name = String(this.#ids.mint("name").number);
    while (this.liveNamed(name) !== undefined);
    return name;
  }

  /** The name of a new session: the one given, or the next number. @throws INVALID_PARAMS, ALREADY_EXISTS */
  nameForNew(given: string | undefined): string {
    if (given === undefined) return this.mintName();
    const checked = checkName(given);
    if ("problem" in checked) throw new LifeguardError("INVALID_PARAMS", checked.problem, { field: "name" });
    this.claim(checked.name, null);
    return checked.name;
  }

  /** One whose process has ended no longer holds its name. */
  liveNamed(name: string): SessionEntry | undefined {
    for (const entry of this.#named.get(name) ?? []) if (entry.live) return entry;
    return undefined;
  }

  /** @throws ALREADY_EXISTS when another live session has this name */
  claim(name: string, claimant: SessionEntry | null): void {
    const holder = this.liveNamed(name);
    if (holder === undefined || holder === claimant) return;
    throw new LifeguardError(
      "ALREADY_EXISTS",
      `the live session ${holder.id} is named ${JSON.stringify(name)}: choose another name, or rename or remove that one`,
      { field: "name", id: holder.id },
    );
  }

  resolve(reference: string, options: { prefix: boolean }): SessionEntry {
    const exact = this.#entries.get(reference) ?? this.liveNamed(reference);
    if (exact !== undefined) return exact;
    // Of several ended sessions with this name, the newest is meant.
    const ended = [...this.#entries.values()].filter((entry) => entry.spec.name === reference).at(-1);
    if (ended !== undefined) return ended;
    const all = reference === "" ? [] : [...this.#entries.values()].filter(({ id, spec }) => beginsWith(reference, id, spec.name));
    if (options.prefix) {
      const live = all.filter((entry) => entry.live);
      const candidates = live.length > 0 ? live : all;
      if (candidates.length === 1) return candidates[0] as SessionEntry;
      if (candidates.length > 1) {
        const named = candidates.slice(0, 8).map((entry) => `${entry.id} (${entry.spec.name})`);
        const ended = all.length - candidates.length;
        throw new LifeguardError(
          "INVALID_PARAMS",
          `${JSON.stringify(reference)} could be ${named.join(", ")}${candidates.length > 8 ? ", …" : ""}${ended > 0 ? `, and ${ended} that ${ended === 1 ? "has" : "have"} ended` : ""}: write more of it`,
          { received: reference, candidates: named },
        );
      }
    }
    const [near] = all;
    const hint =
      options.prefix || near === undefined
        ? "list all (ls --all) to see those there are"
        : `${near.id} (${near.spec.name}) begins so, and here an id or a name counts in full only`;
    throw new LifeguardError("NOT_FOUND", `no session ${JSON.stringify(reference.slice(0, 80))}: ${hint}`, {
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

function beginsWith(beginning: string, ...words: readonly string[]): boolean {
  return words.some((word) => word.startsWith(beginning));
}
