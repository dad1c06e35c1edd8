/** What the screen proves of one prompt: that its text stands where it should, and, after the submit keys, that it was taken. */
import type { Confidence } from "../session.js";
import { looksLikePrompt } from "./prompt-line.js";
import { isBlocked, type DeliveryLook } from "./prompt-look.js";
import type { SoughtText } from "./prompt-text.js";

/** Rule, confidence, and the words for people. */
export type Proof = [rule: string, confidence: Confidence, detail: string];

/** What shows that a text was taken must show twice, so far apart: tools redraw in parts. */
const AGAIN_MS = 120;

export class PromptProof {
  readonly #sought: SoughtText;
  readonly #before: string;
  #goneAt: number | null = null;
  /** How often the text was on the screen when it was submitted, in the prompt box and otherwise. */
  #stood = 0;

  /** @param before the prompt box's text when it was empty */
  constructor(sought: SoughtText, before: string) {
    this.#sought = sought;
    this.#before = before;
  }

  /** `unseen`: the program may well have it without showing it. */
  holds(look: DeliveryLook): "text" | "nothing" | "other" | "unseen" {
    if (look.tool?.hasBox === true) {
      const holds = look.box === null ? "nothing" : this.#sought.inBox(this.#before, look.box.text);
      // A long text may fill the screen, its box's beginning scrolled out.
      return holds !== "text" && this.#sought.endsAt(look.upToCursor) ? "text" : holds;
    }
    if (this.#sought.endsAt(look.upToCursor)) return "text";
    // A shell shows what it is given, as far as it fits the window. Any other program may not, nor can symbols be looked for.
    const shows = look.isShell && look.shellInFront && !this.#sought.invisible && this.#sought.rows(look.cols) < look.rows / 2;
    return shows ? "nothing" : "unseen";
  }

  /** The submit keys are pressed, on this screen. */
  submitting(look: DeliveryLook): void {
    this.#goneAt = null;
    this.#stood = this.#sought.timesIn(look.screen);
  }

  /**
   * @param now monotonic
   * @param since when the submit keys were pressed, on the clock that shell marks are stamped with
   */
  seen(look: DeliveryLook, now: number, since: number): Proof | null {
    return look.tool === null ? this.#inShell(look, now, since) : this.#inTool(look, now, since);
  }

  #inTool(look: DeliveryLook, now: number, since: number): Proof | null {
    const { tool, verdict, box } = look;
    if (tool === null) return null;
    if (verdict?.state === "busy") return ["turn_began", "high", `${tool.title} works: ${verdict.text}`];
    const holds = this.holds(look);
    if (isBlocked(look)) {
      // It may be the answer to the prompt, or have come between and hide the box: the text must have come to stand in the conversation.
      const stands = this.#sought.telling && this.#sought.timesIn(look.screen) >= Math.max(1, this.#stood);
      return stands && holds !== "text" ? ["dialog_opened_by_it", "medium", "it was answered with a dialog"] : null;
    }
    if (!tool.hasBox) return this.#inShell(look, now, since);
    if (holds === "text" || holds === "other") {
      this.#goneAt = null;
      return null;
    }
    this.#goneAt ??= now;
    if (now - this.#goneAt < AGAIN_MS) return null;
    return box === null
      ? now - this.#goneAt < 3 * AGAIN_MS
        ? null
        : ["left_the_box", "low", `the text is gone, and the prompt box of ${tool.title} with it`]
      : ["box_is_empty", "medium", `the prompt box of ${tool.title} is empty again`];
  }

  #inShell(look: DeliveryLook, now: number, since: number): Proof | null {
    const { shell } = look;
    if (shell !== null && (shell.endedAt ?? 0) >= since) return ["command_ended", "high", "the shell says that it ran"];
    if (shell?.phase === "C" && shell.at >= since) return ["command_began", "high", "the shell says that it runs"];
    if (look.isShell && !look.shellInFront) return ["program_in_front", "medium", "the shell runs a program"];
    // Where the kernel echoes, a new line says nothing of the program.
    if (look.lines && !look.isShell) return null;
    const left = !this.#sought.endsAt(look.upToCursor);
    const above = this.#sought.standsIn(look.upToCursor) || looksLikePrompt(look.cursorLine);
    if (!left || !above || look.alternate || this.#sought.invisible) {
      this.#goneAt = null;
      return null;
    }
    this.#goneAt ??= now;
    return now - this.#goneAt < AGAIN_MS ? null : ["line_taken", "medium", "the line was taken: what was typed stands above the cursor"];
  }
}
