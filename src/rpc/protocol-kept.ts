/**
 * The part of the contract about what is kept: checkpoints, forks, journals, thoughts and the store itself. Types only; versions
 * and rules are those of protocol.ts.
 */
import type { Backend, Isolation, RestartPolicy, RestState, SessionSummary } from "../session.js";
import type { EngineStatus, ThoughtSettings, ThoughtTest } from "../thought-engine.js";

export type { EngineStatus, ThoughtSettings, ThoughtTest };

export type CheckpointKind = "periodic" | "manual" | "exit" | "shutdown";
export type ForkStatus = "active" | "merged" | "abandoned" | "archived";
export type EntryKind = "message" | "thought" | "event" | "compact" | "note";
export type Codec = "none" | "deflate" | "brotli";

/** A checkpoint without its contents. `checkpoint` is its id, `generation` the order: it grows, whatever the clock does. */
export interface CheckpointRow {
  checkpoint: string;
  session: string;
  generation: number;
  kind: CheckpointKind;
  label: string | null;
  /** What its session was restored or forked from. */
  parent: string | null;
  created_at: number;
  epoch: number;
  /** Bytes of output when it was made. */
  offset: number;
  tasks_completed: number;
  token_count: number;
  /** Of `state` as compact JSON. */
  state_size_bytes: number;
  context_bytes: number;
  context_stored_bytes: number;
  codec: Codec;
  /** SHA-256 of the context, hex. */
  checksum: string | null;
  terminal_bytes: number;
  /** Of its file. */
  bytes: number;
}

/** What the session was made with. Of the environment only the names: values may be secrets. */
export interface CheckpointSpec {
  name: string;
  cwd: string;
  tool: string | null;
  command: string;
  args: string[];
  env_names: string[];
  env_secret: string[];
  cols: number;
  rows: number;
  restart: RestartPolicy;
  isolation: Isolation;
  backend: Backend;
  labels: Record<string, string>;
  allow_self: boolean;
}

export interface Checkpoint extends CheckpointRow {
  session_state: string;
  spec: CheckpointSpec;
  /** As it was saved; null without. */
  state: unknown;
  extra: unknown;
  /** `context_b64` in JSON. */
  context: Uint8Array | null;
}

/** A file that is not what it should be. Paths are relative to the store. */
export interface Damage {
  path: string;
  kind: string;
  reason: string;
  quarantined_to?: string;
  at: number;
}

export interface Fork {
  fork: string;
  session: string;
  checkpoint: string;
  forked_session: string;
  name: string | null;
  status: ForkStatus;
  created_at: number;
  updated_at: number;
}

export interface Journal {
  /** `jrnl_<n>`, or a session's id: its own journal. */
  id: string;
  agent: string | null;
  created_by: string | null;
  title: string;
  summary: string;
  created_at: number;
  updated_at: number;
  /** Entries of kind `message`. */
  message_count: number;
  /** 0 without any entry. */
  last_seq: number;
  branches: string[];
  boundary: { seq: number; archive: string | null } | null;
}

export interface JournalEntry {
  seq: number;
  at: number;
  kind: EntryKind;
  author?: string;
  branch?: string;
  from?: number;
  /** A JSON value, or bytes (then `data_b64` in JSON). */
  data: unknown;
}

export interface JournalDamage {
  seq?: number;
  /** Bytes from the start of the segment. */
  offset: number;
  segment: string;
  reason: string;
}

export interface JournalPage {
  entries: JournalEntry[];
  /** The `since` to go on with. */
  next: number;
  /** There are entries from `next` on already. */
  more: boolean;
  /** With `from_boundary`, when there is one: the archive's name. */
  archive?: string;
  /** What replay begins with: the archive's text, else the summary, else words that say what is missing. */
  boundary?: { seq: number; archive: string; archive_missing: boolean; prefix: string };
  damage: JournalDamage[];
}

export interface Watermark {
  stream_instance_id: string;
  emission_seq: number;
}

export interface Thought {
  text: string;
  state: "active" | "holding" | "sleeping";
  source: "llm" | "carry_forward" | "static_sleeping" | "rule";
  rest_state: RestState;
  commit_candidate: boolean;
  action_cues: string[];
  objective_fingerprint: string | null;
  objective_changed_at: number | null;
  token_count: number | null;
  context_limit: number | null;
  updated_at: number;
  watermark: Watermark | null;
}

/** What is left out stays as it was. */
export interface PublishParams {
  id: string;
  text: string;
  state?: Thought["state"];
  source?: Thought["source"];
  rest_state?: RestState;
  commit_candidate?: boolean;
  action_cues?: string[];
  objective_fingerprint?: string | null;
  token_count?: number | null;
  context_limit?: number | null;
  updated_at?: number;
  /** Both or neither, or as one `watermark`. Without, the update is always taken. */
  stream_instance_id?: string;
  emission_seq?: number;
  watermark?: Watermark;
}

