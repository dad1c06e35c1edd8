/** A session as the store's registry has it, and back. */
import type { RegistryRecord } from "../persistence/store.js";
import { sessionNumber } from "../session.js";
import { SessionEntry } from "./entry.js";
import { readPlace } from "./tmux/place.js";

export function recordOf(entry: SessionEntry): RegistryRecord {
  return {
    id: entry.id,
    spec: { ...entry.spec, cols: entry.size.cols, rows: entry.size.rows, env: { ...entry.spec.env }, labels: { ...entry.spec.labels } },
    state: entry.state,
    state_since: entry.stateSince,
    evidence: { ...entry.evidence },
    created_at: entry.createdAt,
    started_at: entry.startedAt,
    last_activity_at: entry.lastActivityAt,
    exit: entry.exit === null ? null : { ...entry.exit },
    epoch: entry.epoch,
    restarts: entry.restarts,
    killing: entry.killing,
    offset: entry.offset,
    title: entry.title,
    cwd: entry.cwd,
    conversation_id: entry.conversationId,
    token_count: entry.tokenCount,
    pinned: entry.pinned,
    parent_checkpoint: entry.parentCheckpoint,
    details: {
      last_checkpoint_at: entry.lastCheckpointAt,
      restart_due_at: entry.restartDueAt,
      restarted_at: [...entry.restartTimes],
      model: entry.model,
      last_skill: entry.lastSkill,
      context_limit: entry.ownContextLimit,
      transcript: entry.transcript,
      prompts: entry.prompts.toRecord(),
      ...(entry.tmux === null ? {} : { tmux: { ...entry.tmux } }),
    },
  };
}

/** An entry without a process; whoever finds the process makes it a running one. */
export function entryOf(record: RegistryRecord, sessions: string, now: number): SessionEntry {
  const entry = new SessionEntry(sessionNumber(record.id) ?? 0, record.id, record.spec, sessions, now, record.created_at);
  entry.phase = "ended";
  entry.state = record.state;
  entry.stateSince = record.state_since;
  if (record.evidence !== null) entry.evidence = record.evidence;
  entry.startedAt = record.started_at;
  entry.lastActivityAt = record.last_activity_at;
  entry.exit = record.exit;
  entry.epoch = record.epoch;
  entry.restarts = record.restarts;
  entry.killing = record.killing;
  entry.offset = record.offset;
  entry.title = record.title;
  entry.cwd = record.cwd;
  entry.conversationId = record.conversation_id;
  entry.tokenCount = record.token_count;
  entry.pinned = record.pinned;
  entry.parentCheckpoint = record.parent_checkpoint;
  entry.tmux = readPlace(record.details["tmux"]);
  entry.prompts.fromRecord(record.details["prompts"]);
  const number = (name: string): number | null => (typeof record.details[name] === "number" ? record.details[name] : null);
  const text = (name: string): string | null => (typeof record.details[name] === "string" ? record.details[name] : null);
  entry.lastCheckpointAt = number("last_checkpoint_at");
  entry.model = text("model");
  entry.lastSkill = text("last_skill");
  entry.ownContextLimit = number("context_limit");
  entry.transcript = text("transcript");
  const { restarted_at: times } = record.details;
  entry.restartDueAt = number("restart_due_at");
  entry.restartTimes = Array.isArray(times) ? times.filter((at) => typeof at === "number") : [];
  entry.dirty = false;
  return entry;
}
