/** Figures as Prometheus text. Every label comes from a short list of ours: no id, name or path of anybody's is ever one. */
import type { Gauge as GaugeType, Registry as RegistryType } from "prom-client";
import type { ActorPool } from "../actors/pool.js";
import type { Clock } from "../clock.js";
import { SECONDS, Tally } from "../figures.js";
import type { HistogramReading } from "../figures.js";
import { SESSION_STATES } from "../session.js";
import type { DaemonStatus, SocketFigures } from "./api.js";
import type { EventLog } from "./events.js";
import type { Keeping } from "./keeping.js";
import type { SessionTable } from "./table.js";

export interface MetricsParts {
  clock: Clock;
  table: SessionTable;
  pool: Pick<ActorPool, "figures">;
  keeping: Pick<Keeping, "store" | "checkpointTimes">;
  events: EventLog;
}

export class Metrics {
  readonly #p: MetricsParts;
  readonly #events = new Tally();
  readonly #exits = new Tally();
  readonly #recoveries = new Tally();
  /** Actor threads that died. */
  workerLosses = 0;

  constructor(parts: MetricsParts) {
    this.#p = parts;
    parts.events.subscribe(null, {}, ({ kind, ...fields }) => {
      this.#events.count(kind);
      if (kind === "session.exited") this.#exits.count(reasonOf(fields));
      if (kind === "session.recovered") this.#recoveries.count(String((fields as { from?: unknown }).from));
    });
  }

