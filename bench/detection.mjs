/**
 * What it costs to know what sessions are doing: many agents at work, many at rest. Prints machine, load and figures; asserts nothing.
 * `npm run build` first.
 *
 *   node bench/detection.mjs [--sessions 200] [--seconds 20] [--tools claude,codex,opencode]
 *
 * First the watching alone, in this process: recordings of real agents (test/recordings), the long silent tool with its spinner, from
 * the moment it works. Then a real daemon, whose sessions are fed the same bytes at the same pace: with the tool's profile, and with none.
 */
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseRecording } from "../dist/actors/recording.js";
import { rehearse } from "../dist/actors/rehearsal.js";
import { loadProfiles, SHIPPED_PROFILES } from "../dist/profiles/load.js";
import { cpuMs, describeMachine } from "./machine.mjs";
import { Lifeguard } from "./subjects/lifeguard.mjs";
import { inScratch } from "./subjects/running.mjs";

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

async function measured(scratch, tool, recorded) {
  const daemon = await Lifeguard.start(scratch);
  const { pid, client, home } = daemon;
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
  await daemon.end();
  return { busy, idle, empty, skipped: feeding.skipped, busyOnes };
}

async function inDaemon(scratch, tool) {
  const recorded = atWork(tool);
  const ruled = await measured(scratch, tool, recorded);
  const plain = await measured(scratch, null, recorded);
  const left = ruled.skipped > 0 ? `, ${ruled.skipped} reads left out` : "";
  say(`daemon, ${sessions} ${tool}s at work`, `${percent(ruled.busy)} (${ruled.busyOnes} said to be busy${left})`);
  say(`  the same output in sessions of no tool`, percent(plain.busy));
  say(
    `  silent again, for ${seconds} s`,
    `${(ruled.idle * 100).toFixed(2)} % of one core; a daemon with no session ${(ruled.empty * 100).toFixed(2)} %`,
  );
}

const machine = describeMachine();
console.log(`${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}`);
for (const tool of values.tools.split(",")) watching(tool);
await inScratch(tmpdir(), async (scratch) => {
  for (const tool of values.tools.split(",")) await inDaemon(scratch, tool);
});
