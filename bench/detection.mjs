/**
 * What it costs to know what sessions are doing: many agents at work, many at rest. Prints machine, load and figures; asserts nothing.
 * `npm run build` first.
 *
 *   node bench/detection.mjs [--sessions 200] [--seconds 20] [--tools claude,codex,opencode]
 *
 * First the watching alone, in this process: recordings of real agents (test/recordings), the long silent tool with its spinner, from
 * the moment it works. Then a real daemon, whose sessions are fed the same bytes at the same pace: with the tool's profile, and with none.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseRecording } from "../dist/actors/recording.js";
import { rehearse } from "../dist/actors/rehearsal.js";
import { loadProfiles, SHIPPED_PROFILES } from "../dist/profiles/load.js";
import { Client } from "../dist/rpc/client.js";

const LIFEGUARD = fileURLToPath(new URL("../bin/lifeguard", import.meta.url));
const TOOLS = ["claude", "codex", "opencode"];
const ROUNDS = 20;
const TICK_MS = 10;

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "200" },
    seconds: { type: "string", default: "20" },
    tools: { type: "string", default: TOOLS.join(",") },
  },
});
const sessions = Number(values.sessions);
const seconds = Number(values.seconds);
const say = (name, text) => console.log(`${name.padEnd(44)} ${text}  [load ${loadavg()[0].toFixed(1)}]`);
const percent = (part) => `${(part * 100).toFixed(1)} % of one core`;

// ---- recordings -----------------------------------------------------------------------------------------------------------

/** The part of a recording in which the tool works, from 0 on, and how its screen is right before. */
function atWork(tool) {
  const file = `test/recordings/${tool}/long-tool.json`;
  const recording = parseRecording(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"), file);
  const index = recording.timeline.findLastIndex(([, state]) => state === "busy");
  const from = recording.timeline[index][0];
  const to = recording.timeline[index + 1]?.[0] ?? recording.end;
  const within = recording.output.filter(([at]) => at >= from && at < to).map(([at, bytes]) => [at - from, bytes]);
  const before = Buffer.concat(recording.output.filter(([at]) => at < from).map(([, bytes]) => bytes));
  const work = { ...recording, output: within, end: to - from, inputs: [], resizes: [], foreground: [] };
  return { work, before, ms: to - from, cols: recording.cols, rows: recording.rows };
}

/** User and system time a process has used, ms. A tick is 10 ms on every Linux that Node runs on. */
function cpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** What watching takes of the processor: its part of the time that a replay runs, of the processor time that the replay uses. */
function watching(tool) {
  const { set: profiles } = loadProfiles([SHIPPED_PROFILES]);
  const { work, ms } = atWork(tool);
  rehearse(work, { profiles, tool });
  const [used, began] = [process.cpuUsage(), performance.now()];
  let took = 0;
  for (let round = 0; round < ROUNDS; round++) took += rehearse(work, { profiles, tool }).watchingMs;
  const ran = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  const share = ((took / ran) * ((user + system) / 1_000)) / (ROUNDS * ms);
  say(`${tool}: watching ${sessions} that work`, `${percent(share * sessions)} (${(share * 1_000).toFixed(2)} ms a second each)`);
}

// ---- a daemon -------------------------------------------------------------------------------------------------------------

/** Ends the daemon that runs, and its sessions, which would outlive it. */
let stop = null;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void Promise.resolve(stop?.()).finally(() => process.exit(1)));

async function startDaemon(home) {
  mkdirSync(join(home, "user"));
  writeFileSync(join(home, "config.toml"), `[daemon]\nmax_sessions = ${sessions + 10}\n`);
  const env = { PATH: process.env.PATH, HOME: join(home, "user"), SHELL: "/bin/sh", LANG: "C.UTF-8", LIFEGUARD_HOME: home };
  const child = spawn(process.execPath, [LIFEGUARD, "daemon", "--ready-fd", "3"], {
    env,
    cwd: "/",
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [line] = await once(createInterface({ input: child.stdio[3] }), "line");
  if ("failed" in JSON.parse(line)) throw new Error(line);
  const client = await Client.connect({ socket: join(home, "run", "lifeguard.sock"), client: "bench" });
  const end = async () => {
    const gone = once(child, "exit");
    await client.call("daemon.stop", { all: true });
    await gone;
    await client.close();
    rmSync(home, { recursive: true, force: true });
  };
  stop = end;
  return { pid: child.pid, client, end };
}

/** Processor time of the daemon, as a share of one core, over the time asked for. */
async function cost(pid, work) {
  const [used, began] = [cpuMs(pid), performance.now()];
  await work();
  return (cpuMs(pid) - used) / (performance.now() - began);
}

/** Sessions that print what is written into their pipes. */
async function fed(client, home, name, { tool, cols, rows }) {
  const pipes = [];
  for (let n = 0; n < sessions; n++) {
    const path = join(home, `${name}-${n}`);
    execFileSync("mkfifo", [path]);
    // Read and write: neither end waits for the other, nor ends it.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const { id } = await client.call("session.create", {
      ...(tool === null ? {} : { tool }),
      command: "/bin/cat",
      args: [path],
      cols,
      rows,
    });
    pipes.push({ fd, id });
  }
  return pipes;
}

