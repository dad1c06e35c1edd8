/**
 * The terminal of a session, whatever shape it is in: current, behind (being replayed from snapshot and spool), packed away, or
 * given up after repeated errors. It follows the spool: what has been fed is one offset.
 *
 * ```
 *             rebuild                    caught up                quiet, unwatched
 *   (start) ──────────▶ behind ─────────────────────▶ current ◀──────────────────▶ parked   (a new process begins here: blank)
 *                         ▲          error             │            next need
 *                         └────────────────────────────┘
 *                           three errors in a minute ──▶ off: bytes are spooled, nothing is parsed
 * ```
 */
import { LifeguardError, messageOf } from "../errors.js";
import type { TerminalSize } from "../session.js";
import type { StoredSnapshot } from "../spool/snapshot-file.js";
import { DiskSnapshot } from "./disk-snapshot.js";
import { FailureCount, MOST_FAILURES } from "./failure-count.js";
import { Flood } from "./flood.js";
import type { LiveTerminalOptions } from "./live-terminal-context.js";
import type { Screen, ScreenRequest } from "./messages.js";
import { PackedTerminal } from "./packed-terminal.js";
import { Replay, planReplay } from "./replay.js";
import { LateTerminal, startingTerminal, storedSnapshot } from "./rebuild.js";
import { SnapshotError, type Terminal } from "./terminal/terminal.js";

const SLICE_BYTES = 65_536;
const LINE_FEED = 10;
/** A snapshot on the disk may not be compressed; one that is has less than this. */
const PARK_AGAIN_BYTES = 131_072;

export class LiveTerminal {
  readonly #options: LiveTerminalOptions;
  #terminal: Terminal | null = null;
  /** What comes for it is after `#fed`. */
  readonly #packed: PackedTerminal;
  /** The snapshot that the terminal was rebuilt from, while nothing has come after it. */
  #unchanged: Uint8Array | null = null;
  #replay: Replay | null = null;
  #off: string | null = null;
  /** Everything before this has been fed, unless a replay is under way. */
  #fed = 0;
  readonly #disk: DiskSnapshot;
  #leaveAnswers = false;
  #lagging = false;
  readonly #failures = new FailureCount();
  #waiting: { resolve(): void; reject(error: LifeguardError): void }[] = [];
  #faultNext = false;
  /** It comes back when the thread has a turn for that. */
  #turnAsked = false;
  /** Comes after `#fed`; empty unless the terminal is current. */
  readonly #flood: Flood;

  constructor(options: LiveTerminalOptions) {
    this.#options = options;
    this.#packed = new PackedTerminal(options.historyLines);
    this.#flood = new Flood(options.historyLines);
    this.#disk = new DiskSnapshot(options.directory, options.index, options.spoolBusyBytes);
  }

  get parked(): boolean {
    return !this.#packed.none;
  }

  /** The terminal when it has seen every byte; null when behind or off. A parked one is rebuilt. */
  get present(): Terminal | null {
    this.#unpark();
    this.#readUp();
    return this.#replay === null ? this.#terminal : null;
  }

