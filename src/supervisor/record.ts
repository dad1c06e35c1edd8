/**
 * What the keeper holds for a session, opaque to it: enough to list the session, and to start its process again, by a daemon that
 * knows nothing else. Parsed when it comes back, because the daemon that wrote it may have been another version.
 */
import { z } from "zod";
import { BOUNDS } from "../bounds.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { SessionSpec } from "../session.js";

export interface SessionRecord {
  version: 1;
  id: string;
  createdAt: number;
  startedAt: number;
  epoch: number;
  restarts: number;
  /** A kill was asked for: whatever the exit status says, it is not to be started again. */
  killing: boolean;
  spec: SessionSpec;
}

const recordSchema: z.ZodType<SessionRecord> = z.object({
  version: z.literal(1),
  id: z.string(),
  createdAt: z.number(),
  startedAt: z.number(),
  epoch: z.int().positive(),
  restarts: z.int().nonnegative(),
  killing: z.boolean(),
  spec: z.object({
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
  }),
});

/** @throws LIMIT when the session's command line and environment do not fit */
export function encodeRecord(record: SessionRecord): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(record));
  if (bytes.length > BOUNDS.keeperRecordBytes) {
    throw new LifeguardError(
      "LIMIT",
      `arguments, environment and labels take ${bytes.length} bytes, at most ${BOUNDS.keeperRecordBytes} can be kept: pass a smaller env, or env_base "daemon"`,
      {
        limit: BOUNDS.keeperRecordBytes,
        received: bytes.length,
      },
    );
  }
  return bytes;
}

/** @throws Error with the reason when these bytes are no record of ours */
export function decodeRecord(bytes: Uint8Array): SessionRecord {
  try {
    return recordSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (error) {
    throw new Error(`not a session record: ${messageOf(error).slice(0, 200)}`, { cause: error });
  }
}
