/**
 * What a session is doing, from evidence that needs no knowledge of its program. Strongest first, one authority at a time:
 *
 * ```
 * OSC 133           high    C busy · D with a status other than 0 error, for a while · D, A, B idle
 * foreground        medium  another program than the shell in front: busy, also when silent (`sleep 100`) · the shell: idle
 * prompt            medium  the cursor stands behind a prompt
 * silence           low     output lately: busy · none: idle, "no rule matched"
 * ```
 * A machine without clock, timers or I/O: {@link Detector.evaluate} is called on change and when `next` is over. It goes from
 * busy to idle on strong evidence at once; on anything weaker only when that was seen twice and has held for `idleHoldMs`.
 */
import type { Confidence, Evidence, SessionState } from "../session.js";
import { isShellName } from "./foreground.js";
import { looksLikePrompt } from "./prompt-line.js";
import type { ShellPhase } from "./shell-integration.js";

export interface DetectorSettings {
  /** Quiet for so long before busy becomes idle. */
  idleHoldMs: number;
  /** How long a failed command shows. */
  errorLingerMs: number;
  /** A finished long command that nobody has looked at for so long waits for a person. */
  attentionAfterMs: number;
}

/** Times are milliseconds of one clock; 0 for what has not happened. */
export interface DetectorInput {
  now: number;
  lastOutputAt: number;
  startedAt: number;
  /** Null where the system does not say. */
  foreground: { isLeader: boolean; command: string | null } | null;
  /** Null until the shell has said anything. */
  osc133: ShellPhase | null;
  /** The parsed screen's line up to the cursor. Called only when nothing stronger decides. */
  cursorLine: () => string;
  altScreen: boolean;
  lastInputAt: number;
  /** The last time somebody looked: input, an attached terminal, a dismissal. */
  seenAt: number;
  /** The session's own process is a shell that people type into. */
  leaderIsShell: boolean;
}

export interface Detection {
  state: SessionState;
  /** The same object as long as nothing about it has changed. */
  evidence: Evidence;
  /** Milliseconds until it must be asked again, null when only a change can change the answer. */
  next: number | null;
}

/** A program that has printed nothing for so long after its start has started. */
const STARTING_MS = 1_000;
/** Output so soon after input is its echo, which is no sign of work. */
const ECHO_MS = 200;
/** A command begins a little after the Enter that asks for it, and a silent one says nothing when it does. */
const INPUT_SETTLE_MS = 300;
/** While a silent command is believed to run: it may end without a word. */
const RUNNING_LOOK_MS = 2_000;
/** Shorter commands are watched as they run: nobody has to be told that they have ended. */
const LONG_COMMAND_MS = 10_000;
/** Further in the future than this is a clock that was set back, not a race. */
const CLOCK_SLACK_MS = 1_000;

const PROMPT_OF_PROGRAM = "prompt_of_program";

/** What one look says, before anything is held. */
interface Look {
  state: "busy" | "idle" | "error";
  source: string;
  rule: string;
  confidence: Confidence;
  detail: string;
  /** Since when this has been so, as far as the evidence tells. */
  since: number;
  next: number | null;
}

export class Detector {
  readonly #settings: DetectorSettings;
  #state: SessionState = "starting";
  #evidence: Evidence | null = null;
  /** Idle has been seen once while busy is still said. */
  #idleSeen = false;
  /** The newest sign of work. */
  #busyAt = 0;
  #busySince: number | null = null;
  /** The newest output that has been judged, and the newest that counts (0: none since it was last idle). */
  #judgedAt = 0;
  #activeAt = 0;
  /** When the last long command ended, until somebody has looked. */
  #finishedAt: number | null = null;

  constructor(settings: DetectorSettings) {
    this.#settings = settings;
  }

