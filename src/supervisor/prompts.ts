/**
 * Prompts from their request to the event that says what became of them. One at a time for each session; those that are queued go in
 * order, each when the session rests, and outlive the daemon. Typing and proof are the actor's (actors/prompt-delivery.ts).
 */
import { randomUUID } from "node:crypto";
import { FINISHED_UNSEEN } from "../actors/detector.js";
import { altered, promptText } from "../actors/prompt-text.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { Log } from "../log.js";
import type { PromptWays } from "../profiles/profile.js";
import type { Caller, LifeguardEvent, PromptAnswer, PromptEvidence, PromptRequest } from "./api.js";
import { deliver, type Delivered } from "./deliveries.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog, Subscription } from "./events.js";
import type { Hosting } from "./hosting.js";
import type { Keeping } from "./keeping.js";
import type { PromptOutcome, QueuedPrompt } from "./prompt-queue.js";
import { TurnWait } from "./turn-wait.js";
import type { SessionTable } from "./table.js";

export interface PromptsParts {
  config: Config;
  clock: Clock;
  log: Log;
  table: SessionTable;
  events: EventLog;
  hosting: Hosting;
  keeping: Keeping;
}

/** What a new session is given to begin with. */
export interface FirstPrompt {
  typed: string | null;
  argument: string | null;
}