export interface ThoughtConfig {
  /** Goes with thought.config.set; 0 until it was set for the first time. */
  version: number;
  source: "config.toml" | "store";
  config: ThoughtSettings;
  /** Why what was set is not in use. */
  problem: string | null;
  status: EngineStatus;
}

/** Of the queue in front of the disk. */
export interface QueueStats {
  items: number;
  bytes: number;
  oldest_ms: number;
  coalesced: number;
  refused: number;
  written: number;
  failed: number;
  waiting: number;
}

export interface StoreStatus {
  ok: boolean;
  trouble: string | null;
  queue: QueueStats;
  sessions: number;
  in_memory: { sessions: number; journals: number };
  damaged: Damage[];
  unsupported: { path: string; reason: string }[];
  foreign: string[];
}

export interface VerifyReport {
  checked: number;
  damaged: Damage[];
  unsupported: { path: string; reason: string }[];
  foreign: string[];
}

export interface PruneReport {
  removed: { kind: "session" | "checkpoint"; id: string; session: string; reason: string; bytes: number }[];
  kept: { id: string; reason: string }[];
  foreign: string[];
  bytes: number;
}

type ById = { id: string };
type ByCheckpoint = { checkpoint: string };
type Pair = { agent: string; created_by: string };

/** Bytes are Uint8Array here, as in MessagePack. */
export interface KeptMethods {
  "checkpoint.save": {
    params: ById & {
      label?: string;
      state?: unknown;
      context?: Uint8Array | string;
      tasks_completed?: number;
      token_count?: number;
      extra?: unknown;
      key?: string;
    };
    result: CheckpointRow;
  };
  "checkpoint.list": { params: { id?: string }; result: { checkpoints: CheckpointRow[] } };
  "checkpoint.latest": { params: ById; result: Checkpoint & { skipped: Damage[] } };
  "checkpoint.get": { params: ByCheckpoint; result: Checkpoint };
  "checkpoint.restore": { params: ByCheckpoint & { force?: boolean }; result: SessionSummary };
  "checkpoint.fork": {
    params: ByCheckpoint & { name?: string; cwd?: string };
    result: { fork: string; status: ForkStatus; session: SessionSummary };
  };
  "checkpoint.remove": { params: ByCheckpoint; result: { removed: boolean } };
  "fork.list": { params: { id?: string }; result: { forks: Fork[] } };
  "fork.update": { params: { fork: string; status: ForkStatus }; result: Fork };
  "journal.create": { params: Pair & { title?: string }; result: Journal };
  "journal.open": { params: Pair & { title?: string }; result: { id: string; created: boolean } };
  "journal.latest": { params: Pair; result: Journal };
  "journal.append": {
    params: ById & { kind: Exclude<EntryKind, "compact">; data: unknown; author?: string; branch?: string; from?: number; key?: string };
    result: { seq: number; at: number };
  };
  "journal.read": {
    params: ById & { since?: number; limit?: number; branch?: string; from_boundary?: boolean };
    result: JournalPage;
  };
  "journal.compact": { params: ById & { archive: string; summary?: string; through?: number }; result: { seq: number } };
  "journal.list": { params: Record<string, never>; result: { journals: Journal[] } };
  "journal.get": { params: ById; result: Journal };
  "journal.update": { params: ById & { title?: string; summary?: string }; result: Journal };
  "journal.remove": { params: ById; result: { removed: boolean } };
  "journal.archive.put": { params: { name: string; text: string }; result: Record<string, never> };
  "journal.archive.get": { params: { name: string }; result: { name: string; text: string } };
  "thought.publish": { params: PublishParams; result: { accepted: boolean; reason?: string } };
  "thought.get": { params: ById; result: { id: string; thought: Thought | null } };
  "thought.list": { params: Record<string, never>; result: { thoughts: { id: string; thought: Thought }[] } };
  "thought.config.get": { params: Record<string, never>; result: ThoughtConfig };
  "thought.config.set": { params: { version: number; reset?: boolean } & Partial<ThoughtSettings>; result: ThoughtConfig };
  "thought.config.test": { params: Partial<ThoughtSettings>; result: ThoughtTest };
  "store.status": { params: Record<string, never>; result: StoreStatus };
  "store.verify": { params: Record<string, never>; result: VerifyReport };
  "store.prune": { params: { older_than_ms?: number; dry_run?: boolean }; result: PruneReport };
}
