/**
 * Whether a process runs inside a session. An agent may watch and ask about itself, but not type into, kill or restart itself:
 * no agent approves its own dialog (behaviour.md 1).
 */
import { readFileSync } from "node:fs";
import { LifeguardError } from "../errors.js";
import type { Caller } from "./api.js";
import type { SessionEntry } from "./entry.js";

const MAX_ANCESTORS = 64;

/** A process and one above it, and so on. */
export interface Ancestor {
  pid: number;
  /** Its login session: the pid of the session's leader. */
  session: number;
  /** The kernel's name of it, at most 15 characters. */
  name: string;
}

/**
 * Remembers per connection: whose a connection is was settled when it was made, and a process that is not inside a session by
 * then is never inside it later. A look costs a read of /proc per ancestor, which a key's way to its echo would pay each time.
 */
export class SelfGuard {
  readonly #families = new Map<number, readonly Ancestor[]>();
  readonly #named = new Map<number, string | null>();

  /** The caller and the processes above it, nearest first; none where the system does not say. */
  family(caller: { connection: number; pid: number }): readonly Ancestor[] {
    let family = this.#families.get(caller.connection);
    if (family === undefined) {
      family = ancestry(caller.pid);
      this.#families.set(caller.connection, family);
    }
    return family;
  }

  isInside(caller: { connection: number; pid: number }, session: { pid: number | null }): boolean {
    return session.pid !== null && caller.pid !== 0 && belongs(this.family(caller), session.pid);
  }

  /**
   * The session whose environment the caller has: one that was set free of its parents is still the session's. Null: none, or one of
   * another daemon's, which is nobody here.
   */
  named(caller: { connection: number; pid: number }, socket: string): string | null {
    let named = this.#named.get(caller.connection);
    if (named === undefined) {
      const environment = environmentOf(caller.pid);
      named = environment.get("LIFEGUARD_SOCKET") === socket ? (environment.get("LIFEGUARD_SESSION") ?? null) : null;
      this.#named.set(caller.connection, named);
    }
    return named;
  }

  /** @param what the verb, for the refusal @throws FORBIDDEN */
  refuse(entry: SessionEntry, caller: Caller, what: string): void {
    if (entry.spec.allowSelf || !this.isInside(caller, entry)) return;
    throw new LifeguardError(
      "FORBIDDEN",
      `a process inside ${entry.id} may watch it but not ${what} it: no agent approves its own dialogs (allow_self of session.create permits it)`,
      { pid: caller.pid },
    );
  }

  forget(connection: number): void {
    this.#families.delete(connection);
    this.#named.delete(connection);
  }
}

/** True when the first of them is the session's process, a descendant of it, or of its login session. */
export function belongs(family: readonly Ancestor[], leader: number): boolean {
  // 0: of a tmux session that tmux has not told about yet.
  return leader > 0 && family.some(({ pid, session }) => pid === leader || session === leader);
}

/** From the process itself upwards. */
export function ancestry(pid: number): Ancestor[] {
  const family: Ancestor[] = [];
  let current = pid;
  while (family.length < MAX_ANCESTORS && current > 1) {
    const stat = processStat(current);
    if (stat === null) break;
    family.push({ pid: current, session: stat.session, name: stat.name });
    current = stat.parent;
  }
  return family;
}

/** Empty where the system does not say. */
function environmentOf(pid: number): Map<string, string> {
  try {
    const pairs = pid === 0 ? [] : readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return new Map(pairs.map((pair) => [pair.slice(0, Math.max(0, pair.indexOf("="))), pair.slice(pair.indexOf("=") + 1)]));
  } catch {
    return new Map();
  }
}

/** Fields 2, 4 and 6 of /proc/pid/stat, counted from behind the command's closing parenthesis, since a command may hold anything. */
function processStat(pid: number): { name: string; parent: number; session: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const close = text.lastIndexOf(")");
    const fields = text.slice(close + 2).split(" ");
    return { name: text.slice(text.indexOf("(") + 1, close), parent: Number(fields[1]), session: Number(fields[3]) };
  } catch {
    return null;
  }
}
