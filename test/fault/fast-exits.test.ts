/**
 * Programs that write and die. Users saw the last lines missing: terminals are torn down a moment after the exit, and what lay in
 * the kernel's buffer went with them. Here the exit is the wait status alone, the keeper holds the slave side, and the actor reads
 * until the kernel says there is nothing left before anybody hears of the exit.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { figure, FULL, quantile, sample } from "../support/figures.js";
import { anonymousOf, descriptorsOf, threadsOf, zombiesOf } from "../support/processes.js";
import { wholeOutput } from "../support/session-output.js";
import { waitUntil } from "../support/wait.js";

const daemon = await startDaemon({ config: "[daemon]\nmax_sessions = 4000\n[session]\nspool_bytes = 2097152\n" });
const client = await daemon.client();

/** Runs `count` of them, `width` at a time. */
async function inParallel(count: number, width: number, run: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await run(next++);
    }),
  );
}

test("every byte and every status of a fast exit arrives", async () => {
  const numbered = Array.from({ length: 2000 }, (_, n) => `${n + 1}\r\n`).join("");
  const kinds = [
    { args: ["-c", "seq 1 2000; exit 7"], code: 7, right: (output: Buffer) => output.toString() === numbered },
    {
      args: ["-c", "stty -opost; head -c 1048576 /dev/zero | tr '\\0' x; exit 3"],
      code: 3,
      right: (output: Buffer) => output.length === 1_048_576 && output.every((byte) => byte === 0x78),
    },
    { args: ["-c", "printf x; exit 0"], code: 0, right: (output: Buffer) => output.toString() === "x" },
    {
      args: ["-c", "exec 2>/dev/null </dev/tty >/dev/tty; echo reopened; exit 5"],
      code: 5,
      right: (output: Buffer) => output.toString() === "reopened\r\n",
    },
    {
      args: ["-c", "(sleep 2; echo late) & echo early; exit 6"],
      code: 6,
      right: (output: Buffer) => output.toString().startsWith("early\r\n"),
    },
  ];
  const exits = sample("fast exits", 1_000, 100);
  let short = 0;
  let wrong = 0;
  await inParallel(exits, 16, async (n) => {
    const kind = kinds[n % kinds.length] ?? kinds[0];
    if (kind === undefined) return;
    const session = await client.call("session.create", { command: "/bin/sh", args: kind.args });
    await client.call("session.wait", { id: session.id, until: ["exited"], timeout_ms: 60_000 });
    const { exit } = await client.call("session.get", { id: session.id });
    if (exit?.code !== kind.code || exit.reason !== "process_exit") wrong += 1;
    if (!kind.right(await wholeOutput(client, session.id))) short += 1;
    await client.call("session.remove", { id: session.id });
  });
  figure("outputs short", short);
  figure("statuses wrong", wrong);
  expect({ short, wrong }).toEqual({ short: 0, wrong: 0 });
});

/**
 * With the full count the least of a minute: what a burst has left in V8's young generations (32 MB each) is given back within 50 s of
 * its end (src/heap.ts). With the sample the figure of now, which nothing is concluded from.
 */
async function leastOf(memory: () => number): Promise<number> {
  let least = memory();
  for (let second = 0; FULL && second < 60; second++) {
    await pause(1_000);
    least = Math.min(least, memory());
  }
  return least;
}

test("spawn and exit, over and over, leave nothing behind", async () => {
  const cycles = sample("spawn and exit cycles", 10_000, 400);
  const [keeper] = daemon.keeperPids();
  const holdings = () => ({
    daemonFds: descriptorsOf(daemon.pid).size,
    daemonThreads: threadsOf(daemon.pid),
    keeperFds: descriptorsOf(keeper ?? 0).size,
    keeperThreads: threadsOf(keeper ?? 0),
    zombies: zombiesOf(keeper ?? 0).length,
  });
  const cycle = async (): Promise<void> => {
    const session = await client.call("session.create", { command: "/bin/true" });
    await client.call("session.wait", { id: session.id, until: ["exited"], timeout_ms: 60_000 });
    await client.call("session.remove", { id: session.id });
  };
  // A warm-up, so that what is made once (pools, buffers, compiled code) is there before the counting: after 1 000 cycles at rest
  // they hold 97 MB, after 5 000 117, after 10 000 107, after 15 000 105.
  await inParallel(FULL ? 5_000 : 100, 8, cycle);
  const settled = async () =>
    waitUntil("the last exits to be collected", async () => {
      // Acknowledged by the reaper's tick, all of them: then their descriptors are closed on both sides.
      if ((await client.call("daemon.status", {})).ptys > 0) return null;
      const held = holdings();
      return held.zombies === 0 ? held : null;
    });
  const before = await settled();
  const memory = () => anonymousOf(daemon.pid) + anonymousOf(keeper ?? 0);
  const memoryBefore = await leastOf(memory);
  const times: number[] = [];
  await inParallel(cycles, 8, async () => {
    const began = performance.now();
    await cycle();
    times.push(performance.now() - began);
  });
  const after = await settled();
  const grown = (await leastOf(memory)) - memoryBefore;
  figure("one cycle at eight at a time, median", quantile(times, 0.5), "ms");
  figure("memory grown, daemon and keeper", grown / 1024, "KB");
  figure("per cycle", grown / cycles, "bytes");
  expect(after).toEqual(before);
  // What one leaked session would cost: its entry and summary alone are more than 2 KB. Over few cycles the heap's own growth
  // drowns that.
  if (FULL) expect(grown / cycles).toBeLessThan(2_000);
});
