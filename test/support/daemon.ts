/**
 * A real daemon of the test's own: a temporary LIFEGUARD_HOME, `bin/lifeguard daemon` from dist, and an end that leaves nothing.
 *
 * ```ts
 * const daemon = await startDaemon();
 * const client = await daemon.client();
 * ```
 * Every daemon of a test file is ended after the file's last test at the latest. It is a failure when one of its agents outlives
 * `daemon stop --all`, or when the file leaves descriptors, child processes or threads behind (leaks.ts).
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import type { Readiness } from "../../src/cli/start-daemon.js";
import { messageOf } from "../../src/errors.js";
import { Client } from "../../src/rpc/client.js";
import type { ConnectOptions } from "../../src/rpc/client.js";
import type { Disk } from "./disks.js";
import { checkLeaks } from "./leaks.js";
import { isAlive, killEach, processesNaming } from "./processes.js";
import type { ProcessInfo } from "./processes.js";
import { waitUntil, within } from "./wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));
const KEEPER_SOCKET = /^keeper-(\d+)\.sock$/;
const READY_MS = 30_000;
const STOP_MS = 30_000;

export interface DaemonOptions {
  /** On top of a small environment of the test's own: nothing of the caller's but PATH comes in. */
  env?: Record<string, string>;
  /** The text of config.toml. */
  config?: string;
  /** Mounted for as long as the home is there: at the home itself (`""`), or at a directory in it. */
  disk?: { at: "" | "store"; disk: Disk };
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const running = new Set<TestDaemon>();

export async function startDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  const daemon = new TestDaemon(options);
  running.add(daemon);
  await daemon.start();
  return daemon;
}

// Registered first, so that it looks last, after the daemons below have ended.
checkLeaks();

afterAll(async () => {
  const wrong: string[] = [];
  for (const daemon of running) {
    try {
      const left = await daemon.end();
      if (left.length > 0)
        wrong.push(`agents outlived "daemon stop --all":`, ...left.map(({ pid, state, command }) => `  ${pid} ${state} ${command}`));
    } catch (error) {
      wrong.push(messageOf(error));
    }
  }
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}, 120_000);

export class TestDaemon {
  readonly home: string;
  readonly socket: string;
  /** Of every process of this home: its own environment's. */
  readonly env: Record<string, string>;
  readonly #clients = new Set<Client>();
  readonly #disk: Disk | null;
  #child: ChildProcess | null = null;
  #words = "";
  /** Milliseconds from exec to ready at the last start. */
  startMs = Number.NaN;
  /** Sessions the last start has adopted. */
  restored = 0;

