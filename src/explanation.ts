/** Why a session's state is what it is: as the actor says it, and as it is on the wire. */
import type { Evidence, SessionState } from "./session.js";

/** Why a session's state is what it is. */
export interface Explanation {
  state: SessionState;
  /** Since when, ms since 1970. */
  since: number;
  evidence: Evidence | null;
  /** The profile whose rules decide; null: none does. `verified`: which versions it was checked against, and when. */
  tool: { name: string; title: string; revision: number; verified: string | null; files: string[] } | null;
  /** What shows now, and is said once it has lasted `hold_ms`. */
  held: { state: SessionState; rule: string; hold_ms: number; text: string } | null;
  /** The newest report and what became of it; null: nothing was reported. */
  report: ReportSeen | null;
  /** In order of precedence. `text` is what the rule matched, or what it lacked. */
  candidates: {
    source: string;
    rule: string;
    state: SessionState;
    region: string;
    outcome: "won" | "outranked" | "contradicted" | "no_match";
    text: string;
  }[];
  inputs: {
    title: string;
    progress: string;
    foreground: string | null;
    foreground_is_leader: boolean | null;
    cursor_line: string;
    shell_phase: string | null;
    quiet_ms: number | null;
    alternate_screen: boolean;
  };
  would_change: string[];
}

/** The newest report, for people. */
export interface ReportSeen {
  source: string;
  event: string;
  state: SessionState | null;
  reliable: boolean;
  at: number;
  age_ms: number;
  outcome: "won" | "outranked" | "contradicted" | "evidence" | "no_state";
  text: string;
}
