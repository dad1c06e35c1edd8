/** Those who wait for a session to reach a state. One list a session; answered by every confirmed change. */
import { FINISHED_UNSEEN } from "../actors/detector.js";
import { LifeguardError } from "../errors.js";
import type { Evidence, SessionState } from "../session.js";
import type { WaitRequest } from "./api.js";

export interface Reached {
  state: SessionState;
  evidence: Evidence;
}

interface Waiter {
  until: readonly SessionState[];
  settle(outcome: Reached | LifeguardError): void;
}

export class Waits {
  readonly #waiters = new Set<Waiter>();
  #stale = false;

  /** A prompt was submitted, and nothing shows of its turn yet: the state that is said is still that of before it. */
  get stale(): boolean {
    return this.#stale;
  }

  /** From here on a state counts only when it is of after this moment. */
  expectTurn(): void {
    this.#stale = true;
  }

  /** What is said is of now again: its turn shows, or has come and gone, or never began. */
  settled(now: Reached): void {
    this.#stale = false;
    this.changed(now);
  }

  /** Answers at once when the session is there already. */
  wait(now: Reached, request: WaitRequest): Promise<Reached> {
    const outcome = this.#stale && now.state !== "exited" ? null : judge(request.until, now);
    if (outcome instanceof LifeguardError) return Promise.reject(outcome);
    if (outcome !== null) return Promise.resolve(outcome);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        until: request.until,
        settle: (settled) => {
          this.#waiters.delete(waiter);
          clearTimeout(timer);
          request.signal.removeEventListener("abort", cancelled);
          if (settled instanceof LifeguardError) reject(settled);
          else resolve(settled);
        },
      };
      const cancelled = (): void => waiter.settle(new LifeguardError("TIMEOUT", "the wait was cancelled"));
      const timer =
        request.timeoutMs === undefined
          ? undefined
          : setTimeout(
              () =>
                waiter.settle(
                  new LifeguardError("TIMEOUT", `not ${request.until.join(" or ")} within ${request.timeoutMs} ms`, {
                    timeout_ms: request.timeoutMs,
                  }),
                ),
              Math.min(request.timeoutMs, 2 ** 31 - 1),
            );
      request.signal.addEventListener("abort", cancelled);
      this.#waiters.add(waiter);
      if (request.signal.aborted) cancelled();
    });
  }

  changed(now: Reached): void {
    if (this.#stale && now.state !== "exited" && !showsTurn(now)) return;
    this.#stale = false;
    for (const waiter of [...this.#waiters]) {
      const outcome = judge(waiter.until, now);
      if (outcome !== null) waiter.settle(outcome);
    }
  }

  removed(id: string): void {
    for (const waiter of [...this.#waiters]) waiter.settle(new LifeguardError("NOT_FOUND", `session ${id} was removed`));
  }
}

/** A session that falls from what it said before to rest has not begun anything. */
function showsTurn({ state, evidence }: Reached): boolean {
  return state === "busy" || state === "error" || (state === "attention" && evidence.rule !== FINISHED_UNSEEN);
}

/** Reached, in vain, or null: wait on. */
function judge(until: readonly SessionState[], now: Reached): Reached | LifeguardError | null {
  if (until.includes(now.state)) return now;
  if (now.state === "exited") return new LifeguardError("EXITED", `the session exited before it was ${until.join(" or ")}`);
  return null;
}
