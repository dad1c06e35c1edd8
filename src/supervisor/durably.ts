/**
 * Waiting for the disk on behalf of somebody who asked: never longer than the bound. A disk that is full or hangs is then said by name;
 * what was asked goes on by itself.
 */
import { messageOf, StillUnderWay } from "../errors.js";
import type { Store } from "../persistence/store.js";

export interface Waiting {
  /** What is not on the disk: "the name of sess_1". */
  what: string;
  /** What is true meanwhile, and what becomes of it: a sentence. */
  meanwhile: string;
}

export interface DurablyParts {
  store: Pick<Store, "trouble">;
  /** The store's directory: where room is needed. */
  path: string;
  boundMs: number;
}

const LATE = Symbol("late");

export class Durably {
  readonly #p: DurablyParts;
  /** Those who stop waiting as soon as the store has trouble. */
  readonly #easy = new Set<() => void>();

  constructor(parts: DurablyParts) {
    this.#p = parts;
  }

  /** @throws what `work` throws; STORE_FULL or UNAVAILABLE (StillUnderWay) when it has not settled within the bound */
  async within<T>(work: Promise<T>, waiting: Waiting): Promise<T> {
    const { boundMs } = this.#p;
    // Its own failure after the bound is told by whoever does it.
    work.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(resolve, boundMs, LATE);
    });
    try {
      const outcome = await Promise.race([work, late]);
      if (outcome !== LATE) return outcome;
    } finally {
      clearTimeout(timer);
    }
    throw this.#unanswered(waiting, () => this.within(work, waiting));
  }

  #unanswered({ what, meanwhile }: Waiting, again: () => Promise<unknown>): StillUnderWay {
    const { store, path, boundMs } = this.#p;
    const { trouble } = store;
    const data = { path, waited_ms: boundMs, under_way: true, meanwhile, retry_after_ms: boundMs };
    if (trouble?.full === true)
      return new StillUnderWay(
        "STORE_FULL",
        `${what} is not on the disk: there is no room at ${path} (${trouble.reason}). ${meanwhile} Make room: remove sessions (rm, prune), or other files there`,
        data,
        again,
      );
    return new StillUnderWay(
      "UNAVAILABLE",
      `${what} is not on the disk after ${boundMs} ms: ${path} does not answer${trouble === null ? "" : ` (${trouble.reason})`}. ${meanwhile} Look at the disk; store.status says when it works again`,
      data,
      again,
    );
  }

  /**
   * For what does not depend on the disk: waits until it is durable, but no longer than the bound, and not at all while the store has
   * trouble.
   * @returns why it is not durable yet; null when it is
   */
  async unlessTrouble(work: Promise<unknown>): Promise<string | null> {
    // Its failure after that is told by whoever does it.
    work.catch(() => undefined);
    const reason = (): string | undefined => this.#p.store.trouble?.reason;
    const known = reason();
    if (known !== undefined) return known;
    let stop = (): void => undefined;
    const troubled = new Promise<never>((_, reject) => {
      stop = () => reject(new Error("the store has trouble"));
    });
    this.#easy.add(stop);
    try {
      await this.within(Promise.race([work, troubled]), { what: "it", meanwhile: "It goes on by itself." });
      return null;
    } catch (error) {
      return reason() ?? messageOf(error);
    } finally {
      this.#easy.delete(stop);
    }
  }

  /** The store has told that writes fail or hang. */
  troubled(): void {
    for (const stop of this.#easy) stop();
  }
}
