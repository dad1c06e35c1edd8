/**
 * The end of a session's process, as data: phase × event → phase, actions. Nothing here does anything; whoever drives it performs
 * the actions in their order and feeds what comes of them back as events.
 *
 * ```
 * launching ─started─▶ running ─ended─▶ draining ─drained─▶ retiring ─freed─▶ ended
 *     │                                    └──────restart─▶ backoff ─due─▶ launching
 *     └─refused─▶ (restart policy)                             └─killed─▶ retiring
 * ```
 */
import type { ExitReason } from "../session.js";

export type Phase = "launching" | "running" | "draining" | "backoff" | "retiring" | "ended";

export type ExitStep =
  /** The process runs and its actor has it. */
  | "started"
  /** No process came to be, and the policy wants no other try. */
  | "refused"
  /** The same, and the policy wants another. */
  | "refused_again"
  /** The wait status is known, or known to be lost. Never end of file on the terminal: a program may close and reopen it. */
  | "ended"
  /** All that the terminal held is in the spool, and the policy lets the session end. */
  | "drained"
  /** The same, and the policy starts it again. */
  | "restart"
  /** The back-off is over. */
  | "due"
  /** Somebody ends the session for good. */
  | "killed"
  /** Actor stopped, master closed, zombie reaped. */
  | "freed";

export type ExitAction = "drain" | "announce" | "free" | "wait" | "cancel_wait" | "launch" | "kill_tree";

export interface Step {
  phase: Phase;
  actions: readonly ExitAction[];
}

const STEPS: Readonly<Record<Phase, Partial<Record<ExitStep, Step>>>> = {
  launching: {
    started: { phase: "running", actions: [] },
    refused: { phase: "retiring", actions: ["announce", "free"] },
    refused_again: { phase: "backoff", actions: ["announce", "free", "wait"] },
    // A process may end before its actor is up: what it printed is in the terminal and the actor drains it.
    ended: { phase: "draining", actions: ["drain"] },
    killed: { phase: "launching", actions: ["kill_tree"] },
  },
  running: {
    ended: { phase: "draining", actions: ["drain"] },
    killed: { phase: "running", actions: ["kill_tree"] },
  },
  draining: {
    drained: { phase: "retiring", actions: ["announce", "free"] },
    restart: { phase: "backoff", actions: ["announce", "free", "wait"] },
    // The leader is gone, its descendants may not be.
    killed: { phase: "draining", actions: ["kill_tree"] },
    // The launch went on while the exit came.
    started: { phase: "draining", actions: [] },
  },
  backoff: {
    due: { phase: "launching", actions: ["launch"] },
    killed: { phase: "retiring", actions: ["cancel_wait", "announce", "free"] },
    freed: { phase: "backoff", actions: [] },
  },
  retiring: {
    freed: { phase: "ended", actions: [] },
    killed: { phase: "retiring", actions: [] },
  },
  ended: {
    killed: { phase: "ended", actions: [] },
  },
};

/**
 * What an event does in a phase; null when it means nothing there (a second word of the same exit, an event of a life that is
 * over): it is to be ignored.
 */
export function exitStep(phase: Phase, event: ExitStep): Step | null {
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
