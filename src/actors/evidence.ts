/**
 * Evidence that needs no knowledge of the program, and the rules of the tool in front, as looks: what one glance says, before
 * anything is held. Strongest first, one authority at a time:
 *
 * ```
 * tool              reports of its hooks against the rules of its profile (report-watch.ts, tool-rules.ts), while it is in front:
 *                   nothing else counts then
 * report            high    the program's own word, until its next or until it leaves the foreground
 * notification      medium  OSC 9, 777, 99: attention, until somebody looks or other work begins (notified.ts)
 * OSC 133           high    C busy · D with a status other than 0 error, for a while · D, A, B idle
 * foreground        medium  another program than the shell in front: busy, also when silent (`sleep 100`) · the shell: idle
 * prompt            medium  the cursor stands behind a prompt
 * progress          medium  OSC 9;4 says that something is under way
 * silence           low     output lately: busy · none: idle, "no rule matched"
 * ```
 */
import type { Confidence } from "../session.js";
import { isShellName } from "./foreground.js";
import { lookAtNotification, type Notification } from "./notified.js";
import { looksLikePrompt } from "./prompt-line.js";
import type { ShellPhase } from "./shell-integration.js";
import type { Verdict } from "./tool-rules.js";

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
  foreground: { group: number; isLeader: boolean; command: string | null } | null;
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
  /** OSC 9;4, as `normal 40`; "" when nothing was said. */
  progress: string;
  /** The program's own word that it wants somebody, while that holds. */
  notification: Notification | null;
  /** What the program in front says of itself; for a tool with rules that is in what it judges. */
  report?: ToolVerdict | null;
  /** Milliseconds until that ends by itself. */
  reportNext?: number | null;
  /** The tool in front whose profile has rules. Null: none is, or nothing is known of it. */
  tool: ToolInFront | null;
}

export interface ToolInFront {
  /** As people call it. */
  title: string;
  /** When it came to the front; 0 when that was before this actor. */
  since: number;
  /** It is `starting` until a rule says idle or attention, at most so long. */
  startupMs: number;
  /** It has begun a frame and not ended it. */
  drawing: boolean;
  /** What its reports and its rules, of the screen as it is, say of it. */
  judge(): ToolVerdict | null;
  /** Milliseconds until it would judge otherwise of the same, null when it would not. */
  next?: () => number | null;
}

export interface ToolVerdict extends Omit<Verdict, "source"> {
  source: string;
  /** When it was reported; null or left out: it was seen. */
  reportedAt?: number | null;
}

/** A command begins a little after the Enter that asks for it, and a silent one says nothing when it does. */
const INPUT_SETTLE_MS = 300;
/** After a command's mark: its program should be in front by then. */
const COMMAND_LOOK_MS = 300;
/** While a silent command is believed to run: it may end without a word. */
const RUNNING_LOOK_MS = 2_000;
/** A tool that says itself that it rests is believed after so long: it may be sent on at once, by another hook or a queued prompt. */
export const REPORTED_HOLD_MS = 300;
/** A frame that has not been ended for so long is torn: what is shown is half of one thing and half of another. */
const TORN_MS = 1_000;
/** A spinner that has stood still for so long is no longer trusted. */
const SPINNER_MS = 15_000;

export const PROMPT_OF_PROGRAM = "prompt_of_program";

/** What one look says, before anything is held. */
export interface Look {
  state: "busy" | "idle" | "error" | "attention";
  source: string;
  rule: string;
  confidence: Confidence;
  detail: string;
  /** Since when this has been so, as far as the evidence tells. */
  since: number;
  next: number | null;
  /** By the rules of a tool, or its reports. */
  byTool: boolean;
  /** By the word of the program itself. */
  reported: boolean;
}

/**
 * @param quiet milliseconds since the newest output that counts
 * @param atPrompt the program in front was at its prompt at the last look
 */
