/**
 * One session's actor: it owns the session's bytes from its terminal's master to the spool, and everything that is made of them.
 * In the order of its life: begin → chunk → quiet → drain → release → stop. Messages come in between, one at a time.
 */
import { messageOf } from "../errors.js";
import type { Explanation } from "../explanation.js";
import type { TerminalSize } from "../session.js";
import type { SpoolIndex } from "../spool/index-file.js";
import type { Intake } from "../spool/intake.js";
import { MARK_INTERVAL_MS } from "../spool/timeline.js";
import type { ActorContext } from "./actor-context.js";
import { openFiles } from "./actor-files.js";
import { Gate } from "./gate.js";
import { HealthReport } from "./health-report.js";
import type { Line } from "./line.js";
import { LiveTerminal } from "./live-terminal.js";
import type { ActorEvent, ActorStart, ReadResult, Screen, ScreenRequest } from "./messages.js";
import { Observer } from "./observer.js";
import { Pace } from "./pace.js";
import { Quiet } from "./quiet.js";
import { openLine } from "./open-line.js";
import { lookAtPrompt, type DeliveryLook } from "./prompt-look.js";
import { DRAIN_BYTES } from "./tty-reader.js";
import { REAL_TIME } from "./time.js";
import { Typing } from "./typing.js";
import { WatchStream } from "./watch-stream.js";

const ACTIVITY_MS = 250;
/** Beyond the time that idle is held for: what a turn may take to show, and to be over. */
const TURN_SLACK_MS = 500;

export class Actor {
  readonly ended: Promise<void>;
  readonly enter: () => void;
  readonly #start: ActorStart;
  readonly #context: ActorContext;
  readonly #intake: Intake;
  readonly #index: SpoolIndex;
  readonly #line: Line;
  readonly #gate: Gate;
  readonly typing: Typing;
  readonly #terminal: LiveTerminal;
  /** For what is only its to know: looks of people, profiles, reports. */
  readonly observer: Observer;
  readonly #health: HealthReport;
  readonly #activity: Pace;
  #end: () => void = () => {};
  #size: TerminalSize;
  #watch: WatchStream | null = null;
  #markAt = 0;
  #outputAt = 0;
  #activityPosted = -1;
  readonly #quiet: Quiet;
  #stopping = false;
  #stopped: Promise<void> | null = null;

  // ---- begin ------------------------------------------------------------------------------------------------------------

