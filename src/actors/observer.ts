/**
 * What can be told about a session, and when: feeds the detector with what the terminal, the kernel and the clock know, and posts
 * what has changed. Everything is bounded in time, because a program may change its title or ring its bell as fast as it prints.
 * An idle session holds no timer here.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { messageOf } from "../errors.js";
import type { Evidence } from "../session.js";
import { Detector } from "./detector.js";
import { isInteractiveShell, processCwd, readForeground } from "./foreground.js";
import type { Foreground } from "./foreground.js";
import type { ActorEvent, ActorStart } from "./messages.js";
import { Pace } from "./pace.js";
import { NotificationJoin, ShellIntegration } from "./shell-integration.js";
import { parseOsc } from "./shell-marks.js";
import type { Terminal } from "./terminal/terminal.js";

export interface ObserverContext {
  post(event: ActorEvent): void;
  /** The master, for the foreground process group. */
  master(): number;
  /** Notes that this session's code runs. */
  enter(): void;
  /** The terminal when it is at hand; null when it is parked, behind or off. */
  terminal(): Terminal | null;
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
  readonly #evaluation = new Pace(EVALUATE_MS, () => this.#evaluate(), EVALUATE_LEAD_MS);
  readonly #titles = new Pace(TITLE_MS, () => this.#postTitle());
  readonly #bells = new Pace(BELL_MS, () => this.#context.post({ type: "bell", id: this.#start.id }));
  readonly #host = hostname();
  readonly #startedAt: number;
  #lastOutputAt: number;
  #lastInputAt = 0;
  #seenAt = 0;
  #foreground: Foreground | null = null;
  #foregroundAt = Number.NEGATIVE_INFINITY;
  #leaderIsShell = false;
  #screen = { cursorLine: "", alternate: false };
  #title = "";
  #titlePosted = "";
  #current: string | null = null;
  #cwd: string | null = null;
  #cwdReported = false;
  #evidence: Evidence | null = null;
  #reports = { second: 0, count: 0 };
  #timer: NodeJS.Timeout | null = null;
  #over = false;

  /** @param lastOutputAt when the session wrote last, before this actor; 0 when it did not */
  constructor(start: ActorStart, lastOutputAt: number, context: ObserverContext) {
    this.#start = start;
    this.#context = context;
    this.#detector = new Detector(start.settings);
    this.#lastOutputAt = lastOutputAt;
    this.#startedAt = start.fresh ? Date.now() : 0;
  }

  begin(): void {
    this.#evaluation.poke();
  }

  // ---- what happens -----------------------------------------------------------------------------------------------------

  output(at: number): void {
    this.#lastOutputAt = at;
    this.#evaluation.poke();
  }

  input(): void {
    this.#lastInputAt = Date.now();
    this.#seenAt = this.#lastInputAt;
    this.#evaluation.poke();
  }

  /** A person has looked. */
  seen(): void {
    this.#seenAt = Date.now();
    this.#evaluation.poke();
  }

  /** The terminal has been rebuilt, and told nothing meanwhile. */
  rebuilt(): void {
    this.title(this.#context.terminal()?.title ?? this.#title);
    this.#evaluation.poke();
  }

  /** The terminal is about to be packed away: what it shows does not change until it is back. */
  parking(): void {
    this.#look();
  }

  title(title: string): void {
    this.#title = title;
    if (title !== this.#titlePosted) this.#titles.poke();
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
        const end = this.#shell.mark(report, Date.now());
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
        if (whole !== null && this.#allowed()) this.#context.post({ type: "notification", id, ...whole });
        return;
      }
      case "progress":
        return;
      default:
        report satisfies never;
    }
  }

  stop(): void {
    this.#over = true;
    for (const pace of [this.#evaluation, this.#titles, this.#bells]) pace.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  // ---- what is told -----------------------------------------------------------------------------------------------------

  #evaluate(): void {
    if (this.#over) return;
    this.#context.enter();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    try {
      const lookAgain = this.#lookAtForeground();
      const { state, evidence, next } = this.#detector.evaluate({
        now: Date.now(),
        lastOutputAt: this.#lastOutputAt,
        startedAt: this.#startedAt,
        foreground: this.#foreground,
        osc133: this.#shell.state,
        cursorLine: () => this.#look().cursorLine,
        altScreen: this.#context.terminal()?.alternate ?? this.#screen.alternate,
        lastInputAt: this.#lastInputAt,
        seenAt: this.#seenAt,
        leaderIsShell: this.#leaderIsShell,
      });
      if (evidence !== this.#evidence) {
        this.#evidence = evidence;
        this.#context.post({ type: "state", id: this.#start.id, state, evidence });
        // A shell that does not say where it is can be asked when it waits.
        if (state === "idle" && this.#leaderIsShell && !this.#cwdReported) this.#postCwd(processCwd(this.#start.pid));
      }
      const wait = Math.min(next ?? Number.POSITIVE_INFINITY, lookAgain ?? Number.POSITIVE_INFINITY);
      if (wait < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#evaluate(), Math.max(1, wait));
    } catch (error) {
      this.stop();
      this.#context.broken(`its state is no longer watched: ${messageOf(error)}`);
    }
  }

  /** @returns milliseconds until the kernel may be asked again, null when it has just been asked */
  #lookAtForeground(): number | null {
    const age = performance.now() - this.#foregroundAt;
    if (age < FOREGROUND_MS) return FOREGROUND_MS - age;
    this.#foregroundAt = performance.now();
    const before = this.#foreground;
    this.#foreground = readForeground(this.#context.master(), this.#start.pid);
    if (before === null || before.group !== this.#foreground?.group) this.#leaderIsShell = isShellProcess(this.#start.pid);
    const current = this.#foreground === null || this.#foreground.isLeader ? null : this.#foreground.command;
    if (current !== this.#current) {
      this.#current = current;
      this.#context.post({ type: "current", id: this.#start.id, command: current });
    }
    return null;
  }

  #look(): { cursorLine: string; alternate: boolean } {
    const terminal = this.#context.terminal();
    if (terminal === null) return this.#screen;
    const { x, y } = terminal.cursor;
    const line = terminal.screenText()[y] ?? "";
    this.#screen = { cursorLine: line.slice(0, x + 1), alternate: terminal.alternate };
    return this.#screen;
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
    const second = Math.floor(performance.now() / 1_000);
    if (this.#reports.second !== second) this.#reports = { second, count: 0 };
    return this.#reports.count++ < REPORTS_PER_SECOND;
  }
}

/** By what the process is now: a session may begin as `sh -c 'exec zsh'`. */
function isShellProcess(pid: number): boolean {
  try {
    const [command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    return isInteractiveShell(command, args);
  } catch {
    return false;
  }
}
