/**
 * The daemon's birth and death on one screen: built left to right, stopped in reverse. Its outside (environment, flags, stop
 * signal) comes in as arguments.
 */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ActorPool } from "./actors/pool.js";
import { systemClock } from "./clock.js";
import { PERIODS } from "./bounds.js";
import { loadConfig } from "./config.js";
import { messageOf } from "./errors.js";
import { keeperUnit } from "./unit-names.js";
import { openLog } from "./log.js";
import { packageVersion } from "./package-files.js";
import { inflightPath, makeDirectories, resolvePaths } from "./paths.js";
import { Profiles } from "./profiles/watch.js";
import { Custody } from "./reaper/custody.js";
import { ExitReaper } from "./reaper/exit-reaper.js";
import { configuredBounds } from "./supervisor/store-bounds.js";
import { FileStore } from "./persistence/file-store.js";
import { RpcServer } from "./rpc/server.js";
import { Journal, journalDestination, writesToJournal } from "./service/journal.js";
import { inheritedListener } from "./service/notification.js";
import { adoptSessions } from "./supervisor/adoption.js";
import { baseEnvironment, callerOpenFiles } from "./supervisor/environment.js";
import { CheckpointLoop } from "./supervisor/checkpoint-loop.js";
import { Durably } from "./supervisor/durably.js";
import { EventLog } from "./supervisor/events.js";
import { listenForFaults } from "./supervisor/faults.js";
import { Hosting } from "./supervisor/hosting.js";
import { Metrics } from "./supervisor/metrics.js";
import { MetricsListener } from "./supervisor/metrics-listener.js";
import { Reload } from "./supervisor/reload.js";
import { managerScope, startKeeperUnit } from "./supervisor/keeper-unit.js";
import { Keeping } from "./supervisor/keeping.js";
import { KeepingRequests } from "./supervisor/keeping-requests.js";
import { Lifecycle } from "./supervisor/lifecycle.js";
import { lockState } from "./supervisor/lock.js";
import { Prompts } from "./supervisor/prompts.js";
import { Reaping } from "./supervisor/reaping.js";
import { Removal } from "./supervisor/removal.js";
import { Repositories } from "./supervisor/repositories.js";
import { Retention } from "./supervisor/retention.js";
import { Conversations } from "./supervisor/conversations.js";
import type { SessionEntry } from "./supervisor/entry.js";
import { Reports } from "./supervisor/reports.js";
import type { ResumePlan } from "./supervisor/resume.js";
import { revive } from "./supervisor/revival.js";
import { SelfGuard } from "./supervisor/self-guard.js";
import { Notifier } from "./supervisor/notify/notifier.js";
import { ServiceLink } from "./supervisor/service-link.js";
import { endUnwanted } from "./supervisor/session-tree.js";
import { shutDown } from "./supervisor/shutdown.js";
import { Supervisor } from "./supervisor/supervisor.js";
import { SessionTable } from "./supervisor/table.js";
import { ThoughtWorld } from "./supervisor/thought-world.js";
import { TmuxSessions } from "./supervisor/tmux/sessions.js";
import { Vitals } from "./supervisor/vitals.js";
import { Thinking } from "./thoughts/thinking.js";
import { optimizeLater } from "./tier-up.js";

export interface DaemonOptions {
  env: NodeJS.ProcessEnv;
  flags: { socket?: string };
  onReady(info: { socket: string; state: string; pid: number; restored: number }): void;
  /** Aborted by TERM, INT, HUP. */
  stop: AbortSignal;
}

export interface DaemonEnd {
  exitCode: number;
  /** Sessions that go on under the keeper. */
  left: number;
  /** Ids of sessions whose last moments could not be handed over within the budget. */
  notSaved: string[];
}