  async text(status: DaemonStatus, socket: SocketFigures): Promise<string> {
    // Loaded when somebody asks: a daemon starts 40 ms sooner without it.
    const { Counter, Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    const gauge = gaugeIn(registry, Gauge);
    const counter = (name: string, help: string, label: string, values: readonly (readonly [string, number])[]): void => {
      const all = new Counter({ name: `lifeguard_${name}`, help, labelNames: [label], registers: [registry] });
      for (const [value, count] of values) all.inc({ [label]: value }, count);
    };
    const total = (name: string, help: string, count: number): void => {
      new Counter({ name: `lifeguard_${name}`, help, registers: [registry] }).inc(count);
    };
    const { store, checkpointTimes } = this.#p.keeping;
    const { queue } = store.status();
    const actors = this.#p.pool.figures();
    const sessions = this.#sessions();

    const byState = new Gauge({ name: "lifeguard_sessions", help: "Sessions by state", labelNames: ["state"], registers: [registry] });
    for (const state of SESSION_STATES) byState.set({ state }, status.sessions[state]);
    gauge("uptime_seconds", "Seconds since the daemon started", status.uptime_ms / 1000);
    gauge("sessions_dirty", "Live sessions with changes that no checkpoint has", sessions.dirty);
    gauge("checkpoint_age_seconds", "Age of the oldest last checkpoint of a live session that has changed since", sessions.oldestMs / 1000);
    total("output_bytes_total", "Bytes that sessions have written", actors.outputBytes);
    total("output_chunks_total", "Reads they came in", actors.chunks);
    gauge("mailbox_waiting", "Requests that wait for actors", actors.waiting);
    gauge("mailbox_longest", "Requests that wait for the one with the most", actors.longestMailbox);

    gauge("ptys", "Pty masters held", status.ptys);
    gauge("open_descriptors", "Open file descriptors of the daemon", status.fds);
    gauge("threads", "Actor threads", status.threads.length);
    gauge(
      "thread_heap_bytes",
      "JavaScript heap of all actor threads",
      status.threads.reduce((sum, thread) => sum + thread.heap_bytes, 0),
    );
    gauge("daemon_resident_bytes", "Resident memory of the daemon", status.memory.daemon_rss);
    gauge("keeper_resident_bytes", "Resident memory of all keepers", status.memory.keeper_rss);
    gauge("keepers", "Keeper processes", status.keepers.length);
    gauge("keepers_draining", "Of these, those of another version", status.keepers.filter(({ draining }) => draining).length);
    gauge("loop_stall_seconds", "Longest hold-up of the main loop since the last look", status.loop_stall_ms / 1000);

    gauge("store_queue_items", "Writes to the store that are not durable yet", queue.items);
    gauge("store_queue_bytes", "Bytes of these writes", queue.bytes);
    gauge("store_queue_waiting", "Of these, those that wait for a place", queue.waiting);
    gauge("store_queue_oldest_seconds", "Age of the oldest of them", queue.oldest_ms / 1000);
    gauge("store_ok", "1 when the store has no trouble", status.store.ok ? 1 : 0);
    gauge("store_damaged_files", "Damaged files found", status.store.damaged);
    total("store_coalesced_total", "Snapshots replaced by newer ones before they were written", queue.coalesced);
    total("store_refused_total", "Writes refused", queue.refused);
    total("store_written_total", "Writes done", queue.written);
    total("store_errors_total", "Attempts to write that failed", queue.failed);

    gauge("thought_engine_healthy", "1 when the thought engine is well", status.thoughts.healthy ? 1 : 0);
    total("worker_losses_total", "Actor threads that died", this.workerLosses);
    counter("exits_total", "Ends of processes by reason", "reason", this.#exits.entries());
    counter("recoveries_total", "Sessions brought back, by what was lost", "from", this.#recoveries.entries());
    total("restarts_total", "Processes started again by the restart policy or a person", this.#events.of("session.restarted"));
    counter("events_total", "Events by kind", "kind", this.#events.entries());

    gauge("connections", "Open connections", socket.connections);
    gauge("watches", "Open watches", status.watches);
    gauge("outbound_bytes", "Bytes that wait for clients", socket.outboundBytes);
    total("connections_total", "Connections accepted", socket.accepted);
    total("connections_refused_total", "Connections of other users, or beyond the limit", socket.turnedAway);
    counter(
      "notifications_total",
      "Notifications sent, by name; session.gap and events.gap are what slow clients missed",
      "name",
      socket.notifications.map(({ name, count }) => [name, count]),
    );
    const calls = new Counter({
      name: "lifeguard_rpc_calls_total",
      help: "Calls by method and outcome: ok, or the error's name",
      labelNames: ["method", "outcome"],
      registers: [registry],
    });
    for (const { method, outcome, count } of socket.calls) calls.inc({ method, outcome }, count);

    return [
      (await registry.metrics()).trimEnd(),
      histogram("parse_seconds", "From a piece of output being read to its being in spool and terminal", actors.parse),
      histogram("echo_seconds", "From input to the next output of the same session", actors.echo),
      histogram("checkpoint_seconds", "From the decision to save a checkpoint to its being durable", checkpointTimes.reading()),
      "",
    ].join("\n");
  }

  #sessions(): { dirty: number; oldestMs: number } {
    const now = this.#p.clock.now();
    let dirty = 0;
    let oldestMs = 0;
    for (const entry of this.#p.table.entries()) {
      if (!entry.live || !entry.dirty) continue;
      dirty++;
      oldestMs = Math.max(oldestMs, now - (entry.lastCheckpointAt ?? entry.createdAt));
    }
    return { dirty, oldestMs };
  }
}

function gaugeIn(registry: RegistryType, Gauge: typeof GaugeType): (name: string, help: string, value: number) => void {
  return (name, help, value) => new Gauge({ name: `lifeguard_${name}`, help, registers: [registry] }).set(value);
}

/** `exited`, `killed`, `crashed`, …: exit reasons are words of ours. */
function reasonOf(fields: object): string {
  const { reason } = fields as { reason?: unknown };
  return typeof reason === "string" ? reason : "unknown";
}

/** prom-client counts for itself and takes no counts of others. */
function histogram(name: string, help: string, { counts, sum }: HistogramReading): string {
  const full = `lifeguard_${name}`;
  const lines = [`# HELP ${full} ${help}`, `# TYPE ${full} histogram`];
  let seen = 0;
  for (const [index, count] of counts.entries()) {
    seen += count;
    lines.push(`${full}_bucket{le="${SECONDS[index] ?? "+Inf"}"} ${seen}`);
  }
  return [...lines, `${full}_sum ${sum}`, `${full}_count ${seen}`].join("\n");
}
