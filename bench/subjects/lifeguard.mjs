/** A daemon of our own, driven through the public client alone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "../../dist/rpc/client.js";
import { running } from "./running.mjs";

const COUNTER = new URL("count-fsyncs.mjs", import.meta.url).href;
const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));

/** Where the daemons leave a profile of each of their threads (`bench --profile DIR`); "" for none. */
let profileDirectory = "";
export function profileInto(directory) {
  profileDirectory = directory;
}
const profiled = () => (profileDirectory === "" ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDirectory]);

export class Lifeguard {
  name = "lifeguard";
  #child = null;
  #clients = [];

  #countFsyncs;

  /** @param options `settings`: more of config.toml; `countFsyncs`: {@link fsyncs} says how many there were */
  constructor(scratch, { settings = "", countFsyncs = false } = {}) {
    this.#countFsyncs = countFsyncs;
    // Short: a socket's path has 107 bytes at most, and a machine's temporary directory may take half of them.
    this.home = mkdtempSync(join(scratch, "lg-"));
    this.socket = join(this.home, "run", "lifeguard.sock");
    mkdirSync(join(this.home, "user"));
    writeFileSync(join(this.home, "config.toml"), `[daemon]\nmax_sessions = 5000\n${settings}`);
  }

  static async start(scratch, options) {
    const daemon = new Lifeguard(scratch, options);
    await daemon.start();
    daemon.client = await daemon.connect();
    return daemon;
  }

  /** Resolves when it answers. */
  async start() {
    const { PATH } = process.env;
    const env = { PATH, HOME: join(this.home, "user"), SHELL: "/bin/sh", LANG: "C.UTF-8", LIFEGUARD_HOME: this.home };
    const counted = this.#countFsyncs ? ["--import", COUNTER] : [];
    if (this.#countFsyncs) env.LIFEGUARD_BENCH_FSYNCS = join(this.home, "fsyncs");
    this.#child = spawn(process.execPath, [...profiled(), ...counted, LIFEGUARD, "daemon", "--ready-fd", "3"], {
      env,
      cwd: "/",
      // A Ctrl-C is the bench's: a daemon that hands its sessions over can no longer be asked to end them.
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    running.add(this);
    const [line] = await once(createInterface({ input: this.#child.stdio[3] }), "line");
    if ("failed" in JSON.parse(line)) throw new Error(line);
  }

  async connect(options = {}) {
    const client = await Client.connect({ socket: this.socket, client: "bench", ...options });
    this.#clients.push(client);
    return client;
  }

  get pid() {
    return this.#child.pid;
  }

  get keepers() {
    return readdirSync(join(this.home, "run"))
      .flatMap((name) => /^keeper-(\d+)\.sock$/.exec(name)?.[1] ?? [])
      .map(Number);
  }

  get fsyncs() {
    const path = join(this.home, "fsyncs");
    return existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  }

  get pids() {
    return [this.pid, ...this.keepers];
  }

  /** A pane: a program on a terminal of 120×40. */
  async pane(command, args) {
    const { client } = this;
    const { id } = await client.call("session.create", { command, args, cols: 120, rows: 40 });
    return {
      id,
      type: (text) => client.call("session.input", { id, data: Buffer.from(text) }),
      screen: async () => (await client.call("session.screen", { id, format: "text" })).text,
      /** Calls `heard` with each piece of output from now on. */
      watch: async (heard) => void (await client.watch(id, {}, { output: (data) => heard(data) })),
      close: async () => {
        await client.call("session.kill", { id, grace_ms: 100 });
        await client.call("session.remove", { id });
      },
    };
  }

  async kill9() {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** Its files stay until the measure is over: ext4 goes around inodes of the last minutes one by one, and each new file pays for it. */
  async end() {
    running.delete(this);
    const gone = once(this.#child, "exit");
    const client = await this.connect();
    await client.call("daemon.stop", { all: true });
    await gone;
    await Promise.all(this.#clients.map((one) => one.close()));
  }
}
