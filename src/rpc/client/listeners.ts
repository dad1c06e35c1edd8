/** Listeners by name. Unlike an EventEmitter: no name is special, and a listener that throws stops neither the others nor the connection. */
export class Listeners {
  readonly #byName = new Map<string, Set<(...args: never[]) => void>>();

  /** Returns what ends it. */
  on(name: string, listener: (...args: never[]) => void): () => void {
    let listeners = this.#byName.get(name);
    if (listeners === undefined) this.#byName.set(name, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0 && this.#byName.get(name) === listeners) this.#byName.delete(name);
    };
  }

  call(name: string, ...args: unknown[]): void {
    for (const listener of [...(this.#byName.get(name) ?? [])]) {
      try {
        listener(...(args as never[]));
      } catch (error) {
        // Where an uncaught error of the caller's own code belongs: outside of ours.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
