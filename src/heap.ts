/** What V8 keeps of a burst that is over: garbage it is in no hurry to collect, and a young generation that has grown. */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Terminals that were parked are garbage (2.7 MB each), collected when no more are parked for so long. In the middle of it a collection
 * stops the thread for 100–250 ms, over hundreds of terminals that live; after it for 25.
 */
const QUIET_MS = 2_000;
/** Collections after parking are at least so far apart. */
const PERIOD_MS = 5_000;
/** However many are being parked, what was parked first is collected after this. */
const LATEST_MS = 30_000;
/** How often a thread looks at its young generation. */
const LOOK_MS = 10_000;
/** A young generation starts with 1 MiB and grows to 32. Until this it may stay. */
const YOUNG_BYTES = 2_097_152;

/** Keeps the heap of this thread small. After each of its {@link collections} `malloc_trim` has something to give back. */
export class HeapUpkeep {
  /** Collections so far. */
  collections = 0;
  readonly #collected: () => void;
  readonly #look: NodeJS.Timeout;
  #timer: NodeJS.Timeout | null = null;
  /** It was large at the last look, and stayed so. */
  #burst = false;
  #parkedAt = 0;
  #latest = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** @param collected after each collection, in this thread */
  constructor(collected: () => void = () => {}) {
    this.#collected = collected;
    this.#look = setInterval(() => this.#shrinkYoung(), LOOK_MS).unref();
  }

  /** A terminal was parked. */
  parked(): void {
    this.#parkedAt = performance.now();
    if (this.#timer !== null) return;
    this.#latest = this.#parkedAt + LATEST_MS;
    this.#wait();
  }

  stop(): void {
    clearInterval(this.#look);
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #wait(): void {
    const due = Math.min(this.#latest, Math.max(this.#parkedAt + QUIET_MS, this.#lastAt + PERIOD_MS));
    const wait = due - performance.now();
    this.#timer = wait > 0 ? setTimeout(() => this.#wait(), Math.ceil(wait)) : null;
    if (wait <= 0) this.#collectAll();
  }

  #collectAll(): void {
    collector()();
    this.#lastAt = performance.now();
    this.collections++;
    this.#collected();
  }

  /**
   * V8 makes it small again when it collects while little is allocated: in a thread that has gone quiet, that can be hours later. Once it is
   * small a burst is over, and what that has left in the old generation goes too.
   */
  #shrinkYoung(): void {
    const large = youngBytes() > YOUNG_BYTES;
    if (large) collector()({ type: "minor" });
    const small = !large || youngBytes() <= YOUNG_BYTES;
    // Also when it was V8 that made it small, between this look and the last.
    if (small && (large || this.#burst)) this.#collectAll();
    this.#burst = !small;
  }
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;
}

let exposed: ((young?: { type: "minor" }) => void) | undefined;

/** Without an argument it collects everything; with any argument, V8 of Node 20 collects the young generation alone. */
function collector(): NonNullable<typeof exposed> {
  if (exposed === undefined) {
    setFlagsFromString("--expose-gc");
    exposed = runInNewContext("gc") as NonNullable<typeof exposed>;
  }
  return exposed;
}
