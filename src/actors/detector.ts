/**
 * What a session is doing, from one look to the next (evidence.ts says what a look is): decides what is said, and when.
 *
 * A machine without clock, timers or I/O: {@link Detector.evaluate} is called on change and when `next` is over. What needs a
 * person and what works is said at once. It goes to idle on the shell's own word at once; on anything weaker, and on the rules of
 * a tool, only when that was seen twice and has held for `idleHoldMs`: tools blank their screens for a moment, and change them in parts.
 */
import type { Evidence, SessionState } from "../session.js";
import { PROGRAM_NOTIFIED } from "./notified.js";
import { least, lookAt, PROMPT_OF_PROGRAM, REPORTED_HOLD_MS, type DetectorInput, type DetectorSettings, type Look } from "./evidence.js";

export type { DetectorInput, DetectorSettings } from "./evidence.js";

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
/** Shorter commands are watched as they run: nobody has to be told that they have ended. */
const LONG_COMMAND_MS = 10_000;
/** A tool that is seen busy must still be after so long: a spinner that flashes up once is no work. */
const BUSY_CONFIRM_MS = 150;
/** A tool shows its prompt for a moment before the dialog that it starts with: 40 to 320 ms were seen. */
const READY_CONFIRM_MS = 500;
/** After a dialog its prompt must show for so long: work that goes on, and the next of several dialogs, come sooner. */
const ANSWERED_MS = 600;
/** Input so shortly before the end of a tool's turn has ended it. */
const STOPPED_MS = 2_000;
/** Further in the future than this is a clock that was set back, not a race. */
const CLOCK_SLACK_MS = 1_000;

/** A turn or a long command has ended and nobody has looked: attention that nothing on the screen asks for. */
export const FINISHED_UNSEEN = "finished_unseen";
const NO_RULE = "no_rule_matched";

/** States that are held before idle is said. */
const HELD: ReadonlySet<SessionState> = new Set(["busy", "attention"]);

export class Detector {
  readonly #settings: DetectorSettings;
  #state: SessionState = "starting";
  #evidence: Evidence | null = null;
  /** A tool was first seen busy, while something else is still said. */
  #busySeenAt: number | null = null;
  /** Idle has been seen once, first at `#idleAt`, while something else is still said. */
  #idleSeen = false;
  #idleAt = 0;
  /** That is a tool's own prompt, after a dialog. */
  #answered = false;
  /** The newest sign of work. */
  #busyAt = 0;
  #busySince: number | null = null;
  /** The newest output that has been judged, and the newest that counts (0: none since it was last idle). */
  #judgedAt = 0;
  #activeAt = 0;
  /** When the last long command or a tool's turn ended, until somebody has looked. */
  #finishedAt: number | null = null;
  /** A tool that starts was first seen idle. */
  #readySeenAt: number | null = null;
  /** The tool in front that has come up, by when it came to the front. */
  #upSince: number | null = null;
  /** What the newest look said, also while another state is held. */
  #look: Look | null = null;

  constructor(settings: DetectorSettings) {
    this.#settings = settings;
  }

