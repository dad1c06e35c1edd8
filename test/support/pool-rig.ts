/**
 * A pool of actors with real terminals and real processes, without daemon and keeper: this process spawns, holds masters and slaves,
 * and restarts what a lost thread leaves behind, by the loss policy. Everything is from dist, as the workers' entry is.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InflightFile } from "../../dist/spool/inflight.js";
import { planAfterLoss } from "../../dist/actors/loss-policy.js";
import { NO_PROFILES } from "../../src/profiles/profile.js";
import type { Death, Restart } from "../../dist/actors/loss-policy.js";
import type { ActorEvent, ActorStart } from "../../dist/actors/messages.js";
import { ActorPool } from "../../dist/actors/pool.js";
import type { ThreadLoss } from "../../dist/actors/pool.js";
import { Intake } from "../../dist/spool/intake.js";
import { closeDescriptor, duplicate } from "../../dist/libc/descriptors.js";
import { reap, spawnOnTerminal } from "../../dist/libc/processes.js";
import { openPty, openSlave } from "../../dist/libc/terminals.js";
import { silentLog } from "../../dist/log.js";
import { LifeguardError } from "../../dist/errors.js";
import { Terminal } from "../../dist/actors/terminal/terminal.js";
import type { Command } from "./numbered-lines.js";
import { waitUntil } from "./wait.js";

export interface RigSession {
  id: string;
  master: number;
  slave: number;
  pid: number;
  start: Omit<ActorStart, "master">;
}

const SIZE = { cols: 80, rows: 24 };

export class PoolRig {
  readonly home: string = mkdtempSync(join(tmpdir(), "lifeguard-pool-"));
  readonly pool: ActorPool;
  readonly sessions: Map<string, RigSession> = new Map();
  readonly events: ActorEvent[] = [];
  readonly losses: ThreadLoss[] = [];
  readonly unresponsive: { sessions: string[]; is: boolean }[] = [];
  /** Restarts after losses, in order. */
  readonly restarts: Restart[] = [];
  /** For each loss: bytes that its thread had read from its sessions' terminals, and dealt with no more. */
  readonly leftInPages: number[] = [];
  /** Starts of actors that were rejected because their thread was lost. */
  readonly failedStarts: string[] = [];
  onEvent: (event: ActorEvent) => void = () => {};
  #deaths: Death[] = [];
  #restarting: Promise<void> = Promise.resolve();
  #next = 1;
  #ended = false;

  constructor(options: { threads?: number; heapMib?: number; maxSessions?: number; deadlineMs?: number } = {}) {
    const inflightPath = join(this.home, "inflight");
    InflightFile.open(inflightPath).close();
    this.pool = new ActorPool({
      threads: options.threads ?? 2,
      heapMib: options.heapMib ?? 512,
      inflightPath,
      maxSessions: options.maxSessions ?? 500,
      commandDeadlineMs: options.deadlineMs ?? 10_000,
      log: silentLog,
      listener: {
        event: (event) => {
          if (event.type !== "output") this.events.push(event);
          this.onEvent(event);
        },
        threadLost: (loss) => this.#lost(loss),
        unresponsive: (sessions, is) => this.unresponsive.push({ sessions, is }),
      },
    });
  }

  /** Spawns a process on a new terminal; its actor is not started yet. */
  spawn({ command, args }: Command, settings: Partial<ActorStart["settings"]> = {}): RigSession {
    const id = `sess_${this.#next}`;
    const { master, slavePath } = openPty(SIZE.cols, SIZE.rows);
    const slave = openSlave(slavePath);
    const pid = spawnOnTerminal({
      file: command,
      argv: [command, ...args],
      env: [`PATH=${process.env["PATH"]}`, "TERM=xterm-256color"],
      cwd: "/",
      slavePath,
    });
    const directory = join(this.home, id);
    mkdirSync(directory, { mode: 0o700 });
    const session: RigSession = {
      id,
      master,
      slave,
      pid,
      start: {
        id,
        epoch: 1,
        directory,
        slot: this.#next,
        size: SIZE,
        pid,
        tmux: null,
        fresh: true,
        continues: "worker",
        terminal: true,
        tool: null,
        profiles: NO_PROFILES,
        settings: {
          historyLines: 1_000,
          spoolBytes: 1_048_576,
          spoolBusyBytes: 4_194_304,
          inputQueueBytes: 262_144,
          parkAfterMs: 2_000,
          idleHoldMs: 1_500,
          errorLingerMs: 4_000,
          attentionAfterMs: 300_000,
          promptConfirmMs: 3_000,
          ...settings,
        },
      },
    };
    this.#next++;
    this.sessions.set(id, session);
    return session;
  }

  async start(session: RigSession, how: Partial<ActorStart> = {}, isolation: "shared" | "thread" = "shared"): Promise<void> {
    await this.pool.start({ ...session.start, ...how, master: duplicate(session.master) }, { isolation });
  }

  /** Spawns and starts. */
  async run(command: Command, settings: Partial<ActorStart["settings"]> = {}): Promise<RigSession> {
    const session = this.spawn(command, settings);
    await this.start(session);
    return session;
  }

  /** Resolves when the restarts after all losses so far are done. */
  async recovered(): Promise<void> {
    await this.#restarting;
  }

  async lossCount(count: number): Promise<void> {
    await waitUntil(`${count} lost threads`, () => this.losses.length >= count, 60_000);
  }

  /** Output of a session without an actor, as the keeper would take it. */
  takeAs(session: RigSession, bytes: number): void {
    const { directory, slot, settings } = session.start;
    const file = InflightFile.open(join(this.home, "inflight"));
    const intake = Intake.open(directory, file.slot(slot), { bytes: settings.spoolBytes, busyBytes: settings.spoolBusyBytes });
    for (let left = bytes; left > 0;) {
      const length = Math.min(left, 4_000);
      intake.page.fill("x", 0, length);
      intake.commit(length);
      left -= length;
    }
    intake.close();
    file.close();
  }

  /** All that is held of a session's output. */
  async readAll(id: string, since = 0): Promise<{ start: number; bytes: Buffer; gap: number }> {
    const pieces: Buffer[] = [];
    let gap = 0;
    let start = -1;
    for (let at = since; ;) {
      const read = await this.pool.call(id, "read", at, 1_048_576);
      gap += read.gap;
      if (start < 0) start = read.offset;
      if (read.data.byteLength === 0) return { start, bytes: Buffer.concat(pieces), gap };
      pieces.push(Buffer.from(read.data));
      at = read.next;
    }
  }

  /** Kills the thread of a session, as if its code did. Its answer seldom gets out. */
  async fault(id: string, kind: "throw" | "heap"): Promise<void> {
    await this.pool.call(id, "fault", kind).catch((error: unknown) => {
      if (!(error instanceof LifeguardError) || error.name !== "UNAVAILABLE") throw error;
    });
  }

  async text(id: string): Promise<string> {
    return (await this.pool.call(id, "screen", { format: "text", scrollback: 0 })).content;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#restarting.catch(() => {});
    await this.pool.close();
    for (const session of this.sessions.values()) {
      process.kill(session.pid, "SIGKILL");
      closeDescriptor(session.master);
      closeDescriptor(session.slave);
    }
    for (const { pid } of this.sessions.values()) await waitUntil(`process ${pid} to end`, () => reap(pid) !== null);
    rmSync(this.home, { recursive: true });
  }

  #lost(loss: ThreadLoss): void {
    this.losses.push(loss);
    this.leftInPages.push(this.#inPages(loss.sessions));
    const starting =
      loss.suspect !== null && this.failedStarts.includes(loss.suspect) && !loss.sessions.includes(loss.suspect) ? [loss.suspect] : [];
    const plan = planAfterLoss(this.#deaths, { at: performance.now(), sessions: [...loss.sessions, ...starting], suspect: loss.suspect });
    this.#deaths = plan.history;
    this.#restarting = this.#restarting.then(async () => {
      for (const wave of plan.waves) if (!this.#ended) await Promise.all(wave.map(async (restart) => await this.#restart(restart)));
    });
  }

  #inPages(sessions: readonly string[]): number {
    const file = InflightFile.open(join(this.home, "inflight"));
    const bytes = sessions.reduce((sum, id) => sum + file.slot(this.sessions.get(id)?.start.slot ?? 0).unannounced, 0);
    file.close();
    return bytes;
  }

  async #restart(restart: Restart): Promise<void> {
    this.restarts.push(restart);
    const session = this.sessions.get(restart.id);
    if (session === undefined) return;
    try {
      await this.start(session, { fresh: false, terminal: restart.terminal }, restart.isolation);
    } catch (error) {
      if (!(error instanceof LifeguardError) || error.name !== "UNAVAILABLE") throw error;
      this.failedStarts.push(restart.id);
    }
  }
}

/** The screen of a terminal that has seen all of these bytes. */
export function screenAfter(bytes: Uint8Array): string {
  const terminal = new Terminal(SIZE, { historyLines: 1_000 }, { reply: () => {}, title: () => {}, bell: () => {}, osc: () => {} });
  terminal.feed(bytes);
  const { content } = terminal.render({ format: "text", scrollback: 0 });
  terminal.dispose();
  return content;
}
