/** What every engine is to the rest: begun, asked how it is, ended. */

export interface EngineStatus {
  engine: "none" | "rules" | "command";
  /** Advisory: an engine that is not well is tried on, and nothing waits for it. */
  healthy: boolean;
  /** Why it is not, or what went wrong last; null: nothing. */
  detail: string | null;
  /** The rest is of the `command` engine; 0 and null otherwise. */
  name: string | null;
  pid: number | null;
  /** In a row. */
  failures: number;
  /** How often the command was started. */
  starts: number;
  /** Exchanges that were answered, how long the last took, and when it was, ms since 1970. */
  syncs: number;
  last_sync_ms: number | null;
  last_sync_at: number | null;
  /** Updates: taken, refused by their watermark, and not understood or not asked for. */
  taken: number;
  refused: number;
  ignored: number;
  /** The last words on its stderr. */
  stderr: string;
}

export interface Engine {
  start(): void;
  status(): EngineStatus;
  /** Resolves when nothing of it is left. Never rejects, never takes longer than three seconds. */
  close(): Promise<void>;
}

/** Of an engine that has no process. */
export function quietStatus(engine: "none" | "rules"): EngineStatus {
  return {
    engine,
    healthy: true,
    detail: null,
    name: null,
    pid: null,
    failures: 0,
    starts: 0,
    syncs: 0,
    last_sync_ms: null,
    last_sync_at: null,
    taken: 0,
    refused: 0,
    ignored: 0,
    stderr: "",
  };
}
