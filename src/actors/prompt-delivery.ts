/**
 * One prompt on its way into a program, with proof:
 *
 * ```
 * ready ──▶ pasted ──▶ arrived ──▶ submitted ──▶ its turn begins, or is over
 *   │          │          │            ▲ the submit keys alone, once more
 *   ▼          ▼          ▼            │
 * refused    typed      typed ◀────────┘        nothing seen in time: said as it is, never sent again
 * ```
 * A machine over what the screen shows; every look has taken in all that the program had written by then. Nothing is typed into a
 * dialog: the look before the text and the look before the submit keys are in one breath with what they allow. What a program opens
 * after such a look, and before it reads the key, nobody can see from here.
 */
import { LifeguardError } from "../errors.js";
import type { Confidence } from "../session.js";
import { FINISHED_UNSEEN } from "./detector.js";
import { PromptProof } from "./prompt-proof.js";
import { altered, isMultiLine, longestLine, SoughtText } from "./prompt-text.js";
import { looksLikePrompt } from "./prompt-line.js";
import { heldText, isBlocked, type DeliveryLook } from "./prompt-look.js";
import type { Alarm, Time } from "./time.js";

export interface DeliveryContext {
  id: string;
  time: Time;
  /** Takes in what is pending, then looks. Null: there is no screen to look at. */
  look(): DeliveryLook | null;
  /** Bytes that the program has not read, and how many more may wait. */
  waiting(): number;
  room(): number;
  write(bytes: Uint8Array): void;
  paste(text: string, bracketed: boolean): Uint8Array;
  keys(names: readonly string[]): Uint8Array;
  told(step: DeliveryStep): void;
}

export interface DeliveryEvidence {
  rule: string;
  confidence: Confidence;
  detail: string;
}

/** What a delivery tells after it has begun. After `submitted`, `began` or `over` follows. */
export type DeliveryStep =
  | { step: "submitting" }
  | { step: "submitted" | "typed"; evidence: DeliveryEvidence }
  /** The state that is said shows its turn. */
  | { step: "began" }
  /** Nothing of a turn is to be seen (any more): the state that is said is that of after it. */
  | { step: "over" };

export interface DeliverySettings {
  /** From the text to its showing, and from the submit keys to their effect. */
  confirmMs: number;
  /** How long a turn may take to show. */
  turnMs: number;
  /** Characters may be changed by the tool on the way. */
  lossy: boolean;
}

/** A program that may be at work without our knowing is given so long to be quiet. */
const QUIET_WAIT_MS = 3_000;
const QUIET_MS = 250;
const LOOK_MS = 50;
/** After output: what belongs together mostly comes together. */
const SETTLED_MS = 8;
/** A shell's prompt that has stood so long is no leftover of the line that was taken. */
const PROMPTS_AGAIN_MS = 150;
/** Where nothing could be evidence there is nothing to wait for. */
const UNKNOWN_MS = 300;
/** A long text into a slow program, all in all. */
const LONGEST_MS = 60_000;
/** Beyond this a line is cut by the kernel without a word. */
const LINE_BYTES = 4_095;

type Phase = "ready" | "pasted" | "submitted" | "turn" | "ended";

export class PromptDelivery {
  readonly #context: DeliveryContext;
  readonly #settings: DeliverySettings;
  readonly #text: string;
  #phase: Phase = "ready";
  #proof: PromptProof;
  #began = 0;
  /** The last time something moved: bytes were read, the screen changed. */
  #movedAt = 0;
  #unread = 0;
  #pastedAt = 0;
  #submittedAt = 0;
  #submits = 0;
  #known = false;
  #inShell = false;
  #workedAt = 0;
  #promptsAgainAt: number | null = null;
  #touched = false;
  #alarm: Alarm | null = null;
  #dueAt = 0;
  #settle: { resolve(): void; reject(error: LifeguardError): void } | null = null;

  /** @param text as {@link promptText} has it */
  constructor(text: string, settings: DeliverySettings, context: DeliveryContext) {
    this.#text = text;
    this.#settings = settings;
    this.#context = context;
    this.#proof = new PromptProof(new SoughtText(text, "(?!)", false), "");
  }

  get over(): boolean {
    return this.#phase === "ended";
  }

