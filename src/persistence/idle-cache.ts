/** What can be had from the disk again, kept while it is asked for: one loader per key however many ask at once. */

interface Held<V> {
  value: Promise<V>;
  /** Null while it is loading. */
  loaded: { value: V } | null;
  touched: number;
}

export class IdleCache<V> {
  readonly #held = new Map<string, Held<V>>();
  readonly #now: () => number;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Callers of one key are answered in the order in which they asked. A failed load is forgotten. */
  get(key: string, load: () => Promise<V>): Promise<V> {
    const there = this.#held.get(key);
    if (there !== undefined) {
      there.touched = this.#now();
      return there.value;
    }
    const held: Held<V> = { value: load(), loaded: null, touched: this.#now() };
    this.#held.set(key, held);
    held.value.then(
      (value) => (held.loaded = { value }),
      () => {
        if (this.#held.get(key) === held) this.#held.delete(key);
      },
    );
    return held.value;
  }

  set(key: string, value: V): void {
    this.#held.set(key, { value: Promise.resolve(value), loaded: { value }, touched: this.#now() });
  }

  peek(key: string): V | undefined {
    return this.#held.get(key)?.loaded?.value;
  }

  delete(key: string): void {
    this.#held.delete(key);
  }

  /** Forgets what nobody has asked for within `idleMs` and `may` be forgotten; answers what it was. */
  evict(idleMs: number, may: (key: string, value: V) => boolean): [string, V][] {
    const before = this.#now() - idleMs;
    const gone: [string, V][] = [];
    for (const [key, held] of this.#held) {
      if (held.loaded === null || held.touched > before || !may(key, held.loaded.value)) continue;
      this.#held.delete(key);
      gone.push([key, held.loaded.value]);
    }
    return gone;
  }

  loaded(): [string, V][] {
    return [...this.#held].flatMap(([key, { loaded }]) => (loaded === null ? [] : [[key, loaded.value] satisfies [string, V]]));
  }
}
