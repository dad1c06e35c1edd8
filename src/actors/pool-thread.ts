/**
 * The main thread's handle on one actor thread: calls with a deadline, the heartbeat, and its death. A thread is lost when its
 * worker fails, and gone when the worker has exited: only then is nobody left who might read its terminals.
 */
import { wrap } from "comlink";
import type { Remote } from "comlink";
import { LifeguardError } from "../errors.js";
import { sessionId } from "../session.js";
import { PackedPort } from "./endpoint.js";
import { NO_FIGURES } from "./thread-figures.js";
import { isWithEachKey } from "./messages.js";
import type { ActorApi, ActorBegun, ActorEvent, ThreadHello, ThreadVitals } from "./messages.js";

interface Pending {
  reject(error: LifeguardError): void;
}

export class ActorThread {
  readonly id: number;
  readonly kind: "shared" | "own";
  /** Sessions whose actor runs here, or is on its way here. */
  readonly sessions: Set<string> = new Set();
  vitals: ThreadVitals = { heapBytes: 0, actors: 0, parked: 0, collections: 0, figures: NO_FIGURES };
  unresponsive = false;
  /** Digest of the profiles that were sent to it last; null when none were. */
  profiles: string | null = null;
  /** Its worker has died of an error, rather than been ended with its work done. */
  failed = false;
  /** Why it can no longer be used, null while it can. */
  lost: string | null = null;
  readonly #port: PackedPort;
  readonly #host: Remote<ActorApi>;
  readonly #suspect: Float64Array;
  readonly #pending = new Set<Pending>();
  /** Proxies of comlink are made per access; one per method is enough. */
  readonly #methods = new Map<keyof ActorApi, (...args: unknown[]) => Promise<unknown>>();
  #pingedAt: number | null = null;

  constructor(hello: ThreadHello, kind: "shared" | "own", onEvent: (event: ActorEvent | ActorBegun) => void) {
    this.id = hello.lifeguardThread;
    this.kind = kind;
    this.#suspect = new Float64Array(hello.suspect);
    this.#port = new PackedPort(hello.port, (event) => onEvent(event as ActorEvent | ActorBegun));
    this.#host = wrap<ActorApi>(this.#port.calls);
  }

  /** The session whose code runs or ran last, null when none did. */
  get suspect(): string | null {
    const number = this.#suspect[0] ?? 0;
    return number > 0 ? sessionId(number) : null;
  }

  /** @throws TIMEOUT after `deadlineMs`, UNAVAILABLE at once when the thread is lost, and what the actor throws */
  async call<K extends keyof ActorApi>(
    method: K,
    args: Parameters<ActorApi[K]>,
    deadlineMs: number,
  ): Promise<Awaited<ReturnType<ActorApi[K]>>> {
    if (this.lost !== null) throw this.#unavailable();
    return await new Promise<Awaited<ReturnType<ActorApi[K]>>>((resolve, reject) => {
      const pending: Pending = {
        reject: (error) => {
          clearTimeout(timer);
          this.#pending.delete(pending);
          reject(error);
        },
      };
      const timer = setTimeout(
        () =>
          pending.reject(
            new LifeguardError("TIMEOUT", `${method} was not answered within ${deadlineMs} ms`, { method, deadline_ms: deadlineMs }),
          ),
        deadlineMs,
      );
      this.#pending.add(pending);
      (isWithEachKey(method) ? this.#port.ask(method, args) : this.#method(method)(...args)).then(
        (value) => {
          clearTimeout(timer);
          this.#pending.delete(pending);
          resolve(value as Awaited<ReturnType<ActorApi[K]>>);
        },
        (error: unknown) =>
          pending.reject(error instanceof LifeguardError ? error : new LifeguardError("INTERNAL", String(error), {}, { cause: error })),
      );
    });
  }

  /**
   * One beat. @returns whether the thread counts as unresponsive now: the oldest unanswered ping is older than `silentMs`
   */
  beat(silentMs: number, answered: () => void): boolean {
    const now = performance.now();
    if (this.#pingedAt !== null) return now - this.#pingedAt >= silentMs;
    this.#pingedAt = now;
    this.#method("ping")().then(
      (vitals) => {
        this.#pingedAt = null;
        this.vitals = vitals as ThreadVitals;
        answered();
      },
      () => {},
    );
    return false;
  }

  /** The worker has failed: every pending call is rejected now (comlink would leave them for ever). */
  lose(reason: string): void {
    if (this.lost !== null) return;
    this.lost = reason;
    for (const pending of this.#pending) pending.reject(this.#unavailable());
  }

  /** Runs once the other side of its port is gone and all it posted has been heard. */
  onClose(listener: () => void): void {
    this.#port.onClose(listener);
  }

  close(): void {
    this.lose("closed");
    this.#port.close();
  }

  #method(name: keyof ActorApi): (...args: unknown[]) => Promise<unknown> {
    let method = this.#methods.get(name);
    if (method === undefined) {
      method = this.#host[name] as unknown as (...args: unknown[]) => Promise<unknown>;
      this.#methods.set(name, method);
    }
    return method;
  }

  #unavailable(): LifeguardError {
    return new LifeguardError("UNAVAILABLE", `the session's thread was lost (${this.lost ?? "unknown"}); it is being restarted`, {
      retry_after_ms: 500,
    });
  }
}
