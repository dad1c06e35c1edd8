/**
 * A tmux server of the test's own: a private socket in a temporary directory, no configuration, ended after the file's last test.
 * Never the default server.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll } from "vitest";
import { hasEnded, isAlive } from "./processes.js";
import { waitUntil } from "./wait.js";

const run = promisify(execFile);

const started = new Set<TestTmux>();

afterAll(async () => {
  for (const server of started) await server.end();
}, 60_000);

export interface TmuxClientRow {
  pid: number;
  session: string;
  control: boolean;
  size: string;
}

export class TestTmux {
  readonly directory: string;
  readonly socket: string;
  readonly #people = new Set<ChildProcess>();

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "lifeguard-tmux-"));
    this.socket = join(this.directory, "server");
    started.add(this);
  }

  /** Settings for config.toml: this server and no other, asked often. */
  config(more = ""): string {
    return `[tmux]\nservers = [${JSON.stringify(this.socket)}]\nperiod_ms = 300\n${more}`;
  }

  get env(): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"], HOME: this.directory, LANG: "C.UTF-8", SHELL: "/bin/sh", TERM: "xterm-256color" };
  }

  /** Runs a tmux command and answers with what it prints. @throws Error with what it said */
  async do(...args: string[]): Promise<string> {
    const { stdout } = await run("tmux", ["-u", "-f", "/dev/null", "-S", this.socket, ...args], { env: this.env });
    return stdout.replace(/\n$/, "");
  }

  /** A detached session; without a command it runs `cat`. */
  async make(name: string, ...command: string[]): Promise<void> {
    await this.do("new-session", "-d", "-s", name, "-x", "100", "-y", "30", "--", ...(command.length > 0 ? command : ["cat"]));
  }

  async ask(target: string, format: string): Promise<string> {
    return await this.do("display-message", "-p", "-t", target, format);
  }

  async names(): Promise<string[]> {
    return (await this.do("list-sessions", "-F", "#{session_name}")).split("\n").filter((name) => name !== "");
  }

  async clients(): Promise<TmuxClientRow[]> {
    const text = await this.do(
      "list-clients",
      "-F",
      "#{client_pid}:#{client_control_mode}:#{client_width}x#{client_height}:#{session_name}",
    );
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [pid, control, size = "", ...session] = line.split(":");
        return { pid: Number(pid), control: control === "1", size, session: session.join(":") };
      });
  }

  async serverPid(): Promise<number> {
    return Number(await this.do("display-message", "-p", "#{pid}"));
  }

  /** A person's terminal of this size that looks at a session: a real client under `script`. */
  async person(session: string, cols: number, rows: number): Promise<ChildProcess> {
    const before = (await this.clients()).length;
    const attach = `stty cols ${cols} rows ${rows}; exec tmux -u -S ${this.socket} attach-session -t '=${session}'`;
    const child = spawn("script", ["-qfec", attach, "/dev/null"], { env: this.env, stdio: ["pipe", "ignore", "ignore"] });
    this.#people.add(child);
    child.once("exit", () => this.#people.delete(child));
    await waitUntil(`a person to look at ${session}`, async () => (await this.clients()).length > before);
    return child;
  }

  /** SIGKILL, and gone when this resolves. */
  async kill9(): Promise<void> {
    const pid = await this.serverPid();
    process.kill(pid, "SIGKILL");
    await waitUntil("the tmux server to be gone", () => !isAlive(pid));
  }

  /** What a last question to the server brings: nothing where none runs, or none answers in 10 s. */
  #last(...args: string[]): string {
    try {
      return execFileSync("tmux", ["-S", this.socket, ...args], {
        env: this.env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 10_000,
      });
    } catch {
      return "";
    }
  }

  async end(): Promise<void> {
    started.delete(this);
    const panes = this.#last("list-panes", "-a", "-F", "#{pane_pid}").trim().split("\n").map(Number);
    this.#last("kill-server");
    for (const child of this.#people) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    // A shell that is hung up writes its history, into this directory.
    await waitUntil("the programs in the panes to be gone", () => panes.every(hasEnded));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
