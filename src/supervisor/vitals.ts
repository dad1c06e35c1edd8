/** How the daemon itself is doing: counts, threads, descriptors, memory, and whether the main loop was ever held up. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ActorPool } from "../actors/pool.js";
import type { Clock } from "../clock.js";
import type { Custody } from "../reaper/custody.js";
import type { Store } from "../persistence/store.js";
import { SESSION_STATES, type SessionState } from "../session.js";
import type { DaemonStatus } from "./api.js";
import type { SessionTable } from "./table.js";

export interface VitalsParts {
  version: string;
  boot: string;
  clock: Clock;
  table: SessionTable;
  pool: ActorPool;
  custody: Custody;
  store: Pick<Store, "status">;
  thoughts: () => DaemonStatus["thoughts"];
}

/** The main loop is looked at this often. Each look is a wake-up. */
const LOOK_MS = 100;

export class Vitals {
  readonly #p: VitalsParts;
  readonly #startedAt: number;
  readonly #started: number;
  readonly #delay = monitorEventLoopDelay({ resolution: LOOK_MS });
  /** What the adoption at the start of this daemon came to; set once by the composition. */
  restored: { sessions: number; ms: number } | null = null;

  constructor(parts: VitalsParts) {
    this.#p = parts;
    this.#startedAt = parts.clock.now();
    this.#started = parts.clock.monotonic();
    this.#delay.enable();
  }

  status(watches: number): DaemonStatus {
    const { version, boot, clock, table, pool, custody, store } = this.#p;
    const { ok, damaged, queue } = store.status();
    const sessions = Object.fromEntries(SESSION_STATES.map((state) => [state, 0])) as Record<SessionState, number>;
    let ptys = 0;
    for (const entry of table.entries()) {
      sessions[entry.state] += 1;
      if (entry.master !== null) ptys += 1;
    }
    const keepers = custody.status();
    // What is recorded is the time from one look to the next.
    const stall = Math.max(0, this.#delay.max / 1e6 - LOOK_MS);
    this.#delay.reset();
    return {
      pid: process.pid,
      version,
      boot,
      started_at: this.#startedAt,
      uptime_ms: Math.round(clock.monotonic() - this.#started),
      keepers,
      sessions,
      threads: pool.threads().map(({ id, actors, heapBytes }) => ({ id, actors, heap_bytes: heapBytes })),
      fds: openDescriptors(),
      ptys,
      memory: { daemon_rss: process.memoryUsage.rss(), keeper_rss: keepers.reduce((sum, keeper) => sum + residentBytes(keeper.pid), 0) },
      queue: { items: queue.items, bytes: queue.bytes, oldest_ms: queue.oldest_ms, coalesced: queue.coalesced, refused: queue.refused },
      store: { ok, damaged: damaged.length },
      thoughts: this.#p.thoughts(),
      watches,
      restored: this.restored,
      loop_stall_ms: Math.round(stall * 10) / 10,
    };
  }

  stop(): void {
    this.#delay.disable();
  }
}

function openDescriptors(): number {
  try {
    // Since Linux 6.2 the directory's size is their number; before, it is 0. A listing of thousands takes 10 ms.
    const { size } = statSync("/proc/self/fd");
    return size > 0 ? size : readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
