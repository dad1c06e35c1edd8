/** How the daemon itself is doing: counts, threads, descriptors, memory, and whether the main loop was ever held up. */
import { readFileSync, readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, Registry } from "prom-client";
import type { ActorPool } from "../actors/pool.js";
import type { Clock } from "../clock.js";
import type { Custody } from "../reaper/custody.js";
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
}

export class Vitals {
  readonly #p: VitalsParts;
  readonly #startedAt: number;
  readonly #started: number;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  /** What the adoption at the start of this daemon came to; set once by the composition. */
  restored: { sessions: number; ms: number } | null = null;

  constructor(parts: VitalsParts) {
    this.#p = parts;
    this.#startedAt = parts.clock.now();
    this.#started = parts.clock.monotonic();
    this.#delay.enable();
  }

  status(watches: number): DaemonStatus {
    const { version, boot, clock, table, pool, custody } = this.#p;
    const sessions = Object.fromEntries(SESSION_STATES.map((state) => [state, 0])) as Record<SessionState, number>;
    let ptys = 0;
    for (const entry of table.entries()) {
      sessions[entry.state] += 1;
      if (entry.master !== null) ptys += 1;
    }
    const keepers = custody.status();
    const stall = this.#delay.max / 1e6;
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
      watches,
      restored: this.restored,
      loop_stall_ms: Math.round(stall * 10) / 10,
    };
  }

  async metrics(watches: number): Promise<string> {
    const status = this.status(watches);
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
    return readdirSync("/proc/self/fd").length;
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
