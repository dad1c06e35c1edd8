/** A queue between a callback and an async iterator. */
export class Channel<T> {
  readonly #items: T[] = [];
  readonly #takers: { resolve(item: T | undefined): void; reject(error: Error): void }[] = [];
  #error: Error | null = null;
  #ended = false;

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker.resolve(item);
  }

  /** The next item, undefined after the end. */
  take(): Promise<T | undefined> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    if (this.#error !== null) {
      const error = this.#error;
      this.#error = null;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** What is queued is still taken, then the error is thrown once. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#error = error;
    else taker.reject(error);
    for (const other of this.#takers.splice(0)) other.resolve(undefined);
  }

  end(): void {
    this.#ended = true;
    for (const taker of this.#takers.splice(0)) taker.resolve(undefined);
  }
}
