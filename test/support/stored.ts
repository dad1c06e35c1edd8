/** Records for tests of the store, complete; and a listener that remembers. */
import type { StoreListener } from "../../src/persistence/file-store.js";
import type { Damage, RegistryRecord, SaveCheckpoint } from "../../src/persistence/store.js";
import type { Clock } from "../../src/clock.js";

export function record(
  id: string,
  change: Partial<RegistryRecord> & { name?: string; env?: Record<string, string>; envSecret?: string[] } = {},
): RegistryRecord {
  const { name = id.replace("sess_", "agent-"), env = { PATH: "/bin", HOME: "/root" }, envSecret = [], ...rest } = change;
  return {
    id,
    spec: {
      name,
      cwd: "/srv",
      tool: null,
      command: "sh",
      args: ["-l"],
      env,
      envSecret,
      cols: 120,
      rows: 40,
      restart: "never",
      isolation: "shared",
      backend: "pty",
      labels: { team: "blue" },
      allowSelf: false,
    },
    state: "busy",
    state_since: 1_000,
    evidence: null,
    created_at: 1_000,
    started_at: 1_001,
    last_activity_at: 1_002,
    exit: null,
    epoch: 1,
    restarts: 0,
    killing: false,
    offset: 0,
    title: "",
    cwd: "/srv",
    conversation_id: null,
    token_count: null,
    pinned: false,
    parent_checkpoint: null,
    details: {},
    ...rest,
  };
}

export function exited(id: string, at: number, change: Parameters<typeof record>[1] = {}): RegistryRecord {
  return record(id, { state: "exited", exit: { code: 0, signal: null, at, reason: "process_exit" }, ...change });
}

export function checkpoint(session: string, change: Partial<SaveCheckpoint> = {}): SaveCheckpoint {
  return { session, kind: "manual", offset: 0, epoch: 1, session_state: "idle", spec: record(session).spec, ...change };
}

export class TestClock implements Clock {
  time = 1_700_000_000_000;
  elapsed = 0;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.elapsed;
  }
}

export class Heard implements StoreListener {
  readonly damages: Damage[] = [];
  readonly words: string[] = [];
  damaged(damage: Damage): void {
    this.damages.push(damage);
  }
  degraded(reason: string): void {
    this.words.push(`degraded: ${reason}`);
  }
  ok(): void {
    this.words.push("ok");
  }
}