/** A queued prompt that found its session not ready is tried again after so long, doubling; and at each change. */
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10_000;
/** What a paste adds to its text. */
const PASTE_MARKS = 12;
/** Text may take more room as an argument than the kernel gives one (128 KiB). */
const ARGUMENT_BYTES = 100_000;
/** Refusals that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(["BUSY", "BLOCKED", "UNAVAILABLE", "TIMEOUT", "STORE_FULL"]);

export class Prompts {
  readonly #p: PromptsParts;
  readonly #subscription: Subscription;
  #stopped = false;

  constructor(parts: PromptsParts) {
    this.#p = parts;
    const kinds = ["session.state", "session.writer", "session.recovered"];
    this.#subscription = parts.events.subscribe(null, { kinds }, (event) => this.#happened(event));
  }

  /** Nothing is delivered from here on; what is queued stays. */
  stop(): void {
    this.#stopped = true;
    this.#subscription.end();
    for (const entry of this.#p.table.entries()) this.#noRetry(entry);
  }

  /** After the sessions of the last daemon were taken over: what it had queued goes on. */
  resume(): void {
    for (const entry of this.#p.table.entries()) {
      const { waiting } = entry.prompts;
      if (waiting[0]?.begun === true)
        this.#end(entry, waiting[0], "dropped", {
          reason: "interrupted",
          detail: "the daemon ended while it was being delivered: it may have been typed, and is not sent again",
        });
      if (!entry.live) this.#refuseAll(entry);
      else this.#next(entry);
    }
  }

  /** The text as it will be delivered; null when it is blank, which is none. @throws INVALID_PARAMS, LIMIT */
  checked(text: string, lossy: boolean): string | null {
    if (text.trim() === "") return null;
    const checked = promptText(text, lossy);
    const bytes = Buffer.byteLength(checked);
    const limit = this.#p.config.session.input_queue_bytes - PASTE_MARKS;
    if (bytes > limit)
      throw new LifeguardError(
        "LIMIT",
        `the prompt has ${bytes} bytes, at most ${limit} go in at once (session.input_queue_bytes): put it into a file`,
        {
          limit,
          received: bytes,
        },
      );
    return checked;
  }

  /**
   * How a new session's prompt gets in: as an argument of its command where the profile says so, unless it would be taken for an
   * option; otherwise typed when the program is ready.
   * @throws INVALID_PARAMS, LIMIT
   */
  first(raw: string | undefined, ways: PromptWays | null): FirstPrompt {
    const text = raw === undefined ? null : this.checked(raw, false);
    const change = text === null || ways === null || ways.pass === "argument" ? null : altered(text, ways.alters, false);
    if (change !== null)
      throw new LifeguardError("UNSUPPORTED", `prompt: its tool ${change.says}`, { field: "prompt", reason: change.what });
    const argument = text !== null && ways?.pass === "argument" && !text.startsWith("-") && Buffer.byteLength(text) <= ARGUMENT_BYTES;
    return { typed: argument ? null : text, argument: argument ? text : null };
  }

  /** After the session's start. What is typed later is durable when this resolves; a disk that refuses takes it later. */
  async begin(entry: SessionEntry, { typed, argument }: FirstPrompt): Promise<void> {
    if (argument !== null) {
      const id = randomUUID();
      entry.prompts.passed = id;
      this.#announce(entry, id, "queued", { detail: "passed with the command" });
      this.#lookAtPassed(entry);
      this.#p.keeping.rememberSoon(entry);
    }
    if (typed !== null)
      await this.#add(
        entry,
        { id: randomUUID(), text: typed, at: this.#p.clock.now(), force: false, lossy: false, begun: false },
        { orLater: true },
      );
  }

  /** @throws BLOCKED, BUSY, EXITED, LIMIT, INVALID_PARAMS, UNSUPPORTED: nothing was typed; TIMEOUT, EXITED of the wait with `delivery` in the data */
  async prompt(entry: SessionEntry, request: PromptRequest, caller: Caller): Promise<PromptAnswer> {
    const { prompts } = entry;
    // Blank: refused by name.
    const text = this.checked(request.text, request.lossy) ?? promptText(request.text, request.lossy);
    const began = this.#p.clock.monotonic();
    const watch = new TurnWait(entry, request, () => this.#p.clock.monotonic() - began);
    if (entry.actor === null || entry.state === "exited") throw this.#refused(entry, exited(entry));
    this.#refusePen(entry, request, caller);
    const ahead = prompts.waiting.length;
    if (ahead > 0 || prompts.active || (entry.state === "starting" && request.queue)) {
      if (request.queue) return this.#queue(entry, text, request, { watch, caller });
      const what = ahead > 0 ? `${ahead} prompts are queued before it` : "another prompt is being delivered";
      throw this.#refused(
        entry,
        new LifeguardError("BUSY", `${entry.id}: ${what}: nothing was typed. Queue it (--queue), or try later`, { queued: ahead }),
      );
    }
    prompts.active = true;
    let outcome: PromptOutcome;
    const id = randomUUID();
    try {
      await this.#started(entry, request.signal);
      this.#refusePen(entry, request, caller);
      outcome = await this.#deliver(entry, { id, text, lossy: request.lossy, watcher: watch });
    } catch (error) {
      prompts.active = false;
      if (request.queue && error instanceof LifeguardError && error.name === "BUSY")
        return this.#queue(entry, text, request, { watch, caller });
      throw this.#refused(entry, error, id);
    }
    prompts.active = false;
    this.#announce(entry, id, outcome.delivery, { ...outcome.evidence });
    this.#next(entry);
    return watch.answer(id, outcome);
  }

  #refusePen(entry: SessionEntry, { force }: PromptRequest, { connection }: Caller): void {
    if (entry.pen === null || force || entry.pen.connection === connection) return;
    throw this.#refused(
      entry,
      new LifeguardError(
        "NOT_WRITER",
        `watch ${entry.pen.watch} of another client holds the pen of ${entry.id}: nothing was typed. Pass force: true (--force) to prompt all the same`,
        { writer: entry.pen.watch },
      ),
    );
  }

  // ---- the queue --------------------------------------------------------------------------------------------------------

  async #queue(
    entry: SessionEntry,
    text: string,
    request: PromptRequest,
    { watch, caller }: { watch: TurnWait; caller: Caller },
  ): Promise<PromptAnswer> {
    const most = this.#p.config.prompt.queued;
    if (entry.prompts.waiting.length >= most)
      throw this.#refused(
        entry,
        new LifeguardError("LIMIT", `${most} prompts are queued for ${entry.id}, and no more may be (prompt.queued)`, { limit: most }),
      );
    const prompt: QueuedPrompt = {
      id: randomUUID(),
      text,
      at: this.#p.clock.now(),
      force: request.force,
      lossy: request.lossy,
      begun: false,
      connection: caller.connection,
    };
    const ended = watch.wanted ? watch.queued(prompt) : null;
    ended?.catch(() => undefined);
    await this.#add(entry, prompt, { orLater: false });
    if (ended !== null) return watch.answer(prompt.id, await ended);
    const place = entry.prompts.waiting.indexOf(prompt) + 1;
    const detail = place > 1 ? `number ${place} in the queue, delivered when the session rests` : "delivered when the session rests";
    return { prompt: prompt.id, delivery: "queued", evidence: { rule: "queued", confidence: "high", detail } };
  }

  async #add(entry: SessionEntry, prompt: QueuedPrompt, { orLater }: { orLater: boolean }): Promise<void> {
    prompt.unkept = true;
    entry.prompts.waiting.push(prompt);
    try {
      await this.#p.keeping.remember(entry);
    } catch (error) {
      const at = orLater ? -1 : entry.prompts.waiting.indexOf(prompt);
      if (orLater)
        this.#p.log.warn({ session: entry.id, phase: "prompt", err: messageOf(error) }, "a queued prompt is not on the disk yet");
      else if (at >= 0) entry.prompts.waiting.splice(at, 1);
      if (!orLater) throw error;
    }
    prompt.unkept = false;
    this.#announce(entry, prompt.id, "queued", {});
    this.#next(entry);
  }

  /** Delivers the first of the queue when the session rests. */
  #next(entry: SessionEntry): void {
    const { prompts } = entry;
    const first = prompts.waiting[0];
    if (
      this.#stopped ||
      first === undefined ||
      first.unkept === true ||
      prompts.active ||
      entry.actor === null ||
      entry.waits.stale ||
      !rests(entry)
    )
      return;
    if (entry.pen !== null && !first.force && entry.pen.connection !== first.connection) return;
    prompts.active = true;
    this.#noRetry(entry);
    this.#deliverFirst(entry, first).catch((error: unknown) => {
      this.#p.log.error({ session: entry.id, phase: "prompt", err: messageOf(error) }, "a queued prompt could not be dealt with");
    });
  }

  async #deliverFirst(entry: SessionEntry, first: QueuedPrompt): Promise<void> {
    const { prompts } = entry;
    try {
      // On the disk before a byte is typed: what a death interrupts is never sent a second time.
      first.begun = true;
      await this.#p.keeping.remember(entry);
      const outcome = await this.#deliver(entry, { id: first.id, text: first.text, lossy: first.lossy, watcher: first.watcher ?? null });
      prompts.active = false;
      prompts.retryMs = 0;
      this.#end(entry, first, outcome.delivery, { ...outcome.evidence }, outcome);
    } catch (error) {
      prompts.active = false;
      first.begun = false;
      if (!(error instanceof LifeguardError) || PASSING.has(error.name) || (error.name === "EXITED" && entry.live)) {
        this.#p.keeping.rememberSoon(entry);
        this.#later(entry);
        return;
      }
      this.#end(entry, first, "refused", { reason: reasonOf(error), detail: messageOf(error) }, error);
    }
    this.#next(entry);
  }

  #later(entry: SessionEntry): void {
    const { prompts } = entry;
    if (this.#stopped || prompts.waiting.length === 0) return;
    prompts.retryMs = Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, prompts.retryMs * 2));
    prompts.retry ??= setTimeout(() => {
      prompts.retry = null;
      this.#next(entry);
    }, prompts.retryMs);
  }

  #noRetry({ prompts }: SessionEntry): void {
    if (prompts.retry !== null) clearTimeout(prompts.retry);
    prompts.retry = null;
  }

  /** Out of the queue, and said. */
  #end(
    entry: SessionEntry,
    prompt: QueuedPrompt,
    delivery: string,
    fields: Record<string, unknown>,
    outcome?: PromptOutcome | Error,
  ): void {
    const at = entry.prompts.waiting.indexOf(prompt);
    if (at < 0) return;
    entry.prompts.waiting.splice(at, 1);
    this.#announce(entry, prompt.id, delivery, fields);
    if (outcome !== undefined) prompt.ended?.(outcome);
    this.#p.keeping.rememberSoon(entry);
  }

  #refuseAll(entry: SessionEntry): void {
    this.#noRetry(entry);
    for (const prompt of [...entry.prompts.waiting])
      this.#end(entry, prompt, "refused", { reason: "exited", detail: "the session ended before it could be delivered" }, exited(entry));
    if (entry.prompts.passed !== null) this.#passedEnded(entry, "typed", "the program ended, and no turn was seen");
  }

  // ---- one delivery -----------------------------------------------------------------------------------------------------

  /** A program that starts is given some time. @throws BUSY, EXITED */
  async #started(entry: SessionEntry, signal: AbortSignal): Promise<void> {
    if (entry.state !== "starting") return;
    const timeoutMs = this.#p.config.prompt.start_ms;
    try {
      await entry.waits.wait(
        { state: entry.state, evidence: entry.evidence },
        { until: ["idle", "busy", "attention", "error"], timeoutMs, signal },
      );
    } catch (error) {
      if (!(error instanceof LifeguardError) || error.name !== "TIMEOUT") throw error;
      throw new LifeguardError("BUSY", `${entry.id} still starts: nothing was typed. Queue it (--queue), or try later`, {
        state: entry.state,
      });
    }
  }

  #deliver(entry: SessionEntry, what: Omit<Delivered, "settled">): Promise<PromptOutcome> {
    return deliver(this.#p.hosting, entry, { ...what, settled: () => this.#next(entry) });
  }

  /** Said as an event too, and thrown by the caller. */
  #refused(entry: SessionEntry, error: unknown, id: string = randomUUID()): unknown {
    if (error instanceof LifeguardError) this.#announce(entry, id, "refused", { reason: reasonOf(error), detail: error.message });
    return error;
  }

  #announce(entry: SessionEntry, prompt: string, delivery: string, fields: Record<string, unknown>): void {
    const { reason } = fields;
    if (delivery !== "queued") entry.prompts.last = typeof reason === "string" ? `${delivery}: ${reason}` : delivery;
    entry.dirty = true;
    this.#p.events.append("session.prompt", entry.id, { prompt, delivery, ...fields });
  }

  // ---- what happens meanwhile -------------------------------------------------------------------------------------------

  #happened({ kind, session }: LifeguardEvent): void {
    const entry = session === undefined ? null : this.#p.table.find(session);
    if (entry === null) return;
    if (kind === "session.recovered") for (const delivery of [...entry.deliveries.values()]) delivery.lost("its thread was lost");
    if (entry.state === "exited") {
      for (const delivery of [...entry.deliveries.values()]) delivery.lost("the session ended");
      this.#refuseAll(entry);
      return;
    }
    if (entry.prompts.passed !== null && kind === "session.state") this.#lookAtPassed(entry);
    entry.prompts.retryMs = 0;
    this.#noRetry(entry);
    this.#next(entry);
    // The word may come before the session can be asked.
    if (entry.prompts.waiting.length > 0 && rests(entry)) this.#later(entry);
  }

  #lookAtPassed(entry: SessionEntry): void {
    if (entry.state === "busy" || (entry.state === "attention" && entry.evidence.rule !== FINISHED_UNSEEN))
      this.#passedEnded(entry, "submitted", `passed as an argument; ${entry.state}: ${entry.evidence.rule}`);
    else if (entry.state === "idle") this.#passedEnded(entry, "typed", "passed as an argument; no turn was seen");
  }

  #passedEnded(entry: SessionEntry, delivery: "submitted" | "typed", detail: string): void {
    const id = entry.prompts.passed ?? "";
    entry.prompts.passed = null;
    const evidence: PromptEvidence = { rule: "argument", confidence: delivery === "submitted" ? "medium" : "low", detail };
    this.#announce(entry, id, delivery, { ...evidence });
  }
}

/** Nothing is under way: what is queued may be delivered. */
function rests({ state, evidence }: SessionEntry): boolean {
  return state === "idle" || state === "error" || (state === "attention" && evidence.rule === FINISHED_UNSEEN);
}

function exited(entry: SessionEntry): LifeguardError {
  return new LifeguardError("EXITED", `session ${entry.id} (${entry.spec.name}) is not running: nothing was typed. Restart it first`);
}

/** The word after `refused:`. */
function reasonOf(error: LifeguardError): string {
  return error.name.toLowerCase();
}