async function writeAll(fd, bytes) {
  for (let left = bytes; left.length > 0;) {
    // A pipe takes a small piece whole or not at all.
    try {
      left = left.subarray(writeSync(fd, left.subarray(0, 4_096)));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      await sleep(TICK_MS);
    }
  }
}

/** Each session begins a little later than the one before, and begins again when its recording is over. */
function feeder(pipes, { work, ms }) {
  const began = performance.now();
  const next = pipes.map((_, n) => ({ from: (n * ms) / pipes.length, index: 0 }));
  let skipped = 0;
  const step = () => {
    const now = performance.now() - began;
    for (const [n, at] of next.entries()) {
      for (let entry = work.output[at.index]; at.from + entry[0] <= now; entry = work.output[at.index]) {
        at.index++;
        if (at.index === work.output.length) {
          at.index = 0;
          at.from += ms;
        }
        try {
          writeSync(pipes[n].fd, entry[1]);
        } catch (error) {
          if (error.code !== "EAGAIN") throw error;
          skipped++;
        }
      }
    }
  };
  return {
    async run(forMs) {
      for (const end = performance.now() + forMs; performance.now() < end; await sleep(TICK_MS)) step();
    },
    get skipped() {
      return skipped;
    },
  };
}

async function measured(tool, recorded) {
  const home = mkdtempSync(join(tmpdir(), "lifeguard-bench-"));
  const { pid, client, end } = await startDaemon(home);
  await sleep(3_000);
  const empty = await cost(pid, () => sleep(seconds * 500));
  const pipes = await fed(client, home, "pipe", { tool, ...recorded });
  for (const { fd } of pipes) await writeAll(fd, recorded.before);
  // Started is what has shown a prompt or a dialog.
  const states = async () => (await client.call("session.list", {})).sessions.map(({ state }) => state);
  while (tool !== null && (await states()).includes("starting")) await sleep(100);
  const feeding = feeder(pipes, recorded);
  await feeding.run(recorded.ms + 1_000);
  const busy = await cost(pid, async () => await feeding.run(seconds * 1_000));
  const busyOnes = (await states()).filter((state) => state === "busy").length;
  // What stands still in the middle of its work is looked at once more after 15 s, and what has changed is checkpointed within 30 s.
  if (tool !== null) await sleep(60_000);
  const idle = tool === null ? 0 : await cost(pid, () => sleep(seconds * 1_000));
  for (const { fd } of pipes) closeSync(fd);
  stop = null;
  await end();
  return { busy, idle, empty, skipped: feeding.skipped, busyOnes };
}

async function inDaemon(tool) {
  const recorded = atWork(tool);
  const ruled = await measured(tool, recorded);
  const plain = await measured(null, recorded);
  const left = ruled.skipped > 0 ? `, ${ruled.skipped} reads left out` : "";
  say(`daemon, ${sessions} ${tool}s at work`, `${percent(ruled.busy)} (${ruled.busyOnes} said to be busy${left})`);
  say(`  the same output in sessions of no tool`, percent(plain.busy));
  say(
    `  silent again, for ${seconds} s`,
    `${(ruled.idle * 100).toFixed(2)} % of one core; a daemon with no session ${(ruled.empty * 100).toFixed(2)} %`,
  );
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Linux ${release()}, Node ${process.versions.node}`);
for (const tool of values.tools.split(",")) watching(tool);
for (const tool of values.tools.split(",")) await inDaemon(tool);
