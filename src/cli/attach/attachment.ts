/**
 * A session in this terminal, from attach to detach.
 *
 * One step, `#draw`, makes the picture right whatever happened before: size, a `restore` of screen and modes, and a watch from the
 * restore's own offset, so that no byte is seen twice and none is missed. It runs at the beginning, after a resize, a gap, a
 * restart of the daemon, and when the program left its alternate screen (see output-filter.ts).
 */
import { writeSync } from "node:fs";
import { LifeguardError, messageOf } from "../../errors.js";
import type { Client, ClientWatch, SessionExit, SessionSummary } from "../../rpc/client.js";
import type { Terminal } from "../terminal.js";
import { terminalSize, writePaced } from "../terminal.js";
import { DetachWatch } from "./detach-key.js";
import type { DetachKey } from "../../detach-key.js";
import { ENTER, FRESH, leave, notice } from "./outer-terminal.js";
import { OutputFilter } from "./output-filter.js";
import { Typing } from "./typing.js";

/** Output under way to this terminal (256 KiB); what it is slower than waits in the session's spool. */
const WINDOW_BYTES = 262_144;
/** How long a line of ours stays over the bottom row. */
const NOTICE_MS = 3_000;
/** Between two pictures when the watch ends at once, as it does while a session restarts. */
const AGAIN_MS = 200;

export interface AttachOptions {
  readOnly: boolean;
  /** Hold the pen: nobody else types meanwhile. */
  write: boolean;
  /** Take the pen from whoever holds it. */
  take: boolean;
  detachKey: DetachKey;
}

export type Ending =
  | { kind: "detached" }
  | { kind: "ended"; exit: SessionExit | null }
  | { kind: "removed" }
  | { kind: "failed"; error: unknown };

/** Attaches until it ends one way or another; the terminal is then as before. Never throws. */
export function attach(client: Client, session: SessionSummary, terminal: Terminal, options: AttachOptions): Promise<Ending> {
  return new Attachment(client, session, terminal, options).run();
}

class Attachment {
  readonly #client: Client;
  readonly #session: SessionSummary;
  readonly #terminal: Terminal;
  readonly #options: AttachOptions;
  readonly #filter = new OutputFilter();
  readonly #detach: DetachWatch;
  readonly #typing: Typing;
  readonly #undo: (() => void)[] = [];
  #watch: ClientWatch | null = null;
  /** We asked for the pen, and nobody has taken it from us. */
  #holdsPen: boolean;
  #events: ReturnType<Client["events"]> | null = null;
  /** Grows with every picture: output for an older one is dropped. */
  #picture = 0;
  #drawing = false;
  #drawAgain = false;
  #notice: string | null = null;
  #noticeTimer: NodeJS.Timeout | undefined;
  #end: (ending: Ending) => void = () => undefined;
  #ended = false;

