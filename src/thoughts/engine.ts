/** What every engine is to the rest: begun, asked how it is, ended. */
import type { EngineStatus } from "../thought-engine.js";

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
