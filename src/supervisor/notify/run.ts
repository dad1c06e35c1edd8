/**
 * One run of a program that tells a person something: its own process group, its input, its deadline. Whatever it does (hangs, floods,
 * fails, is not there, leaves children), it ends in one sentence, and nothing of its group is left.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { messageOf } from "../../errors.js";

export interface RunRequest {
  command: string;
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** What it can read on its stdin. */
  input: string;
  /** Longer, and its whole group is killed. */
  timeoutMs: number;
}

/** Of what it says on stderr, the end. */
const STDERR_BYTES = 500;

export class Run {
  /** Null when it went well, else what went wrong. Never rejects. */
  readonly over: Promise<string | null>;
  readonly #child: ChildProcess | null = null;
  #running = false;
  #late = false;

  constructor({ command, args, cwd, env, input, timeoutMs }: RunRequest) {
    let child: ChildProcess;
    try {
      // A group of its own, so that its children can be ended with it.
      child = spawn(command, [...args], { cwd, env, detached: true, stdio: ["pipe", "ignore", "pipe"] });
    } catch (error) {
      this.over = Promise.resolve(`cannot be started: ${messageOf(error)}`);
      return;
    }
    this.#child = child;
    this.#running = child.pid !== undefined;
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-STDERR_BYTES)));
    child.stderr?.on("error", () => undefined);
    // It may end without having read a word.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    this.over = new Promise((resolve) => {
      let end: string | null | undefined;
      const deadline = setTimeout(() => {
        this.#late = true;
        this.kill();
        // It has ended, and a child that left its group holds on to stderr.
        if (end !== undefined) settle(end);
      }, timeoutMs);
      const settle = (words: string | null): void => {
        clearTimeout(deadline);
        this.#running = false;
        child.stdin?.destroy();
        child.stderr?.destroy();
        resolve(words === null ? null : said.trim() === "" ? words : `${words}; it said: ${said.trim()}`);
      };
      child.once("error", (error) => settle(`cannot be run: ${messageOf(error)}`));
      child.once("exit", (code, signal) => {
        if (this.#late) end = `took longer than ${timeoutMs} ms and was killed`;
        else end = code === 0 ? null : `ended with ${code === null ? signal : code}`;
        // What it left behind would be nobody's.
        this.kill();
      });
      // After its last words.
      child.once("close", () => settle(end ?? null));
    });
  }

  /** The whole group, at once. */
  kill(): void {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.#running) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody is left in it.
    }
  }
}
