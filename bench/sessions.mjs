/**
 * Many sessions through the public client: how fast they are made, how a key comes back, what they cost when idle, how soon a
 * new daemon serves them after a kill -9. Prints machine, load and figures; asserts nothing. `npm run build` first.
 *
 *   node bench/sessions.mjs [--sessions 1000] [--idle-seconds 20] [--keys 1000] [--home DIRECTORY]
 *
 * `--home`: where the daemons keep their files, the system's temporary directory when left out. It matters: ext4 passes over inodes
 * that were freed within the last minutes one by one, so that after many deletions each new file costs a millisecond there.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Client } from "../dist/rpc/client.js";

const LIFEGUARD = fileURLToPath(new URL("../bin/lifeguard", import.meta.url));
const RELAY = fileURLToPath(new URL("./relay.mjs", import.meta.url));
const PIPELINED = 64;
const IDLE_COMMAND = { command: "/bin/sleep", args: ["100000"] };
const FLOODS = 4;

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "1000" },
    "idle-seconds": { type: "string", default: "20" },
    keys: { type: "string", default: "1000" },
    home: { type: "string", default: tmpdir() },
  },
});
const sessions = Number(values.sessions);
const idleSeconds = Number(values["idle-seconds"]);
const keys = Number(values.keys);

// ---- figures ------------------------------------------------------------------------------------------------------------

const quantile = (times, part) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(part * times.length))] ?? Number.NaN;
const spread = (times) =>
  `p50 ${quantile(times, 0.5).toFixed(2)}  p99 ${quantile(times, 0.99).toFixed(2)}  max ${Math.max(...times).toFixed(1)} ms`;
const say = (name, text) => console.log(`${name.padEnd(34)} ${text}  [load ${loadavg()[0].toFixed(1)}]`);

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** User and system time a process has used, ms. A tick is 10 ms on every Linux that Node runs on. */
function cpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function pssKb(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1]);
}

// ---- a daemon of our own ------------------------------------------------------------------------------------------------

class Daemon {
  home = mkdtempSync(join(values.home, "lifeguard-bench-"));
  socket = join(this.home, "run", "lifeguard.sock");
  #child = null;

  static async start() {
    const daemon = new Daemon();
    mkdirSync(join(daemon.home, "user"));
    writeFileSync(join(daemon.home, "config.toml"), `[daemon]\nmax_sessions = ${sessions + 100}\n`);
    await daemon.start();
    return daemon;
  }