  /**
   * Resolves when the text has been handed to the terminal; what follows is told.
   * @throws BLOCKED, BUSY, LIMIT, UNSUPPORTED, INVALID_PARAMS, UNAVAILABLE: nothing was typed then
   */
  async begin(): Promise<void> {
    this.#began = this.#context.time.monotonic();
    this.#movedAt = this.#began;
    const begun = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#step();
    await begun;
  }

  /** Its line was taken by a shell, which may be given the next one when it is ready again. */
  get taken(): boolean {
    return this.#phase === "turn" && this.#inShell;
  }

  /** Another prompt comes after it. */
  leave(): void {
    if (this.over) return;
    this.#context.told({ step: "over" });
    this.#end();
  }

  /** The program has written something. */
  output(): void {
    if (this.over) return;
    this.#movedAt = this.#context.time.monotonic();
    this.#wake(SETTLED_MS);
  }

  /** Somebody else has typed. */
  touched(): void {
    this.#touched = true;
  }

  /** The tool itself says that it has taken a prompt: the best proof there is. @param at when, ms since 1970; before ours, it was another */
  reported(event: string, at: number): void {
    if (this.#phase !== "submitted" || at < Math.floor(this.#submittedClock)) return;
    this.#submitted("report", "high", `the tool reports ${event}`);
  }

  /** Nothing more can be seen. @param ended because its program has ended, which a prompt may well have made it do */
  stop(why: string, ended: boolean): void {
    if (this.#phase === "ready") this.#refuse(new LifeguardError("EXITED", `${this.#context.id}: ${why}; nothing was typed`));
    else if (this.#phase === "pasted") this.#typed("interrupted", `${why} before it was submitted`);
    else if (this.#phase === "submitted" && ended) this.#submitted("program_ended", "low", "the program ended after the submit key");
    else if (this.#phase === "submitted") this.#typed("interrupted", `${why} before anything showed that it was taken`);
    // The end of the session settles what waits for it.
    if (this.#phase === "turn" && !ended) this.#context.told({ step: "over" });
    this.#end();
  }

  // ---- steps ------------------------------------------------------------------------------------------------------------

  readonly #step = (): void => {
    if (this.#alarm !== null) this.#context.time.cancel(this.#alarm);
    this.#alarm = null;
    if (this.over) return;
    try {
      const look = this.#context.look();
      if (look === null) this.#blind();
      else if (this.#phase === "ready") this.#whenReady(look);
      else if (this.#phase === "pasted") this.#whenPasted(look);
      else if (this.#phase === "submitted") this.#whenSubmitted(look);
      else if (this.#phase === "turn") this.#whenTurn(look);
    } catch (error) {
      if (this.#phase !== "ready" || !(error instanceof LifeguardError)) throw error;
      this.#refuse(error);
    }
    if (!this.over) this.#wake(LOOK_MS);
  };

  #whenReady(look: DeliveryLook): void {
    const { id } = this.#context;
    this.#refuseBlocked(look);
    const waited = this.#context.time.monotonic() - this.#began;
    const wait = this.#notReady(look);
    if (wait !== null) {
      if (!wait.passes || waited >= QUIET_WAIT_MS) throw busy(`${id} is not ready: ${wait.why}`, { state: look.state, rule: look.rule });
      return;
    }
    const held = heldText(look);
    if (held !== null)
      throw busy(`the prompt box of ${id} holds text that somebody has typed (${JSON.stringify(held)}): nothing was typed`, {
        reason: "holds_text",
      });
    this.#type(look);
  }

  #refuseBlocked(look: DeliveryLook): void {
    if (!isBlocked(look)) return;
    throw new LifeguardError(
      "BLOCKED",
      `${this.#context.id} waits for an answer (${look.verdict?.rule ?? look.rule}): nothing was typed. Answer it, then prompt again`,
      { rule: look.verdict?.rule ?? look.rule, text: look.verdict?.text ?? "" },
    );
  }

  /** @returns why not, and whether that passes by itself in a moment; null: it is ready */
  #notReady(look: DeliveryLook): { why: string; passes: boolean } | null {
    const { tool, verdict } = look;
    if (tool !== null) {
      if (verdict?.state === "busy") return { why: `${tool.title} works (${verdict.rule})`, passes: false };
      if (look.state === "busy") return { why: `${tool.title} works (${look.rule})`, passes: false };
      if (verdict === null && tool.saysIdle) return { why: `no rule matches what ${tool.title} shows`, passes: true };
      if (tool.hasBox && look.box === null) return { why: `the prompt box of ${tool.title} is not on the screen`, passes: true };
      return null;
    }
    if (look.state === "starting") return { why: "it starts", passes: true };
    if (look.state !== "busy" || (look.source === "silence" && look.quietMs >= QUIET_MS)) return null;
    return { why: `it is busy (${look.rule})`, passes: look.confidence === "low" };
  }

  #type(look: DeliveryLook): void {
    const { id } = this.#context;
    const { tool } = look;
    const bracketed = look.bracketed && tool?.ways.paste !== false;
    const many = isMultiLine(this.#text);
    const change = altered(this.#text, tool?.ways.alters ?? [], this.#settings.lossy);
    if (change !== null)
      throw new LifeguardError("UNSUPPORTED", `${tool?.title ?? id} ${change.says}. Nothing was typed`, {
        field: "text",
        reason: change.what,
      });
    if (tool !== null && many && !bracketed)
      throw new LifeguardError(
        "UNSUPPORTED",
        `${tool.title} takes no bracketed paste now: of several lines each would be a prompt of its own. Nothing was typed; send one line`,
      );
    if (look.lines && longestLine(this.#text) > LINE_BYTES)
      throw new LifeguardError(
        "INVALID_PARAMS",
        `the program of ${id} reads whole lines, of which a terminal keeps ${LINE_BYTES} bytes: a line of ${longestLine(this.#text)} would be cut. Nothing was typed`,
        { field: "text", limit: LINE_BYTES },
      );
    const bytes = this.#context.paste(this.#text, bracketed);
    if (bytes.byteLength > this.#context.room())
      throw busy(
        `${bytes.byteLength} bytes do not fit: the program of ${id} has ${this.#context.waiting()} bytes unread. Nothing was typed`,
        {
          accepted: 0,
        },
      );
    this.#proof = new PromptProof(new SoughtText(this.#text, tool?.ways.collapsed ?? "(?!)", many && !bracketed), look.box?.text ?? "");
    this.#inShell = tool === null && look.isShell;
    this.#known = look.isShell || tool !== null || look.shell !== null || !look.lines;
    this.#phase = "pasted";
    this.#touched = false;
    this.#context.write(bytes);
    this.#unread = this.#context.waiting();
    this.#pastedAt = this.#context.time.monotonic();
    this.#movedAt = this.#pastedAt;
    this.#settle?.resolve();
    this.#settle = null;
  }

  #whenPasted(look: DeliveryLook): void {
    const now = this.#context.time.monotonic();
    const unread = this.#context.waiting();
    if (unread > 0) {
      if (unread < this.#unread) this.#movedAt = now;
      this.#unread = unread;
      this.#pastedAt = now;
      if (now - this.#movedAt < this.#settings.confirmMs && now - this.#began < LONGEST_MS) return;
      this.#typed("not_read", `the program has ${unread} bytes of it still to read; it was not submitted`);
      return;
    }
    if (isBlocked(look)) {
      this.#typed("dialog_opened", `a dialog opened (${look.verdict?.rule ?? look.rule}) before it was submitted`);
      return;
    }
    if (now - this.#pastedAt < (look.tool?.ways.settleMs ?? UNKNOWN_MS / 2)) return;
    const holds = this.#proof.holds(look);
    if (holds === "other" && this.#touched) {
      this.#typed("other_text", "somebody has typed meanwhile: the prompt box holds another text, and it was not submitted");
      return;
    }
    if (holds === "text" || (holds === "unseen" && now - this.#movedAt >= UNKNOWN_MS)) {
      this.#submit(look);
      return;
    }
    if (now - Math.max(this.#pastedAt, this.#movedAt) < this.#settings.confirmMs && now - this.#pastedAt < LONGEST_MS / 2) return;
    if (holds === "other") this.#typed("other_text", "the prompt box does not hold just this text; it was not submitted");
    else this.#typed("not_shown", "the text did not show; it was not submitted");
  }

  /** In one breath with the look, which has seen all that the program had written. */
  #submit(look: DeliveryLook): void {
    const now = this.#context.time.monotonic();
    if (look.tool !== null && (look.verdict?.state === "busy" || look.state === "busy")) {
      this.#typed("became_busy", `${look.tool.title} began to work before it was submitted`);
      return;
    }
    this.#submits += 1;
    if (this.#submits === 1) this.#context.told({ step: "submitting" });
    this.#phase = "submitted";
    this.#submittedAt = now;
    this.#proof.submitting(look);
    this.#context.write(this.#context.keys(look.tool?.ways.submit ?? ["Enter"]));
  }

  #whenSubmitted(look: DeliveryLook): void {
    const now = this.#context.time.monotonic();
    const evidence = this.#proof.seen(look, now, this.#submittedClock);
    if (evidence !== null) {
      this.#submitted(...evidence);
      return;
    }
    if (now - this.#submittedAt < (this.#known ? this.#settings.confirmMs : UNKNOWN_MS)) return;
    if (isBlocked(look)) {
      this.#typed("dialog_open", `a dialog is open (${look.verdict?.rule ?? look.rule}); nothing shows that it was taken`);
      return;
    }
    const again = this.#submits === 1 && this.#known && !this.#touched && this.#proof.holds(look) === "text";
    if (again) this.#submit(look);
    else if (this.#proof.holds(look) === "text" && this.#known)
      this.#typed("not_taken", "the text still stands at the prompt after the submit key");
    else this.#typed("no_evidence", "typed and submitted; nothing shows that it was taken");
  }

  /** The submit's time on the clock that marks are stamped with. */
  get #submittedClock(): number {
    const { time } = this.#context;
    return time.now() - (time.monotonic() - this.#submittedAt);
  }

  #whenTurn(look: DeliveryLook): void {
    const now = this.#context.time.monotonic();
    const works = look.verdict?.state === "busy" || look.verdict?.state === "attention";
    if (works || (look.tool === null && look.isShell && !look.shellInFront)) this.#workedAt = now;
    // A shell that prompts again has done what it was given.
    if (!(look.tool === null && look.isShell && look.shellInFront && looksLikePrompt(look.cursorLine))) this.#promptsAgainAt = null;
    else this.#promptsAgainAt ??= now;
    const again = this.#promptsAgainAt !== null && now - this.#promptsAgainAt >= PROMPTS_AGAIN_MS;
    if (look.state === "busy" || (look.state === "attention" && look.rule !== FINISHED_UNSEEN)) {
      this.#context.told({ step: "began" });
      this.#end();
    } else if (again || now - this.#workedAt >= this.#settings.turnMs || (look.shell?.endedAt ?? 0) >= this.#submittedClock) {
      this.#context.told({ step: "over" });
      this.#end();
    }
  }

  // ---- ends -------------------------------------------------------------------------------------------------------------

  #submitted(rule: string, confidence: Confidence, detail: string): void {
    this.#context.told({
      step: "submitted",
      evidence: { rule, confidence, detail: this.#submits > 1 ? `${detail}; the submit key was pressed twice` : detail },
    });
    this.#phase = "turn";
    this.#workedAt = this.#context.time.monotonic();
  }

  #typed(rule: string, detail: string): void {
    this.#context.told({ step: "typed", evidence: { rule, confidence: "low", detail } });
    this.#end();
  }

  #blind(): void {
    if (this.#phase === "ready")
      this.#refuse(new LifeguardError("UNAVAILABLE", `${this.#context.id} has no screen to look at now: nothing was typed`));
    else if (this.#phase !== "turn" && this.#context.time.monotonic() - this.#movedAt > this.#settings.confirmMs)
      this.#typed("no_screen", "its screen could not be looked at any more");
  }

  #refuse(error: LifeguardError): void {
    this.#settle?.reject(new LifeguardError(error.name, error.message, { ...error.data, typed: false }));
    this.#settle = null;
    this.#end();
  }

  #end(): void {
    this.#phase = "ended";
    if (this.#alarm !== null) this.#context.time.cancel(this.#alarm);
    this.#alarm = null;
  }

  #wake(ms: number): void {
    const due = this.#context.time.monotonic() + ms;
    // A program that writes on and on puts nothing off.
    if (this.#alarm !== null && this.#dueAt <= due) return;
    if (this.#alarm !== null) this.#context.time.cancel(this.#alarm);
    this.#dueAt = due;
    this.#alarm = this.#context.time.after(ms, this.#step);
  }
}

function busy(message: string, data: Record<string, unknown>): LifeguardError {
  return new LifeguardError("BUSY", message, { retry_after_ms: 1_000, ...data });
}
