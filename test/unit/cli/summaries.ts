/** Summaries for tests: complete, and different only where the test says. */
import type { SessionSummary } from "../../../src/session.js";

export const NOW = Date.UTC(2026, 0, 31, 12);

export function summary(number: number, change: Partial<SessionSummary> = {}): SessionSummary {
  return {
    id: `sess_${number}`,
    name: `s${number}`,
    labels: {},
    tool: null,
    command: "bash",
    args: [],
    cwd: "/home/u/work",
    pid: 1000 + number,
    cols: 120,
    rows: 40,
    created_at: NOW - 100_000,
    started_at: NOW - 100_000,
    last_activity_at: NOW - 10_000,
    state: "idle",
    state_since: NOW - 10_000,
    evidence: { source: "silence", rule: "quiet", confidence: "low", at: NOW - 10_000, detail: "no rule matched" },
    rest_state: "active",
    exit: null,
    title: "",
    current_command: null,
    conversation_id: null,
    thought: null,
    last_skill: null,
    repo: null,
    prompt_delivery: null,
    token_count: null,
    context_limit: null,
    model: null,
    epoch: 1,
    offset: 10,
    watchers: 0,
    writer: null,
    backend: "pty",
    health: "ok",
    restarts: 0,
    pinned: false,
    dirty: false,
    last_checkpoint_at: null,
    recovered_from: null,
    ...change,
  };
}
