/**
 * The 250 ms exit reaper. Exits arrive by themselves (the keeper's SIGCHLD); the tick is what must happen even when nothing
 * arrives: ended sessions leave the live table, processes that vanished unseen are found, sessions without an actor get one.
 *
 * It knows nothing of sessions beyond this interface; the supervisor hands it in. A tick never waits: work that takes time runs
 * beside it, once per session, and the next tick looks again.
 */
import type { Log } from "../log.js";
import { messageOf } from "../errors.js";

export interface Reapable {
  /** Sessions whose end is dealt with and whose resources can go. */
  retirable(): Iterable<string>;
  /** Frees actor, slot, master and zombie of one ended session. Its failure is logged and tried again at the next tick. */
  retire(id: string): Promise<void>;
  /** A few live sessions a tick, in turn: pids that should be there. */
  livePids(most: number): Iterable<{ id: string; pid: number }>;
  /** A live session's process is not there any more, and nobody reported its exit. */
  vanished(id: string): void;
}

/** Pids looked at in one tick: 50 each 250 ms finds any of 1 000 within five seconds at next to no cost. */
const PIDS_PER_TICK = 50;

/** Ticks that fail for so long are a fault of the supervisor's, which its watchdog ends. */
const TROUBLE_MS = 10_000;

export class ExitReaper {
  readonly #sessions: Reapable;
  readonly #log: Log;
  readonly #periodMs: number;
  readonly #retiring = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #tickedAt = performance.now();

  constructor(sessions: Reapable, log: Log, periodMs: number) {
    this.#sessions = sessions;
    this.#log = log;
    this.#periodMs = periodMs;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#periodMs);
  }

  /** What is wrong when ticks do not come to their end, or null. */
  trouble(): string | null {
    const silence = performance.now() - this.#tickedAt;
    return silence > TROUBLE_MS ? `the exit reaper has not come round for ${Math.round(silence / 1_000)} s` : null;
  }

  /** Stops ticking; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#retiring.values());
  }

  #tick(): void {
    for (const { id, pid } of this.#sessions.livePids(PIDS_PER_TICK)) {
      if (!isAlive(pid)) this.#sessions.vanished(id);
    }
    for (const id of this.#sessions.retirable()) {
      if (this.#retiring.has(id)) continue;
      const work = this.#sessions
        .retire(id)
        .catch((error: unknown) =>
          this.#log.warn({ session: id, phase: "retire", err: messageOf(error) }, "an ended session could not be retired, trying again"),
        )
        .finally(() => this.#retiring.delete(id));
      this.#retiring.set(id, work);
    }
    this.#tickedAt = performance.now();
  }
}

/** A zombie counts as there: its exit is the keeper's to report. Signal 0 sends nothing. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
