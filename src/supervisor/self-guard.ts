/**
 * Whether a process runs inside a session. An agent may watch and ask about itself, but not type into, kill or restart itself:
 * no agent approves its own dialog (behaviour.md 1).
 */
import { readFileSync } from "node:fs";
import { LifeguardError } from "../errors.js";
import type { Caller } from "./api.js";
import type { SessionEntry } from "./entry.js";

const MAX_ANCESTORS = 64;

/** @param what the verb, for the refusal @throws FORBIDDEN */
export function refuseSelf(entry: SessionEntry, caller: Caller, what: string): void {
  if (entry.spec.allowSelf || entry.pid === null || caller.pid === 0) return;
  if (!runsInside(caller.pid, entry.pid)) return;
  throw new LifeguardError(
    "FORBIDDEN",
    `a process inside ${entry.id} may watch it but not ${what} it: no agent approves its own dialogs (create the session with allow_self to permit it)`,
    { pid: caller.pid },
  );
}

/**
 * True when `pid` is the session's process, a descendant of it, or of its login session; false where the system does not say.
 * @param leader pid of the session's process
 */
export function runsInside(pid: number, leader: number): boolean {
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