  /** Takes over `start.master`, also when it throws. What a death left in the in-flight page is in the spool when this returns. */
  constructor(start: ActorStart, context: ActorContext) {
    this.#start = start;
    this.#context = context;
    this.#size = start.size;
    this.enter = context.enter;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const { settings, directory, id } = start;
    const opened = openFiles(start, context.slot(start.slot));
    this.#intake = opened.intake;
    this.#index = opened.index;
    this.#health = new HealthReport((health, detail) => this.#post({ type: "health", id, health, detail }));
    this.#activity = new Pace(ACTIVITY_MS, () => this.#postActivity());
    this.#line = openLine(start, this.#intake.page, () => this.#size, {
      chunk: (length) => context.chunk(length, () => this.#chunk(length)),
      failed: (error) => this.#fail(error),
      sized: (size) => void this.#sized(size),
      place: (cwd) => this.observer.place(cwd),
      title: (title) => this.observer.title(title),
      news: (news) => this.#post({ type: "tmux", id, news }),
    });
    this.#gate = new Gate(this.#line, context);
    this.#quiet = new Quiet({
      afterMs: settings.parkAfterMs,
      turns: context.turns,
      park: () => this.#park(),
      write: () => this.#terminal.savePacked(),
    });
    this.typing = new Typing({
      id,
      queueBytes: settings.inputQueueBytes,
      promptConfirmMs: settings.promptConfirmMs,
      turnMs: settings.idleHoldMs + TURN_SLACK_MS,
      continues: !start.fresh,
      time: REAL_TIME,
      write: (slice) => this.#line.write(slice),
      paste: (text) => this.#line.paste(text),
      failed: (errno) => this.#fail(new Error(`write to the terminal failed: errno ${errno}`)),
      terminal: () => this.#terminal.approximate,
      current: () => this.#terminal.whenCurrent(),
      look: (halfTyped) => this.#lookAtPrompt(halfTyped),
      typed: () => {
        this.#watch?.expectEcho();
        this.#gate.typed();
        this.observer.input();
      },
      told: (delivery, step) => this.#post({ type: "prompt", id, delivery, ...step }),
    });
    this.observer = new Observer(start, this.#intake.end === 0 ? 0 : (this.#index.newest("mark", this.#intake.end)?.at ?? 0), {
      post: (event) => this.#post(event),
      processes: this.#line.processes,
      enter: context.enter,
      screen: () => this.#terminal,
      heldUp: () => this.#gate.heldUp,
      broken: (detail) => this.#health.set("detection", detail),
    });
    this.#terminal = new LiveTerminal({
      id,
      directory,
      spool: this.#intake.spool,
      index: this.#index,
      turns: context.turns,
      historyLines: settings.historyLines,
      spoolBusyBytes: settings.spoolBusyBytes,
      judged: () => this.observer.judgesScreen,
      enter: context.enter,
      listener: {
        reply: (bytes) => void (this.#line.answersQueries || this.typing.reply(bytes)),
        title: (title) => this.observer.title(title),
        bell: () => this.observer.bell(),
        osc: (code, data) => this.observer.osc(code, data),
        current: (lostBytes) => this.#current(lostBytes),
        back: () => this.observer.output(this.#outputAt),
        lagging: (is) => this.#lagging(is),
        gaveUp: (detail) => this.#health.set("terminal", detail),
      },
    });
  }

  begin(): void {
    const start = this.#start;
    const { id, epoch } = start;
    let lostBytes = 0;
    if (start.fresh) {
      const at = Date.now();
      const offset = this.#intake.end;
      this.#index.append({ offset, at, kind: "epoch", a: epoch, b: 0 });
      this.#index.append({ offset, at, kind: "size", a: start.size.cols, b: start.size.rows });
      this.#terminal.blank(start.size);
    } else if (start.terminal) {
      const begun = this.#terminal.rebuild(start.size);
      this.#index.forgetOpened();
      lostBytes = begun.lostBytes;
      this.#size = begun.size;
      this.#health.recovering = true;
    }
    if (!start.terminal) {
      const detail =
        "its thread died three times within a minute while this session's output was handled: output is kept, no screen is made of it";
      this.#terminal.turnOff(detail);
      this.#health.set("terminal", detail);
    }
    this.#post({
      type: "ready",
      id,
      epoch,
      offset: this.#intake.end,
      size: this.#size,
      recovery: start.fresh || start.continues === null ? null : { from: start.continues, lostBytes },
    });
    this.#health.begin();
    this.observer.begin();
    this.#quiet.heard();
    this.#line.resume();
  }

  // ---- chunk ------------------------------------------------------------------------------------------------------------

  #chunk(length: number): void {
    this.enter();
    try {
      const { offset, bytes } = this.#intake.commit(length);
      const at = Date.now();
      this.#watch?.chunk(offset, bytes, at);
      if (at - this.#markAt >= MARK_INTERVAL_MS || at < this.#markAt) {
        this.#markAt = at;
        this.#index.append({ offset, at, kind: "mark", a: 0, b: 0 });
      }
      this.#outputAt = at;
      if (this.#terminal.chunk(offset, bytes)) this.observer.output(at);
      this.typing.output();
      this.#health.set("spool", this.#intake.spool.trouble === null ? null : `output is not kept: ${this.#intake.spool.trouble}`);
      this.#quiet.heard();
      this.#activity.poke();
      this.#gate.chunk(length);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The terminal has been rebuilt and is current. */
  #current(lostBytes: number): void {
    this.#health.recovering = false;
    if (lostBytes > 0) {
      this.#health.set(
        "lost",
        `${lostBytes} bytes of output are missing between the last snapshot and what is kept: the screen may be wrong until the program redraws it`,
      );
      this.nudge();
    }
    this.observer.rebuilt();
    if (this.#terminal.unchanged) this.#parkAgain();
    this.#quiet.heard();
  }

  #lagging(is: boolean): void {
    if (is) this.#gate.hold("behind");
    else this.#gate.free("behind");
  }

  // ---- quiet ------------------------------------------------------------------------------------------------------------

  /** @see QuietOptions.park */
  #park(): number | null {
    this.enter();
    try {
      if (this.#activityPosted !== this.#intake.end) this.#activity.flush();
      if (!this.#terminal.linesWait) this.#putAway();
      this.#intake.spool.settle(this.#terminal.snapshotAt);
    } catch (error) {
      this.#fail(error);
    }
    return this.#terminal.packedDueIn;
  }

  #putAway(): void {
    this.observer.parking();
    if (this.#watch === null && (this.#terminal.park() || this.#terminal.parked)) this.#context.parked();
    else this.#terminal.save();
  }

  #parkAgain(): void {
    if (this.#watch !== null) return;
    this.observer.parking();
    this.#terminal.parkAgain();
    this.#context.parked();
  }

  #postActivity(): void {
    const offset = this.#intake.end;
    if (offset === this.#activityPosted) return;
    this.#activityPosted = offset;
    this.#post({ type: "activity", id: this.id, offset, at: this.#outputAt });
  }

  // ---- messages ---------------------------------------------------------------------------------------------------------

  get id(): string {
    return this.#start.id;
  }
  get parked(): boolean {
    return this.#terminal.parked;
  }

  /** For who is about to type: after all that the program has written by now. */
  #lookAtPrompt(halfTyped: boolean): DeliveryLook | null {
    this.enter();
    this.#line.takePending(DRAIN_BYTES);
    const terminal = this.#terminal.present;
    this.#quiet.heard();
    if (terminal === null) return null;
    return lookAtPrompt(this.observer.glance(), terminal, Date.now(), { halfTyped, lines: this.#line.readsLines });
  }

  resize(size: TerminalSize): { offset: number } | Promise<{ offset: number }> {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return { offset: this.#intake.end };
    const asked = this.#line.resize(size);
    return asked === undefined ? this.#sized(size) : asked.then(() => ({ offset: this.#intake.end }));
  }

  #sized(size: TerminalSize): { offset: number } {
    const offset = this.#intake.end;
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return { offset };
    this.#size = size;
    this.#index.append({ offset, at: Date.now(), kind: "size", a: size.cols, b: size.rows });
    this.#watch?.flush();
    this.#terminal.resize(size, offset);
    this.#quiet.heard();
    this.#post({ type: "resized", id: this.id, size, offset });
    return { offset };
  }

  nudge(): void {
    if (!this.#stopping) this.#line.redraw();
  }

  async screen(request: ScreenRequest): Promise<Screen> {
    const screen = await this.#terminal.screen(request, this.#start.epoch);
    this.#quiet.heard();
    return screen;
  }

  snapshot(): Promise<{ offset: number; bytes: Uint8Array } | null> {
    return this.#terminal.packed();
  }

  read(since: number, max: number): ReadResult {
    return this.#intake.spool.read(since, max);
  }

  watch(since: number | null): { offset: number; gap: number } {
    this.#watch?.stop();
    const spool = this.#intake.spool;
    const wanted = Math.min(since ?? spool.end, spool.end);
    const offset = Math.max(wanted, spool.start);
    const { id } = this;
    this.#watch = new WatchStream(spool, offset, {
      output: (at, data, time) => this.#post({ type: "output", id, offset: at, data, at: time }),
      gap: (from, to) => this.#post({ type: "gap", id, from, to }),
    });
    return { offset, gap: offset - wanted };
  }

  stopReading(): void {
    this.#line.pause();
  }

  unwatch(): void {
    this.#watch?.stop();
    this.#watch = null;
    this.#quiet.heard();
  }

  credit(offset: number): void {
    this.#watch?.credit(offset);
  }

  explain(): Explanation {
    // Brought back for the asking: rules look at the screen.
    void this.#terminal.present;
    this.#quiet.heard();
    return this.observer.explain();
  }

  leaveAnswers(toAttached: boolean): void {
    if (toAttached) this.observer.seen();
    this.#terminal.leaveAnswers = toAttached;
  }

  faultNextFeed(): void {
    this.#terminal.faultNextFeed();
  }

  // ---- drain, release, stop ---------------------------------------------------------------------------------------------

  /** The process has ended: everything it wrote is taken, the last snapshot is on the disk. Reading does not go on. */
  async drain(): Promise<{ offset: number }> {
    this.typing.interrupt("its program ended", true);
    this.#gate.hold("end");
    this.#line.drain(DRAIN_BYTES);
    return await this.#settle();
  }

  /** Another process may read from here on. */
  async release(): Promise<{ offset: number }> {
    this.typing.interrupt("the daemon ended");
    this.#gate.hold("end");
    return await this.#settle();
  }

  async #settle(): Promise<{ offset: number }> {
    // A terminal that catches up would otherwise start reading again.
    this.#stopping = true;
    await this.#terminal.whenCurrent().catch(() => {});
    this.enter();
    this.#terminal.save();
    this.#watch?.flush();
    this.#postActivity();
    return { offset: this.#intake.end };
  }

  /** The end of this actor, whatever it was doing. The process is not touched. Once, however often it is asked for. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    try {
      this.#quiet.stop();
      this.#activity.stop();
      this.observer.stop();
      this.#watch?.stop();
      this.#watch = null;
      this.typing.interrupt("its actor ended");
      this.typing.close();
      await this.#line.close();
      this.#terminal.save();
      this.#terminal.turnOff("its actor has ended");
      this.#index.close();
      this.#intake.close();
    } finally {
      this.#end();
    }
  }

  /** An error that leaves no way to go on. The supervisor starts another actor. */
  #fail(error: unknown): void {
    if (this.#stopping) return;
    this.#post({ type: "failed", id: this.id, message: messageOf(error) });
    // Its task ends with it; what goes wrong on the way out is nobody's to hear any more.
    this.stop().catch(() => {});
  }

  #post(event: ActorEvent): void {
    this.#context.post(event);
  }
}
