/**
 * Taking the lease of sessions: from here on this process alone reads their masters. Window by window, because descriptors under way
 * unacknowledged fill a socket's queue, and both sides wait for ever once it is full.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BOUNDS } from "../bounds.js";
import { LifeguardError } from "../errors.js";
import { closeDescriptor } from "../libc/descriptors.js";
import type { Log } from "../log.js";
import type { KeptExit } from "./custody-types.js";
import type { KeeperLink } from "./keeper-link.js";
import type { Answer, KeptRecord } from "./keeper-protocol.js";

/** What we keep of a session: enough to give it to another keeper. */
export interface Held extends Omit<KeptRecord, "exit"> {
  /** Our own duplicate; null until `masters` was asked for. */
  master: number | null;
  /** The keeper that has it; null when that one died after the session's exit was known. */
  link: KeeperLink | null;
  exit: KeptExit | null;
  /** Born after whoever asked for it had given up: it is being ended, and its exit is nobody's news. */
  unwanted: boolean;
}

export interface LeaseParts {
  held: ReadonlyMap<number, Held>;
  /** Waits for the successor of a keeper that died. */
  settled(): Promise<unknown>;
  log: Log;
}

/** How long another daemon's process may go on living before its sessions are given up. At the bound: BUSY. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;
const WINDOW = BOUNDS.descriptorWindow;

/** @throws LifeguardError BUSY when another daemon's process goes on living, TIMEOUT, UNAVAILABLE */
export async function takeLease(asked: readonly Held[], parts: LeaseParts, take: (session: number, master: number) => void): Promise<void> {
  const patience = performance.now() + PATIENCE_MS;
  for (const link of new Set(asked.map((held) => held.link))) {
    const all = asked.filter((held) => held.link === link);
    for (let first = 0; first < all.length; first += WINDOW) {
      let wanted = all.slice(first, first + WINDOW);
      while (wanted.length > 0 && link !== null) {
        const arrived = await leaseOf(link, wanted, parts);
        for (const held of arrived) if (held.master !== null) take(held.session, held.master);
        wanted = wanted.filter((held) => !arrived.includes(held) && parts.held.get(held.session) === held);
        if (wanted.length === 0) break;
        if (performance.now() > patience)
          throw new LifeguardError("BUSY", `${wanted.length} sessions are still read by another daemon's process`, {
            sessions: wanted.map((held) => held.session),
          });
        await sleep(POLL_MS);
      }
      // Of a keeper that died: nobody else reads these.
      if (link === null) for (const held of wanted) if (held.master !== null) take(held.session, held.master);
    }
  }
}

/** One round for at most {@link WINDOW} sessions; those whose lease is ours now. */
async function leaseOf(link: KeeperLink, wanted: Held[], parts: LeaseParts): Promise<Held[]> {
  let answer: Answer<"masters">;
  try {
    answer = await link.call("masters", { sessions: wanted.map((held) => held.session) });
  } catch (error) {
    if (!link.closed) throw error;
    // It died: what was ours stays ours, and its successor gives us the lease with the adoption.
    await parts.settled();
    return wanted.filter((held) => held.master !== null || held.exit !== null);
  }
  for (const session of answer.unknown) parts.log.warn({ session }, "the keeper does not know a session that it listed");
  const arrived = wanted.filter((held) => answer.unknown.includes(held.session));
  for (const tag of answer.sent) {
    const held = parts.held.get(tag.session);
    const master = link.takeMaster(tag);
    if (master === null) continue;
    if (held === undefined || held.master !== null) closeDescriptor(master);
    else held.master = master;
    if (held === undefined) continue;
    held.generation = tag.generation;
    arrived.push(held);
  }
  return arrived;
}
