/**
 * What is on the disk, as types and as the schemas it is parsed with. A change that an older version would misread raises the
 * version of its type; a new field with a default does not.
 */
import { z } from "zod";
import type { Confidence, ExitReason, RestState, SessionSpec, SessionState } from "../session.js";
import { SESSION_STATES } from "../session.js";
import type { RecordType } from "./records.js";

export interface Exit {
  code: number | null;
  signal: string | null;
  at: number;
  reason: ExitReason;
}

/** Everything needed to list a session, and to start it again. */
export interface RegistryRecord {
  id: string;
  /** On disk without the values of `env_secret`; their names stay in `envSecret`. */
  spec: SessionSpec;
  state: SessionState;
  state_since: number;
  evidence: { source: string; rule: string; confidence: Confidence; at: number; detail: string } | null;
  created_at: number;
  started_at: number | null;
  last_activity_at: number;
  exit: Exit | null;
  epoch: number;
  restarts: number;
  /** A kill was asked for: it is not started again. */
  killing: boolean;
  /** Bytes of output when this was written. */
  offset: number;
  title: string;
  cwd: string;
  conversation_id: string | null;
  token_count: number | null;
  /** Not removed by retention. */
  pinned: boolean;
  /** The checkpoint it was last restored or forked from: the parent of the next one. */
  parent_checkpoint: string | null;
  /** For what later versions and other parts keep with a session. JSON values. */
  details: Record<string, unknown>;
}

/** A line of the listing, always in memory. */
export interface SessionRow {
  id: string;
  name: string;
  labels: Record<string, string>;
  state: SessionState;
  created_at: number;
  last_activity_at: number;
  exit: Exit | null;
  epoch: number;
  offset: number;
  pinned: boolean;
  conversation_id: string | null;
}

const exitSchema = z.object({
  code: z.number().nullable(),
  signal: z.string().nullable(),
  at: z.number(),
  reason: z.enum(["process_exit", "killed", "spawn_failed", "lost", "startup_missing", "restart_intensity"]),
});

const specSchema: z.ZodType<SessionSpec> = z.looseObject({
  name: z.string(),
  cwd: z.string(),
  tool: z.string().nullable(),
  command: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  envSecret: z.array(z.string()),
  cols: z.int(),
  rows: z.int(),
  restart: z.enum(["never", "on-failure", "always"]),
  isolation: z.enum(["shared", "thread"]),
  backend: z.enum(["pty", "tmux"]),
  labels: z.record(z.string(), z.string()),
  allowSelf: z.boolean(),
  limits: z.object({ memory_max: z.number().optional(), cpu_weight: z.number().optional(), tasks_max: z.number().optional() }).optional(),
});

export const registryType: RecordType<RegistryRecord> = {
  kind: "session",
  version: 1,
  schema: z.object({
    id: z.string(),
    spec: specSchema,
    state: z.enum(SESSION_STATES),
    state_since: z.number(),
    evidence: z
      .object({ source: z.string(), rule: z.string(), confidence: z.enum(["high", "medium", "low"]), at: z.number(), detail: z.string() })
      .nullable(),
    created_at: z.number(),
    started_at: z.number().nullable(),
    last_activity_at: z.number(),
    exit: exitSchema.nullable(),
    epoch: z.int().nonnegative(),
    restarts: z.int().nonnegative(),
    killing: z.boolean(),
    offset: z.int().nonnegative(),
    title: z.string(),
    cwd: z.string(),
    conversation_id: z.string().nullable(),
    token_count: z.number().nullable(),
    pinned: z.boolean(),
    parent_checkpoint: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  }),
};

export interface Watermark {
  stream_instance_id: string;
  emission_seq: number;
}