/** Runs until `stop` or a client asks for the end. @throws LifeguardError when it cannot start: the message says what to do */
export async function runDaemon(options: DaemonOptions): Promise<DaemonEnd> {
  const startIsOver = optimizeLater();
  const umask = process.umask(0o077);
  const config = loadConfig(resolvePaths(options.env, options.flags));
  const { paths } = config;
  makeDirectories(paths);
  const lock = lockState(paths.state);
  const version = packageVersion();
  const scope = managerScope(options.env);
  const world = { nofileSoft: callerOpenFiles(), umask, keeperUnit: scope === null ? null : { name: keeperUnit(version), scope } };
  const log = openLog({
    level: config.daemon.log_level,
    destination: writesToJournal(options.env) ? journalDestination(new Journal(), "lifeguard") : join(paths.state, "daemon.log"),
    name: "daemon",
  });
  const clock = systemClock;
  const events = new EventLog(randomUUID(), config.rpc.event_history, clock);
  const directory = join(paths.state, "store");
  const pool = new ActorPool({
    threads: config.daemon.threads === 0 ? Math.min(8, Math.max(2, availableParallelism())) : config.daemon.threads,
    heapMib: config.daemon.thread_heap_mib,
    inflightPath: inflightPath(paths),
    maxSessions: config.daemon.max_sessions,
    commandDeadlineMs: config.session.command_deadline_ms,
    log,
    listener: {
      event: (event) => hosting.event(event),
      threadLost: (loss) => {
        metrics.workerLosses++;
        hosting.threadLost(loss);
      },
      unresponsive: (ids, is) => hosting.unresponsive(ids, is),
    },
  });
  // The threads load their code while the store is read.
  const threads = pool.open();
  threads.catch(() => undefined);
  const opening = FileStore.open({
    directory,
    clock,
    bounds: configuredBounds(config.store),
    listener: {
      degraded: (reason) => {
        log.error({ phase: "store", err: reason }, "the store cannot be written: what is new is kept in memory, and tried again");
        events.append("store.degraded", null, { reason });
      },
      ok: () => {
        log.info({ phase: "store" }, "the store is written again");
        events.append("store.ok", null);
      },
      damaged: (damage) => {
        log.error({ phase: "store", path: damage.path, to: damage.quarantined_to, err: damage.reason }, "a file of the store is damaged");
        events.append("store.damaged", null, {
          path: damage.path,
          what: damage.kind,
          reason: damage.reason,
          quarantined_to: damage.quarantined_to ?? null,
        });
      },
    },
  });
  const { store, table } = await opening
    .then((opened) => ({ store: opened, table: new SessionTable(paths.state, opened.ids) }))
    .catch(async (error: unknown) => {
      // Threads would keep a daemon alive that cannot start.
      await pool.close().catch(() => undefined);
      throw error;
    });
  const durably = new Durably({ store, path: directory, boundMs: config.store.answer_ms });
  events.subscribe(null, { kinds: ["store.degraded"] }, () => durably.troubled());
  const asked = new AbortController();

  const profiles = new Profiles(paths.config, ({ set, problems }) => {
    for (const problem of problems) log.warn({ phase: "profiles" }, problem);
    log.info({ phase: "profiles", profiles: set.profiles.length, digest: set.digest }, "profiles of tools have changed");
    hosting.profilesChanged(set);
  });
  const currentProfiles = (): Profiles["set"] => profiles.set;
  const later = { hosting: () => hosting, keeping: () => keeping, lifecycle: () => lifecycle };
  const tmux = new TmuxSessions({ config, clock, log, table, events, world, ...later });
  const parts = { pool, table, events, clock, log, config, profiles: currentProfiles, checkpoints: store.checkpoints, tmux };
  const hosting: Hosting = new Hosting(parts);
  const custody = new Custody({
    runtime: paths.runtime,
    state: paths.state,
    version,
    spawner: config.daemon.spawner,
    ...(scope === null ? {} : { startKeeper: () => startKeeperUnit(scope, version) }),
    log,
    listener: {
      exited: (session, exit) => lifecycle.exited(session, exit),
      bornTooLate: (session, pid) => endUnwanted({ config, custody, log }, session, pid),
      keeperLost: (sessions) => events.append("daemon.degraded", null, { reason: "keeper_lost", sessions: sessions.length }),
      keeperReplaced: (pid) => log.info({ phase: "keeper", keeper: pid }, "a new keeper holds all terminals"),
    },
  });
  const keeping: Keeping = new Keeping({ store, hosting, events, durably, clock, log });
  const removal = new Removal({ table, events, keeping, durably });
  const conversations = new Conversations({ table, events, keeping, clock, log });
  const plan = (entry: SessionEntry): ResumePlan => conversations.planResume(entry, currentProfiles());
  const life = { config, clock, log, table, events, custody, pool, hosting, keeping, durably, removal, plan, world, tmux };
  const lifecycle: Lifecycle = new Lifecycle(life);
  const checkpoints = new CheckpointLoop(table, keeping, config.store.checkpoint_period_ms);
  const retention = new Retention({ config, table, keeping, removal, lifecycle, durably, log });
  const reaper = new ExitReaper(new Reaping({ table, custody, lifecycle, clock }), log, PERIODS.reaperMs);
  const metrics = new Metrics({ clock, table, pool, keeping, events });
  const notifier = new Notifier({ config, table, events, clock, log });
  const guard = new SelfGuard();
  const reports = new Reports({ config, clock, log, table, hosting, guard, profiles: currentProfiles, conversations });
  const prompts = new Prompts({ config, clock, log, table, events, hosting, keeping });
  const thinking = new Thinking({
    settings: config.thought,
    documents: store.documents,
    world: new ThoughtWorld({ table, hosting, events, clock, store, publish: (id, update) => kept.publishThought(id, update) }),
    clock,
    log,
    env: () => baseEnvironment("daemon", {}),
    announce: (reason) => events.append("daemon.degraded", null, { reason }),
  });
  const kept = new KeepingRequests({ config, clock, table, events, lifecycle, keeping, retention, guard, thinking, durably, log });
  const vitals = new Vitals({ version, boot: events.boot, clock, table, pool, custody, store, thoughts: () => healthOf(thinking) });
  const supervisor = new Supervisor({
    config,
    clock,
    table,
    events,
    hosting,
    lifecycle,
    vitals,
    profiles: currentProfiles,
    keeping: kept,
    guard,
    tmux,
    reports,
    prompts,
    requestStop: () => asked.abort(),
    metrics: (status, socket) => metrics.text(status, socket),
    reload: () => reload.run(),
  });
  const server: RpcServer = new RpcServer({ config, version, supervisor, log });
  const metricsListener = new MetricsListener({ settings: config.metrics, text: () => supervisor.metrics(server.figures()), log });
  const service = new ServiceLink({
    env: options.env,
    status: () => table.summary(),
    trouble: () => reaper.trouble() ?? (server.listening ? null : "the socket is not listened at"),
    log,
  });
  const reload = new Reload({
    config,
    log,
    service,
    applied: async (changed) => {
      if (changed.some((key) => key.startsWith("notify."))) notifier.reconfigured();
      // Always: the token's file may hold another one.
      await metricsListener.apply();
    },
  });
  const endFaults = listenForFaults(options.env, paths.runtime, pool, log);

  let repositories: Repositories | null = null;

  try {
    const began = clock.monotonic();
    const elapsed = (): number => Math.round(clock.monotonic() - began);
    for (const problem of profiles.problems) log.warn({ phase: "profiles" }, problem);
    profiles.follow();
    const adopted = await adoptSessions({ config, clock, log, table, events, custody, hosting, lifecycle, keeping });
    const missing = tmux.readopt(adopted.tmux);
    await threads;
    await retention.finishRemovals();
    reaper.start();
    checkpoints.start();
    retention.start();
    notifier.start();
    prompts.resume();
    await thinking.start();
    await server.listen(inheritedListener(options.env));
    await metricsListener.apply();
    service.ready();
    options.onReady({ socket: paths.socket, state: paths.state, pid: process.pid, restored: adopted.sessions });
    log.info({ phase: "start", version, socket: paths.socket, sessions: adopted.sessions, ms: elapsed() }, "listening");
    void adopted.actors.then(() => {
      startIsOver();
      vitals.restored = { sessions: adopted.sessions, ms: elapsed() };
      log.info({ phase: "start", sessions: adopted.sessions, ms: elapsed() }, "all sessions serve");
    });

    repositories = new Repositories(table, events, clock);
    void revive(adopted.gone, lifecycle, config.daemon.restore, log, plan);
    void missing.then((entries) => {
      tmux.start();
      return revive(entries, lifecycle, config.daemon.restore, log, plan);
    });

    await stopAsked(options.stop, asked.signal);

    events.append("daemon.stopping", null);
    prompts.stop();
    service.stopping(config.daemon.shutdown_budget_ms);
    // Its process ends while sessions are handed over.
    void thinking.close();
    const end = await shutDown({ table, lifecycle, keeping, custody, budgetMs: config.daemon.shutdown_budget_ms, log });
    log.info({ phase: "stop", left: end.left, not_saved: end.notSaved }, "ended");
    return { exitCode: end.notSaved.length === 0 ? 0 : 1, ...end };
  } finally {
    // In reverse, also when the start failed half-way: each of these is harmless on a part that never began.
    endFaults();
    service.stop();
    repositories?.stop();
    profiles.stop();
    await metricsListener.close();
    await server.close();
    notifier.stop();
    reports.stop();
    conversations.stop();
    prompts.stop();
    await thinking.close();
    retention.stop();
    checkpoints.stop();
    await reaper.stop();
    tmux.stop();
    vitals.stop();
    await pool
      .close()
      .catch((error: unknown) => log.warn({ phase: "stop", err: messageOf(error) }, "the thread pool did not close cleanly"));
    custody.close();
    await store.close();
    lock.release();
  }
}

function healthOf({ status: { engine, healthy, detail } }: Thinking): { engine: typeof engine; healthy: boolean; detail: string | null } {
  return { engine, healthy, detail };
}

function stopAsked(...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}
