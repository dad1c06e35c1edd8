/**
 * The `command` engine: a process of the user's own is asked once a tick about the sessions whose turn it is, and what it answers is
 * published. It is never trusted and never waited for: whatever it does, it is ended and tried again later.
 *
 * ```
 *        start, hello            due sessions, sync           answer in time, right id
 *   off ──────────────▶ ready ──────────────────────▶ asked ─────────────────────────▶ ready
 *    ▲                    │ ends                        │ broken: once more at once, in a new process
 *    └──── back-off ◀─────┴──── slow, gone, broken ◀────┘
 * ```
 */
import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.js";
import type { EngineStatus, ThoughtSettings } from "../thought-engine.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { Engine } from "./engine.js";
import { EngineChild, EngineFailure } from "./engine-child.js";
import { Turns } from "./turns.js";
import type { SessionView, Update, World } from "./world.js";
import { LINE_BYTES, readUpdate, REPLAY_CHARS, sessionOf, sessionPart, syncRequest } from "./wire.js";
import type { Hello, SyncResult } from "./wire.js";

const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 60_000;
/** Failures in a row, or this long without success, and it is not well. */
const FAILURES = 3;
const UNWELL_MS = 30_000;
/** Screens asked for at once. */
const TAILS = 8;
/** Updates of one session that are looked at, of those in one answer. */
const UPDATES_EACH = 4;
/** Updates published in one turn of the loop. */
const BATCH = 20;

export interface CommandEngineParts {
  world: World;
  settings: ThoughtSettings;
  clock: Clock;
  log: Log;
  env: Record<string, string>;
}

export class CommandEngine implements Engine {
  readonly #p: CommandEngineParts;
  readonly #turns: Turns;
  readonly #stream = `engine-${randomUUID()}`;
  readonly #counts = { starts: 0, syncs: 0, taken: 0, refused: 0, ignored: 0 };
  #up: { child: EngineChild; hello: Hello; stream: string } | null = null;
  #child: EngineChild | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed: Promise<void> | null = null;
  #number = 0;
  #failures = 0;
  #failingSince: number | null = null;
  #busySince: number | null = null;
  #detail: string | null = null;
  #stderr = "";
  #lastSync: { ms: number; at: number } | null = null;

  constructor(parts: CommandEngineParts) {
    this.#p = parts;
    this.#turns = new Turns(parts.settings);
  }

  start(): void {
    this.#after(0);
  }

