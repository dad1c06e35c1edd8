/**
 * Which events a person is told of: three words for what the event log says in many. Pure; the daemon's notify command and the
 * bell of `lifeguard events --bell` read events through the same rules.
 */
import type { Confidence, ExitReason, SessionState } from "./session.js";

/**
 * `attention`: a session has begun to wait for a person. `failed`: a process has ended by itself, and not well. `finished`: a turn or a
 * command that took a while has ended, or a process has ended well after a while.
 */
export const NOTICES = ["attention", "failed", "finished"] as const;
export type Notice = (typeof NOTICES)[number];

/** An event as it is in the log and on the wire. */
export interface NoticedEvent {
  kind: string;
  session?: string;
  /** Milliseconds since 1970. */
  at: number;
  [field: string]: unknown;
}

/** What is known of a session whose process has ended. */
export interface EndedSession {
  startedAt: number | null;
  /** It was a shell that people type into: its exit status is that of whatever they typed last. */
  shell: boolean;
}

export class NoticeReader {
  readonly #finishedAfterMs: number;
  readonly #ended: (id: string) => EndedSession | null;
  /** Since when sessions work, by id. A dialog in between does not end a turn. */
  readonly #busySince = new Map<string, number>();

  /** @param finishedAfterMs what was over sooner is nothing to tell of @param ended null: nothing is known of that session */
  constructor(finishedAfterMs: number, ended: (id: string) => EndedSession | null) {
    this.#finishedAfterMs = finishedAfterMs;
    this.#ended = ended;
  }

  /** Events in their order. */
  read(event: NoticedEvent): Notice | null {
    const { session } = event;
    if (session === undefined) return null;
    if (event.kind === "session.state") return this.#state(session, event);
    if (event.kind === "session.exited") return this.#exited(session, event);
    if (event.kind === "session.removed") this.#busySince.delete(session);
    return null;
  }

  #state(session: string, event: NoticedEvent): Notice | null {
    const from = event["from"] as SessionState;
    const to = event["to"] as SessionState;
    if (to === "attention") return "attention";
    if (to === "busy") {
      if (!this.#busySince.has(session)) this.#busySince.set(session, event.at);
      return null;
    }
    const since = this.#busySince.get(session);
    this.#busySince.delete(session);
    if (since === undefined || from !== "busy" || (to !== "idle" && to !== "error")) return null;
    // Silence may mean anything: nobody is called for a guess.
    const { confidence } = event["evidence"] as { confidence: Confidence };
    return confidence !== "low" && event.at - since >= this.#finishedAfterMs ? "finished" : null;
  }

  #exited(session: string, event: NoticedEvent): Notice | null {
    this.#busySince.delete(session);
    const reason = event["reason"] as ExitReason;
    if (reason === "killed") return null;
    const ended = this.#ended(session);
    if (reason !== "process_exit" || event["signal"] !== null) return "failed";
    if (ended?.shell === true) return null;
    if (event["code"] !== 0) return "failed";
    return event.at - (ended?.startedAt ?? event.at) >= this.#finishedAfterMs ? "finished" : null;
  }
}
