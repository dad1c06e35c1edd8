/** Idempotency keys: the same key means the same deed, also while the first is still being done. */
import { hash } from "node:crypto";
import type { Clock } from "../clock.js";
import { LifeguardError, StillUnderWay } from "../errors.js";

interface Kept {
  at: number;
  /** Of everything else that was asked, so that a key reused by mistake is not answered with somebody else's session. */
  digest: string;
  outcome: Promise<unknown>;
  /** Set while the last answer was that it is still under way. */
  again: (() => Promise<unknown>) | null;
}

export class Idempotency {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #most: number;
  /** In order of age. */
  readonly #kept = new Map<string, Kept>();

  /** @param most keys remembered; the oldest is forgotten beyond */
  constructor(options: { clock: Clock; ttlMs: number; most: number }) {
    this.#clock = options.clock;
    this.#ttlMs = options.ttlMs;
    this.#most = options.most;
  }

  /**
   * Does it, or answers with what the same key did before. A deed that failed is forgotten: it may be tried again. One that is
   * still under way after its error is waited for again, never done twice.
   * @throws LifeguardError INVALID_PARAMS when the key was used for something else
   */
  once<T>(key: string, asked: object, deed: () => Promise<T>): Promise<T> {
    this.#forgetOld();
    const digest = digestOf(asked);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      if (kept.digest !== digest)
        throw new LifeguardError(
          "INVALID_PARAMS",
          `key ${JSON.stringify(key.slice(0, 80))} was used within 10 minutes with other parameters; use a new key`,
          { field: "key" },
        );
      if (kept.again !== null) this.#follow(key, kept, kept.again());
      return kept.outcome as Promise<T>;
    }
    const outcome = deed();
    const mine: Kept = { at: this.#clock.monotonic(), digest, outcome, again: null };
    this.#kept.set(key, mine);
    this.#follow(key, mine, outcome);
    return outcome;
  }

  #follow(key: string, kept: Kept, outcome: Promise<unknown>): void {
    kept.outcome = outcome;
    kept.again = null;
    outcome.catch((error: unknown) => {
      if (error instanceof StillUnderWay) kept.again = error.again;
      else if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
  }

  #forgetOld(): void {
    const oldest = this.#clock.monotonic() - this.#ttlMs;
    for (const [key, { at }] of this.#kept) {
      if (at > oldest && this.#kept.size < this.#most) return;
      this.#kept.delete(key);
    }
  }
}

/** Bytes among what was asked count by their own digest: as JSON they would take many times their size. */
function digestOf(asked: object): string {
  const fields = Object.entries(asked).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? ["bytes", sha256(value)] : ["json", value as unknown],
  ]);
  return sha256(JSON.stringify(fields));
}

function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "base64");
}
