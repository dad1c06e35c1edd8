/** What engines see of the sessions, and where their thoughts go. The supervisor implements it; engines know nothing else of it. */
import type { RestState, SessionState } from "../session.js";

/** A session as an engine sees it. Times are milliseconds since 1970. */
export interface SessionView {
  id: string;
  name: string;
  /** The coding agent in front, by its profile's name. */
  tool: string | null;
  state: SessionState;
  stateSince: number;
  rest: RestState;
  title: string;
  cwd: string;
  /** The program in front of a shell. */
  command: string | null;
  /** Bytes of output so far. */
  offset: number;
  tokenCount: number | null;
  contextLimit: number | null;
  /** False: its process has ended. */
  live: boolean;
}

/** The newest thought of a session, whoever had it. */
export interface Known {
  text: string;
  state: "active" | "holding" | "sleeping";
  source: "llm" | "carry_forward" | "static_sleeping" | "rule";
  objective_fingerprint: string | null;
  objective_changed_at: number | null;
  updated_at: number;
}

/** Fields of `thought.publish`. What is left out stays as it was. */
export interface Update {
  text: string;
  state?: Known["state"];
  source?: Known["source"];
  rest_state?: RestState;
  commit_candidate?: boolean;
  action_cues?: string[];
  objective_fingerprint?: string;
  token_count?: number;
  context_limit?: number;
  updated_at?: number;
  stream_instance_id?: string;
  emission_seq?: number;
}

export interface World {
  /** Those with a process. */
  sessions(): SessionView[];
  session(id: string): SessionView | null;
  thought(id: string): Known | null;
  /** The last words on its screen, at most so many characters; "" when it cannot say so soon. Never rejects. */
  tail(id: string, chars: number): Promise<string>;
  /** @throws LifeguardError when there is no such session, or the update is none */
  publish(id: string, update: Update): { accepted: boolean; reason?: string };
  /** Calls with the session whose state, title or tool has changed, until the answer is called. */
  follow(listener: (kind: "state" | "title", id: string) => void): () => void;
}
