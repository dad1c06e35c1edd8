/**
 * One tmux server, asked through `tmux -S socket …`: each question is a process of its own with a deadline, and a server that does
 * not answer is left alone for a while.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { LifeguardError } from "../errors.js";
import { Breaker } from "./breaker.js";

export interface TmuxServerOptions {
  /** Path of its socket. */
  socket: string;
  /** The tmux program. */
  program: string;
  /** What a server that is started by us has as its own environment. */
  env: NodeJS.ProcessEnv;
  deadlineMs: number;
  breakerMs: number;
}

/** A tmux session as its server lists it. */
export interface TmuxSession {
  /** `$3`: never used twice in one life of the server. */
  id: string;
  name: string;
  /** Seconds since 1970. */
  created: number;
  /** Pid of the server: names one life of it. */
  server: number;
  /** Clients that look at it, ours included. */
  attached: number;
  windows: number;
  /** Of its active pane. */
  pid: number;
  cols: number;
  rows: number;
  dead: boolean;
  /** When it was last active, ms since 1970. */
  activityAt: number;
}

/**
 * Why a question has no answer. `absent`: no server is there, and so no session; `missing`: the server is, and what was asked for is
 * not; `silent`: nobody knows; `refused`: tmux said no, in `message`.
 */
export class TmuxError extends Error {
  override readonly name = "TmuxError";
  readonly kind: "absent" | "missing" | "silent" | "refused";
  constructor(kind: TmuxError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

const LISTED =
  "#{session_id}:#{session_created}:#{pid}:#{session_attached}:#{session_windows}:#{pane_pid}:#{pane_width}:#{pane_height}:#{pane_dead}:#{session_activity}:#{session_name}";

const ABSENT = /no server running|error connecting to .*\((No such file or directory|Connection refused|Not a directory)\)/;
const MISSING = /can't find (session|pane|window)|session not found|no such session/;

export class TmuxServer {
  readonly socket: string;
  readonly #options: TmuxServerOptions;
  readonly #breaker: Breaker;
  #version: Promise<void> | null = null;

  constructor(options: TmuxServerOptions) {
    this.socket = options.socket;
    this.#options = options;
    this.#breaker = new Breaker(options.breakerMs, () => performance.now());
  }

  /** Milliseconds until it is asked again; 0: it answered, or nobody knows better. */
  get silentForMs(): number {
    return this.#breaker.waitMs;
  }

  /** Its sessions, as they are now; none when there is no server. @throws TmuxError silent, refused */
  async sessions(): Promise<TmuxSession[]> {
    let text: string;
    try {
      text = await this.run(["list-sessions", "-F", LISTED]);
    } catch (error) {
      if (error instanceof TmuxError && error.kind === "absent") return [];
      throw error;
    }
    const sessions = new Map<string, TmuxSession>();
    for (const line of text.split("\n")) {
      const session = readListed(line);
      if (session !== null && session.name !== "") sessions.set(session.id, session);
    }
    return [...sessions.values()];
  }

  /**
   * Makes a session of one program, detached. When the program has ended its pane stays, so that its exit status can be asked for.
   * @param name without colons and dots
   * @throws TmuxError; LifeguardError ALREADY_EXISTS when the name is taken there
   */
  async create(order: { name: string; cwd: string; cols: number; rows: number; command: readonly string[] }): Promise<TmuxSession> {
    const { name, cwd, cols, rows, command } = order;
    let text: string;
    try {
      const size = ["-x", String(cols), "-y", String(rows)];
      const make = ["new-session", "-d", "-E", "-P", "-F", LISTED, "-s", name, "-c", cwd, ...size, "--", ...command];
      // A new window takes the size of whoever looks at another one: it gets its own, and keeps no option of that.
      const resize = ["resize-window", "-t", `=${name}:`, ...size, ";", "set-option", "-w", "-u", "-t", `=${name}:`, "window-size"];
      text = await this.run([...make, ";", "set-option", "-w", "-t", `=${name}:`, "remain-on-exit", "on", ";", ...resize]);
    } catch (error) {
      if (!(error instanceof TmuxError) || !/duplicate session/.test(error.message)) throw error;
      throw new LifeguardError(
        "ALREADY_EXISTS",
        `the tmux server at ${this.socket} has a session ${JSON.stringify(name)}: choose another name, or adopt it`,
        {
          field: "name",
        },
      );
    }
    const session = readListed(text.split("\n", 1)[0] ?? "");
    if (session !== null) return { ...session, cols, rows };
    throw new TmuxError("refused", `tmux did not say which session it made: ${text.slice(0, 200)}`);
  }

  /** Ends a session; one that is not there is no error. @throws TmuxError silent, refused */
  async kill(id: string): Promise<void> {
    try {
      await this.run(["kill-session", "-t", id]);
    } catch (error) {
      if (!(error instanceof TmuxError) || (error.kind !== "absent" && error.kind !== "missing")) throw error;
    }
  }

  /** Pids of the first processes of a session's panes, or of all panes there are; none without a session, or a server. @throws TmuxError */
  async panePids(id: string | null): Promise<number[]> {
    try {
      const text = await this.run(["list-panes", ...(id === null ? ["-a"] : ["-s", "-t", id]), "-F", "#{pane_pid}"]);
      return text
        .split("\n")
        .map(Number)
        .filter((pid) => pid > 1);
    } catch (error) {
      if (error instanceof TmuxError && (error.kind === "absent" || error.kind === "missing")) return [];
      throw error;
    }
  }

  /** @throws LifeguardError UNSUPPORTED when there is no tmux, or one that lacks what is needed */
  async checkVersion(): Promise<void> {
    this.#version ??= this.#askVersion();
    try {
      await this.#version;
    } catch (error) {
      this.#version = null;
      throw error;
    }
  }

  async #askVersion(): Promise<void> {
    const words = await this.run(["-V"]);
    const version = /([0-9]+)\.([0-9]+)/.exec(words);
    // A build from its sources has no number, and is newer.
    if (version === null) return;
    const [, major, minor] = version.map(Number);
    if ((major ?? 0) * 100 + (minor ?? 0) < 302)
      throw new LifeguardError("UNSUPPORTED", `${this.#options.program} is ${words.trim()}: 3.2 or newer is needed`);
  }

  /** Where the socket's directory is tmux's own and not there yet, it is made as tmux makes it. */
  makeDirectory(): void {
    const directory = dirname(this.socket);
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  }

  /**
   * Runs a command and answers with what it prints.
   * @throws TmuxError; LifeguardError UNSUPPORTED when there is no tmux
   */
  async run(args: readonly string[]): Promise<string> {
    const wait = this.#breaker.waitMs;
    if (wait > 0)
      throw new TmuxError("silent", `the tmux server at ${this.socket} did not answer, and is asked again in ${Math.ceil(wait / 1000)} s`);
    const { program, env, deadlineMs } = this.#options;
    return await new Promise<string>((resolve, reject) => {
      const options = { env, timeout: deadlineMs, killSignal: "SIGKILL" as const, maxBuffer: 16 * 1024 * 1024, encoding: "utf8" as const };
      execFile(program, ["-u", "-S", this.socket, ...args], options, (error, stdout, stderr) => {
        if (error === null) {
          this.#breaker.answered();
          resolve(stdout);
          return;
        }
        if (error.code === "ENOENT" || error.code === "EACCES") {
          reject(
            new LifeguardError(
              "UNSUPPORTED",
              `${program} cannot be run: install tmux 3.2 or newer, or name it in [tmux] program of config.toml`,
            ),
          );
          return;
        }
        const words = stderr.trim();
        if (error.killed === true) {
          this.#breaker.silent();
          reject(new TmuxError("silent", `the tmux server at ${this.socket} did not answer within ${deadlineMs} ms`));
          return;
        }
        this.#breaker.answered();
        const kind = ABSENT.test(words) ? "absent" : MISSING.test(words) ? "missing" : "refused";
        reject(new TmuxError(kind, words === "" ? `tmux ${args[0] ?? ""} ended with ${error.code ?? "a signal"}` : words.slice(0, 400)));
      });
    });
  }
}

function readListed(line: string): TmuxSession | null {
  const [id = "", created, server, attached, windows, pid, cols, rows, dead, activity, ...name] = line.split(":");
  if (!/^\$[0-9]+$/.test(id)) return null;
  return {
    id,
    name: name.join(":"),
    created: Number(created),
    server: Number(server),
    attached: Number(attached),
    windows: Number(windows),
    pid: Number(pid),
    cols: Number(cols),
    rows: Number(rows),
    dead: dead === "1",
    activityAt: Number(activity) * 1000,
  };
}
