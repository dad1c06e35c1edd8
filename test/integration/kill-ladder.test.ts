/** The kill ladder against awkward families, born by a real keeper. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readDescriptor } from "../../dist/libc/descriptors.js";
import { foregroundGroup } from "../../dist/libc/terminals.js";
import { silentLog } from "../../dist/log.js";
import { Custody } from "../../dist/reaper/custody.js";
import type { KeptExit } from "../../dist/reaper/custody.js";
import { killTree, signalForeground } from "../../dist/reaper/kill-ladder.js";
import type { KillOrder } from "../../dist/reaper/kill-ladder.js";
import { checkLeaks } from "../support/leaks.js";
import { describeProcess, isAlive, killEach, processesNaming } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

const SCRIPT = join(import.meta.dirname, "../support/agent-tree.sh");

checkLeaks();

let root: string;
let socket: string;
let custody: Custody;
let exits: Map<number, KeptExit>;
let keepers: number[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "lifeguard-ladder-"));
  socket = join(root, "lifeguard.sock");
  exits = new Map();
  custody = new Custody({
    runtime: root,
    state: root,
    version: "test",
    spawner: "auto",
    log: silentLog,
    listener: {
      exited: (session, exit) => exits.set(session, exit),
      bornTooLate: () => undefined,
      keeperLost: () => undefined,
      keeperReplaced: (pid) => keepers.push(pid),
    },
  });
  await custody.open();
  keepers = custody.keeperPids();
});

afterEach(async () => {
  custody.close();
  killEach([...processesNaming(root).map(({ pid }) => pid), ...keepers]);
  await waitUntil("everything to be gone", () => processesNaming(root).length === 0 && !keepers.some(isAlive));
  rmSync(root, { recursive: true });
});

async function start(session: number, ...args: string[]): Promise<{ pid: number; master: number }> {
  const directory = join(root, `sess_${session}`);
  mkdirSync(directory, { mode: 0o700 });
  const env = ["PATH=/usr/bin:/bin", `LIFEGUARD_SESSION=sess_${session}`, `LIFEGUARD_SOCKET=${socket}`];
  const argv = ["/bin/sh", SCRIPT, ...args];
  const spool = { bytes: 65_536, busyBytes: 65_536 };
  const born = await custody.spawn({
    session,
    slot: session,
    record: Buffer.alloc(0),
    directory,
    spool,
    file: "/bin/sh",
    argv,
    env,
    cwd: "/",
    size: { cols: 80, rows: 24 },
    nofileSoft: 1024,
    umask: 0o022,
  });
  const page = Buffer.alloc(8_192);
  let said = "";
  await waitUntil("the family to be ready", () => {
    const n = readDescriptor(born.master, page);
    if (n > 0) said += page.toString("latin1", 0, n);
    return said.includes("ready");
  });
  return born;
}

function order(session: number, leader: number, change: Partial<KillOrder> = {}): KillOrder {
  return {
    leader,
    sessionId: `sess_${session}`,
    socket,
    keeperPids: custody.keeperPids(),
    keeperWasLost: custody.keeperWasLost,
    graceMs: 200,
    deadlineMs: 15_000,
    ...change,
  };
}

/** Living processes that carry the session's mark. Other test files have a session 1 too. */
function family(session: number): number[] {
  return processesNaming(`LIFEGUARD_SESSION=sess_${session}\0`, socket).map(({ pid }) => pid);
}

/** Once the leader has gone. */
async function daemonsLeftBehind(session: number): Promise<void> {
  await waitUntil("the leader's exit", () => exits.get(session)?.code === 3);
  await waitUntil("all its daemons", () => family(session).length === 6);
}

describe("the whole tree ends", () => {
  test.each([
    ["a program that ignores hang-up and TERM", "deaf", 2, 9],
    ["grandchildren that went into sessions of their own", "daemons", 7, 1],
    ["200 children", "crowd", 201, 1],
    ["a program that forks on and on", "bomb", 3, 9],
  ] as const)("%s", async (_what, kind, least, signal) => {
    const { pid } = await start(1, kind);
    const { pid: bystander } = await start(2, "deaf");
    await waitUntil("all of it to be there", () => family(1).length >= least);
    const cpu = process.cpuUsage();
    const started = performance.now();
    const outcome = await killTree(order(1, pid));
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    console.log(`${kind}: ${outcome.processes} processes in ${ms.toFixed(0)} ms, ${((user + system) / 1_000).toFixed(0)} ms of our CPU`);
    expect(outcome.left).toEqual([]);
    expect(outcome.processes).toBeGreaterThanOrEqual(least);
    expect(family(1)).toEqual([]);
    await waitUntil("the exit", () => exits.has(1));
    expect(exits.get(1)?.signal).toBe(signal);
    expect(isAlive(bystander), "another session's process").toBe(true);
  });

  test("a stopped program is woken and may say goodbye", async () => {
    const farewell = join(root, "farewell");
    const { pid } = await start(1, "stopped", farewell);
    await waitUntil("it to be stopped", () => describeProcess(pid)?.state === "T");
    expect(await killTree(order(1, pid, { graceMs: 5_000 }))).toMatchObject({ left: [] });
    expect(existsSync(farewell)).toBe(true);
    await waitUntil("the exit", () => exits.get(1)?.code === 0);
  });

  test("daemons that a leader left behind are found by their mark, with its exit known or acknowledged", async () => {
    const { pid } = await start(1, "leaver");
    await daemonsLeftBehind(1);
    await custody.acknowledge(1);
    expect(await killTree(order(1, pid))).toEqual({ processes: 6, left: [] });
    expect(family(1)).toEqual([]);
  });

  test("they are found also when their keeper is lost and they are anybody's children", async () => {
    const { pid } = await start(1, "leaver");
    await daemonsLeftBehind(1);
    const lost = keepers.length;
    process.kill(keepers[0] ?? 0, "SIGKILL");
    await waitUntil("the new keeper", () => keepers.length > lost && custody.keeperWasLost);
    expect(await killTree(order(1, pid))).toEqual({ processes: 6, left: [] });
    expect(family(1)).toEqual([]);
  });

  test("40 families at once", async () => {
    const pids: number[] = [];
    for (let session = 1; session <= 40; session++) pids.push((await start(session, session % 2 === 0 ? "deaf" : "daemons")).pid);
    const started = performance.now();
    const outcomes = await Promise.all(pids.map((pid, index) => killTree(order(index + 1, pid))));
    console.log(
      `40 families at once: ${outcomes.reduce((sum, { processes }) => sum + processes, 0)} processes in ${(performance.now() - started).toFixed(0)} ms`,
    );
    expect(outcomes.every(({ left }) => left.length === 0)).toBe(true);
    await waitUntil("all exits", () => exits.size === 40);
  });
});

test("one signal to the foreground group, and no escalation", async () => {
  const { pid, master } = await start(1, "deaf");
  expect(signalForeground(foregroundGroup(master), 15)).toBe(true);
  expect(isAlive(pid)).toBe(true);
  expect(signalForeground(foregroundGroup(master), 9)).toBe(true);
  await waitUntil("the exit", () => exits.get(1)?.signal === 9);
  expect(signalForeground(0, 9)).toBe(false);
});