  /** For people who ask why: what the newest look said, whether it is being held back, and for how long in all. */
  get newest(): { look: Look | null; held: boolean; holdMs: number } {
    return { look: this.#look, held: this.#idleSeen && HELD.has(this.#state), holdMs: this.#holdMs };
  }

  get #holdMs(): number {
    if (this.#look?.reported === true) return REPORTED_HOLD_MS;
    return this.#answered ? Math.min(ANSWERED_MS, this.#settings.idleHoldMs) : this.#settings.idleHoldMs;
  }

  evaluate(input: DetectorInput): Detection {
    const { now } = input;
    if (input.tool === null) this.#upSince = null;
    const told = (input.report ?? null) !== null;
    if (input.tool === null && !told && this.#state === "starting" && input.osc133 === null && input.lastOutputAt < input.startedAt) {
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
    this.#look = look;
    const starting = this.#starting(input, look);
    if (starting !== null) return starting;
    const unconfirmed = this.#unconfirmed(look, now);
    if (unconfirmed !== null) return unconfirmed;
    if (look.state !== "idle") {
      this.#idleSeen = false;
      if (look.state === "attention") {
        this.#busyAt = now;
        this.#finishedAt = null;
      } else if (look.state === "busy") {
        this.#busyAt = Math.min(look.since, now);
        this.#busySince ??= this.#busyAt;
        this.#finishedAt = null;
      } else {
        this.#finish(input, look);
      }
      return this.#say(look.state, look, now, look.next);
    }
    const held = this.#hold(look, now);
    if (held !== null && this.#evidence !== null) return { state: this.#state, evidence: this.#evidence, next: least(held, look.next) };
    this.#idleSeen = false;
    this.#finish(input, look);
    return this.#rest(input, look);
  }

  #unconfirmed(look: Look, now: number): Detection | null {
    if (!look.byTool || look.reported || look.state !== "busy" || this.#state === "busy" || this.#evidence === null) {
      this.#busySeenAt = null;
      return null;
    }
    if (this.#busySeenAt === null || this.#busySeenAt > now) this.#busySeenAt = now;
    const left = this.#busySeenAt + BUSY_CONFIRM_MS - now;
    return left > 0 ? { state: this.#state, evidence: this.#evidence, next: left } : null;
  }

  /** A tool that has come to the front draws itself, and says all kinds of things, before it can be talked to. */
  #starting({ tool, now, lastInputAt }: DetectorInput, look: Look): Detection | null {
    if (tool === null || this.#upSince === tool.since) return null;
    const left = tool.since + tool.startupMs - now;
    const rests = look.rule !== NO_RULE && look.state === "idle";
    if (!rests || this.#readySeenAt === null || this.#readySeenAt > now) this.#readySeenAt = rests ? now : null;
    const unsure = this.#readySeenAt === null ? READY_CONFIRM_MS : this.#readySeenAt + READY_CONFIRM_MS - now;
    const ready = look.reported || look.state === "attention" || (rests && unsure <= 0);
    // Somebody has typed since it has drawn itself, and it works: it had started.
    const works = look.state === "busy" && lastInputAt > tool.since && lastInputAt < now - ECHO_MS;
    if (ready || works || left <= 0 || left > tool.startupMs) {
      this.#upSince = tool.since;
      return null;
    }
    this.#idleSeen = false;
    this.#busySince = null;
    const detail = `${tool.title} starts`;
    const next = rests ? Math.min(left, unsure) : left;
    return this.#say("starting", { source: "tool", rule: "not_ready", confidence: "medium", detail }, now, next);
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
    if (!HELD.has(this.#state) || (look.confidence === "high" && !look.byTool)) return null;
    // These are not read from a screen that may be half drawn: they go when somebody looks.
    if (this.#evidence?.rule === FINISHED_UNSEEN || this.#evidence?.rule === PROGRAM_NOTIFIED) return null;
    const first = !this.#idleSeen;
    this.#idleSeen = true;
    const before = this.#answered;
    // After a dialog a blank screen tells nothing at all.
    this.#answered = look.byTool && this.#state === "attention" && look.rule !== NO_RULE;
    if (look.byTool) {
      // What it shows tells that it rests, not since when.
      if (first || this.#idleAt > now || this.#answered !== before) this.#idleAt = now;
      const rest = this.#idleAt + this.#holdMs - now;
      return rest > 0 ? rest : null;
    }
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
    if (began === null || look.confidence === "low") return;
    // Whoever has just stopped it knows that it has stopped.
    if (look.byTool) this.#finishedAt = input.lastInputAt >= this.#idleAt - STOPPED_MS ? null : this.#idleAt;
    else if (input.leaderIsShell && look.since - began >= LONG_COMMAND_MS) this.#finishedAt = look.since;
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
        rule: FINISHED_UNSEEN,
        confidence: look.confidence,
        detail: look.byTool ? "a turn has ended and nobody has looked since" : "a long command has ended and nobody has looked since",
      },
      now,
      look.next,
    );
  }

  /** Of a tool only the rule counts as a change: its clocks and counters tick within what they match. */
  #say(state: SessionState, why: Omit<Evidence, "at"> & { byTool?: boolean }, now: number, next: number | null): Detection {
    const { source, rule, confidence, detail } = why;
    const before = this.#evidence;
    const same =
      before !== null &&
      this.#state === state &&
      before.source === source &&
      before.rule === rule &&
      before.confidence === confidence &&
      (before.detail === detail || why.byTool === true);
    const evidence = same ? before : { source, rule, confidence, at: now, detail };
    this.#state = state;
    this.#evidence = evidence;
    return { state, evidence, next };
  }
}
