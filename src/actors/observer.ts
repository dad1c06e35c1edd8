/**
 * What can be told about a session, and when: feeds the detector with what the terminal, the kernel and the clock know, and posts
 * what has changed. Everything is bounded in time, because a program may change its title or ring its bell as fast as it prints.
 * An idle session holds no timer here.
 */
import { hostname } from "node:os";
import { messageOf } from "../errors.js";
import type { Explanation } from "../explanation.js";
import type { Evidence, SessionState } from "../session.js";
import type { ProfileSet } from "../profiles/profile.js";
import { Detector } from "./detector.js";
import type { DetectorInput } from "./evidence.js";
import { explain } from "./explanation.js";
import { FLOOD_PAUSE_MS, FloodLook } from "./flood-look.js";
import type { Foreground } from "./foreground.js";
import { LastScreen, type ScreenAtHand } from "./last-screen.js";
import type { ActorEvent, ActorStart, Report } from "./messages.js";
import { Notified } from "./notified.js";
import { Pace } from "./pace.js";
import type { Glance } from "./prompt-look.js";
import { ReportWatch } from "./report-watch.js";
import { ScreenTail } from "./screen-tail.js";
import type { SessionProcesses } from "./session-processes.js";
import type { Shown } from "./screen-regions.js";
import { NotificationJoin, ShellIntegration } from "./shell-integration.js";
import { parseOsc } from "./shell-marks.js";
import { REAL_TIME, type Alarm, type Time } from "./time.js";
import { ToolWatch } from "./tool-watch.js";

export interface ObserverContext {
  post(event: ActorEvent): void;
  /** What the kernel says of the session's processes. */
  processes: SessionProcesses;
  /** Notes that this session's code runs. */
  enter(): void;
  /** What the session shows. */
  screen(): ScreenAtHand & { readonly flooding: boolean };
  /** More of a flood is there, and is not read at the moment. */
  heldUp(): boolean;
  /** Detection has failed and is over for this actor. */
  broken(detail: string): void;
}

const EVALUATE_MS = 100;
/** An evaluation takes as long as a key's way to its echo: it comes after both, and after what a start does. */
const EVALUATE_LEAD_MS = 10;
/** Some system calls each: not more often than this, and only when something has happened. */
const FOREGROUND_MS = 200;
const TITLE_MS = 250;
const BELL_MS = 250;
/** Commands, directories and notifications a second. At the bound: the rest of that second's are dropped. */
const REPORTS_PER_SECOND = 20;

export class Observer {
  readonly #start: ActorStart;
  readonly #context: ObserverContext;
  readonly #detector: Detector;
  readonly #shell = new ShellIntegration();
  readonly #notifications = new NotificationJoin();
  readonly #notified = new Notified();
  readonly #tools: ToolWatch;
  readonly #reported = new ReportWatch();
  readonly #tail = new ScreenTail();
  readonly #floods: FloodLook;
  readonly #time: Time;
  readonly #evaluation: Pace;
  readonly #titles: Pace;
  readonly #bells: Pace;
  readonly #host = hostname();
  readonly #startedAt: number;
  #lastOutputAt: number;
  #lastInputAt = 0;
  #seenAt = 0;
  #foreground: Foreground | null = null;
  #foregroundAt = Number.NEGATIVE_INFINITY;
  #leaderIsShell = false;
  readonly #screen: LastScreen;
  #progress = "";
  #title = "";
  #titlePosted = "";
  #current: string | null = null;
  #cwd: string | null = null;
  #cwdReported = false;
  #evidence: Evidence | null = null;
  #state: SessionState = "starting";
  #stateSince = 0;
  #reports = { second: 0, count: 0 };
  #timer: Alarm | null = null;
  #over = false;

  /** @param lastOutputAt when the session wrote last, before this actor; 0 when it did not */
  constructor(start: ActorStart, lastOutputAt: number, context: ObserverContext, time: Time = REAL_TIME) {
    this.#start = start;
    this.#context = context;
    this.#screen = new LastScreen(() => context.screen());
    this.#time = time;
    this.#evaluation = new Pace(EVALUATE_MS, () => this.#evaluate(), EVALUATE_LEAD_MS, time);
    this.#titles = new Pace(TITLE_MS, () => this.#postTitle(), 0, time);
    this.#bells = new Pace(BELL_MS, () => context.post({ type: "bell", id: start.id }), 0, time);
    this.#detector = new Detector(start.settings);
    this.#floods = new FloodLook(time, () => context.screen().flooding, context.heldUp);
    this.#lastOutputAt = lastOutputAt;
    this.#startedAt = start.fresh ? time.now() : 0;
    this.#tools = new ToolWatch(start.profiles, start.tool, start.pid, this.#startedAt);
  }

