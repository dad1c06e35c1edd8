/** The one place where a session's state and its conversation change: table, event and waiters move together. */
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

/** A state by the supervisor's own word, which is certain. */
export function sayState(
  entry: SessionEntry,
  { state, rule, detail }: { state: SessionState; rule: string; detail: string },
  events: EventLog,
  clock: Clock,
): void {
  setState(entry, state, { source: "supervisor", rule, confidence: "high", at: clock.now(), detail }, events, clock);
}

/** The conversation that its tool is in, null when there is none that is known. */
export function startConversation(entry: SessionEntry, to: string | null, events: EventLog): void {
  const from = entry.conversationId;
  if (from === to) return;
  entry.inConversation(to);
  entry.dirty = true;
  events.append("session.conversation", entry.id, { from, to });
}
