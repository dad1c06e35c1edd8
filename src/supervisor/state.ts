/** The one place where a session's state changes: table, event and waiters move together. */
import type { Clock } from "../clock.js";
import type { Evidence, SessionState } from "../session.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";

export function setState(entry: SessionEntry, state: SessionState, evidence: Evidence, events: EventLog, clock: Clock): void {
  entry.evidence = evidence;
  if (entry.state === state) return;
  const from = entry.state;
  entry.state = state;
  entry.stateSince = clock.now();
  entry.dirty = true;
  events.append("session.state", entry.id, { from, to: state, evidence });
  entry.waits.changed({ state, evidence });
}
