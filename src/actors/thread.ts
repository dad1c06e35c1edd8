/**
 * What runs in an actor thread: many actors, one mailbox. The host finds the actor a message is for, notes whose code runs before
 * it runs, and sees to it that one actor's error stays that actor's.
 */
import { getHeapStatistics } from "node:v8";
import { LifeguardError, messageOf } from "../errors.js";
import { HeapUpkeep } from "../heap.js";
import { sessionNumber } from "../session.js";
import type { TerminalSize } from "../session.js";
import type { ProfileSet } from "../profiles/profile.js";
import type { InflightFile } from "../spool/inflight.js";
import { Actor } from "./actor.js";
import { CLAIM, isWithEachKey } from "./messages.js";
import type { Precedence } from "./precedence.js";
import { ThreadFigures } from "./thread-figures.js";
import type { Explanation } from "../explanation.js";
import type {
  ActorApi,
  ActorBegun,
  ActorEvent,
  ActorStart,
  FaultKind,
  ReadResult,
  RenderTask,
  Rendered,
  Report,
  Screen,
  ScreenRequest,
  ThreadTask,
  ThreadVitals,
} from "./messages.js";
import { FloodTurns } from "./flood-turns.js";
import { REAL_TIME } from "./time.js";
import { renderEnded } from "./render-ended.js";
import { TurnQueue } from "./turn-queue.js";

/** The event by which Claude Code and Codex say that they have taken a prompt. */
const PROMPT_TAKEN = "UserPromptSubmit";

export class ThreadHost implements ActorApi {
  readonly #inflight: InflightFile;
  readonly #suspect: Float64Array;
  readonly #post: (event: ActorEvent | ActorBegun) => void;
  readonly #actors = new Map<string, Actor>();
  readonly #turns = new TurnQueue();
  readonly #heap = new HeapUpkeep();
  readonly #figures = new ThreadFigures();
  readonly #precedence: Precedence;
  readonly #floodTurns: FloodTurns;
  #profiles: ProfileSet | null = null;

  constructor(inflight: InflightFile, suspect: Float64Array, precedence: Precedence, post: (event: ActorEvent | ActorBegun) => void) {
    this.#inflight = inflight;
    this.#suspect = suspect;
    this.#precedence = precedence;
    this.#floodTurns = new FloodTurns(() => precedence.claimed, REAL_TIME);
    this.#post = post;
  }