  constructor(client: Client, session: SessionSummary, terminal: Terminal, options: AttachOptions) {
    this.#client = client;
    this.#session = session;
    this.#terminal = terminal;
    this.#options = options;
    this.#holdsPen = options.write || options.take;
    this.#detach = new DetachWatch(options.detachKey);
    this.#typing = new Typing(client, session.id, (error) =>
      this.#say(
        error.name === "NOT_WRITER" ? "somebody else holds the pen: what you type goes nowhere (attach --take takes it)" : error.message,
      ),
    );
  }

  async run(): Promise<Ending> {
    const ending = new Promise<Ending>((resolve) => (this.#end = resolve));
    this.#enter();
    void this.#draw();
    if (!this.#options.readOnly) void this.#followPen();
    try {
      return await ending;
    } finally {
      await this.#leave();
    }
  }

  #enter(): void {
    const { stdin, stdout } = this.#terminal;
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ENTER);
    const typed = (chunk: Buffer): void => this.#typed(chunk);
    const resized = (): void => void this.#draw();
    const lastResort = (): void => this.#restore();
    const over = (): void => this.#end({ kind: "detached" });
    // Stopped and continued from outside (`kill -STOP`): the shell has changed the terminal meanwhile.
    const continued = (): void => {
      stdin.setRawMode(false);
      stdin.setRawMode(true);
      stdout.write(ENTER);
      void this.#draw();
    };
    stdin.on("data", typed);
    stdin.on("end", over);
    stdout.on("resize", resized);
    process.on("exit", lastResort);
    process.on("SIGCONT", continued);
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
      process.on(signal, over);
      this.#undo.push(() => process.off(signal, over));
    }
    this.#undo.push(
      () => stdin.off("data", typed),
      () => stdin.off("end", over),
      () => stdout.off("resize", resized),
      () => process.off("exit", lastResort),
      () => process.off("SIGCONT", continued),
      this.#client.onConnection("disconnected", () =>
        this.#write(notice("the daemon is gone; waiting for the next one", this.#size().cols, this.#size().rows)),
      ),
      this.#client.onConnection("connected", () => void this.#draw()),
    );
  }

  async #leave(): Promise<void> {
    const { stdin } = this.#terminal;
    this.#ended = true;
    this.#picture++;
    clearTimeout(this.#noticeTimer);
    for (const undo of this.#undo.splice(0)) undo();
    this.#typing.stop();
    this.#restore();
    stdin.setRawMode(false);
    stdin.pause();
    await Promise.all([this.#watch?.end(), this.#events?.return()]);
  }

  /** Synchronous: also the last thing a dying process does. */
  #restore(): void {
    try {
      writeSync((this.#terminal.stdout as NodeJS.WriteStream & { fd: number }).fd, leave(this.#filter.touched));
    } catch {
      // The terminal itself has gone.
    }
  }

  #size(): { cols: number; rows: number } {
    return terminalSize(this.#terminal) ?? { cols: this.#session.cols, rows: this.#session.rows };
  }

  #write(data: string | Uint8Array): void {
    if (!this.#ended) this.#terminal.stdout.write(data);
  }

  async #draw(): Promise<void> {
    if (this.#drawing) {
      this.#drawAgain = true;
      return;
    }
    this.#drawing = true;
    try {
      do {
        this.#drawAgain = false;
        await this.#drawOnce();
      } while (this.#drawAgain && !this.#ended);
    } catch (error) {
      // A lost connection comes back, and draws again then.
      if (!(error instanceof LifeguardError && error.name === "UNAVAILABLE" && !this.#client.closed)) this.#end({ kind: "failed", error });
    } finally {
      this.#drawing = false;
    }
  }

  async #drawOnce(): Promise<void> {
    const { readOnly, take } = this.#options;
    const { id } = this.#session;
    const size = this.#size();
    const before = this.#watch;
    const picture = ++this.#picture;
    if (!readOnly) {
      await this.#client.call("session.resize", { id, ...size }).catch((error: unknown) => {
        if (!(error instanceof LifeguardError) || (error.name !== "NOT_WRITER" && error.name !== "EXITED")) throw error;
      });
    }
    const screen = await this.#client.call("session.screen", { id, format: "restore" });
    if (this.#ended) return;
    this.#filter.forget();
    this.#write(FRESH);
    for (const piece of this.#filter.pass(screen.restore ?? new Uint8Array(), false).pieces) this.#write(piece);
    if (this.#notice !== null) this.#write(notice(this.#notice, size.cols, size.rows));
    else if (readOnly && (screen.cols > size.cols || screen.rows > size.rows))
      this.#say(`the session is ${screen.cols}x${screen.rows}, more than this terminal shows`);
    const isLatest = (): boolean => picture === this.#picture && !this.#ended;
    // The new watch before the end of the old one: a pen that is held does not fall between them.
    const watch = await this.#client.watch(
      id,
      {
        since: screen.offset,
        window: WINDOW_BYTES,
        ...(readOnly ? {} : { answers: true }),
        // From our own watch of the picture before it is taken too: that one ends only when the new one stands.
        ...(this.#holdsPen ? { write: true, take: take || before !== null } : {}),
      },
      {
        output: (data) => (isLatest() ? this.#output(data) : undefined),
        gap: () => void (isLatest() && this.#draw()),
        closed: (reason) => void (isLatest() && this.#closed(reason)),
      },
    );
    await before?.end();
    if (this.#ended) await watch.end();
    else this.#watch = watch;
    if (watch.gap > 0) this.#drawAgain = true;
  }

  async #output(data: Uint8Array): Promise<void> {
    const { pieces, redraw } = this.#filter.pass(data);
    if (redraw) {
      this.#picture++;
      void this.#draw();
    }
    if (pieces.length > 0) await writePaced(this.#terminal.stdout, pieces.length === 1 ? (pieces[0] ?? "") : Buffer.concat(pieces));
  }

  async #closed(reason: "exited" | "removed" | "unwatched" | "lost"): Promise<void> {
    if (reason === "removed") return this.#end({ kind: "removed" });
    if (reason === "lost")
      return this.#end({ kind: "failed", error: new LifeguardError("UNAVAILABLE", "the connection to the daemon was lost") });
    try {
      const session = await this.#client.call("session.get", { id: this.#session.id });
      if (session.state === "exited") return this.#end({ kind: "ended", exit: session.exit });
    } catch (error) {
      if (error instanceof LifeguardError && error.name === "NOT_FOUND") return this.#end({ kind: "removed" });
      if (!(error instanceof LifeguardError) || error.name !== "UNAVAILABLE") return this.#end({ kind: "failed", error });
    }
    // It is being started again.
    setTimeout(() => void this.#draw(), AGAIN_MS);
  }

  #typed(chunk: Buffer): void {
    const key = this.#detach.find(chunk);
    const text = key === -1 ? chunk : chunk.subarray(0, key);
    if (text.length > 0 && !this.#options.readOnly && !this.#typing.add(text)) this.#write("\u0007");
    if (key !== -1) this.#end({ kind: "detached" });
  }

  /** A line over the bottom row for a while. It is drawn with a picture, between whole sequences, and goes with the next. */
  #say(text: string): void {
    if (this.#ended) return;
    const same = this.#notice === text;
    this.#notice = text;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.#notice = null;
      void this.#draw();
    }, NOTICE_MS);
    if (!same) void this.#draw();
  }

  async #followPen(): Promise<void> {
    try {
      this.#events = this.#client.events({ kinds: ["session.writer"], session: this.#session.id });
      for await (const event of this.#events) {
        if (event.kind !== "session.writer") continue;
        const { writer } = event as { writer?: unknown };
        if (typeof writer !== "string" || writer === this.#watch?.watch || this.#drawing) continue;
        this.#holdsPen = false;
        this.#say("somebody else took the pen: what you type goes nowhere until it is given back");
      }
    } catch (error) {
      if (!this.#ended) this.#say(`cannot follow who holds the pen: ${messageOf(error)}`);
    }
  }
}