export interface StoredThought {
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

export const thoughtType: RecordType<StoredThought & { id: string }> = {
  kind: "thought",
  version: 1,
  schema: z.object({
    id: z.string(),
    text: z.string(),
    state: z.enum(["active", "holding", "sleeping"]),
    source: z.enum(["llm", "carry_forward", "static_sleeping", "rule"]),
    rest_state: z.enum(["active", "drowsy", "sleeping", "deep_sleep"]),
    commit_candidate: z.boolean(),
    action_cues: z.array(z.string()),
    objective_fingerprint: z.string().nullable(),
    objective_changed_at: z.number().nullable(),
    token_count: z.number().nullable(),
    context_limit: z.number().nullable(),
    updated_at: z.number(),
    watermark: z.object({ stream_instance_id: z.string(), emission_seq: z.number() }).nullable(),
  }),
};

export const CHECKPOINT_KINDS = ["periodic", "manual", "exit", "shutdown"] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

/** A line of the index: everything but the contents. */
export interface CheckpointRow {
  checkpoint: string;
  session: string;
  /** Grows by at least one from checkpoint to checkpoint of a session. */
  generation: number;
  kind: CheckpointKind;
  label: string | null;
  parent: string | null;
  created_at: number;
  epoch: number;
  offset: number;
  tasks_completed: number;
  token_count: number;
  /** Bytes of `state` as compact JSON. */
  state_size_bytes: number;
  /** Bytes of the context as given, and as stored. */
  context_bytes: number;
  context_stored_bytes: number;
  codec: Codec;
  /** SHA-256 of the context as given, in hex; null without one. */
  checksum: string | null;
  terminal_bytes: number;
  /** Of the file. */
  bytes: number;
}

export type Codec = "none" | "deflate" | "brotli";

export interface Checkpoint extends CheckpointRow {
  session_state: string;
  spec: SessionSpec;
  state: unknown;
  extra: unknown;
  context: Buffer | null;
  terminal: Buffer | null;
}

/** A part of a checkpoint's body, in the order in which they follow each other. */
export interface Section {
  name: "details" | "context" | "terminal";
  codec: Codec;
  /** As given, and as stored. */
  bytes: number;
  stored: number;
  sha256: string;
}

export const rowSchema: z.ZodType<CheckpointRow> = z.object({
  checkpoint: z.string(),
  session: z.string(),
  generation: z.int().positive(),
  kind: z.enum(CHECKPOINT_KINDS),
  label: z.string().nullable(),
  parent: z.string().nullable(),
  created_at: z.number(),
  epoch: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  tasks_completed: z.number(),
  token_count: z.number(),
  state_size_bytes: z.int().nonnegative(),
  context_bytes: z.int().nonnegative(),
  context_stored_bytes: z.int().nonnegative(),
  codec: z.enum(["none", "deflate", "brotli"]),
  checksum: z.string().nullable(),
  terminal_bytes: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
});

export interface CheckpointMeta {
  row: CheckpointRow;
  sections: Section[];
  /** SHA-256 over what decides whether a periodic one would be the same again. */
  content: string;
}

export const checkpointType: RecordType<CheckpointMeta> = {
  kind: "checkpoint",
  version: 1,
  schema: z.object({
    row: rowSchema,
    sections: z.array(
      z.object({
        name: z.enum(["details", "context", "terminal"]),
        codec: z.enum(["none", "deflate", "brotli"]),
        bytes: z.int().nonnegative(),
        stored: z.int().nonnegative(),
        sha256: z.string(),
      }),
    ),
    content: z.string(),
  }),
};

export interface CheckpointDetails {
  session_state: string;
  spec: SessionSpec;
  state: unknown;
  extra: unknown;
}

export const detailsSchema: z.ZodType<CheckpointDetails> = z.object({
  session_state: z.string(),
  spec: specSchema,
  state: z.unknown(),
  extra: z.unknown(),
});

/** A cache of rows, rebuilt from the files when it is missing, damaged or behind. */
export const checkpointIndexType: RecordType<{ session: string; rows: (CheckpointRow & { content: string })[] }> = {
  kind: "checkpoint-index",
  version: 1,
  schema: z.object({ session: z.string(), rows: z.array(z.intersection(rowSchema, z.object({ content: z.string() }))) }),
};

export const FORK_STATUSES = ["active", "merged", "abandoned", "archived"] as const;
export type ForkStatus = (typeof FORK_STATUSES)[number];

export interface Fork {
  fork: string;
  /** What was forked. Only while `active` is its checkpoint protected. */
  session: string;
  checkpoint: string;
  forked_session: string;
  name: string | null;
  status: ForkStatus;
  created_at: number;
  updated_at: number;
  /** Order of creation. */
  order: number;
}

export const forkType: RecordType<Fork> = {
  kind: "fork",
  version: 1,
  schema: z.object({
    fork: z.string(),
    session: z.string(),
    checkpoint: z.string(),
    forked_session: z.string(),
    name: z.string().nullable(),
    status: z.enum(FORK_STATUSES),
    created_at: z.number(),
    updated_at: z.number(),
    order: z.int().positive(),
  }),
};

/** What `journal.get` and `journal.list` answer. */
export interface JournalHead {
  id: string;
  /** Null for a session's own journal. */
  agent: string | null;
  created_by: string | null;
  title: string;
  summary: string;
  created_at: number;
  updated_at: number;
  /** Entries of kind `message`. */
  message_count: number;
  /** The number of the newest entry; 0 without any. */
  last_seq: number;
  branches: string[];
  boundary: { seq: number; archive: string | null } | null;
}

/** What a listing says of a journal that is not open, beside its head; true while its last segment has this name and size. */
export interface JournalTally {
  id: string;
  segment: string;
  bytes: number;
  messages: number;
  last_seq: number;
  branches: string[];
  updated_at: number;
  boundary: JournalHead["boundary"];
}

/** A cache, rebuilt by opening the journals when it is missing, damaged or behind. */
export const journalIndexType: RecordType<{ journals: JournalTally[] }> = {
  kind: "journal-index",
  version: 1,
  schema: z.object({
    journals: z.array(
      z.object({
        id: z.string(),
        segment: z.string(),
        bytes: z.int().nonnegative(),
        messages: z.int().nonnegative(),
        last_seq: z.int().nonnegative(),
        branches: z.array(z.string()),
        updated_at: z.number(),
        boundary: z.object({ seq: z.int().positive(), archive: z.string().nullable() }).nullable(),
      }),
    ),
  }),
};

export interface StoredHead {
  id: string;
  agent: string | null;
  created_by: string | null;
  title: string;
  summary: string;
  created_at: number;
  updated_at: number;
}

export const headType: RecordType<StoredHead> = {
  kind: "journal",
  version: 1,
  schema: z.object({
    id: z.string(),
    agent: z.string().nullable(),
    created_by: z.string().nullable(),
    title: z.string(),
    summary: z.string(),
    created_at: z.number(),
    updated_at: z.number(),
  }),
};

export const archiveType: RecordType<{ name: string; at: number }> = {
  kind: "archive",
  version: 1,
  schema: z.object({ name: z.string(), at: z.number() }),
};

export const tombstoneType: RecordType<{ id: string; at: number }> = {
  kind: "tombstone",
  version: 1,
  schema: z.object({ id: z.string(), at: z.number() }),
};

/** The greatest number ever minted of each kind. */
export const marksType: RecordType<Record<"session" | "journal" | "name", number>> = {
  kind: "marks",
  version: 1,
  schema: z.object({ session: z.int().nonnegative(), journal: z.int().nonnegative(), name: z.int().nonnegative() }),
};

export const documentType: RecordType<{ name: string; value: unknown }> = {
  kind: "document",
  version: 1,
  schema: z.object({ name: z.string(), value: z.unknown() }),
};

export const formatType: RecordType<{ layout: number }> = { kind: "store", version: 1, schema: z.object({ layout: z.int() }) };