  /** An actor's life, as a task: resolves when it has ended. */
  async run({ start: given, profiles, claim: shared, announce }: Extract<ThreadTask, { kind: "actor" }>): Promise<void> {
    this.#profiles = profiles ?? this.#profiles;
    if (this.#profiles === null) throw new Error("an actor thread was sent no profiles");
    const start: ActorStart = { ...given, profiles: this.#profiles };
    const claim = new Int32Array(shared);
    if (Atomics.compareExchange(claim, 0, CLAIM.offered, CLAIM.taken) !== CLAIM.offered) return;
    const number = sessionNumber(start.id) ?? 0;
    const enter = (): void => {
      this.#suspect[0] = number;
    };
    enter();
    if (announce) this.#post({ type: "begun", id: start.id });
    const actor = new Actor(start, {
      slot: (n) => this.#inflight.slot(n),
      post: this.#post,
      enter,
      turns: this.#turns,
      precedence: this.#precedence,
      floodTurns: this.#floodTurns,
      parked: () => this.#heap.parked(),
      chunk: (length, take) => this.#figures.chunk(start.id, length, take),
    });
    this.#actors.set(start.id, actor);
    try {
      actor.begin();
      await actor.ended;
    } finally {
      await actor.stop();
      this.#actors.delete(start.id);
      this.#figures.ended(start.id);
    }
  }

  async render(task: RenderTask): Promise<Rendered> {
    const number = sessionNumber(task.id) ?? 0;
    try {
      return { screen: await renderEnded(task, this.#turns, () => void (this.#suspect[0] = number)) };
    } catch (error) {
      if (error instanceof LifeguardError) return { problem: { name: error.name, message: error.message, data: error.data } };
      return { problem: { name: "INTERNAL", message: messageOf(error), data: {} } };
    }
  }

  input(id: string, data: Uint8Array): { accepted: number } {
    return this.#typed(id).typing.input(data);
  }
  keys(id: string, keys: string[]): { accepted: number } {
    return this.#typed(id).typing.keys(keys);
  }
  paste(id: string, text: string): { accepted: number } {
    return this.#typed(id).typing.paste(text);
  }
  async prompt(id: string, delivery: string, text: string, lossy: boolean): Promise<void> {
    await this.#for(id).typing.prompt(delivery, text, lossy);
  }
  async resize(id: string, size: TerminalSize): Promise<{ offset: number }> {
    return await this.#for(id).resize(size);
  }
  nudge(id: string): void {
    this.#for(id).nudge();
  }
  async screen(id: string, request: ScreenRequest): Promise<Screen> {
    return await this.#for(id).screen(request);
  }
  read(id: string, since: number, max: number): ReadResult {
    return this.#for(id).read(since, max);
  }
  async snapshot(id: string): Promise<{ offset: number; bytes: Uint8Array } | null> {
    return await this.#for(id).snapshot();
  }
  watch(id: string, since: number | null): { offset: number; gap: number } {
    return this.#for(id).watch(since);
  }
  unwatch(id: string): void {
    this.#for(id).unwatch();
  }
  credit(id: string, offset: number): void {
    this.#for(id).credit(offset);
  }
  explain(id: string): Explanation {
    return this.#for(id).explain();
  }
  report(id: string, reports: Report[]): void {
    const actor = this.#for(id);
    actor.observer.report(reports);
    // Whoever else may say what it thinks of the session; that a prompt was taken is the session's own to say.
    for (const { event, own, at } of reports) if (own && event === PROMPT_TAKEN) actor.typing.reported(event, at);
  }
  profiles(id: string, set: ProfileSet): void {
    this.#for(id).observer.profiles(set);
  }
  tail(id: string, chars: number): string {
    return this.#for(id).observer.tail(chars);
  }
  seen(id: string): void {
    this.#for(id).observer.seen();
  }
  leaveAnswers(id: string, toAttached: boolean): void {
    this.#for(id).leaveAnswers(toAttached);
  }
  async drain(id: string): Promise<{ offset: number }> {
    return await this.#for(id).drain();
  }
  async release(id: string): Promise<{ offset: number }> {
    return await this.#for(id).release();
  }
  async stop(id: string): Promise<void> {
    await this.#for(id).stop();
  }

  /** What comes with each key comes past comlink. */
  withEachKey(method: string, args: unknown[]): unknown {
    if (!isWithEachKey(method)) throw new LifeguardError("INTERNAL", `${method} is not asked this way`);
    const [id, value] = args as [string, never];
    return this[method](id, value);
  }

  ping(): ThreadVitals {
    let parked = 0;
    for (const actor of this.#actors.values()) if (actor.parked) parked++;
    return {
      heapBytes: getHeapStatistics().used_heap_size,
      actors: this.#actors.size,
      parked,
      collections: this.#heap.collections,
      figures: this.#figures.reading(),
    };
  }

  /**
   * The thread ends. Its loop makes one more turn in which no code runs; a read then lies in the in-flight page for whoever comes next,
   * but one that fills the page (0.2 % of a flood's) is followed by another, in the same place.
   */
  stopReading(): void {
    for (const actor of this.#actors.values()) actor.stopReading();
  }

  fault(id: string, kind: FaultKind): void {
    if (process.env["LIFEGUARD_FAULTS"] !== "1")
      throw new LifeguardError("FORBIDDEN", "faults are made only where LIFEGUARD_FAULTS=1 is in the daemon's environment");
    const actor = this.#for(id);
    if (kind === "throw-in-actor") {
      actor.faultNextFeed();
      return;
    }
    // After the answer is out, so that the caller knows that it was made.
    setTimeout(() => {
      actor.enter();
      fault(kind);
    }, 5);
  }

  #typed(id: string): Actor {
    const actor = this.#for(id);
    this.#figures.typed(id);
    return actor;
  }

  #for(id: string): Actor {
    const actor = this.#actors.get(id);
    if (actor === undefined) throw new LifeguardError("NOT_FOUND", `no actor of ${id} runs in this thread`, { id });
    actor.enter();
    return actor;
  }
}

/** Longer than a thread may be silent before its sessions count as unresponsive. */
const HANG_MS = 4_000;

function fault(kind: Exclude<FaultKind, "throw-in-actor">): void {
  if (kind === "throw") throw new Error("a fault on purpose");
  const until = performance.now() + HANG_MS;
  // Copied in one call: made anew element by element, the limit is reached later than a call is answered on a busy machine.
  const piece = Array.from({ length: 100_000 }, (_, i) => i / 3);
  const hoard: unknown[] = [];
  while (kind === "heap" || performance.now() < until) {
    if (kind === "heap") hoard.push(piece.slice());
  }
}
