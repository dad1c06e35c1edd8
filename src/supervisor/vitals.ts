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

/** The main loop is looked at this often. Each look is a wake-up, and half of what an idle daemon costs. */
const LOOK_MS = 50;

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

  async metrics(watches: number): Promise<string> {
    const status = this.status(watches);
    // Loaded when somebody asks: a daemon starts 40 ms sooner without it.
    const { Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    const gauge = (name: string, help: string, value: number): void => {
      new Gauge({ name: `lifeguard_${name}`, help, registers: [registry] }).set(value);
    };
    const byState = new Gauge({ name: "lifeguard_sessions", help: "Sessions by state", labelNames: ["state"], registers: [registry] });
    for (const state of SESSION_STATES) byState.set({ state }, status.sessions[state]);
    gauge("uptime_seconds", "Seconds since the daemon started", status.uptime_ms / 1000);
    gauge("ptys", "Pty masters held", status.ptys);
    gauge("open_descriptors", "Open file descriptors of the daemon", status.fds);
    gauge("watches", "Open watches", status.watches);
    gauge("threads", "Actor threads", status.threads.length);
    gauge(
      "thread_heap_bytes",
      "JavaScript heap of all actor threads",
      status.threads.reduce((sum, thread) => sum + thread.heap_bytes, 0),
    );
    gauge("daemon_resident_bytes", "Resident memory of the daemon", status.memory.daemon_rss);
    gauge("keeper_resident_bytes", "Resident memory of all keepers", status.memory.keeper_rss);
    gauge("store_queue_items", "Writes to the store that are not durable yet", status.queue.items);
    gauge("store_queue_bytes", "Bytes of these writes", status.queue.bytes);
    gauge("store_queue_oldest_seconds", "Age of the oldest of them", status.queue.oldest_ms / 1000);
    gauge("store_coalesced", "Snapshots replaced by newer ones before they were written, since the start", status.queue.coalesced);
    gauge("store_refused", "Writes refused, since the start", status.queue.refused);
    gauge("store_ok", "1 when the store has no trouble", status.store.ok ? 1 : 0);
    gauge("store_damaged_files", "Damaged files found", status.store.damaged);
    gauge("thought_engine_healthy", "1 when the thought engine is well", status.thoughts.healthy ? 1 : 0);
    gauge("keepers", "Keeper processes", status.keepers.length);
    gauge("loop_stall_seconds", "Longest hold-up of the main loop since the last look", status.loop_stall_ms / 1000);
    return registry.metrics();
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
