/**
 * The life and end of a session's process, as data: phase × event → phase. Nothing here does anything; the lifecycle takes each
 * step through this table, so that a second word of the same exit, or of a life that is over, moves nothing.
 *
 * ```
 * launching ─started─▶ running ─ended─▶ draining ─drained─▶ retiring ─freed─▶ ended
 *     │                  │                 └──────restart─▶ backoff ─due─▶ launching
 *     │                  └─released─▶ handed_over               └─killed─▶ retiring
 *     └─refused─▶ retiring, or backoff
 * ```
 */
import type { ExitReason, SessionExit } from "../session.js";

export type Phase = "launching" | "running" | "handed_over" | "draining" | "backoff" | "retiring" | "ended";

export type ExitStep =
  /** The process runs and its actor has it. */
  | "started"
  /** No process came to be, and the policy wants no other try. */
  | "refused"
  /** The same, and the policy wants another. */
  | "refused_again"
  /** This daemon ends and the process does not: its keeper reads the terminal. */
  | "released"
  /** The wait status is known, or known to be lost. Never end of file on the terminal: a program may close and reopen it. */
  | "ended"
  /** All that the terminal held is in the spool, and the policy lets the session end. */
  | "drained"
  /** The same, and the policy starts it again. */
  | "restart"
  /** The back-off is over, or somebody starts an ended session again. */
  | "due"
  /** Somebody ends a session that waits to be started again. */
  | "killed"
  /** Actor stopped, master closed, zombie reaped. */
  | "freed";

const STEPS: Readonly<Record<Phase, Partial<Record<ExitStep, Phase>>>> = {
  // A process may end before its actor is up: what it printed is in the terminal, and the actor drains it.
  launching: { started: "running", refused: "retiring", refused_again: "backoff", ended: "draining" },
  running: { ended: "draining", released: "handed_over" },
  // Its end is the next daemon's to tell. To free it here would take from the keeper what nobody has read yet.
  handed_over: {},
  draining: { drained: "retiring", restart: "backoff" },
  backoff: { due: "launching", killed: "retiring" },
  retiring: { freed: "ended" },
  ended: { due: "launching" },
};

/** The phase that an event leads to; null when it means nothing in this phase: it is to be ignored. */
export function exitStep(phase: Phase, event: ExitStep): Phase | null {
  return STEPS[phase][event] ?? null;
}

/** Why a process ended, in one word. A kill of ours explains any status, also a lost one. */
export function exitReason(
  exit: { code: number | null; signal: number | string | null },
  circumstances: { killing: boolean },
): Extract<ExitReason, "killed" | "lost" | "process_exit"> {
  if (circumstances.killing) return "killed";
  return exit.code === null && exit.signal === null ? "lost" : "process_exit";
}

/** For people. */
export function describeExit(exit: SessionExit): string {
  if (exit.reason === "spawn_failed") return "the process could not be started";
  if (exit.signal !== null) return `ended by ${exit.signal}`;
  return exit.code === null ? "ended, its exit status is lost" : `exited with code ${exit.code}`;
}