  constructor({ env = {}, config, disk }: DaemonOptions) {
    this.home = mkdtempSync(join(tmpdir(), "lifeguard-"));
    this.socket = join(this.home, "run", "lifeguard.sock");
    this.#disk = disk?.disk ?? null;
    if (disk !== undefined) {
      mkdirSync(join(this.home, disk.at), { recursive: true });
      disk.disk.mount(join(this.home, disk.at));
    }
    const user = join(this.home, "user");
    mkdirSync(user);
    this.env = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: user,
      SHELL: "/bin/bash",
      LANG: "C.UTF-8",
      LIFEGUARD_HOME: this.home,
      LIFEGUARD_FAULTS: "1",
      ...env,
    };
    if (config !== undefined) writeFileSync(join(this.home, "config.toml"), config);
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error("the daemon does not run");
    return this.#child.pid;
  }

  /** Starts it, or starts it again. @throws Error with what it said */
  async start(): Promise<void> {
    if (this.#child !== null) throw new Error("the daemon runs already");
    const began = performance.now();
    const child = spawn(process.execPath, [LIFEGUARD, "daemon", "--ready-fd", "3"], {
      cwd: "/",
      env: this.env,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = null;
    });
    for (const stream of [child.stdout, child.stderr] as Readable[])
      stream.setEncoding("utf8").on("data", (words: string) => (this.#words = (this.#words + words).slice(-65_536)));
    const line = await within(`the daemon of ${this.home} to be ready`, firstLine(child.stdio[3] as Readable), READY_MS);
    this.startMs = performance.now() - began;
    const readiness = line === "" ? null : (JSON.parse(line) as Readiness);
    if (readiness === null || "failed" in readiness) throw new Error(`the daemon did not start: ${line}\n${this.log()}`);
    this.restored = readiness.ready.restored;
  }

  /** A connection, closed at the end. */
  async client(options: Partial<ConnectOptions> = {}): Promise<Client> {
    const client = await Client.connect({ socket: this.socket, client: "test", ...options });
    this.#clients.add(client);
    return client;
  }

  /** SIGKILL, and gone when this resolves. Agents and keeper live on. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM; resolves with the exit code. Agents and keeper live on. */
  async stop(): Promise<number | null> {
    return await this.#end("SIGTERM");
  }

  /** Ends it politely (it may be dead already) and starts it again. */
  async restart(): Promise<void> {
    if (this.#child !== null) await this.stop();
    await this.start();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    const exit = once(child, "exit");
    child.kill(signal);
    const [code] = (await within(`the daemon ${child.pid} to end after ${signal}`, exit, STOP_MS)) as [number | null];
    return code;
  }

  /** Runs `lifeguard VERB…` in this home. */
  async run(args: string[], options: { input?: string; env?: Record<string, string> } = {}): Promise<CommandResult> {
    const child = spawn(process.execPath, [LIFEGUARD, ...args], {
      cwd: this.home,
      env: { ...this.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit") as Promise<[number | null]>,
    ]);
    return { code, stdout, stderr };
  }

  /** What daemon and keeper have written: stderr of the runs so far, then every log file. */
  log(): string {
    const logs = existsSync(this.home)
      ? readdirSync(this.home, { recursive: true, encoding: "utf8" }).filter((name) => /\.(log|err)$/.test(name))
      : [];
    return [this.#words, ...logs.map((name) => `== ${name}\n${readFileSync(join(this.home, name), "utf8")}`)].join("\n");
  }

  /** Keepers that live, by their sockets in the runtime directory. */
  keeperPids(): number[] {
    const run = join(this.home, "run");
    const names = existsSync(run) ? readdirSync(run) : [];
    return names.map((name) => Number(KEEPER_SOCKET.exec(name)?.[1] ?? 0)).filter((pid) => pid > 0 && isAlive(pid));
  }

  /** Everything that runs in this home: daemon, keepers, agents and what they started. */
  processes(): ProcessInfo[] {
    return processesNaming(this.home);
  }

  /**
   * Ends the daemon, its keepers and its agents, and removes the home. Answers with the agents that were still there after
   * `daemon stop --all` (a daemon that is dead already cannot be asked, its agents are just ended): there should be none.
   */
  async end(): Promise<ProcessInfo[]> {
    running.delete(this);
    let left: ProcessInfo[] = [];
    this.#disk?.thaw?.();
    try {
      if (this.#child !== null) {
        const child = this.#child;
        const exit = once(child, "exit");
        const asking = await Client.connect({ socket: this.socket, client: "test" });
        await asking.call("daemon.stop", { all: true });
        await within("the daemon to end after daemon.stop", exit, STOP_MS);
        await asking.close();
        const ours = new Set(this.keeperPids());
        left = this.processes().filter(({ pid }) => !ours.has(pid));
      }
    } finally {
      await Promise.all([...this.#clients].map((client) => client.close()));
      await this.#killAll();
      this.#disk?.unmount();
      rmSync(this.home, { recursive: true, force: true });
    }
    return left;
  }

  /** By pid, each one found in this home, until two looks find nobody: a dying tree may still fork. */
  async #killAll(): Promise<void> {
    let quiet = 0;
    await waitUntil(`the processes of ${this.home} to end`, () => {
      const found = this.processes();
      killEach(found.map(({ pid }) => pid));
      quiet = found.length === 0 ? quiet + 1 : 0;
      return quiet >= 2;
    });
  }
}

async function firstLine(pipe: Readable): Promise<string> {
  let line = "";
  for await (const chunk of pipe.setEncoding("utf8")) {
    line += String(chunk);
    if (line.includes("\n")) break;
  }
  return line.split("\n")[0] ?? "";
}
