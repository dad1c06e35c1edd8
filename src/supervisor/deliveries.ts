/** One delivery in a session's actor, seen from the main thread: from what the actor posts to an outcome, also when the actor is lost on the way. */
import type { ActorEvent } from "../actors/messages.js";
import { LifeguardError, messageOf } from "../errors.js";
import type { SessionEntry } from "./entry.js";
import type { Hosting } from "./hosting.js";
import type { PromptOutcome, PromptWatcher } from "./prompt-queue.js";

export interface DeliveryWatch {
  told(post: Extract<ActorEvent, { type: "prompt" }>): void;
  /** Its actor has gone, and nobody will say what became of it. */
  lost(why: string): void;
}

export interface Delivered {
  /** Unique for ever. */
  id: string;
  text: string;
  lossy: boolean;
  watcher: PromptWatcher | null;
  /** The prompt's turn shows in the session's state, or is over: what is said of the session is of after the prompt. */
  settled(): void;
}

/** @throws LifeguardError with `typed: false` in its data: nothing was typed, as the name says; EXITED and BUSY also without */
export function deliver(hosting: Hosting, entry: SessionEntry, { id, text, lossy, watcher, settled }: Delivered): Promise<PromptOutcome> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      if (!entry.deliveries.delete(id)) return;
      entry.waits.settled({ state: entry.state, evidence: entry.evidence });
    };
    let handed = false;
    let gone: string | null = null;
    const lost = (why: string): void => {
      gone = why;
      // Until the text is handed over its actor answers for it: with a refusal, as a rule.
      if (!handed) return;
      settle();
      resolve({
        delivery: "typed",
        evidence: { rule: "lost", confidence: "low", detail: `${why}: it may have been typed, and is not sent again` },
      });
    };
    entry.deliveries.set(id, {
      told: (post) => {
        switch (post.step) {
          case "submitting":
            entry.waits.expectTurn();
            watcher?.submitting();
            return;
          case "submitted":
            resolve({ delivery: "submitted", evidence: post.evidence });
            return;
          case "typed":
            settle();
            resolve({ delivery: "typed", evidence: post.evidence });
            return;
          case "began":
          case "over":
            settle();
            settled();
            return;
          default:
            post satisfies never;
        }
      },
      lost,
    });
    const asked = hosting.ask(entry, "prompt", id, text, lossy).finally(() => {
      handed = true;
    });
    const given = (): void => {
      if (gone !== null) lost(gone);
    };
    asked.then(given, (error: unknown) => {
      const refused =
        error instanceof LifeguardError && (error.data["typed"] === false || error.name === "EXITED" || error.name === "BUSY");
      if (!refused) {
        lost(`what was asked of its thread got no answer (${messageOf(error)})`);
        return;
      }
      entry.deliveries.delete(id);
      reject(error);
    });
  });
}
