/** Events of the daemon applied to the sessions that `top` shows. Pure. */
import type { Evidence, SessionExit, SessionState, SessionSummary } from "../../session.js";

/** One event as it comes from the daemon: kind and session always, the rest by kind. */
export interface SeenEvent {
  kind: string;
  session?: string;
  at: number;
  [field: string]: unknown;
}

/**
 * @returns the sessions after it, or `list` when the event does not say enough and the sessions have to be listed again; the very
 *   same map when nothing that is shown has changed
 */
export function applied(sessions: ReadonlyMap<string, SessionSummary>, event: SeenEvent): ReadonlyMap<string, SessionSummary> | "list" {
  const id = event.session;
  if (id === undefined) return event.kind === "daemon.started" ? "list" : sessions;
  if (event.kind === "session.created") {
    const summary = event["summary"] as SessionSummary | undefined;
    return summary === undefined ? "list" : new Map(sessions).set(id, summary);
  }
  // It is about to be started again: still there, in another state.
  if (event.kind === "session.exited" && event["restarting"] === true) return "list";
  if (event.kind === "session.removed" || event.kind === "session.exited") {
    if (!sessions.has(id)) return sessions;
    const left = new Map(sessions);
    left.delete(id);
    return left;
  }
  const known = sessions.get(id);
  if (known === undefined) return event.kind === "session.state" || event.kind === "session.restarted" ? "list" : sessions;
  const change = changeOf(event);
  if (change === "list") return "list";
  return change === null ? sessions : new Map(sessions).set(id, { ...known, ...change });
}

function changeOf(event: SeenEvent): Partial<SessionSummary> | "list" | null {
  switch (event.kind) {
    case "session.state":
      return {
        state: event["to"] as SessionState,
        evidence: event["evidence"] as Evidence,
        state_since: event.at,
        // It has just changed: how it rests later comes with the next list.
        rest_state: event["to"] === "exited" ? "deep_sleep" : "active",
        exit: (event["exit"] as SessionExit | undefined) ?? null,
      };
    case "session.title":
      return typeof event["title"] === "string" ? { title: event["title"] } : "list";
    case "session.cwd":
      return typeof event["cwd"] === "string" ? { cwd: event["cwd"] } : "list";
    case "session.renamed":
      return typeof event["name"] === "string" ? { name: event["name"] } : "list";
    case "session.resized":
      return { cols: Number(event["cols"]), rows: Number(event["rows"]) };
    case "session.thought":
      return event["thought"] === undefined ? "list" : { thought: event["thought"] as SessionSummary["thought"] };
    case "session.command":
    case "session.health":
    case "session.restarted":
    case "session.tool":
      return "list";
    default:
      return null;
  }
}
