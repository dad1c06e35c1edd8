/** What a session's OSC reports add up to: where its shell is, what command runs, the parts of a notification. */
import type { NotificationReport, PromptMark, PromptPhase } from "./shell-marks.js";

/** The newest OSC 133 mark with what still holds of those before it. */
export interface ShellPhase {
  phase: PromptPhase;
  /** How the last command ended: from D, through A and B, until the next C. */
  exit: number | null;
  /** The command that runs, or ran last. */
  command: string | null;
  /** When this phase began. */
  at: number;
  /** When the last command ended, null before the first. */
  endedAt: number | null;
  /** Which shell says so, null when it does not say: our own snippets give the shell's process id. */
  shell: string | null;
}

/** A command that has ended. */
export interface CommandEnd {
  command: string | null;
  exit: number | null;
  durationMs: number | null;
}

/** A shell whose command is another shell: what it has under way goes on meanwhile. */
interface Outer {
  shell: string;
  phase: ShellPhase;
  startedAt: number | null;
}

/** Shells in shells. Beyond, the outermost is forgotten. */
const MAX_OUTER = 16;

export class ShellIntegration {
  #phase: ShellPhase | null = null;
  #startedAt: number | null = null;
  /** Which shell said the newest mark; null when it does not say. */
  #shell: string | null = null;
  readonly #outer: Outer[] = [];
  #seenStart = false;

  get state(): ShellPhase | null {
    return this.#phase;
  }

  /** The command that runs now, null when none does. */
  get running(): string | null {
    return this.#phase?.phase === "C" ? this.#phase.command : null;
  }

  /** @returns the command that this mark ends, if it ends one */
  mark(mark: PromptMark, at: number): CommandEnd | null {
    if (mark.shell !== this.#shell) this.#changeShell(mark.shell);
    const before = this.#phase;
    if (mark.phase === "C") {
      this.#seenStart = true;
      this.#startedAt = at;
      this.#phase = { phase: "C", exit: null, command: mark.command, at, endedAt: before?.endedAt ?? null, shell: mark.shell };
      return null;
    }
    // A shell that marks starts says D again at every empty line, with the status of long ago: nothing has ended then. One that
    // does not mark them can only be believed.
    const ended = mark.phase === "D" && (before?.phase === "C" || !this.#seenStart);
    // A prompt without D: the command was abandoned (an interrupted line, a shell without D).
    const abandoned = mark.phase !== "D" && before?.phase === "C";
    const exit = ended ? mark.exit : abandoned ? null : (before?.exit ?? null);
    const command = before?.command ?? null;
    const endedAt = ended || abandoned ? at : (before?.endedAt ?? null);
    this.#phase = { phase: mark.phase, exit, command, at, endedAt, shell: mark.shell };
    if (!ended && !abandoned) return null;
    const durationMs = this.#startedAt === null ? null : Math.max(0, at - this.#startedAt);
    this.#startedAt = null;
    return { command, exit, durationMs };
  }

  /** Another shell speaks than before: one that the running command is or has started, or one of those around it. */
  #changeShell(shell: string | null): void {
    const outer = shell === null ? -1 : this.#outer.findLastIndex((one) => one.shell === shell);
    const back = this.#outer[outer];
    if (back !== undefined) {
      this.#outer.length = outer;
      this.#phase = back.phase;
      this.#startedAt = back.startedAt;
    } else if (shell !== null && this.#shell !== null && this.#phase?.phase === "C") {
      this.#outer.push({ shell: this.#shell, phase: this.#phase, startedAt: this.#startedAt });
      if (this.#outer.length > MAX_OUTER) this.#outer.shift();
      this.#phase = null;
      this.#startedAt = null;
    }
    this.#shell = shell;
  }

  /** A new process has the terminal: nothing that was said holds. */
  reset(): void {
    this.#phase = null;
    this.#startedAt = null;
    this.#seenStart = false;
    this.#shell = null;
    this.#outer.length = 0;
  }
}

const MAX_TITLE = 256;
const MAX_BODY = 1_024;

/** Joins the parts of a notification. One at a time: parts of another id mean the one before will not be finished. */
export class NotificationJoin {
  #open: { id: string; title: string; body: string } | null = null;

  /** @returns the whole notification with its last part, null before */
  part(part: NotificationReport): { title: string; body: string } | null {
    const before = this.#open?.id === part.id ? this.#open : { id: part.id, title: "", body: "" };
    const whole = {
      id: part.id,
      title: (before.title + part.title).slice(0, MAX_TITLE),
      body: (before.body + part.body).slice(0, MAX_BODY),
    };
    this.#open = part.done ? null : whole;
    return part.done && (whole.title !== "" || whole.body !== "") ? { title: whole.title, body: whole.body } : null;
  }
}