  status(): EngineStatus {
    const since = this.#failingSince ?? this.#busySince;
    const unwell = this.#failures >= FAILURES || (since !== null && this.#p.clock.monotonic() - since >= UNWELL_MS);
    return {
      engine: "command",
      healthy: !unwell,
      detail: this.#detail ?? (unwell ? "it does not answer" : null),
      name: this.#up === null || this.#up.hello.name === "" ? null : this.#up.hello.name,
      pid: this.#child?.pid ?? null,
      failures: this.#failures,
      ...this.#counts,
      last_sync_ms: this.#lastSync?.ms ?? null,
      last_sync_at: this.#lastSync?.at ?? null,
      stderr: this.#child?.stderr || this.#stderr,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#down();
  }

  #after(ms: number): void {
    if (this.#closed !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#tick();
    }, ms);
  }

  /** Never rejects; the next one is set when this is over. */
  async #tick(): Promise<void> {
    const { settings, clock, log } = this.#p;
    const began = clock.monotonic();
    this.#busySince = began;
    try {
      await this.#ask();
      this.#busySince = null;
      this.#after(Math.max(10, settings.tick_ms - (clock.monotonic() - began)));
    } catch (error) {
      this.#busySince = null;
      await this.#down();
      if (this.#closed !== null) return;
      this.#failures += 1;
      this.#failingSince ??= began;
      this.#detail = messageOf(error);
      const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(this.#failures - 1, 10));
      if (this.#failures <= FAILURES)
        log.warn(
          { phase: "thought", failures: this.#failures, retry_ms: wait, err: this.#detail },
          this.#failures === FAILURES ? "the thought engine is not well; it is tried on" : "the thought engine failed",
        );
      this.#after(wait);
    }
  }

  /** @throws EngineFailure */
  async #ask(): Promise<void> {
    const { settings, clock, world } = this.#p;
    await this.#ready();
    const now = { wall: clock.now(), monotonic: clock.monotonic() };
    const due = this.#turns.due(world.sessions(), (id) => world.thought(id), now);
    if (due.length === 0) return;
    const parts = await this.#parts(due);
    if (this.#closed !== null || parts.length === 0) return;
    this.#number += 1;
    const id = String(this.#number);
    const request = syncRequest(id, clock.now(), parts);
    const asked = due.slice(0, parts.length);
    const began = clock.monotonic();
    let result: SyncResult;
    try {
      result = await (await this.#ready()).child.exchange(request, id, settings.exchange_ms);
    } catch (error) {
      if (!(error instanceof EngineFailure) || error.kind !== "broken" || this.#closed !== null) throw error;
      this.#detail = error.message;
      await this.#down();
      result = await (await this.#ready()).child.exchange(request, id, settings.exchange_ms);
    }
    this.#counts.syncs += 1;
    this.#lastSync = { ms: Math.round(clock.monotonic() - began), at: clock.now() };
    if (this.#failures > 0) this.#p.log.info({ phase: "thought" }, "the thought engine is well again");
    this.#failures = 0;
    this.#failingSince = null;
    this.#detail = null;
    this.#turns.asked(asked, clock.monotonic());
    await this.#publish(result, new Set(asked.map((view) => view.id)));
  }

  /** The process, started when there is none that can be asked. @throws EngineFailure */
  async #ready(): Promise<{ child: EngineChild; hello: Hello; stream: string }> {
    if (this.#up !== null) {
      const { failure } = this.#up.child;
      if (failure === null) return this.#up;
      await this.#down();
      throw failure;
    }
    if (this.#closed !== null) throw new EngineFailure("gone", "the daemon ends");
    const { settings, env } = this.#p;
    this.#counts.starts += 1;
    const child = startChild(settings.command, env);
    this.#child = child;
    const hello = await child.hello(settings.exchange_ms);
    this.#up = { child, hello, stream: hello.stream ?? `engine-${randomUUID()}` };
    return this.#up;
  }

  async #down(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    await child.end();
    this.#stderr = child.stderr || this.#stderr;
    if (this.#child !== child) return;
    this.#child = null;
    this.#up = null;
  }

  /** What the request says of each, in their order; fewer when it would be too long: the others come with the next tick. */
  async #parts(due: readonly SessionView[]): Promise<string[]> {
    const { world } = this.#p;
    const parts: string[] = [];
    let bytes = 200;
    for (let from = 0; from < due.length; from += TAILS) {
      if (this.#closed !== null) return [];
      const views = due.slice(from, from + TAILS);
      const texts = await Promise.all(views.map((view) => world.tail(view.id, REPLAY_CHARS)));
      for (const [index, view] of views.entries()) {
        const part = sessionPart(view, world.thought(view.id), texts[index] ?? "");
        bytes += Buffer.byteLength(part) + 1;
        if (bytes > LINE_BYTES) return parts;
        parts.push(part);
      }
    }
    return parts;
  }

  /** @param asked what it was asked about: nothing is taken of others, and only a few updates of each are looked at */
  async #publish(result: SyncResult, asked: ReadonlySet<string>): Promise<void> {
    const stream = result.stream ?? this.#up?.stream ?? this.#stream;
    const updates = result.updates.filter((raw) => asked.has(sessionOf(raw) ?? "")).slice(0, asked.size * UPDATES_EACH);
    this.#counts.ignored += result.updates.length - updates.length;
    for (const [index, raw] of updates.entries()) {
      if (index % BATCH === BATCH - 1) await turn();
      if (this.#closed !== null) return;
      this.#publishOne(raw, stream);
    }
  }

  #publishOne(raw: unknown, stream: string): void {
    const { world, log } = this.#p;
    const update = readUpdate(raw);
    const text = update === null ? null : (update.text ?? world.thought(update.session)?.text ?? null);
    if (update === null || text === null) {
      this.#counts.ignored += 1;
      return;
    }
    try {
      const said: Update = {
        ...update.rest,
        text,
        // A stream that the engine names goes with numbers of its own: ours begin again with each daemon.
        stream_instance_id: update.seq === null ? this.#stream : (update.stream ?? stream),
        emission_seq: update.seq ?? this.#number,
      };
      if (update.text === null && said.source !== "static_sleeping") said.source = "carry_forward";
      if (world.publish(update.session, said).accepted) this.#counts.taken += 1;
      else this.#counts.refused += 1;
    } catch (error) {
      this.#counts.ignored += 1;
      log.debug({ session: update.session, phase: "thought", err: messageOf(error) }, "a thought of the engine was not taken");
    }
  }
}

/** @throws EngineFailure also where the system refuses at once */
export function startChild(command: readonly string[], env: Record<string, string>): EngineChild {
  try {
    return new EngineChild(command, env);
  } catch (error) {
    throw new EngineFailure("gone", `it could not be started: ${messageOf(error)}`);
  }
}
