/**
 * Sessions that wait to be started again: without a process, live all the same. What they wait for is in their record, so that the
 * next daemon waits on.
 */
import type { Clock } from "../clock.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { describeExit } from "../reaper/exit-steps.js";
import type { SessionExit } from "../session.js";
import { deferred, type SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Keeping } from "./keeping.js";
import { setState } from "./state.js";

export interface BackoffParts {
  clock: Clock;
  log: Log;
  events: EventLog;
  keeping: Keeping;
  /** No wait is longer, whatever a clock that was set back makes of the time that is due. */
  longestMs: number;
  relaunch(entry: SessionEntry): Promise<void>;
}

export class Backoff {
  readonly #p: BackoffParts;
  /** Handed to the next daemon: nothing is started any more. */
  readonly #paused = new WeakSet<SessionEntry>();

  constructor(parts: BackoffParts) {
    this.#p = parts;
  }

  /** The process has ended and is to be started again after `delayMs`; {@link wait} follows when its actor is gone. Resolves when its record says so. */
  async begin(entry: SessionEntry, exit: SessionExit, delayMs: number): Promise<void> {
    const { clock, events, keeping } = this.#p;
    entry.restartDueAt = clock.now() + delayMs;
    // A start after a refused conversation is none of the policy's, and does not count.
    const counted = entry.restartHistory.length;
    entry.restartTimes = counted === 0 ? [] : [...entry.restartTimes, clock.now()].slice(-counted);
    const detail = `${describeExit(exit)}; starting again in ${delayMs} ms`;
    const at = clock.now();
    setState(entry, "starting", { source: "supervisor", rule: "restart_backoff", confidence: "high", at, detail }, events, clock);
    events.append("session.restarting", entry.id, { delay_ms: delayMs, restarts: entry.restarts });
    await keeping.remember(entry);
  }

  wait(entry: SessionEntry, delayMs: number): void {
    // Killed meanwhile: its end is on its way, or over.
    if (entry.phase !== "backoff" || this.#paused.has(entry)) return;
    entry.backoff = setTimeout(() => {
      entry.backoff = null;
      void this.#p.relaunch(entry).catch((error: unknown) => {
        this.#p.log.warn({ session: entry.id, phase: "restart", err: messageOf(error) }, "restart failed");
      });
    }, delayMs);
  }

  /** Goes on waiting where the last daemon left off; what is overdue is due now. */
  resume(entry: SessionEntry): void {
    const { clock, events, longestMs } = this.#p;
    const left = (entry.restartDueAt ?? 0) - clock.now();
    const delayMs = Math.min(Math.max(0, left), longestMs);
    entry.phase = "backoff";
    entry.pid = null;
    entry.end = deferred();
    entry.end.resolve();
    events.append("session.restarting", entry.id, { delay_ms: delayMs, restarts: entry.restarts });
    this.wait(entry, delayMs);
  }

  /** The daemon ends: the next one waits on. */
  pause(entry: SessionEntry): void {
    this.#paused.add(entry);
    this.#stop(entry);
  }

  #stop(entry: SessionEntry): void {
    if (entry.backoff !== null) clearTimeout(entry.backoff);
    entry.backoff = null;
  }

  /** Somebody ends it. Resolves when that is on the disk: else the next daemon would start it again. */
  async cancel(entry: SessionEntry): Promise<void> {
    const { clock, events, keeping } = this.#p;
    this.#stop(entry);
    if (!entry.move("killed")) return;
    entry.restartDueAt = null;
    const at = clock.now();
    const exit = entry.exit ?? { code: null, signal: null, at, reason: "killed" };
    entry.exit = { ...exit, reason: "killed" };
    const detail = "killed while it waited to be started again";
    setState(entry, "exited", { source: "supervisor", rule: "killed_in_backoff", confidence: "high", at, detail }, events, clock);
    entry.fanout.ended(entry.offset);
    await keeping.remember(entry);
  }
}

/** Times of past restarts, ms since 1970, as the restart policy wants them: monotonic. A clock that stepped back makes them now. */
export function restartHistory(times: readonly number[], clock: Clock): number[] {
  const [now, monotonic] = [clock.now(), clock.monotonic()];
  return times.map((at) => monotonic - Math.max(0, now - at));
}