  /** True when the alternate screen is shown; null when it is parked, behind or off. */
  get alternate(): boolean | null {
    if (this.#packed.waits && !this.linesWait) this.#readUp();
    return this.#replay === null ? (this.#terminal?.alternate ?? null) : null;
  }

  /** The terminal when it is current and not parked, or about to come back. */
  get atHand(): Terminal | null {
    this.#readUp();
    return this.#replay === null ? this.#terminal : null;
  }

  /** Whole lines wait for the packed terminal until somebody looks, for nobody judges the session by what is shown. */
  get linesWait(): boolean {
    return this.#packed.linesWait && !this.#options.judged();
  }

  /** Output of a flood waits to be parsed until somebody looks. */
  get flooding(): boolean {
    return !this.#flood.empty;
  }

  /** The terminal as it is, also when behind: for modes, which a replay hardly changes. */
  get approximate(): Terminal | null {
    this.#unpark();
    return this.#terminal;
  }

  /** A blank terminal for a process that has just been started. */
  blank(size: TerminalSize): void {
    this.#fed = this.#options.spool.end;
    this.#disk.begin(this.#fed);
    this.#packed.blank(size);
  }

  /** Begins to rebuild the terminal from snapshot and spool. @returns the bytes that are missing in between, as far as known yet */
  rebuild(
    size: TerminalSize,
    snapshot: StoredSnapshot | null = storedSnapshot(this.#options.directory),
  ): { lostBytes: number; size: TerminalSize } {
    const { spool, index, turns, enter, historyLines, listener } = this.#options;
    const plan = planReplay(snapshot, index.since(0), spool.start, size);
    const last = plan.sizes.at(-1);
    const begun = { lostBytes: plan.lostBytes, size: last === undefined ? plan.size : { cols: last.cols, rows: last.rows } };
    this.#disk.begin(plan.snapshot?.offset ?? plan.epochStart);
    // Queries before this were answered, or their program is past waiting: only newer ones may be.
    const muteUntil = spool.end;
    const target = new LateTerminal(plan.size);
    const replay = new Replay(plan, spool, target);
    this.#replay = replay;
    turns.add(() => {
      if (this.#replay !== replay) return false;
      enter();
      return this.#guard(() => {
        if (target.terminal === null && plan.snapshot === null && spool.end === plan.epochStart) {
          replay.step(1);
          this.#packed.blank(target.size);
          return this.#caughtUp(replay);
        }
        if (target.terminal === null) {
          target.terminal = startingTerminal(plan, { historyLines, mute: true }, listener);
          this.#adopt(target.terminal);
        }
        const mute = replay.offset < muteUntil;
        target.terminal.mute = mute;
        this.#maybeFault();
        replay.step(SLICE_BYTES, mute ? muteUntil : spool.end);
        if (replay.offset < spool.end) return true;
        replay.step(1);
        target.terminal.mute = false;
        if (!target.touched && replay.lostBytes === 0) this.#unchanged = plan.snapshot?.bytes ?? null;
        return this.#caughtUp(replay);
      });
    });
    return begun;
  }

  /** Output that is in the spool. @returns false: it waits, and {@link LiveTerminalListener.back} is told */
  chunk(offset: number, bytes: Uint8Array): boolean {
    if (this.#off !== null) return true;
    if (this.#replay !== null) {
      const { spool, spoolBusyBytes } = this.#options;
      if (spool.trouble !== null) this.#replay.unkept(offset, bytes);
      if (spool.trouble !== null || spool.end - this.#replay.offset > (spoolBusyBytes * 3) / 4) this.#lag(true);
      return true;
    }
    if (this.parked) {
      const room = this.#packed.hold(offset, bytes);
      if (this.linesWait) return true;
      // Of many that are woken together each takes a millisecond or more: what else the thread has to do comes in between.
      if (!room) this.#comeBack();
      else if (!this.#turnAsked) {
        this.#turnAsked = true;
        this.#options.turns.add(this.#comeBack);
      }
      return false;
    }
    this.#guard(() => {
      this.#maybeFault();
      this.#feed(offset, bytes);
      return false;
    });
    return true;
  }

  resize(size: TerminalSize, offset: number): void {
    this.#disk.resized();
    if (this.#replay !== null) {
      this.#replay.resized({ offset, ...size });
      return;
    }
    if (this.#packed.resize(size)) return;
    this.#guard(() => {
      this.#unchanged = null;
      this.present?.resize(size);
      return false;
    });
  }

