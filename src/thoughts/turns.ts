/**
 * Whose turn it is to be asked about: sessions that have changed since they were asked about last, each at its own pace. A new
 * objective is looked at often, an old one seldom. Pure but for what it remembers.
 */
import type { ThoughtSettings } from "../thought-engine.js";
import type { Known, SessionView } from "./world.js";

/** Of the objective: younger is hot, older is cold, between is warm. */
const HOT_AGE_MS = 300_000;
const WARM_AGE_MS = 3_600_000;

/** What a session was when it was asked about last. `at` is monotonic. */
interface Asked {
  at: number;
  offset: number;
  stateSince: number;
  title: string;
  rest: SessionView["rest"];
}

export type Pace = Pick<ThoughtSettings, "tick_ms" | "hot_ms" | "warm_ms" | "cold_ms">;

export class Turns {
  readonly #pace: Pace;
  readonly #asked = new Map<string, Asked>();

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /**
   * @param all the sessions there are; others are forgotten
   * @param now milliseconds since 1970, and monotonic
   * @returns those that waited longest first
   */
  due(all: readonly SessionView[], thought: (id: string) => Known | null, now: { wall: number; monotonic: number }): SessionView[] {
    if (this.#asked.size > all.length) {
      const live = new Set(all.map((view) => view.id));
      for (const id of this.#asked.keys()) if (!live.has(id)) this.#asked.delete(id);
    }
    const due: { view: SessionView; at: number }[] = [];
    for (const view of all) {
      const last = this.#asked.get(view.id);
      if (last === undefined) {
        due.push({ view, at: Number.NEGATIVE_INFINITY });
        continue;
      }
      const { offset, stateSince, title, rest } = view;
      if (last.offset === offset && last.stateSince === stateSince && last.title === title && last.rest === rest) continue;
      // Ticks come a little early or late.
      if (now.monotonic - last.at >= this.#every(thought(view.id), now.wall) - this.#pace.tick_ms / 2) due.push({ view, at: last.at });
    }
    return due.sort((a, b) => a.at - b.at).map(({ view }) => view);
  }

  /** They were asked about, as they were seen then. */
  asked(views: readonly SessionView[], at: number): void {
    for (const { id, offset, stateSince, title, rest } of views) this.#asked.set(id, { at, offset, stateSince, title, rest });
  }

  #every(thought: Known | null, now: number): number {
    const since = thought?.objective_changed_at ?? null;
    const age = since === null ? 0 : now - since;
    if (age < HOT_AGE_MS) return this.#pace.hot_ms;
    return age < WARM_AGE_MS ? this.#pace.warm_ms : this.#pace.cold_ms;
  }
}