  /** Resolves when it answers. @returns milliseconds since exec */
  async start() {
    const { PATH } = process.env;
    const env = { PATH, HOME: join(this.home, "user"), SHELL: "/bin/sh", LANG: "C.UTF-8", LIFEGUARD_HOME: this.home };
    return await timed(async () => {
      this.#child = spawn(process.execPath, [LIFEGUARD, "daemon", "--ready-fd", "3"], {
        env,
        cwd: "/",
        stdio: ["ignore", "ignore", "inherit", "pipe"],
      });
      const [line] = await once(createInterface({ input: this.#child.stdio[3] }), "line");
      if ("failed" in JSON.parse(line)) throw new Error(line);
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get keepers() {
    return readdirSync(join(this.home, "run"))
      .flatMap((name) => /^keeper-(\d+)\.sock$/.exec(name)?.[1] ?? [])
      .map(Number);
  }

  processes() {
    return [this.pid, ...this.keepers];
  }

  async client() {
    return await Client.connect({ socket: this.socket, client: "bench" });
  }

  async kill9() {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  async end() {
    const gone = once(this.#child, "exit");
    const client = await this.client();
    await client.call("daemon.stop", { all: true });
    await gone;
    await client.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

// ---- key → echo ---------------------------------------------------------------------------------------------------------

/** A session that is typed into and watched: `echo(gapMs)` waits, types one key, and resolves with the time until it is seen. */
async function typist(daemon) {
  const client = await daemon.client();
  const { id } = await client.call("session.create", { command: "/bin/cat" });
  let seen = () => {};
  await client.watch(id, {}, { output: () => seen() });
  return {
    id,
    key: async () => {
      const echo = new Promise((resolve) => (seen = resolve));
      const began = performance.now();
      const taken = client.call("session.input", { id, data: Buffer.from("x") });
      await echo;
      const time = performance.now() - began;
      await taken;
      return time;
    },
    close: async () => {
      await client.call("session.kill", { id });
      await client.close();
    },
  };
}

/** The same through relay.mjs. */
async function relayTypist(mode) {
  const home = mkdtempSync(join(tmpdir(), "lifeguard-relay-"));
  const path = join(home, "relay.sock");
  const child = spawn(process.execPath, [RELAY, path, mode], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const socket = connect(path);
  await once(socket, "connect");
  let seen = () => {};
  socket.on("data", () => seen());
  return {
    key: async () => {
      const echo = new Promise((resolve) => (seen = resolve));
      const began = performance.now();
      socket.write("x");
      await echo;
      return performance.now() - began;
    },
    close: async () => {
      const gone = once(child, "exit");
      socket.destroy();
      child.stdin.end();
      await gone;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Keys of all typists in turn, so that each meets the same machine. @param pauseMs between two keys; 0: as soon as the last came back */
async function type(typists, count, pauseMs) {
  const times = typists.map(() => []);
  for (let n = 0; n < count; n++) {
    for (const [i, typist] of typists.entries()) {
      if (pauseMs > 0) await sleep(pauseMs);
      times[i].push(await typist.key());
    }
  }
  return times;
}

async function echo(daemon) {
  const typists = [await typist(daemon), await relayTypist("main"), await relayTypist("thread")];
  await type(typists, 200, 1);
  const measure = async (name, count, pauseMs) => {
    const [ours, main, thread] = await type(typists, count, pauseMs);
    say(`${name}: lifeguard`, spread(ours));
    say(`${name}: relay`, `${spread(main)}  (p99 ratio ${(quantile(ours, 0.99) / quantile(main, 0.99)).toFixed(2)})`);
    say(`${name}: relay with a thread`, `${spread(thread)}  (p99 ratio ${(quantile(ours, 0.99) / quantile(thread, 0.99)).toFixed(2)})`);
  };
  await measure("echo, a key each 30 ms", keys, 10);
  await measure("echo, key after key", keys, 0);
  await Promise.all(typists.map(({ close }) => close()));

  const client = await daemon.client();
  const beside = await typist(daemon);
  const floods = [];
  for (let n = 0; n < FLOODS; n++)
    floods.push(await client.call("session.create", { command: "/bin/sh", args: ["-c", "while :; do seq 1 100000; done"] }));
  const [flooded] = await type([beside], Math.ceil(keys / 5), 10);
  say(`echo beside ${FLOODS} floods: lifeguard`, spread(flooded));
  await Promise.all(floods.map(({ id }) => client.call("session.kill", { id, grace_ms: 100 })));
  await beside.close();
  await client.close();
}

// ---- many sessions ------------------------------------------------------------------------------------------------------

async function create(client, count, inFlight) {
  const times = [];
  let next = 0;
  const ms = await timed(() =>
    Promise.all(
      Array.from({ length: inFlight }, async () => {
        while (next < count) {
          const n = next++;
          times[n] = await timed(() => client.call("session.create", IDLE_COMMAND));
        }
      }),
    ),
  );
  return { times, ms };
}

function sayCreated(name, { times, ms }) {
  const hundred = Math.min(100, Math.ceil(times.length / 2));
  const [first, last] = [times.slice(0, hundred), times.slice(-hundred)];
  say(name, `${times.length} in ${ms.toFixed(0)} ms, ${((times.length * 1_000) / ms).toFixed(0)}/s; ${spread(times)}`);
  say("  first hundred", spread(first));
  say("  last hundred", `${spread(last)}  (p50 ratio ${(quantile(last, 0.5) / quantile(first, 0.5)).toFixed(2)})`);
}

async function many(daemon) {
  const client = await daemon.client();
  const warm = await create(client, 1, 1);
  say("the very first", `${warm.ms.toFixed(1)} ms`);
  await sleep(500);
  const before = daemon.processes().map(pssKb);
  sayCreated("created one after another", await create(client, sessions - 1, 1));

  const listed = [];
  for (let n = 0; n < 50; n++) listed.push(await timed(() => client.call("session.list", {})));
  say(`session.list of ${sessions}`, spread(listed));

  // Parked 2 s after their last output, collected and trimmed 5 s later.
  await sleep(12_000);
  const after = daemon.processes().map(pssKb);
  const each = after.map((kb, i) => ((kb - before[i]) / sessions).toFixed(1));
  say(
    "memory per idle session",
    `${(after.reduce((a, b) => a + b) / sessions - before.reduce((a, b) => a + b) / sessions).toFixed(1)} KB (daemon ${each[0]}, keeper ${each.slice(1).join(" + ")}); in all ${Math.round(after.reduce((a, b) => a + b) / 1024)} MB PSS`,
  );
  await client.close();
}

async function idle(daemon) {
  const pids = daemon.processes();
  const before = pids.map(cpuMs);
  await sleep(idleSeconds * 1_000);
  const percent = pids.map((pid, i) => ((cpuMs(pid) - before[i]) / (idleSeconds * 10)).toFixed(2));
  say(
    `idle CPU of ${sessions} sessions`,
    `daemon ${percent[0]} %, keeper ${percent.slice(1).join(" + ")} % of a core, over ${idleSeconds} s`,
  );
}

async function adopt(daemon, count) {
  await daemon.kill9();
  const began = performance.now();
  const ready = await daemon.start();
  const client = await daemon.client();
  let restored = null;
  for (; restored === null; await sleep(10)) ({ restored } = await client.call("daemon.status", {}));
  const all = performance.now() - began;
  if (restored.sessions !== count) throw new Error(`${restored.sessions} sessions were restored, not ${count}`);
  say(
    `${count} sessions after kill -9`,
    `answers ${ready.toFixed(0)} ms after exec, all serve after ${all.toFixed(0)} ms (${restored.ms} ms by daemon.status)`,
  );
  await client.close();
}

async function pipelined() {
  const daemon = await Daemon.start();
  const client = await daemon.client();
  sayCreated(`created, ${PIPELINED} under way`, await create(client, sessions, PIPELINED));
  await client.close();
  say(`${sessions} killed`, `${(await timed(() => daemon.end())).toFixed(0)} ms`);
}

/** What the file system alone takes for a session: a directory and two files. */
async function floor() {
  const root = mkdtempSync(join(values.home, "lifeguard-bench-"));
  const times = [];
  for (let n = 0; n < 200; n++) {
    const directory = join(root, String(n));
    times.push(
      await timed(() => {
        mkdirSync(directory);
        writeFileSync(join(directory, "spool"), "");
        writeFileSync(join(directory, "index"), "");
      }),
    );
  }
  say("a directory and two files", spread(times));
  rmSync(root, { recursive: true });
}

// ---- in order -----------------------------------------------------------------------------------------------------------

console.log(
  `${cpus()[0]?.model}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`,
);
await floor();
const starting = await Daemon.start();
const starts = [];
for (let n = 0; n < 3; n++) {
  await starting.kill9();
  starts.push(await starting.start());
}
say("start with a keeper, no sessions", starts.map((ms) => `${ms.toFixed(0)} ms`).join(", "));
await echo(starting);
const some = await starting.client();
await create(some, 50, 10);
await some.close();
await adopt(starting, 50);
await starting.end();

const daemon = await Daemon.start();
await many(daemon);
await idle(daemon);
await adopt(daemon, sessions);
await daemon.end();
await pipelined();
