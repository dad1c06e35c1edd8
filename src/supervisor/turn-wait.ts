/** The wait that comes with a prompt, in the same request: nothing of before the prompt counts, and nothing after it is missed. */
import { LifeguardError } from "../errors.js";
import type { PromptAnswer, PromptRequest } from "./api.js";
import type { SessionEntry } from "./entry.js";
import type { PromptOutcome, PromptWatcher, QueuedPrompt } from "./prompt-queue.js";

/** Begins at the submit key. */
export class TurnWait implements PromptWatcher {
  readonly #entry: SessionEntry;
  readonly #wait: PromptRequest["wait"];
  readonly #signal: AbortSignal;
  readonly #elapsed: () => number;
  readonly #given = new AbortController();
  #reached: Promise<{ state: SessionEntry["state"] }> | null = null;

  constructor(entry: SessionEntry, request: PromptRequest, elapsed: () => number) {
    this.#entry = entry;
    this.#wait = request.wait;
    this.#signal = request.signal;
    this.#elapsed = elapsed;
  }

  get wanted(): boolean {
    return this.#wait !== undefined;
  }

  submitting(): void {
    if (this.#wait === undefined) return;
    const { state, evidence } = this.#entry;
    const signal = AbortSignal.any([this.#signal, this.#given.signal]);
    this.#reached = this.#entry.waits.wait({ state, evidence }, { until: this.#wait.until, timeoutMs: this.#left, signal });
    this.#reached.catch(() => undefined);
  }

  /** @returns what becomes of it @throws TIMEOUT when it is still queued then */
  queued(prompt: QueuedPrompt): Promise<PromptOutcome> {
    prompt.watcher = this;
    return new Promise((resolve, reject) => {
      const late = (message: string): void => {
        delete prompt.watcher;
        delete prompt.ended;
        reject(new LifeguardError("TIMEOUT", `queued: ${message}`, { delivery: "queued", prompt: prompt.id }));
      };
      const timer =
        this.#left === undefined
          ? undefined
          : setTimeout(() => late("the prompt is still queued: it stays so"), Math.min(this.#left, 2 ** 31 - 1));
      const cancelled = (): void => {
        clearTimeout(timer);
        late("the wait was cancelled; the prompt stays queued");
      };
      this.#signal.addEventListener("abort", cancelled, { once: true });
      prompt.ended = (outcome) => {
        clearTimeout(timer);
        this.#signal.removeEventListener("abort", cancelled);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
    });
  }

  /** @throws TIMEOUT, EXITED of the wait, with the delivery in the data */
  async answer(prompt: string, { delivery, evidence }: PromptOutcome): Promise<PromptAnswer> {
    if (delivery === "typed" || this.#reached === null) {
      this.#given.abort();
      return { prompt, delivery, evidence };
    }
    try {
      return { prompt, delivery, evidence, state: (await this.#reached).state };
    } catch (error) {
      if (!(error instanceof LifeguardError)) throw error;
      // In the words too: clients that speak MessagePack get no data.
      throw new LifeguardError(error.name, `${delivery}: ${error.message}`, { ...error.data, prompt, delivery, evidence });
    }
  }

  get #left(): number | undefined {
    const timeoutMs = this.#wait?.timeoutMs;
    return timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - this.#elapsed());
  }
}