export function lookAt(input: DetectorInput, settings: DetectorSettings, quiet: number, atPrompt: boolean): Look {
  if (input.tool !== null) return lookAtTool(input, input.tool);
  const { report = null } = input;
  if (report !== null) {
    const { state, source, rule, confidence, text: detail, reportedAt } = report;
    return {
      state,
      source,
      rule,
      confidence,
      detail,
      since: reportedAt ?? input.now,
      next: input.reportNext ?? null,
      byTool: false,
      reported: true,
    };
  }
  const look =
    lookAtNotification(input.notification, input.now) ??
    lookAtMarks(input, settings, quiet) ??
    lookAtForeground(input, settings, quiet, atPrompt) ??
    lookAtProgress(input) ??
    lookAtSilence(input, settings, quiet);
  return { ...look, byTool: false, reported: false };
}

type PlainLook = Omit<Look, "byTool" | "reported">;

function lookAtTool(input: DetectorInput, tool: ToolInFront): Look {
  const { now } = input;
  const verdict = tool.judge();
  const again = tool.next?.() ?? null;
  if (verdict === null) {
    return {
      state: "idle",
      source: "screen",
      rule: "no_rule_matched",
      confidence: "low",
      detail: `no rule matched: what ${tool.title} shows is not known`,
      since: now,
      next: again,
      byTool: true,
      reported: false,
    };
  }
  const { state, source, rule, confidence, text, reportedAt = null } = verdict;
  const quiet = Math.max(0, now - Math.max(input.lastOutputAt, reportedAt ?? 0));
  const still = state === "busy" && quiet >= SPINNER_MS;
  const torn = tool.drawing && quiet >= TORN_MS;
  const doubt = still ? " (has stood still for a while)" : torn ? " (in the middle of a frame)" : "";
  const calm = state === "busy" && !still ? SPINNER_MS - quiet : null;
  return {
    state,
    source,
    rule,
    confidence: doubt === "" ? confidence : "low",
    detail: `${text}${doubt}`,
    since: now,
    next: least(tool.drawing && !torn ? least(calm, TORN_MS - quiet) : calm, again),
    byTool: true,
    reported: reportedAt !== null,
  };
}

function lookAtProgress({ progress, foreground, leaderIsShell, now }: DetectorInput): PlainLook | null {
  if (!/^(?:normal|indeterminate)/.test(progress) || (leaderIsShell && foreground?.isLeader === true)) return null;
  return { state: "busy", source: "progress", rule: "progress_under_way", confidence: "medium", detail: progress, since: now, next: null };
}

function lookAtMarks(input: DetectorInput, settings: DetectorSettings, quiet: number): PlainLook | null {
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
    // The mark comes before the program does, and a silent one gives no other cause to look for it.
    const look = [COMMAND_LOOK_MS, RUNNING_LOOK_MS].find((ms) => since >= 0 && since < ms);
    return {
      state: "busy",
      source,
      rule: "command_running",
      confidence: "high",
      detail: shell.command ?? foreground?.command ?? "a command runs",
      since: shell.at,
      next: look === undefined ? null : look - since,
    };
  }
  // A shell that does not mark where its commands begin: what is in front knows better, unless that is the shell itself.
  if (foreground !== null && !foreground.isLeader && String(foreground.group) !== shell.shell) return null;
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

function lookAtForeground(input: DetectorInput, settings: DetectorSettings, quiet: number, atPrompt: boolean): PlainLook | null {
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
    // Some start so fast that their prompt passed for an echo: then it is theirs when it still stands there after a while.
    const long = input.lastInputAt > 0 && now - input.lastInputAt >= settings.idleHoldMs;
    const begun = atPrompt || Number.isFinite(quiet) || long;
    if (!printing && begun && looksLikePrompt(input.cursorLine())) {
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

/** What quiet alone says. */
export function lookAtSilence(input: DetectorInput, settings: DetectorSettings, quiet: number): PlainLook {
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

export function least(one: number | null, other: number | null): number | null {
  return one === null ? other : other === null ? one : Math.min(one, other);
}