  begin(): void {
    if (this.#tools.tool !== null) this.#postTool();
    this.#evaluation.poke();
  }

  // ---- what happens -----------------------------------------------------------------------------------------------------

  output(at: number): void {
    this.#lastOutputAt = at;
    this.#evaluation.poke();
  }

  input(): void {
    this.#lastInputAt = this.#time.now();
    this.#seenAt = this.#lastInputAt;
    this.#evaluation.poke();
  }

  /** A person has looked. */
  seen(): void {
    this.#seenAt = this.#time.now();
    this.#evaluation.poke();
  }

  /** The terminal has been rebuilt, and told nothing meanwhile. */
  rebuilt(): void {
    this.title(this.#context.screen().atHand?.title ?? this.#title);
    this.#evaluation.poke();
  }

  /** The rules of a tool look at the screen. */
  get judgesScreen(): boolean {
    return this.#tools.rules?.empty === false;
  }

  /** The terminal is about to be packed away: what it shows does not change until it is back. */
  parking(): void {
    const terminal = this.#context.screen().atHand;
    if (terminal !== null) this.#tail.keep(terminal);
    if (terminal === null || this.#over) return;
    // Taken over and packed away before anything was looked at: whether rules will ask for the screen must be known now.
    if (this.#foregroundAt === Number.NEGATIVE_INFINITY) this.#lookAtForeground();
    this.#screen.look();
    if (this.#tools.rules !== null) this.#screen.keep(terminal, this.#progress);
  }

  /** What hooks and engines say: evidence, and a reason to look at once. */
  report(reports: readonly Report[]): void {
    if (this.#over) return;
    // Whose word it is: the reporter may be gone from the front a moment later.
    this.#foregroundAt = Number.NEGATIVE_INFINITY;
    this.#lookAtForeground();
    for (const report of reports) {
      const profile = report.tool === null ? (this.#tools.rules?.profile ?? null) : this.#tools.known(report.tool);
      this.#reported.take(report, profile, this.#foreground?.group ?? null);
    }
    this.#evaluation.poke();
  }

  tail(chars: number): string {
    return this.#tail.text(this.#context.screen().atHand, chars);
  }

  /** Profiles have changed on the disk. */
  profiles(set: ProfileSet): void {
    if (this.#tools.replace(set)) this.#postTool();
    this.#evaluation.poke();
  }

  /** Why the state is what it is, as of now. */
  explain(): Explanation {
    this.#evaluation.flush();
    return explain({
      input: this.#input(),
      evidence: this.#evidence,
      state: this.#state,
      since: this.#stateSince,
      newest: this.#detector.newest,
      rules: this.#tools.rules,
      reported: this.#reported.seen(this.#time.now()),
      shown: this.#shown(),
      broken: this.#over,
      settings: this.#start.settings,
    });
  }

  /** What is known at this moment, with the tool's rules asked anew: for who is about to type. */
  glance(): Glance {
    this.#lookAtForeground();
    const rules = this.#tools.rules;
    const shown = this.#shown();
    return {
      state: this.#state,
      evidence: this.#evidence,
      rules,
      shown,
      verdict: rules === null || shown === null ? null : rules.judge(shown),
      shell: this.#shell.state,
      foreground: this.#foreground,
      leaderIsShell: this.#leaderIsShell,
      lastOutputAt: this.#lastOutputAt,
    };
  }

  title(title: string): void {
    this.#title = title;
    if (title !== this.#titlePosted) this.#titles.poke();
  }

  /** Where the program is, by somebody who knows; what it says itself counts more. */
  place(cwd: string): void {
    if (!this.#over && !this.#cwdReported && this.#allowed()) this.#postCwd(cwd);
  }

  bell(): void {
    this.#bells.poke();
  }

  osc(code: number, data: string): void {
    const report = parseOsc(code, data, this.#host);
    if (report === null || this.#over) return;
    const { id } = this.#start;
    switch (report.type) {
      case "mark": {
        const end = this.#shell.mark(report, this.#time.now());
        if (end !== null && this.#allowed()) this.#context.post({ type: "command", id, ...end });
        this.#evaluation.poke();
        return;
      }
      case "cwd":
        this.#cwdReported = true;
        if (this.#allowed()) this.#postCwd(report.cwd);
        return;
      case "notification": {
        const whole = this.#notifications.part(report);
        if (whole === null || !this.#allowed()) return;
        this.#context.post({ type: "notification", id, ...whole });
        this.#noteNotification(whole);
        return;
      }
      case "progress":
        this.#progress = report.percent === null ? report.state : `${report.state} ${report.percent}`;
        this.#evaluation.poke();
        return;
      default:
        report satisfies never;
    }
  }

  stop(): void {
    this.#over = true;
    for (const pace of [this.#evaluation, this.#titles, this.#bells]) pace.stop();
    if (this.#timer !== null) this.#time.cancel(this.#timer);
    this.#timer = null;
  }

  // ---- what is told -----------------------------------------------------------------------------------------------------

  #evaluate(): void {
    if (this.#over) return;
    this.#context.enter();
    if (this.#timer !== null) this.#time.cancel(this.#timer);
    this.#timer = null;
    if (this.#floods.goesOn(this.#state, this.#lastOutputAt)) {
      this.#timer = this.#time.after(FLOOD_PAUSE_MS, () => this.#evaluate());
      return;
    }
    try {
      const lookAgain = this.#lookAtForeground();
      const { state, evidence, next } = this.#detector.evaluate(this.#input());
      if (state !== this.#state) {
        this.#state = state;
        this.#stateSince = this.#time.now();
      }
      if (evidence !== this.#evidence) {
        this.#evidence = evidence;
        this.#context.post({ type: "state", id: this.#start.id, state, evidence });
        // A shell that does not say where it is can be asked when it waits.
        if (state === "idle" && this.#leaderIsShell && !this.#cwdReported) this.#postCwd(this.#context.processes.cwd());
      }
      const wait = Math.min(next ?? Number.POSITIVE_INFINITY, lookAgain ?? Number.POSITIVE_INFINITY);
      if (wait < Number.POSITIVE_INFINITY) this.#timer = this.#time.after(Math.max(1, wait), () => this.#evaluate());
    } catch (error) {
      this.stop();
      this.#context.broken(`its state is no longer watched: ${messageOf(error)}`);
    }
  }

  /** @returns milliseconds until the kernel may be asked again, null when it has just been asked */
  #lookAtForeground(): number | null {
    const age = this.#time.monotonic() - this.#foregroundAt;
    if (age < FOREGROUND_MS) return FOREGROUND_MS - age;
    this.#foregroundAt = this.#time.monotonic();
    const before = this.#foreground;
    this.#foreground = this.#context.processes.foreground();
    if (before === null || before.group !== this.#foreground?.group) this.#leaderIsShell = this.#context.processes.leaderIsShell();
    this.#noteTool();
    const current = this.#foreground === null || this.#foreground.isLeader ? null : this.#foreground.command;
    if (current !== this.#current) {
      this.#current = current;
      this.#context.post({ type: "current", id: this.#start.id, command: current });
    }
    return null;
  }

  #input(): DetectorInput {
    const rules = this.#tools.rules;
    const reported = this.#reported;
    const now = this.#time.now();
    const moment = { now, lastOutputAt: this.#lastOutputAt, errorLingerMs: this.#start.settings.errorLingerMs };
    const plain = rules === null || rules.empty;
    return {
      now,
      lastOutputAt: this.#lastOutputAt,
      startedAt: this.#startedAt,
      foreground: this.#foreground,
      osc133: this.#shell.state,
      cursorLine: () => this.#screen.look(),
      altScreen: this.#screen.alternate,
      lastInputAt: this.#lastInputAt,
      seenAt: this.#seenAt,
      leaderIsShell: this.#leaderIsShell,
      progress: this.#progress,
      notification: this.#notified.current({ seenAt: this.#seenAt, osc133: this.#shell.state, foreground: this.#foreground }),
      report: plain ? reported.plain(moment, { group: this.#foreground?.group ?? null, markedAt: this.#shell.state?.at ?? 0 }) : null,
      reportNext: plain ? reported.next : null,
      tool: plain
        ? null
        : {
            title: rules.profile.title,
            since: this.#tools.since,
            startupMs: rules.profile.startupMs,
            drawing: this.#context.screen().atHand?.drawing ?? false,
            judge: () => {
              const shown = this.#shown();
              return reported.weigh(shown === null ? null : rules.judge(shown), moment);
            },
            next: () => reported.next,
          },
    };
  }

  /** Of a tool whose profile has rules they are nothing but events: its rules know more. */
  #noteNotification({ title, body }: { title: string; body: string }): void {
    this.#foregroundAt = Number.NEGATIVE_INFINITY;
    this.#lookAtForeground();
    if (this.#tools.rules === null || this.#tools.rules.empty)
      this.#notified.note(title, body, this.#time.now(), this.#foreground?.group ?? null);
    this.#evaluation.poke();
  }

  /** A tool has come to the front, or has gone. */
  #noteTool(): void {
    const now = this.#time.now();
    if (!this.#tools.look(this.#foreground, this.#leaderIsShell, this.#shell.state, now)) return;
    this.#progress = "";
    this.#notified.forget();
    this.#postTool();
  }

  #postTool(): void {
    const { tool, contextLimit } = this.#tools;
    this.#reported.front(tool, this.#time.now());
    this.#context.post({ type: "tool", id: this.#start.id, tool, contextLimit });
  }

  #shown(): Shown | null {
    return this.#screen.shown(this.#title, this.#progress);
  }

  #postTitle(): void {
    if (this.#title === this.#titlePosted) return;
    this.#titlePosted = this.#title;
    this.#context.post({ type: "title", id: this.#start.id, title: this.#title });
  }

  #postCwd(cwd: string | null): void {
    if (cwd === null || cwd === this.#cwd) return;
    this.#cwd = cwd;
    this.#context.post({ type: "cwd", id: this.#start.id, cwd });
  }

  #allowed(): boolean {
    const second = Math.floor(this.#time.monotonic() / 1_000);
    if (this.#reports.second !== second) this.#reports = { second, count: 0 };
    return this.#reports.count++ < REPORTS_PER_SECOND;
  }
}
