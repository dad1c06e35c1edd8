/** The prompts of one session that are not delivered yet: what of them is kept with its record, and who waits for what becomes of them. */
import { z } from "zod";
import type { PromptEvidence } from "./api.js";

/** How a delivery has ended. */
export interface PromptOutcome {
  delivery: "submitted" | "typed";
  evidence: PromptEvidence;
}

/** Who wants to know more than the event says. */
export interface PromptWatcher {
  /** The submit key is about to be pressed: what is said of the session from here on is of after it. */
  submitting(): void;
}

export interface QueuedPrompt {
  /** Unique for ever: events name it. */
  id: string;
  text: string;
  /** When it was queued. */
  at: number;
  /** Also while somebody holds the pen. */
  force: boolean;
  /** Also where the tool changes some characters. */
  lossy: boolean;
  /** Its delivery has begun: after a death nobody knows whether it was typed. */
  begun: boolean;
  /** Not on the disk yet, and nobody has been told that it is queued. */
  unkept?: boolean;
  /** The connection that queued it: its own pen is not in its way. Not kept. */
  connection?: number;
  watcher?: PromptWatcher;
  ended?: (outcome: PromptOutcome | Error) => void;
}

const kept = z.object({
  prompts: z.array(
    z.object({ id: z.string(), text: z.string(), at: z.number(), force: z.boolean(), lossy: z.boolean(), begun: z.boolean() }),
  ),
  last: z.string().nullable(),
  passed: z.string().nullable(),
});

export class PromptQueue {
  readonly waiting: QueuedPrompt[] = [];
  /** A delivery is under way; nothing else is delivered meanwhile. */
  active = false;
  /** What became of the newest one. */
  last: string | null = null;
  /** Passed with the command, and not seen to be worked on yet. */
  passed: string | null = null;
  /** For the next start of the program alone: what started it again would be prompted twice. */
  argument: string | null = null;
  /** The next try, while the session is not ready. */
  retry: NodeJS.Timeout | null = null;
  retryMs = 0;

  takeArgument(): string[] {
    const { argument } = this;
    this.argument = null;
    return argument === null ? [] : [argument];
  }

  /** For the session's summary. */
  get word(): string | null {
    return this.waiting.length > 0 || this.passed !== null ? "queued" : this.last;
  }

  /** What a record keeps: null for nothing. JSON values. */
  toRecord(): object | null {
    if (this.waiting.length === 0 && this.last === null && this.passed === null) return null;
    return {
      prompts: this.waiting.map(({ id, text, at, force, lossy, begun }) => ({ id, text, at, force, lossy, begun })),
      last: this.last,
      passed: this.passed,
    };
  }

  /** Of another version or none: nothing is queued then. */
  fromRecord(record: unknown): void {
    const read = kept.safeParse(record);
    if (!read.success) return;
    this.waiting.push(...read.data.prompts);
    this.last = read.data.last;
    this.passed = read.data.passed;
  }
}
