import type { DetectorInput } from "../../../src/actors/detector.js";

export const SETTINGS = { idleHoldMs: 1_500, errorLingerMs: 4_000, attentionAfterMs: 300_000 };

/** What a detector sees of a shell that nobody has typed to and that has printed nothing. */
export function quietShell(now: number): DetectorInput {
  return {
    now,
    lastOutputAt: 0,
    startedAt: now,
    foreground: { group: 1, isLeader: true, command: "bash" },
    osc133: null,
    cursorLine: () => "",
    altScreen: false,
    lastInputAt: 0,
    seenAt: 0,
    leaderIsShell: true,
    progress: "",
    notification: null,
    tool: null,
  };
}
