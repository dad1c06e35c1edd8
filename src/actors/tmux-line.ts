/**
 * A tmux session by its control client: follows the session's active pane. What the pane prints comes as the program wrote it; what
 * it showed before is captured. Whenever the stream has a hole (another pane, another size, tmux has held output back), the pane is
 * captured anew, in the same place of the stream.
 */
import { hostname } from "node:os";
import { Socket } from "node:net";
import { LifeguardError } from "../errors.js";
import { closeDescriptor, EAGAIN, readDescriptor } from "../libc/descriptors.js";
import type { TerminalSize } from "../session.js";
import { pasteBytes, resizeWindow, typeBytes } from "../tmux/commands.js";
import { ControlStream } from "../tmux/control-stream.js";
import { PaneEnd, REAP } from "../tmux/pane-end.js";
import type { PaneFacts } from "../tmux/pane-facts.js";
import { ScreenTitles } from "../tmux/screen-titles.js";
import { LOOK_ANSWERS, LOOK_COMMANDS, readLook, readSeed, SEED_ANSWERS, seedCommands, type Look } from "../tmux/seed.js";
import type { Line, LineListener } from "./line.js";
import type { ActorStart, TmuxTarget } from "./messages.js";
import type { SessionProcesses } from "./session-processes.js";
import { TmuxQuestions } from "./tmux-questions.js";
import { isThere, tmuxProcesses, type PaneProcess } from "./tmux-processes.js";

/** Lines of input that tmux has not answered yet; more wait in the actor's own bounded queue. */
const LINES_UNDER_WAY = 16;
/** A resize that tmux has not answered by then has failed. */
const ANSWER_MS = 2_000;
/**
 * tmux is asked what it knows this often after output, and each tenth time without. (Its own subscriptions would tell, but a server
 * of tmux 3.3a crashes when a session ends under a client that has some.)
 */
const LOOK_MS = 1_000;
const QUIET_LOOKS = 10;

/** One per thread: everything read is dealt with before the next read. */
const intoBuffer = Buffer.allocUnsafeSlow(65_536);

export class TmuxLine implements Line {
  readonly processes: SessionProcesses;
  readonly answersQueries = true;
  readonly #target: TmuxTarget;
  readonly #buffer: string;
  readonly #history: number;
  readonly #page: Buffer;
  readonly #listener: LineListener;
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #titles = new ScreenTitles();
  readonly #stream: ControlStream;
  readonly #host = hostname();
  readonly #questions = new TmuxQuestions();
  #inputUnderWay = 0;
  #markers = 0;
  #over = false;
  #joined = false;
  /** What came from the server was meant for this session. */
  #proven = false;
  #facts: PaneFacts | null = null;
  #seeding = false;
  #seedAgain = false;
  #looking = false;
  #lookAgain = false;
  #process: PaneProcess;
  readonly #end = new PaneEnd();
  /** Output since tmux was asked last. */
  #heard = false;
  #quietTicks = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #silenced = new Set<number>();
  #whenSeeded: (() => void)[] = [];

