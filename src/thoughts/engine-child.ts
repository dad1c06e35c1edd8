/**
 * One process of a `command` engine: started, asked one thing at a time, ended with everything it started. What it writes unasked
 * ends it. It may write as much as it likes to stderr: a little is read each second, and the last words are kept.
 */
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { oneLine } from "./one-line.js";
import { LINE_BYTES, readHello, readResult, WireError } from "./wire.js";
import type { Hello, SyncResult } from "./wire.js";

/** `broken`: it said what it should not. `gone`: it ended. `slow`: it did not answer in time. */
export class EngineFailure extends Error {
  readonly kind: "broken" | "gone" | "slow";
  constructor(kind: "broken" | "gone" | "slow", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Between TERM and KILL. */
const GRACE_MS = 500;
/** Nobody waits longer for an end: what KILL does not end hangs in the kernel. */
const END_MS = 2_000;
/** For what is in its pipes when it has ended. */
const LAST_WORDS_MS = 100;
const STDERR_CHARS = 2_000;
const STDERR_BYTES_PER_SECOND = 65_536;

interface Asked {
  resolve(line: string): void;
  reject(failure: EngineFailure): void;
}

export class EngineChild {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Settles when the process is gone, however. */
  readonly gone: Promise<void>;
  #asked: Asked | null = null;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #failure: EngineFailure | null = null;
  #exited = false;
  #ending: Promise<void> | null = null;
  #stderr = "";
  #stderrRoom = STDERR_BYTES_PER_SECOND;
  #stderrPause: NodeJS.Timeout | null = null;

  constructor(command: readonly string[], env: Record<string, string>) {
    const [file = "", ...args] = command;
    // A process group of its own: what it starts ends with it.
    this.#process = spawn(file, args, { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    const { stdin, stdout, stderr } = this.#process;
    this.gone = new Promise((resolve) => {
      const over = (failure: EngineFailure): void => {
        this.#exited = true;
        this.#fail(failure);
        for (const stream of [stdin, stdout, stderr]) stream.destroy();
        if (this.#stderrPause !== null) clearTimeout(this.#stderrPause);
        resolve();
      };
      this.#process.once("error", (error) => {
        if (this.#process.pid === undefined) over(new EngineFailure("gone", `it could not be started: ${error.message}`));
      });
      this.#process.once("exit", (code, signal) => {
        // What it started is in its group still: as long as there is any of it, nobody else gets that number.
        this.#signal("SIGKILL");
        const ended = (): void => over(new EngineFailure("gone", `it ended with ${signal ?? `code ${code ?? "?"}`}`));
        // What it wrote before is read first; who left its group may hold the pipe open for ever.
        this.#process.once("close", ended);
        setTimeout(ended, LAST_WORDS_MS);
      });
    });
    stdin.on("error", () => this.#failSoon("it closed its stdin"));
    stdout.on("error", () => this.#failSoon("its stdout failed"));
    stderr.on("error", () => {});
    stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    stdout.on("end", () => this.#failSoon("it closed its stdout"));
    stderr.on("data", (chunk: Buffer) => this.#complaint(chunk));
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  /** Why it cannot be asked any more; null: it can. */
  get failure(): EngineFailure | null {
    return this.#failure;
  }

  get stderr(): string {
    return oneLine(this.#stderr.slice(-STDERR_CHARS), STDERR_CHARS);
  }

  /** The first line it says by itself. @throws EngineFailure */
  async hello(timeoutMs: number): Promise<Hello> {
    return this.#understand(await this.#line(timeoutMs, "said no hello"), readHello);
  }

  /** @param request one line @throws EngineFailure */
  async exchange(request: string, id: string, timeoutMs: number): Promise<SyncResult> {
    const answer = this.#line(timeoutMs, "did not answer");
    if (this.#failure === null) this.#process.stdin.write(request);
    return this.#understand(await answer, (line) => readResult(line, id));
  }

  /** TERM, then KILL, to it and what it started. Resolves when it is gone; never rejects. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#fail(new EngineFailure("gone", "it was ended"));
    if (this.#exited || this.#process.pid === undefined) return this.gone;
    this.#process.stdin.destroy();
    this.#signal("SIGTERM");
    const kill = setTimeout(() => this.#signal("SIGKILL"), GRACE_MS);
    let late: NodeJS.Timeout | undefined;
    await Promise.race([this.gone, new Promise<void>((resolve) => (late = setTimeout(resolve, END_MS)))]);
    clearTimeout(kill);
    clearTimeout(late);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody is left in it.
    }
  }

  #line(timeoutMs: number, what: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      const timer = setTimeout(() => this.#fail(new EngineFailure("slow", `it ${what} within ${timeoutMs} ms`)), timeoutMs);
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          this.#asked = null;
          settle(value);
        };
      this.#asked = { resolve: settled(resolve), reject: settled(reject) };
    });
  }

  #understand<T>(line: string, read: (line: string) => T): T {
    try {
      return read(line);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const failure = new EngineFailure("broken", error.message);
      this.#fail(failure);
      throw failure;
    }
  }

  /** The first failure counts. Nothing of it is read any more. */
  #fail(failure: EngineFailure): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#chunks = [];
    this.#process.stdout.removeAllListeners("data").destroy();
    this.#asked?.reject(failure);
    if (!this.#exited) void this.end();
  }

  /** An end closes its pipes first: how it ended says more. */
  #failSoon(message: string): void {
    setTimeout(() => this.#fail(new EngineFailure("gone", message)), 2 * LAST_WORDS_MS);
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    for (let at = rest.indexOf(10); at >= 0 && this.#failure === null; at = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, at)]);
      this.#chunks = [];
      this.#bytes = 0;
      rest = rest.subarray(at + 1);
      if (line.length > LINE_BYTES) this.#tooLong();
      else if (this.#asked === null) this.#fail(new EngineFailure("broken", "it wrote a line that nobody asked for"));
      else this.#asked.resolve(line.toString("utf8"));
    }
    if (rest.length === 0 || this.#failure !== null) return;
    this.#chunks.push(rest);
    this.#bytes += rest.length;
    if (this.#bytes > LINE_BYTES) this.#tooLong();
  }

  #tooLong(): void {
    this.#fail(new EngineFailure("broken", `it wrote a line of more than ${LINE_BYTES} bytes`));
  }

  #complaint(chunk: Buffer): void {
    this.#stderr = (this.#stderr + chunk.subarray(-STDERR_CHARS).toString("utf8")).slice(-STDERR_CHARS);
    this.#stderrRoom -= chunk.length;
    if (this.#stderrRoom > 0 && this.#stderrPause !== null) return;
    if (this.#stderrRoom <= 0) this.#process.stderr.pause();
    this.#stderrPause ??= setTimeout(() => {
      this.#stderrPause = null;
      this.#stderrRoom = STDERR_BYTES_PER_SECOND;
      this.#process.stderr.resume();
    }, 1_000);
  }
}
