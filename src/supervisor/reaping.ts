/** The exit reaper's view of the sessions (reaper/exit-reaper.ts). */
import type { Clock } from "../clock.js";
import type { Custody } from "../reaper/custody.js";
import type { Reapable } from "../reaper/exit-reaper.js";
import type { Lifecycle } from "./lifecycle.js";
import type { SessionTable } from "./table.js";

export class Reaping implements Reapable {
  readonly #table: SessionTable;
  readonly #custody: Pick<Custody, "pidOf">;
  readonly #lifecycle: Pick<Lifecycle, "retirable" | "retire" | "exited">;
  readonly #clock: Clock;
  #pidCursor = 0;

  constructor(parts: {
    table: SessionTable;
    custody: Pick<Custody, "pidOf">;
    lifecycle: Pick<Lifecycle, "retirable" | "retire" | "exited">;
    clock: Clock;
  }) {
    this.#table = parts.table;
    this.#custody = parts.custody;
    this.#lifecycle = parts.lifecycle;
    this.#clock = parts.clock;
  }

  retirable(): Iterable<string> {
    return this.#lifecycle.retirable();
  }

  retire(id: string): Promise<void> {
    return this.#lifecycle.retire(id);
  }

  *livePids(most: number): Iterable<{ id: string; pid: number }> {
    const live = [...this.#table.entries()];
    for (let step = 0; step < Math.min(most, live.length); step++) {
      this.#pidCursor = (this.#pidCursor + 1) % live.length;
      const entry = live[this.#pidCursor];
      // Custody reports the exits of what it holds, lost ones too; tmux those of its own; what neither knows of is looked for here.
      if (entry?.phase === "running" && entry.tmux === null && entry.pid !== null && this.#custody.pidOf(entry.number) === null)
        yield { id: entry.id, pid: entry.pid };
    }
  }

  vanished(id: string): void {
    const entry = this.#table.byId(id);
    this.#lifecycle.exited(entry.number, { pid: entry.pid ?? 0, code: null, signal: null, at: this.#clock.now() });
  }
}
