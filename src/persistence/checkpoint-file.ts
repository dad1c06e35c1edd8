/** One checkpoint, one file: its row and sections as meta, then details, context and terminal, each with its own codec. */
import { messageOf } from "../errors.js";
import { pack, sha256, unpack } from "./codec.js";
import { decodeRecord, encodeRecord } from "./records.js";
import { checkpointType, detailsSchema } from "./record-shapes.js";
import type { Checkpoint, CheckpointDetails, CheckpointKind, CheckpointMeta, CheckpointRow, Section } from "./record-shapes.js";
import type { SaveCheckpoint } from "./store.js";

/** Everything of a row that is known before its contents are packed. */
export type RowStart = Pick<CheckpointRow, "checkpoint" | "generation" | "parent" | "created_at">;

/** What decides whether another one would say the same. */
export async function contentDigest(input: SaveCheckpoint, details: Uint8Array): Promise<string> {
  const parts = [details, input.context ?? null, input.terminal ?? null];
  const hashes = await Promise.all(parts.map(async (part) => (part === null ? "-" : await sha256(part))));
  return await sha256(
    Buffer.from(
      JSON.stringify([hashes, input.offset, input.epoch, input.tasks_completed ?? 0, input.token_count ?? 0, input.label ?? null]),
    ),
  );
}

export function encodeDetails(input: SaveCheckpoint): Buffer {
  const secret = new Set(input.spec.envSecret);
  const details: CheckpointDetails = {
    session_state: input.session_state,
    spec: { ...input.spec, env: Object.fromEntries(Object.entries(input.spec.env).filter(([name]) => !secret.has(name))) },
    state: input.state ?? null,
    extra: input.extra ?? null,
  };
  return Buffer.from(JSON.stringify(details));
}

export async function encodeCheckpoint(
  input: SaveCheckpoint,
  start: RowStart,
  details: Buffer,
  content: string,
): Promise<{ row: CheckpointRow; parts: Uint8Array[] }> {
  const packed = [await pack("details", details)];
  const context = input.context ?? null;
  const terminal = input.terminal ?? null;
  const contextPacked = context === null ? null : await pack("context", context);
  if (contextPacked !== null) packed.push(contextPacked);
  if (terminal !== null) packed.push(await pack("terminal", terminal));
  const row: CheckpointRow = {
    ...start,
    session: input.session,
    kind: input.kind,
    label: input.label ?? null,
    epoch: input.epoch,
    offset: input.offset,
    tasks_completed: input.tasks_completed ?? 0,
    token_count: input.token_count ?? 0,
    state_size_bytes: Buffer.byteLength(JSON.stringify(input.state ?? null)),
    context_bytes: context?.byteLength ?? 0,
    context_stored_bytes: contextPacked?.section.stored ?? 0,
    codec: contextPacked?.section.codec ?? "none",
    checksum: contextPacked?.section.sha256 ?? null,
    terminal_bytes: terminal?.byteLength ?? 0,
    bytes: packed.reduce((sum, { section }) => sum + section.stored, 0),
  };
  const meta: CheckpointMeta = { row, sections: packed.map(({ section }) => section), content };
  return {
    row,
    parts: encodeRecord(
      checkpointType,
      meta,
      packed.map(({ stored }) => stored),
    ),
  };
}

export type CheckpointReading = { is: "good"; checkpoint: Checkpoint } | { is: "damaged" | "unsupported"; reason: string };

/** The place decides what it has to be; a file that says it is another one is damaged. */
export function misplaced(
  row: CheckpointRow,
  session: string,
  at: { uuid: string; generation: number; kind: CheckpointKind },
): string | null {
  if (row.session === session && row.checkpoint === at.uuid && row.generation === at.generation && row.kind === at.kind) return null;
  return `it says it is generation ${row.generation} (${row.kind}) of ${JSON.stringify(row.session.slice(0, 40))} and lies in the place of generation ${at.generation} (${at.kind}) of ${session}`;
}

export async function decodeCheckpoint(
  file: Buffer,
  session: string,
  at: { uuid: string; generation: number; kind: CheckpointKind },
): Promise<CheckpointReading> {
  const reading = decodeRecord(checkpointType, file);
  if (reading.is !== "good") return reading;
  const { row, sections } = reading.meta;
  const wrong = misplaced(row, session, at);
  if (wrong !== null) return { is: "damaged", reason: wrong };
  try {
    const contents = new Map<Section["name"], Buffer>();
    let position = 0;
    for (const section of sections) {
      contents.set(section.name, await unpack(section, reading.body.subarray(position, position + section.stored)));
      position += section.stored;
    }
    const details = detailsSchema.parse(JSON.parse((contents.get("details") ?? Buffer.alloc(0)).toString("utf8")));
    return {
      is: "good",
      checkpoint: { ...row, ...details, context: contents.get("context") ?? null, terminal: contents.get("terminal") ?? null },
    };
  } catch (error) {
    return { is: "damaged", reason: messageOf(error).replaceAll(/\s+/g, " ").slice(0, 200) };
  }
}