  evaluate(input: DetectorInput): Detection {
    const { now } = input;
    if (this.#state === "starting" && input.osc133 === null && input.lastOutputAt < input.startedAt) {
      const left = input.startedAt + STARTING_MS - now;
      if (left > 0 && left <= STARTING_MS) {
        return this.#say(
          "starting",
          { source: "process", rule: "no_output_yet", confidence: "high", detail: "started, has printed nothing yet" },
          now,
          left,
        );
      }
    }
    const look = lookAt(input, this.#settings, this.#quiet(input), this.#evidence?.rule === PROMPT_OF_PROGRAM);
    if (look.state !== "idle") {
      this.#idleSeen = false;
      if (look.state === "busy") {
        this.#busyAt = Math.min(look.since, now);
        this.#busySince ??= this.#busyAt;
        this.#finishedAt = null;
      } else {
        this.#finish(input, look);
      }
      return this.#say(look.state, look, now, look.next);
    }
    const held = this.#hold(look, now);
    if (held !== null && this.#evidence !== null) return { state: "busy", evidence: this.#evidence, next: least(held, look.next) };
    this.#idleSeen = false;
    this.#finish(input, look);
    return this.#rest(input, look);
  }

  /**
   * Milliseconds since the newest output that counts; without any, and after the clock was set back, for ever. Each output is
   * judged once, when it comes: what only repeats what was typed makes nothing busy, but does not end it either.
   */
  #quiet({ now, lastOutputAt, lastInputAt }: DetectorInput): number {
    if (lastOutputAt !== this.#judgedAt) {
      this.#judgedAt = lastOutputAt;
      const after = lastOutputAt - lastInputAt;
      const echo = this.#state !== "busy" && lastInputAt > 0 && after >= 0 && after < ECHO_MS;
      if (!echo) this.#activeAt = lastOutputAt;
    }
    if (this.#activeAt <= 0 || this.#activeAt > now + CLOCK_SLACK_MS) return Number.POSITIVE_INFINITY;
    return Math.max(0, now - this.#activeAt);
  }

  /** Milliseconds that busy is still said although the look says idle, null when idle may be said. */
  #hold(look: Look, now: number): number | null {
    if (this.#state !== "busy" || look.confidence === "high") return null;
    const first = !this.#idleSeen;
    this.#idleSeen = true;
    // After the clock was set back, the hold begins again.
    this.#busyAt = Math.min(Math.max(look.since, this.#busyAt), now);
    const left = this.#busyAt + this.#settings.idleHoldMs - now;
    // The second look is a look of its own, however long ago the evidence began.
    if (first) return Math.max(left, Math.ceil(this.#settings.idleHoldMs / 3));
    return left > 0 ? left : null;
  }

  /** Notes that what was busy has ended, and whether anybody has to be told one day. */
  #finish(input: DetectorInput, look: Look): void {
    const began = this.#busySince;
    this.#busySince = null;
    // What was printed so far has been explained: it makes nothing busy later.
    this.#activeAt = 0;
    if (began === null || !input.leaderIsShell || look.confidence === "low") return;
    if (look.since - began >= LONG_COMMAND_MS) this.#finishedAt = look.since;
  }

  #rest(input: DetectorInput, look: Look): Detection {
    const { now } = input;
    if (this.#finishedAt !== null && Math.max(input.seenAt, input.lastInputAt) >= this.#finishedAt) this.#finishedAt = null;
    if (this.#finishedAt === null) return this.#say("idle", look, now, look.next);
    const left = this.#finishedAt + this.#settings.attentionAfterMs - now;
    if (left > 0) return this.#say("idle", look, now, least(left, look.next));
    return this.#say(
      "attention",
      {
        source: look.source,
        rule: "finished_unseen",
        confidence: look.confidence,
        detail: "a long command has ended and nobody has looked since",
      },
      now,
      look.next,
    );
  }

  #say(state: SessionState, why: Omit<Evidence, "at">, now: number, next: number | null): Detection {
    const { source, rule, confidence, detail } = why;
    const before = this.#evidence;
    const same =
      before !== null &&
      this.#state === state &&
      before.source === source &&
      before.rule === rule &&
      before.confidence === confidence &&
      before.detail === detail;
    const evidence = same ? before : { source, rule, confidence, at: now, detail };
    this.#state = state;
    this.#evidence = evidence;
    return { state, evidence, next };
  }
}

/**
 * @param quiet milliseconds since the newest output that counts
 * @param atPrompt the program in front was at its prompt at the last look
 */
function lookAt(input: DetectorInput, settings: DetectorSettings, quiet: number, atPrompt: boolean): Look {
  return lookAtMarks(input, settings, quiet) ?? lookAtForeground(input, settings, quiet, atPrompt) ?? lookAtSilence(input, settings, quiet);
}

function lookAtMarks(input: DetectorInput, settings: DetectorSettings, quiet: number): Look | null {
  const { osc133: shell, foreground, now } = input;
  if (shell === null) return null;
  const source = "osc133";
  if (shell.phase === "C") {
    // A shell that was left without a word (exec, a closed ssh) left its mark behind: its successor's prompt says so.
    const since = now - shell.at;
    const left =
      input.leaderIsShell &&
      foreground?.isLeader === true &&
      input.lastOutputAt > shell.at &&
      Math.min(quiet, since) >= settings.idleHoldMs;
    if (left && looksLikePrompt(input.cursorLine())) return null;
    return {
      state: "busy",
      source,
      rule: "command_running",
      confidence: "high",
      detail: shell.command ?? foreground?.command ?? "a command runs",
      since: shell.at,
      next: null,
    };
  }
  // A shell that does not mark where its commands begin: what is in front knows better.
  if (foreground !== null && !foreground.isLeader) return null;
  const endedAt = shell.endedAt ?? shell.at;
  if (shell.exit !== null && shell.exit !== 0) {
    const left = endedAt + settings.errorLingerMs - now;
    if (left > 0 && left <= settings.errorLingerMs) {
      return {
        state: "error",
        source,
        rule: "command_failed",
        confidence: "high",
        detail: `${shell.command ?? "the command"} exited with ${shell.exit}`,
        since: endedAt,
        next: left,
      };
    }
  }
  const settle = shell.at >= input.lastInputAt ? null : settleAfterInput(input);
  return {
    state: "idle",
    source,
    rule: shell.phase === "D" ? "command_ended" : "at_prompt",
    confidence: "high",
    detail: "the shell waits for a command",
    since: endedAt,
    next: settle,
  };
}

function lookAtForeground(input: DetectorInput, settings: DetectorSettings, quiet: number, atPrompt: boolean): Look | null {
  const { foreground, leaderIsShell, now } = input;
  if (foreground === null || !leaderIsShell) return null;
  const source = "foreground";
  if (!foreground.isLeader) {
    const name = foreground.command ?? "a program";
    const printing = quiet < settings.idleHoldMs;
    const since = now - Math.min(quiet, now);
    if (!printing && input.altScreen) {
      return {
        state: "idle",
        source: "silence",
        rule: "full_screen_quiet",
        confidence: "low",
        detail: `${name} fills the screen and prints nothing`,
        since,
        next: settleAfterInput(input),
      };
    }
    // Without output of its own the prompt on the screen is the shell's, and what it runs has only just begun.
    if (!printing && (atPrompt || Number.isFinite(quiet)) && looksLikePrompt(input.cursorLine())) {
      const shell = foreground.command !== null && isShellName(foreground.command);
      return {
        state: "idle",
        source: "prompt",
        rule: PROMPT_OF_PROGRAM,
        confidence: shell ? "medium" : "low",
        detail: `${name} shows a prompt`,
        since,
        next: settleAfterInput(input),
      };
    }
    return {
      state: "busy",
      source,
      rule: "program_in_front",
      confidence: "medium",
      detail: name,
      since: now,
      next: printing ? settings.idleHoldMs - quiet : RUNNING_LOOK_MS,
    };
  }
  if (input.altScreen) return null;
  const prompt = looksLikePrompt(input.cursorLine());
  if (!prompt && quiet < settings.idleHoldMs) {
    return {
      state: "busy",
      source: "silence",
      rule: "output_lately",
      confidence: "low",
      detail: "the shell itself prints",
      since: now - quiet,
      next: settings.idleHoldMs - quiet,
    };
  }
  const since = now - Math.min(quiet, now);
  const next = settleAfterInput(input);
  if (prompt)
    return {
      state: "idle",
      source: "prompt",
      rule: "shell_prompt",
      confidence: "medium",
      detail: "the shell shows its prompt",
      since,
      next,
    };
  return { state: "idle", source, rule: "shell_in_front", confidence: "medium", detail: "nothing runs in front of the shell", since, next };
}

function lookAtSilence(input: DetectorInput, settings: DetectorSettings, quiet: number): Look {
  const since = input.now - Math.min(quiet, input.now);
  if (quiet < settings.idleHoldMs) {
    return {
      state: "busy",
      source: "silence",
      rule: "output_lately",
      confidence: "low",
      detail: "prints",
      since,
      next: settings.idleHoldMs - quiet,
    };
  }
  return {
    state: "idle",
    source: "silence",
    rule: "no_rule_matched",
    confidence: "low",
    detail: "no rule matched: silence",
    since,
    next: null,
  };
}

function settleAfterInput(input: DetectorInput): number | null {
  const left = input.lastInputAt + INPUT_SETTLE_MS - input.now;
  return input.lastInputAt > 0 && left > 0 && left <= INPUT_SETTLE_MS ? left : null;
}

function least(one: number | null, other: number | null): number | null {
  return one === null ? other : other === null ? one : Math.min(one, other);
}
