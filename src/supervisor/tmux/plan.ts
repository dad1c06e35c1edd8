/** What one listing of a tmux server means for the sessions known of it. Pure: a listing that failed never gets here. */
import type { TmuxSession } from "../../tmux/server.js";
import { isSame, type TmuxPlace } from "./place.js";

/** What is asked of a session of ours. */
export interface Known {
  place: TmuxPlace;
  /** It runs, as far as anybody knows. Otherwise it has ended, and may come back. */
  live: boolean;
}

export interface Plan<K extends Known> {
  /** There, under the name that is in `session` now. */
  present: { known: K; session: TmuxSession }[];
  /** Were live, and are not there: this server would have listed them. */
  gone: K[];
  /** Had ended, and are there: the very same, or a new one of the same name. */
  back: { known: K; session: TmuxSession }[];
  /** Nobody's yet. */
  found: TmuxSession[];
}

/** @param known all of this server, the longest known first */
export function planReconciliation<K extends Known>(known: readonly K[], listed: readonly TmuxSession[]): Plan<K> {
  const plan: Plan<K> = { present: [], gone: [], back: [], found: [] };
  const free = new Set(listed);
  for (const one of known) {
    if (!one.live) continue;
    const session = listed.find((candidate) => isSame(one.place, candidate));
    if (session === undefined) {
      plan.gone.push(one);
    } else if (free.delete(session)) {
      plan.present.push({ known: one, session });
    }
  }
  const ended = known.filter((one) => !one.live);
  for (const session of [...free]) {
    // The very same counts more than the same name, and the newest of a name more than an older one.
    const known = ended.find((one) => isSame(one.place, session)) ?? ended.findLast((one) => one.place.name === session.name);
    if (known === undefined) plan.found.push(session);
    else if (!plan.back.some((other) => other.known === known)) plan.back.push({ known, session });
    else plan.found.push(session);
  }
  return plan;
}
