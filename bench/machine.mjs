/** The machine and the processes on it. Times in milliseconds, memory in KiB. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { median, sum, timed } from "./statistics.mjs";

export function describeMachine() {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    tmux: tmuxVersion(),
    date: new Date().toISOString().slice(0, 10),
    load: loadavg()[0],
  };
}

/**
 * How fast the machine is now, which on a virtual one changes by the hour: milliseconds that a bare Node takes to start and end. What is
 * measured in seconds a second is worth comparing with what was measured while this was about the same.
 */
export async function bareNodeMs() {
  const times = [];
  for (let n = 0; n < 9; n++) times.push((await timed(() => spawnSync(process.execPath, ["-e", "0"]))).ms);
  return median(times);
}

/** "" where there is none. */
export function tmuxVersion() {
  try {
    return execFileSync("tmux", ["-V"], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

/** User and system time that a process has used. A tick is 10 ms on every Linux that Node runs on. */
export function cpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Proportional set size: shared pages divided among those who share them. */
export function pssKib(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1]);
}

/**
 * What a burst leaves goes when the checkpoints after it are written, over 30 s, and a look, each 10 s, has found its thread quiet:
 * docs/performance.md.
 */
const SETTLED_MS = 60_000;

/** {@link pssKib} of each process, once memory has gone back to the system: no less in total for a minute, or after three. */
export async function settledKib(pids) {
  const until = performance.now() + 180_000;
  let least = Number.POSITIVE_INFINITY;
  for (let since = performance.now(); performance.now() < until && performance.now() - since < SETTLED_MS; await sleep(1_000)) {
    const now = total(pids, pssKib);
    if (now < least * 0.99) {
      least = now;
      since = performance.now();
    }
  }
  return pids.map(pssKib);
}

export function descriptorsAndThreads(pid) {
  return { fds: readdirSync(`/proc/${pid}/fd`).length, threads: readdirSync(`/proc/${pid}/task`).length };
}

/** Kernel memory that is nobody's: slabs and kernel stacks of the whole machine. */
export function kernelKib() {
  const info = readFileSync("/proc/meminfo", "latin1");
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(info)?.[1] ?? 0);
  return of("Slab") + of("KernelStack") + of("PageTables");
}

export const total = (pids, of) => sum(pids.map(of));