  /** Takes over `start.master`, also when it throws. Reads nothing before {@link resume}. */
  constructor(start: ActorStart, target: TmuxTarget, page: Buffer, listener: LineListener) {
    this.#target = target;
    this.#buffer = `lifeguard-${start.id}`;
    this.#history = start.settings.historyLines;
    this.#page = page;
    this.#listener = listener;
    this.#fd = start.master;
    this.#process = { pid: start.pid, command: "", path: "" };
    this.processes = tmuxProcesses(() => this.#process);
    this.#stream = new ControlStream({
      answer: (ok, lines) => this.#questions.answer(ok, lines),
      output: (pane, bytes) => this.#output(pane, bytes),
      notice: (name, rest) => this.#notice(name, rest),
    });
    try {
      this.#socket = this.#open();
    } catch (error) {
      closeDescriptor(start.master);
      throw error;
    }
  }

  #open(): Socket {
    const options = {
      fd: this.#fd,
      readable: true,
      writable: true,
      onread: {
        buffer: intoBuffer,
        callback: (length: number): boolean => {
          this.#take(intoBuffer.subarray(0, length));
          return true;
        },
      },
    };
    const socket = new Socket(options);
    // What tmux says of itself may come before; of the pane nothing is taken before it has been captured.
    socket.pause();
    // The end of the client is the main thread's to see: it has the process, and asks tmux what it means.
    socket.on("error", () => {});
    socket.on("end", () => this.#cut());
    return socket;
  }

  // ---- reading ----------------------------------------------------------------------------------------------------------

  resume(): void {
    if (this.#over) return;
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  drain(limit: number): void {
    // A socket that has ended is closed: its number may be somebody else's by now.
    for (let total = 0; total < limit && !this.#over && !this.#socket.destroyed;) {
      const n = readDescriptor(this.#fd, intoBuffer);
      if (n === -EAGAIN || n === 0) return;
      if (n < 0) return;
      this.#take(intoBuffer.subarray(0, n));
      total += n;
    }
  }

  /** What tmux has sent by now; what it still holds comes later. */
  takePending(limit: number): void {
    this.drain(limit);
  }

  /** The terminal is tmux's. */
  readonly readsLines = false;

  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#cut();
    const socket = this.#socket;
    if (socket.closed) return;
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.destroy();
    });
  }

  /** Nothing that was asked is answered any more. */
  #cut(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#questions.cut();
    for (const seeded of this.#whenSeeded.splice(0)) seeded();
  }

  #take(bytes: Buffer): void {
    try {
      this.#stream.push(bytes);
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  #output(pane: number, bytes: Buffer): void {
    // Before the first capture nothing is known, and what comes is in the capture.
    const shown = this.#facts?.pane;
    if (shown === pane) this.#emit(this.#titles.without(bytes));
    else if (shown !== undefined && !this.#silenced.has(pane)) {
      // Of a pane that nobody looks at nothing has to be sent. (Never `off`: that would stop the program in it.)
      this.#silenced.add(pane);
      this.#ask(`refresh-client -A "%${pane}:pause"`, 1);
    }
  }

  #emit(bytes: Buffer): void {
    this.#heard = true;
    for (let at = 0; at < bytes.length && !this.#over; at += this.#page.length) {
      const length = bytes.copy(this.#page, 0, at, at + this.#page.length);
      this.#listener.chunk(length);
    }
  }

  // ---- what tmux says ---------------------------------------------------------------------------------------------------

  #notice(name: string, rest: string): void {
    const [first = ""] = rest.split(" ", 1);
    switch (name) {
      case "session-changed":
        // Somebody has sent this client elsewhere: what comes from there is another session's.
        if (first !== this.#target.session) this.#astray();
        else if (!this.#joined) this.#join();
        return;
      case "session-renamed":
        if (first === this.#target.session) this.#listener.news({ kind: "renamed", name: rest.slice(first.length + 1) });
        return;
      case "window-pane-changed":
      case "session-window-changed":
      case "layout-change":
      case "pane-mode-changed":
        this.#look();
        return;
      case "pause":
        if (first !== `%${this.#facts?.pane ?? -1}`) return;
        this.#ask(`refresh-client -A "${first}:continue"`, 1);
        this.#seed();
        return;
      default:
    }
  }

  /** The client looks at its session: what was asked before that would be answered without its output following. */
  #join(): void {
    this.#joined = true;
    this.#listener.news({ kind: "joined" });
    this.#seed();
    this.#timer = setInterval(this.#tick, LOOK_MS);
  }

  #astray(): void {
    this.#proven = false;
    this.#facts = null;
    this.#listener.news({ kind: "astray" });
  }

  /** Whose pane, which size, dead or alive; captured anew when it is another, or of another size. */
  #look(): void {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#heard = false;
    if (this.#end.unreaped) this.#ask(REAP, 1);
    const gone = this.#isGone();
    this.#ask(LOOK_COMMANDS, LOOK_ANSWERS, (got) => {
      this.#looking = false;
      const seen = got === null ? null : readLook(got, this.#host);
      const before = this.#facts;
      if (seen !== null && before !== null && this.#learn(seen, gone)) {
        const { pane, cols, rows } = seen.facts;
        if (pane !== before.pane || cols !== before.cols || rows !== before.rows) this.#seed();
        else this.#facts = seen.facts;
      }
      if (!this.#lookAgain) return;
      this.#lookAgain = false;
      this.#look();
    });
  }

  /** Now and then: after output, when the pane's program has gone, and for what changes silently. */
  readonly #tick = (): void => {
    this.#quietTicks = this.#heard ? 0 : this.#quietTicks + 1;
    const news = this.#heard || (!this.#end.told && this.#isGone());
    if (!this.#looking && (news || this.#quietTicks % QUIET_LOOKS === 0)) this.#look();
  };

  /** The pane's program has ended, and tmux has reaped it. */
  #isGone(): boolean {
    return this.#process.pid > 0 && !isThere(this.#process.pid);
  }

  /**
   * @param gone it was already when this was asked
   * @returns false when these are not of the session that is meant
   */
  #learn({ facts, command, path, title }: Look, gone: boolean): boolean {
    if (!this.#matches(facts)) {
      this.#astray();
      return false;
    }
    this.#proven = true;
    const known = this.#process.pid;
    this.#process = { pid: facts.pid, command, path };
    if (facts.pid !== known) this.#listener.news({ kind: "process", pid: facts.pid });
    if (path.startsWith("/")) this.#listener.place(path);
    if (title !== "") this.#listener.title(title);
    const next = this.#end.learn(facts.dead, gone && facts.pid === known);
    if (next === "ask") this.#look();
    else if (next === "tell" && facts.dead !== null) this.#listener.news({ kind: "dead", ...facts.dead });
    return true;
  }

  /** Captures the pane; its terminal shows exactly that afterwards, and what comes next follows it. */
  #seed(): void {
    if (this.#seeding) {
      this.#seedAgain = true;
      return;
    }
    this.#seeding = true;
    const gone = this.#isGone();
    this.#ask(seedCommands(this.#history), SEED_ANSWERS, (got) => {
      this.#seeding = false;
      const seed = got === null ? null : readSeed(got, this.#host);
      if (seed === null) {
        // The pane went away under way, or so did the client: whatever comes next is looked at.
        if (got !== null) this.#listener.failed(new Error("tmux did not capture its pane"));
        return;
      }
      const { facts } = seed;
      if (!this.#matches(facts)) return this.#astray();
      this.#facts = facts;
      if (this.#silenced.delete(facts.pane)) {
        this.#ask(`refresh-client -A "%${facts.pane}:continue"`, 1);
        this.#seedAgain = true;
      }
      this.#listener.sized({ cols: facts.cols, rows: facts.rows });
      this.#emit(seed.bytes);
      // Last: the end of the program is news only when everything it wrote is here.
      this.#learn(seed, gone);
      if (this.#seedAgain) {
        this.#seedAgain = false;
        this.#seed();
      } else {
        for (const seeded of this.#whenSeeded.splice(0)) seeded();
      }
    });
  }

  #matches(facts: PaneFacts): boolean {
    const { session, created, server } = this.#target;
    return facts.session === session && facts.created === created && facts.server === server;
  }

  // ---- asking -----------------------------------------------------------------------------------------------------------

  #ask(line: string, answers: number, done: (got: Buffer[][] | null) => void = () => {}, until: string | null = null): void {
    if (this.#over || !this.#socket.writable) {
      done(null);
      return;
    }
    this.#questions.asked({ answers, until, done });
    this.#socket.write(`${line}\n`);
  }

  // ---- what people ask --------------------------------------------------------------------------------------------------

  write(slice: Uint8Array): number {
    const facts = this.#facts;
    if (facts === null || !this.#proven || this.#over || !this.#socket.writable || this.#inputUnderWay >= LINES_UNDER_WAY) return -EAGAIN;
    const lines = facts.inMode
      ? pasteBytes(facts.pane, this.#buffer, slice, { paste: false })
      : [{ line: typeBytes(facts.pane, slice), answers: 1 }];
    for (const { line, answers } of lines) this.#input(line, answers);
    return slice.byteLength;
  }

  /** tmux knows whether the program wants pastes marked, also since before anybody listened. */
  paste(text: string): { accepted: number } {
    const facts = this.#facts;
    if (facts === null || !this.#proven || this.#inputUnderWay >= LINES_UNDER_WAY)
      throw new LifeguardError("BUSY", "tmux takes no more input at the moment: send it later", { accepted: 0, retry_after_ms: 100 });
    let safe = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    // What ends a paste inside one would let the rest be typed.
    while (safe.includes("\x1b[201~")) safe = safe.replaceAll("\x1b[201~", "");
    const bytes = Buffer.from(safe);
    if (bytes.length > 0)
      for (const { line, answers } of pasteBytes(facts.pane, this.#buffer, bytes, { paste: true })) this.#input(line, answers);
    return { accepted: Buffer.byteLength(text) };
  }

  #input(line: string, answers: number): void {
    this.#inputUnderWay += 1;
    this.#ask(line, answers, () => {
      this.#inputUnderWay -= 1;
    });
  }

  async resize({ cols, rows }: TerminalSize): Promise<void> {
    const marker = `lifeguard-${++this.#markers}`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LifeguardError("TIMEOUT", `tmux did not answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    });
    const answered = new Promise<Buffer[][] | null>((resolve) => {
      this.#ask(resizeWindow(cols, rows), 0, resolve, marker);
      if (this.#socket.writable) this.#socket.write(`display-message -p ${marker}\n`);
    });
    const words = await Promise.race([answered, late]).finally(() => clearTimeout(timer));
    if (words === null)
      throw new LifeguardError("UNAVAILABLE", "the tmux session cannot be reached at the moment", { retry_after_ms: 500 });
    const said = words.flat().map((line) => line.toString("utf8"));
    if (!said.includes("resized"))
      throw new LifeguardError(
        "UNSUPPORTED",
        "this tmux session is not resized: other clients look at it, or its window has several panes, and a resize would change what they show. Resize their terminal, or detach them",
        { field: "cols" },
      );
    // Its terminal has the new size when this is answered.
    await new Promise<void>((resolve) => {
      this.#whenSeeded.push(resolve);
      this.#seed();
    });
  }

  redraw(): void {
    this.#seed();
  }
}