  set leaveAnswers(leave: boolean) {
    this.#leaveAnswers = leave;
    if (this.#terminal !== null) this.#terminal.leaveAnswers = leave;
  }

  /** Resolves when every byte of the spool has been fed. @throws UNAVAILABLE when the terminal is off or the actor ends meanwhile */
  async whenCurrent(): Promise<void> {
    if (this.#off !== null) throw this.#unavailable(this.#off);
    if (this.#replay === null) return;
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async screen(request: ScreenRequest, epoch: number): Promise<Screen> {
    await this.whenCurrent();
    const glimpse = this.#packed.glimpse(request);
    if (glimpse !== null) return { epoch, offset: this.#packed.end ?? this.#fed, ...glimpse };
    const terminal = this.present;
    if (terminal === null) throw this.#unavailable(this.#off ?? "it is being rebuilt");
    return { epoch, offset: this.#fed, ...terminal.render(request) };
  }

  /** The whole terminal as it is now; null when it is off, or in the middle of a sequence. */
  async packed(): Promise<{ offset: number; bytes: Uint8Array } | null> {
    if (this.#off !== null) return null;
    await this.whenCurrent();
    this.#readUp();
    if (this.#packed.snapshot !== null) return { offset: this.#fed, bytes: this.#packed.snapshot };
    if (this.#terminal === null || !this.#terminal.atRest) return null;
    return { offset: this.#fed, bytes: this.#terminal.snapshot({ compress: true }) };
  }

  /** Packs the terminal away. @returns false when it cannot be now */
  park(): boolean {
    this.#readUp();
    const terminal = this.#terminal;
    if (terminal === null || this.#replay !== null || !terminal.atRest) return false;
    return this.#guard(() => {
      this.#packed.pack(terminal.snapshot({ compress: true }), terminal);
      if (this.packedDueIn === 0) this.savePacked();
      this.#dispose();
      return true;
    });
  }

  /** The terminal was rebuilt from a snapshot and has seen nothing new: {@link parkAgain} costs nothing. */
  get unchanged(): boolean {
    return this.#unchanged !== null && this.#unchanged.byteLength <= PARK_AGAIN_BYTES;
  }

  /** Packs an {@link unchanged} terminal away: of a thousand that are rebuilt at once, most would only take memory. */
  parkAgain(): void {
    const terminal = this.#terminal;
    if (this.#unchanged === null || !this.unchanged || terminal === null) return;
    this.#packed.pack(this.#unchanged, terminal);
    this.#dispose();
  }

  /** Milliseconds until {@link savePacked} is due; null: there is nothing to save. */
  get packedDueIn(): number | null {
    return this.#packed.snapshot === null ? null : this.#disk.packedDueIn(this.#fed);
  }

  /** What was packed away goes to the disk; lines that wait are in the spool behind it. */
  savePacked(): void {
    if (this.#packed.snapshot !== null) this.#disk.write(this.#fed, this.#packed.snapshot);
  }

  /** A snapshot of now, so that little or nothing has to be replayed. What waits is read first, and what it says is told. */
  save(): void {
    this.#readUp();
    this.savePacked();
    const terminal = this.#terminal;
    if (terminal === null || this.#replay !== null || !terminal.atRest || this.#disk.isOf(this.#fed)) return;
    this.#guard(() => {
      this.#disk.write(this.#fed, terminal.snapshot());
      return false;
    });
  }

  /** Where the newest snapshot on the disk is; what follows it in the spool is needed. */
  get snapshotAt(): number {
    return this.#disk.at;
  }

  turnOff(detail: string): void {
    this.#off = detail;
    this.#replay = null;
    this.#packed.clear();
    this.#dispose();
    this.#lag(false);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#unavailable(detail));
  }

  /** Test only: the next feed throws. */
  faultNextFeed(): void {
    this.#faultNext = true;
  }

  // ---- inside -----------------------------------------------------------------------------------------------------------

  #feed(offset: number, bytes: Uint8Array): void {
    const terminal = this.#terminal;
    if (terminal === null) return;
    this.#unchanged = null;
    const end = offset + bytes.byteLength;
    const due = this.#disk.due(end);
    const taken = this.#flood.take(terminal, bytes, end);
    if (taken !== "refused") {
      if (taken === "taken" && due === "no") return;
      const unread = taken === "taken" ? this.#flood.snapshot(terminal, this.#options.spool) : null;
      if (unread !== null) this.#disk.write(unread.offset, unread.bytes);
      else this.#readUp();
      if (unread === null && due !== "no" && this.#terminal === terminal) this.#write(terminal);
      return;
    }
    // A chunk seldom ends between two sequences, a line nearly always does.
    const cut = (due === "must" && bytes.lastIndexOf(LINE_FEED) + 1) || bytes.byteLength;
    terminal.feed(bytes.subarray(0, cut));
    this.#fed = offset + cut;
    if (due !== "no") this.#write(terminal);
    if (cut === bytes.byteLength) return;
    terminal.feed(bytes.subarray(cut));
    this.#fed = end;
  }

  /** The terminal as if it had read what waits; packed away it stays only when nothing does. */
  #readUp(): void {
    if (this.#packed.waits) this.#unpark();
    const terminal = this.#terminal;
    if (this.#flood.empty || terminal === null) return;
    this.#guard(() => {
      this.#fed = this.#flood.read(terminal);
      return false;
    });
  }

  #write(terminal: Terminal): void {
    if (terminal.atRest) this.#disk.write(this.#fed, terminal.snapshot());
  }

  readonly #comeBack = (): boolean => {
    this.#options.enter();
    this.#turnAsked = false;
    return this.#guard(() => {
      if (this.#packed.waits && !this.linesWait) this.#unpark();
      return false;
    });
  };

  /** Brings a packed terminal back, up to date. */
  #unpark(): void {
    const { listener } = this.#options;
    const terminal = this.#packed.unpack(listener);
    if (terminal !== null) this.#adopt(terminal);
    if (!this.#packed.waits) return;
    this.#guard(() => {
      this.#maybeFault();
      for (const { offset, bytes } of this.#packed.takeHeld()) this.#feed(offset, bytes);
      return false;
    });
    listener.back();
  }

  #adopt(terminal: Terminal): void {
    terminal.leaveAnswers = this.#leaveAnswers;
    this.#terminal = terminal;
  }

  #caughtUp(replay: Replay): boolean {
    this.#replay = null;
    this.#fed = replay.offset;
    this.#lag(false);
    this.#options.listener.current(replay.lostBytes);
    for (const waiting of this.#waiting.splice(0)) waiting.resolve();
    return false;
  }

  #lag(is: boolean): void {
    if (this.#lagging === is) return;
    this.#lagging = is;
    this.#options.listener.lagging(is);
  }

  #maybeFault(): void {
    if (!this.#faultNext) return;
    this.#faultNext = false;
    throw new Error("a fault on purpose");
  }

  /** Runs what may trip over a terminal's state; an error costs the terminal, which is rebuilt, and not the actor. */
  #guard(action: () => boolean): boolean {
    try {
      return action();
    } catch (error) {
      if (error instanceof SnapshotError && this.#replay !== null) this.rebuild({ cols: 80, rows: 24 }, null);
      else this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    const size = this.#terminal?.size ?? { cols: 80, rows: 24 };
    this.#packed.clear();
    this.#dispose();
    if (this.#failures.add() === MOST_FAILURES) {
      const detail = `the terminal failed ${MOST_FAILURES} times within a minute: ${messageOf(error)}`;
      this.turnOff(detail);
      this.#options.listener.gaveUp(detail);
      return;
    }
    this.rebuild(size);
  }

  #dispose(): void {
    const terminal = this.#terminal;
    this.#terminal = null;
    this.#unchanged = null;
    this.#packed.takeHeld();
    this.#flood.clear();
    try {
      terminal?.dispose();
    } catch {
      // It is in no state to be asked.
    }
  }

  #unavailable(detail: string): LifeguardError {
    return new LifeguardError("UNAVAILABLE", `${this.#options.id} has no screen: ${detail}`, { id: this.#options.id });
  }
}
