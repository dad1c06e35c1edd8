/**
 * Whether a process runs inside a session. An agent may watch and ask about itself, but not type into, kill or restart itself:
 * no agent approves its own dialog (behaviour.md 1).
 */
import { readFileSync } from "node:fs";
import { LifeguardError } from "../errors.js";
import type { Caller } from "./api.js";
import type { SessionEntry } from "./entry.js";

const MAX_ANCESTORS = 64;

/**
 * Remembers per connection: whose a connection is was settled when it was made, and a process that is not inside a session by
 * then is never inside it later. A look costs a read of /proc per ancestor, which a key's way to its echo would pay each time.
 */
export class SelfGuard {
  readonly #verdicts = new Map<number, WeakMap<object, { epoch: number; pid: number; inside: boolean }>>();

  /** @param session one object for the session's whole life */
  isInside(caller: { connection: number; pid: number }, session: { pid: number | null; epoch: number }): boolean {
    if (session.pid === null || session.pid === 0 || caller.pid === 0) return false;
    const verdicts = this.#verdicts.get(caller.connection) ?? new WeakMap<object, { epoch: number; pid: number; inside: boolean }>();
    this.#verdicts.set(caller.connection, verdicts);
    const known = verdicts.get(session);
    // A tmux session's process is that of its active pane.
    if (known?.epoch === session.epoch && known.pid === session.pid) return known.inside;
    const inside = runsInside(caller.pid, session.pid);
    verdicts.set(session, { epoch: session.epoch, pid: session.pid, inside });
    return inside;
  }

  /** @param what the verb, for the refusal @throws FORBIDDEN */
  refuse(entry: SessionEntry, caller: Caller, what: string): void {
    if (entry.spec.allowSelf || !this.isInside(caller, entry)) return;
    throw new LifeguardError(
      "FORBIDDEN",
      `a process inside ${entry.id} may watch it but not ${what} it: no agent approves its own dialogs (create the session with allow_self to permit it)`,
      { pid: caller.pid },
    );
  }

  forget(connection: number): void {
    this.#verdicts.delete(connection);
  }
}

/**
 * True when `pid` is the session's process, a descendant of it, or of its login session; false where the system does not say.
 * @param leader pid of the session's process
 */
function runsInside(pid: number, leader: number): boolean {
  let current = pid;
  for (let step = 0; step < MAX_ANCESTORS && current > 1; step++) {
    if (current === leader) return true;
    const stat = processStat(current);
    if (stat === null) return false;
    if (stat.session === leader) return true;
    current = stat.parent;
  }
  return false;
}

/** Fields 4 and 6 of /proc/pid/stat, counted from behind the command's closing parenthesis, since a command may hold anything. */
function processStat(pid: number): { parent: number; session: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), session: Number(fields[3]) };
  } catch {
    return null;
  }
}
