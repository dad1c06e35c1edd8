/**
 * The `rules` engine: looks at a session a moment after its state or title has changed, and says what rules.ts makes of it. A
 * session that does not change costs nothing here, and without changes there is no timer.
 */
import type { Clock } from "../clock.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { EngineStatus } from "../thought-engine.js";
import type { Engine } from "./engine.js";
import { quietStatus } from "./engine.js";
import { subject, RESTS, think } from "./rules.js";
import type { Judgement } from "./rules.js";
import type { Known, Update, World } from "./world.js";

/** After a change, so that what is over in a moment is never said. */
const LEAD_MS = 1_000;
/** A session is not looked at more often than this, */
const PACE_MS = 2_000;
/** and, when its title only turns its spinner, not more often than this. */
const SPINNER_MS = 15_000;
/** So many are looked at in one turn of the loop. */
const BATCH = 16;
/** What somebody else has said is left alone for so long. */
const YIELD_MS = 600_000;
const TAIL_CHARS = 2_000;

interface Memory {
  lookedAt: number;
  subject: string | null;
  /** What this engine said last. */
  said: Pick<Known, "text" | "updated_at"> | null;
}

export class RulesEngine implements Engine {
  readonly #world: World;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #memory = new Map<string, Memory>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #unfollow: () => void = () => {};
  #looking = false;
  #over = false;
  #began = 0;

  constructor(world: World, clock: Clock, log: Log) {
    this.#world = world;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#began = this.#clock.now();
    this.#unfollow = this.#world.follow((kind, id) => this.#heard(kind, id));
    for (const view of this.#world.sessions()) if (view.state !== "idle" && view.state !== "starting") this.#changed.add(view.id);
    this.#arm();
  }

  status(): EngineStatus {
    return quietStatus("rules");
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#unfollow();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #heard(kind: "state" | "title", id: string): void {
    if (kind === "title" && this.#onlySpins(id)) return;
    this.#changed.add(id);
    this.#arm();
  }

  #onlySpins(id: string): boolean {
    const known = this.#memory.get(id);
    if (known === undefined || this.#clock.monotonic() - known.lookedAt >= SPINNER_MS) return false;
    const view = this.#world.session(id);
    return view !== null && subject(view) === known.subject;
  }

  #arm(): void {
    if (this.#over || this.#looking || this.#changed.size === 0) return;
    this.#timer ??= setTimeout(() => void this.#look(), LEAD_MS);
  }

  async #look(): Promise<void> {
    this.#timer = null;
    this.#looking = true;
    try {
      const now = this.#clock.monotonic();
      const due = [...this.#changed].filter((id) => now - (this.#memory.get(id)?.lookedAt ?? Number.NEGATIVE_INFINITY) >= PACE_MS);
      for (let from = 0; from < due.length && !this.#over; from += BATCH)
        await Promise.all(due.slice(from, from + BATCH).map((id) => this.#lookAt(id)));
      for (const id of this.#memory.keys()) if (this.#world.session(id) === null) this.#memory.delete(id);
    } finally {
      this.#looking = false;
      this.#arm();
    }
  }

  async #lookAt(id: string): Promise<void> {
    this.#changed.delete(id);
    const seen = this.#world.session(id);
    if (seen === null) return;
    const memory = this.#memory.get(id) ?? { lookedAt: 0, subject: null, said: null };
    this.#memory.set(id, memory);
    memory.lookedAt = this.#clock.monotonic();
    const tail = seen.tool !== null && seen.live ? await this.#world.tail(id, TAIL_CHARS) : "";
    // It may have gone on meanwhile: what is said is of now.
    const view = this.#world.session(id);
    if (view === null || this.#over) return;
    memory.subject = subject(view);
    this.#say(id, memory, think(view, tail));
    if (!view.live) this.#memory.delete(id);
  }

  #say(id: string, memory: Memory, judgement: Judgement): void {
    if (judgement === null) return;
    const known = this.#world.thought(id);
    const now = this.#clock.now();
    if (known !== null && !isOwn(known, memory, this.#began) && Math.abs(now - known.updated_at) < YIELD_MS) return;
    const update = judgement === RESTS ? resting(known) : judgement;
    if (update === null || isSaid(known, update)) return;
    try {
      const { accepted } = this.#world.publish(id, { ...update, updated_at: now });
      if (accepted) memory.said = { text: update.text, updated_at: now };
    } catch (error) {
      this.#log.debug({ session: id, phase: "thought", err: messageOf(error) }, "a thought was not taken");
    }
  }
}

/**
 * Of those from before this engine began, the ones that a model did not have.
 * @param began milliseconds since 1970
 */
function isOwn(known: Known, { said }: Memory, began: number): boolean {
  if (said === null) return known.updated_at < began && (known.source === "rule" || known.source === "static_sleeping");
  return known.text === said.text && known.updated_at === said.updated_at;
}

function resting(known: Known | null): Update | null {
  if (known === null || known.source === "static_sleeping") return null;
  return { text: known.text, source: "static_sleeping", state: "sleeping", action_cues: [] };
}

function isSaid(known: Known | null, update: Update): boolean {
  return (
    known !== null &&
    known.text === update.text &&
    known.state === update.state &&
    known.source === update.source &&
    (update.objective_fingerprint ?? known.objective_fingerprint) === known.objective_fingerprint
  );
}
