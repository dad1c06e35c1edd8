/** Checkpoints for people: a table of them, and everything about one. Pure. */
import type { Checkpoint, CheckpointRow } from "../rpc/client.js";
import type { Colours } from "./colours.js";
import type { Column } from "./columns.js";
import { layOut } from "./columns.js";
import { briefAge } from "./duration.js";
import { rfc3339 } from "./json.js";
import { homely, printable, shellWords } from "./printable.js";
import { briefBytes } from "./sizes.js";

const COLUMNS: readonly Column[] = [
  { title: "CHECKPOINT" },
  { title: "SESSION" },
  { title: "GEN", align: "right" },
  { title: "KIND" },
  { title: "AGE", align: "right" },
  { title: "SIZE", align: "right" },
  { title: "LABEL", least: 8 },
];

export function checkpointTable(rows: readonly CheckpointRow[], { now, width }: { now: number; width: number | undefined }): string[] {
  const cells = rows.map((row) => [
    row.checkpoint,
    row.session,
    String(row.generation),
    row.kind,
    briefAge(now - row.created_at),
    briefBytes(row.bytes),
    printable(row.label ?? ""),
  ]);
  return layOut(COLUMNS, cells, width);
}

export function checkpointDetails(
  checkpoint: Checkpoint,
  { now, home, colours }: { now: number; home: string | undefined; colours: Colours },
): string[] {
  const { spec, context } = checkpoint;
  const fields: [string, string | null][] = [
    ["checkpoint", checkpoint.checkpoint],
    ["session", `${checkpoint.session}, generation ${checkpoint.generation}, it was ${checkpoint.session_state}`],
    ["kind", checkpoint.kind],
    ["label", checkpoint.label === null ? null : printable(checkpoint.label)],
    ["parent", checkpoint.parent],
    ["created", `${rfc3339(checkpoint.created_at)} (${briefAge(now - checkpoint.created_at)} ago)`],
    ["command", printable(shellWords([spec.command, ...spec.args]))],
    ["cwd", printable(homely(spec.cwd, home))],
    ["output", `up to byte ${checkpoint.offset}, epoch ${checkpoint.epoch}, terminal ${briefBytes(checkpoint.terminal_bytes)}`],
    ["tasks", checkpoint.tasks_completed === 0 ? null : `${checkpoint.tasks_completed} completed`],
    ["tokens", checkpoint.token_count === 0 ? null : String(checkpoint.token_count)],
    [
      "context",
      context === null
        ? null
        : `${briefBytes(checkpoint.context_bytes)}, stored as ${briefBytes(checkpoint.context_stored_bytes)} (${checkpoint.codec}), SHA-256 ${checkpoint.checksum ?? "–"}`,
    ],
    ["state", checkpoint.state === null ? null : printable(JSON.stringify(checkpoint.state))],
    ["extra", checkpoint.extra === null ? null : printable(JSON.stringify(checkpoint.extra))],
    ["size", briefBytes(checkpoint.bytes)],
  ];
  return fields.flatMap(([label, value]) => (value === null ? [] : [`${colours.dim(label.padEnd(10))} ${value}`]));
}
