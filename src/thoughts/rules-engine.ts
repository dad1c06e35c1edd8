/**
 * The `rules` engine: looks at a session once its state and title have stood still for a moment, and says what rules.ts makes of it. A
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
import type { Known, SessionView, Update, World } from "./world.js";

/** A session is looked at when nothing about it has changed for so long, so that what is over in a moment is never said; */
const LEAD_MS = 1_000;
/** one that never stands still, after so long. */
const LONGEST_LEAD_MS = 3_000;
/** A session is not looked at more often than this, */
const PACE_MS = 2_000;
/** and, when its title only turns its spinner, not more often than this. */
const SPINNER_MS = 15_000;
/** Or this, while there was nothing to say of it: a turn of a few seconds has its first tool by then. */
const SPEECHLESS_MS = 4_000;
/** Those that are due soon after each other are looked at together. */
const SHORTEST_WAIT_MS = 100;
/** So many are looked at in one turn of the loop. */
const BATCH = 16;
/** What somebody else has said is left alone for so long. */
const YIELD_MS = 600_000;
const TAIL_CHARS = 2_000;

interface Memory {
  lookedAt: number;
  subject: string | null;
  /** There was nothing to say of it then. */
  speechless: boolean;
  /** What this engine said last. */
  said: Pick<Known, "text" | "updated_at"> | null;
}

/** What has changed since it was looked at. Times are monotonic. */
interface Change {
  first: number;
  last: number;
  /** What it was changed to last: its state and its subject. */
  to: string;
}

export class RulesEngine implements Engine {
  readonly #world: World;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #memory = new Map<string, Memory>();
  readonly #changed = new Map<string, Change>();
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
    for (const view of this.#world.sessions()) if (view.state !== "idle" && view.state !== "starting") this.#note(view);
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
    const view = this.#world.session(id);
    if (view === null || (kind === "title" && this.#onlySpins(view))) return;
    this.#note(view);
    this.#arm();
  }

  #onlySpins(view: SessionView): boolean {
    const known = this.#memory.get(view.id);
    if (known === undefined || subject(view) !== known.subject) return false;
    return this.#clock.monotonic() - known.lookedAt < (known.speechless ? SPEECHLESS_MS : SPINNER_MS);
  }

  #note(view: SessionView): void {
    const now = this.#clock.monotonic();
    const to = `${view.state} ${subject(view) ?? ""}`;
    const change = this.#changed.get(view.id);
    if (change === undefined) this.#changed.set(view.id, { first: now, last: now, to });
    else if (change.to !== to) Object.assign(change, { last: now, to });
  }

  #dueAt(id: string, { first, last }: Change): number {
    const lookedAt = this.#memory.get(id)?.lookedAt ?? Number.NEGATIVE_INFINITY;
    return Math.max(Math.min(last + LEAD_MS, first + LONGEST_LEAD_MS), lookedAt + PACE_MS);
  }

  #arm(): void {
    if (this.#over || this.#looking || this.#timer !== null || this.#changed.size === 0) return;
    const now = this.#clock.monotonic();
    // What changes from now on is due later than that.
    let next = now + LEAD_MS;
    for (const [id, change] of this.#changed) next = Math.min(next, this.#dueAt(id, change));
    this.#timer = setTimeout(() => void this.#look(), Math.max(Math.ceil(next - now), SHORTEST_WAIT_MS));
  }

  async #look(): Promise<void> {
    this.#timer = null;
    this.#looking = true;
    try {
      const now = this.#clock.monotonic();
      const due = [...this.#changed].filter(([id, change]) => this.#dueAt(id, change) <= now).map(([id]) => id);
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
    const memory = this.#memory.get(id) ?? { lookedAt: 0, subject: null, speechless: false, said: null };
    this.#memory.set(id, memory);
    memory.lookedAt = this.#clock.monotonic();
    const tail = seen.tool !== null && seen.live ? await this.#world.tail(id, TAIL_CHARS) : "";
    // What has gone on meanwhile is looked at again when it stands still.
    const view = this.#world.session(id);
    if (view === null || this.#over || this.#changed.has(id)) return;
    memory.subject = subject(view);
    const judgement = think(view, tail);
    memory.speechless = judgement === null;
    this.#say(id, memory, judgement);
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
