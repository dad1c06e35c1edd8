/** Real keepers: custody through every kind of death. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeDescriptor, duplicate, readDescriptor, writeDescriptor } from "../../dist/libc/descriptors.js";
import { silentLog } from "../../dist/log.js";
import { Custody } from "../../dist/reaper/custody.js";
import type { KeptExit, KeptSession, SpawnOrder } from "../../dist/reaper/custody.js";
import { InflightFile } from "../../dist/spool/inflight.js";
import { Intake } from "../../dist/spool/intake.js";
import { checkLeaks } from "../support/leaks.js";
import { childrenOf, descriptorsOf, isAlive, zombiesOf } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

const SPOOL = { bytes: 1 << 20, busyBytes: 1 << 20 };
const EXIT_7 = ["/bin/sh", "-c", "exit 7"];
const STAY = ["/bin/sleep", "1000000"];

checkLeaks();

let root: string;
let runtime: string;
let state: string;
let open: Custody[];
let daemons: ChildProcess[];
let keepers: Set<number>;
let exits: Map<number, KeptExit>;
let lost: number[][];
let replaced: number[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lifeguard-keeper-"));
  runtime = join(root, "run");
  state = join(root, "state");
  for (const directory of [runtime, state]) mkdirSync(directory, { mode: 0o700 });
  open = [];
  daemons = [];
  keepers = new Set();
  exits = new Map();
  lost = [];
  replaced = [];
});

afterEach(async () => {
  noteKeepers();
  const pids = [...keepers].filter(isAlive);
  const agents = pids.flatMap(childrenOf);
  for (const custody of open) custody.close();
  for (const daemon of daemons) {
    daemon.kill("SIGKILL");
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, "exit");
  }
  for (const pid of [...agents, ...pids]) killQuietly(pid);
  await waitUntil("keepers to be gone", () => pids.every((pid) => !isAlive(pid)));
  rmSync(root, { recursive: true, force: true });
});

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function noteKeepers(): void {
  for (const name of readdirSync(runtime)) {
    const pid = /^keeper-(\d+)\.sock$/.exec(name)?.[1];
    if (pid !== undefined) keepers.add(Number(pid));
  }
}

function newCustody(version = "test", spawner: "auto" | "posix" | "node-pty" = "auto"): Custody {
  const custody = new Custody({
    runtime,
    state,
    version,
    spawner,
    log: silentLog,
    listener: {
      exited: (session, exit) => exits.set(session, exit),
      keeperLost: (sessions) => lost.push(sessions),
      keeperReplaced: (pid) => replaced.push(pid),
    },
  });
  open.push(custody);
  return custody;
}

async function opened(version?: string, spawner?: "auto" | "posix" | "node-pty"): Promise<{ custody: Custody; kept: KeptSession[] }> {
  const custody = newCustody(version, spawner);
  const kept = await custody.open();
  noteKeepers();
  return { custody, kept };
}

function keeperPid(custody: Custody): number {
  const pid = custody.keeperPids()[0];
  if (pid === undefined) throw new Error("no keeper");
  return pid;
}

function order(session: number, argv: string[]): SpawnOrder {
  const directory = join(state, "sessions", `sess_${session}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const env = ["PATH=/usr/bin:/bin", `LIFEGUARD_SESSION=sess_${session}`, `LIFEGUARD_SOCKET=${join(runtime, "lifeguard.sock")}`];
  return {
    session,
    slot: session,
    record: Buffer.from(`record ${session}`),
    directory,
    spool: SPOOL,
    file: argv[0] ?? "",
    argv,
    env,
    cwd: "/",
    size: { cols: 80, rows: 24 },
    nofileSoft: 1024,
    umask: 0o022,
  };
}

function intakeOf(inflight: InflightFile, session: number): Intake {
  return Intake.open(join(state, "sessions", `sess_${session}`), inflight.slot(session), SPOOL);
}

/** What a session's spool holds from its first byte on. */
function spooled(session: number): string {
  const inflight = InflightFile.open(join(runtime, "inflight"));
  const intake = intakeOf(inflight, session);
  try {
    const { offset, data } = intake.spool.read(0, SPOOL.bytes);
    expect(offset, `start of what session ${session}'s spool holds`).toBe(0);
    return Buffer.from(data).toString("latin1");
  } finally {
    intake.close();
    inflight.close();
  }
}

async function startDaemon(count: number, linesPerSecond: number): Promise<ChildProcess> {
  const daemon = spawn(
    process.execPath,
    [join(import.meta.dirname, "../support/custody-daemon.mjs"), runtime, state, String(count), String(linesPerSecond)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  daemons.push(daemon);
  let said = "";
  daemon.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await waitUntil("the daemon to read", () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error("the daemon ended");
    return said.includes(`reading ${count}`);
  });
  noteKeepers();
  return daemon;
}

describe.each(["posix", "node-pty"] as const)("births and deaths, %s", (spawner) => {
  test("exits arrive with their status; an acknowledged one leaves no zombie and no descriptor", async () => {
    const { custody } = await opened("test", spawner);
    const keeper = keeperPid(custody);
    const before = descriptorsOf(keeper).size;
    const spawned = await Promise.all(
      Array.from({ length: 50 }, (_unused, index) =>
        custody.spawn(order(index + 1, index % 2 === 0 ? EXIT_7 : ["/bin/sh", "-c", "kill -USR1 $$"])),
      ),
    );
    expect(new Set(spawned.map(({ pid }) => pid)).size).toBe(50);
    await waitUntil("50 exits", () => exits.size === 50);
    for (const [session, { code, signal }] of exits)
      expect({ code, signal }).toEqual(session % 2 === 1 ? { code: 7, signal: null } : { code: null, signal: 10 });
    if (spawner === "posix") expect(zombiesOf(keeper).length, "zombies kept until acknowledged").toBe(50);
    await Promise.all(spawned.map((_unused, index) => custody.acknowledge(index + 1)));
    expect(zombiesOf(keeper)).toEqual([]);
    expect(descriptorsOf(keeper).size).toBe(before);
    // Its number is free again.
    exits.clear();
    await custody.spawn(order(7, EXIT_7));
    await waitUntil("the exit of the second life", () => exits.get(7)?.code === 7);
    await custody.acknowledge(7);
  });

  test("a refused spawn says why, and leaves nothing behind", async () => {
    const { custody } = await opened("test", spawner);
    await expect(custody.spawn(order(1, ["/nowhere/at-all"]))).rejects.toMatchObject({ name: "SPAWN_FAILED", data: { errno: "ENOENT" } });
    await expect(custody.spawn({ ...order(1, STAY), record: Buffer.alloc(70_000) })).rejects.toMatchObject({ name: "LIMIT" });
    await custody.spawn(order(1, STAY));
    await expect(custody.spawn(order(1, STAY))).rejects.toMatchObject({ name: "ALREADY_EXISTS" });
    await expect(custody.acknowledge(1)).rejects.toMatchObject({ name: "BUSY" });
  });
});

test("orphans of agents are reaped at once, also behind kept zombies", async () => {
  const { custody } = await opened();
  const keeper = keeperPid(custody);
  await custody.spawn(order(1, EXIT_7));
  await waitUntil("the first exit", () => exits.has(1));
  // Session 1 stays unacknowledged: its zombie is the first that waitid names, for ever.
  await custody.spawn(order(2, ["/bin/sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 1000000"]));
  const seen = new Set<number>();
  await waitUntil("five orphans of session 2 to come and go", () => {
    for (const pid of childrenOf(keeper)) seen.add(pid);
    return seen.size >= 3 && zombiesOf(keeper).length === 1 && childrenOf(keeper).length === 2;
  });
  await custody.spawn(order(3, EXIT_7));
  await waitUntil("an exit behind the zombie", () => exits.has(3));
});

test("what ended while no daemon was there is reported with its status", async () => {
  const { custody } = await opened();
  for (let session = 1; session <= 3; session++) await custody.spawn(order(session, ["/bin/sh", "-c", "read line; exit $line"]));
  await custody.setRecord(2, Buffer.from("another record"));
  const pids = [1, 2, 3].map((session) => custody.pidOf(session) ?? 0);
  custody.close();
  for (const pid of pids.slice(0, 2)) process.kill(pid, "SIGKILL");
  const { custody: next, kept } = await opened();
  await waitUntil("both exits", () => kept.filter((session) => session.exit !== null).length + exits.size === 2);
  expect(kept.map(({ session, pid, record, slot }) => ({ session, pid, record: Buffer.from(record).toString(), slot }))).toEqual(
    [1, 2, 3].map((session) => ({
      session,
      pid: pids[session - 1],
      record: session === 2 ? "another record" : `record ${session}`,
      slot: session,
    })),
  );
  for (const session of [1, 2]) {
    const exit = kept[session - 1]?.exit ?? exits.get(session);
    expect(exit).toMatchObject({ code: null, signal: 9 });
    await next.acknowledge(session);
  }
  expect(zombiesOf(keeperPid(next))).toEqual([]);
  expect(next.pidOf(3)).toBe(pids[2]);
});

test("a daemon is killed again and again: the keeper reads in between, no byte is missing, a flood starves nobody", async () => {
  const count = 50;
  let daemon = await startDaemon(count, 1_000);
  const sizes = (): number[] => Array.from({ length: count }, (_unused, index) => spoolEnd(index + 1));
  for (let round = 0; round < 4; round++) {
    const before = sizes();
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
    await waitUntil("every session to get on without a daemon", () => sizes().every((size, index) => size > (before[index] ?? 0)));
    daemon = await startDaemon(count, 1_000);
  }
  daemon.kill("SIGKILL");
  await once(daemon, "exit");
  const { custody, kept } = await opened();
  expect(kept.filter(({ exit }) => exit === null).length).toBe(count);
  await custody.masters(
    kept.map(({ session }) => session),
    () => undefined,
  );
  let lines = 0;
  for (let session = 2; session <= count; session++) {
    const text = spooled(session).split("\r\n").slice(0, -1);
    text.forEach((line, index) => {
      if (line !== `line ${String(index).padStart(10, "0")}`) throw new Error(`session ${session}, line ${index}: ${JSON.stringify(line)}`);
    });
    lines += text.length;
  }
  expect(lines).toBeGreaterThan(count * 100);
  console.log(`${lines} numbered lines of ${count - 1} sessions through 5 SIGKILLs of their daemon: 0 holes`);
});

/** The slot's word, which is the authority while processes live. */
function spoolEnd(session: number): number {
  const inflight = InflightFile.open(join(runtime, "inflight"));
  try {
    return inflight.slot(session).end;
  } finally {
    inflight.close();
  }
}

test("a released session is read by the keeper, and the lease comes back without a hole", async () => {
  const { custody } = await opened();
  const { master } = await custody.spawn(order(1, ["/bin/sh", "-c", "read a; seq 1 500; read b; seq 501 1000; sleep 1000000"]));
  const inflight = InflightFile.open(join(runtime, "inflight"));
  const typeLine = (): void => expect(writeDescriptor(master, Buffer.from("\n"))).toBe(1);
  const intake = intakeOf(inflight, 1);
  await custody.release(1, intake.end);
  intake.close();
  typeLine();
  await waitUntil("the keeper to have spooled the first half", () => inflight.slot(1).end >= 1_900);
  await custody.masters([1], () => undefined);
  const again = intakeOf(inflight, 1);
  expect(again.end).toBeGreaterThan(1_900);
  typeLine();
  const own = duplicate(master);
  await waitUntil("us to have read the second half", () => {
    const n = readDescriptor(own, again.page);
    if (n > 0) again.commit(n);
    return Buffer.from(again.spool.read(0, SPOOL.bytes).data).includes("1000\r\n");
  });
  closeDescriptor(own);
  again.close();
  inflight.close();
  const numbers = spooled(1)
    .split("\r\n")
    .filter((line) => line !== "");
  expect(numbers).toEqual(Array.from({ length: 1_000 }, (_unused, index) => String(index + 1)));
});

test("the keeper is killed: no agent notices, a new keeper has them, their later statuses are lost and said to be", async () => {
  const { custody } = await opened();
  const first = keeperPid(custody);
  const count = 150;
  for (let session = 1; session <= count; session++) await custody.spawn(order(session, STAY));
  const pids = Array.from({ length: count }, (_unused, index) => custody.pidOf(index + 1) ?? 0);
  await custody.spawn(order(count + 1, EXIT_7));
  await waitUntil("an exit before", () => exits.has(count + 1));
  process.kill(first, "SIGKILL");
  // A spawn in the meantime waits for the new keeper.
  await waitUntil("the loss to be known", () => lost.length === 1);
  const { pid: late } = await custody.spawn(order(count + 2, EXIT_7));
  noteKeepers();
  await waitUntil("the new keeper", () => replaced.length === 1);
  expect(lost[0]?.length).toBe(count);
  expect(keeperPid(custody)).not.toBe(first);
  expect(custody.keeperWasLost).toBe(true);
  expect(pids.every(isAlive)).toBe(true);
  expect(late).toBeGreaterThan(0);
  await waitUntil("the exit of the late one", () => exits.get(count + 2)?.code === 7);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await waitUntil("all exits", () => exits.size === count + 2);
  for (let session = 1; session <= count; session++) {
    expect(exits.get(session)).toMatchObject({ code: null, signal: null });
    await custody.acknowledge(session);
  }
  await custody.acknowledge(count + 1);
  await custody.acknowledge(count + 2);
  expect(custody.status()).toMatchObject([{ sessions: 0, draining: false }]);
  // The dead keeper's sockets go at the next start.
  custody.close();
  await opened();
  expect(readdirSync(runtime)).not.toContain(`keeper-${first}.sock`);
});

test("a keeper of an older version drains beside the new one", async () => {
  const { custody: older } = await opened("1.0");
  await older.spawn(order(1, STAY));
  older.close();
  const { custody, kept } = await opened("2.0");
  expect(kept.map(({ session }) => session)).toEqual([1]);
  await custody.spawn(order(2, STAY));
  expect(custody.status().sort((a, b) => a.version.localeCompare(b.version))).toMatchObject([
    { version: "1.0", sessions: 1, draining: true },
    { version: "2.0", sessions: 1, draining: false },
  ]);
  process.kill(kept[0]?.pid ?? 0, "SIGKILL");
  await waitUntil("the old session's exit", () => exits.has(1));
  expect(exits.get(1)).toMatchObject({ signal: 9 });
  await custody.acknowledge(1);
  expect(custody.status()).toMatchObject([{ version: "2.0", sessions: 1 }]);
});

test("1 000 sessions change hands", async () => {
  const count = 1_000;
  const { custody } = await opened();
  const started = performance.now();
  await Promise.all(Array.from({ length: count }, (_unused, index) => custody.spawn(order(index + 1, STAY))));
  const spawnedMs = performance.now() - started;
  custody.close();
  const again = performance.now();
  const { custody: next, kept } = await opened();
  const listedMs = performance.now() - again;
  const masters = new Map<number, number>();
  await next.masters(
    kept.map(({ session }) => session),
    (session, master) => masters.set(session, master),
  );
  const adoptedMs = performance.now() - again;
  console.log(
    `${count} sessions: spawned in ${spawnedMs.toFixed(0)} ms, found in ${listedMs.toFixed(0)} ms, all masters here after ${adoptedMs.toFixed(0)} ms`,
  );
  expect(masters.size).toBe(count);
  expect(new Set(masters.values()).size).toBe(count);
});

test("records of the full size go through listing and through a keeper's death", async () => {
  const { custody } = await opened();
  const record = (session: number): Buffer => Buffer.alloc(65_536, session);
  for (let session = 1; session <= 40; session++) await custody.spawn({ ...order(session, STAY), record: record(session) });
  process.kill(keeperPid(custody), "SIGKILL");
  await waitUntil("the new keeper", () => replaced.length === 1);
  noteKeepers();
  const pids = Array.from({ length: 40 }, (_unused, index) => custody.pidOf(index + 1));
  custody.close();
  const { kept } = await opened();
  expect(kept.map(({ pid }) => pid)).toEqual(pids);
  for (const { session, record: held } of kept) expect(Buffer.from(held).equals(record(session)), `record ${session}`).toBe(true);
  for (const pid of pids) process.kill(pid ?? 0, "SIGKILL");
});

test("SIGTERM does not end a keeper that holds sessions, only an idle one", async () => {
  const { custody } = await opened();
  const keeper = keeperPid(custody);
  await custody.spawn(order(1, STAY));
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.kill(keeper, signal);
  await custody.setRecord(1, Buffer.from("still there"));
  process.kill(custody.pidOf(1) ?? 0, "SIGKILL");
  await waitUntil("the exit", () => exits.has(1));
  await custody.acknowledge(1);
  custody.close();
  process.kill(keeper, "SIGTERM");
  await waitUntil("the idle keeper to end", () => !isAlive(keeper));
  expect(readdirSync(runtime).filter((name) => name.startsWith("keeper-"))).toEqual([]);
});

test.runIf(process.env["LIFEGUARD_FULL"] === "1")("without sessions and without a daemon a keeper ends by itself", async () => {
  const { custody } = await opened();
  const keeper = keeperPid(custody);
  custody.close();
  await waitUntil("the keeper to end", () => !isAlive(keeper), 30_000);
  expect(readdirSync(runtime).filter((name) => name.startsWith("keeper-"))).toEqual([]);
});

test("node-pty: more descriptors held than the sessions' own limit", async () => {
  const { custody } = await opened("test", "node-pty");
  const count = 60;
  for (let session = 1; session <= count; session++) await custody.spawn({ ...order(session, STAY), nofileSoft: 64 });
  expect(descriptorsOf(keeperPid(custody)).size).toBeGreaterThan(2 * count);
  await custody.spawn({ ...order(count + 1, ["/bin/sh", "-c", "exit $(ulimit -n)"]), nofileSoft: 64 });
  await waitUntil("the exit", () => exits.get(count + 1)?.code === 64);
});

test("bytes that are not the protocol end that connection and nothing else", async () => {
  const { custody } = await opened();
  await custody.spawn(order(1, STAY));
  const path = join(runtime, `keeper-${keeperPid(custody)}.sock`);
  const frame = (body: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, body.length >> 8, body.length & 0xff]), body]);
  for (const hostile of [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.alloc(64, 0xff),
    frame(Buffer.from([0xc1])),
    frame(Buffer.from([0x01])),
    frame(Buffer.from([0xde, 0xff, 0xff])),
  ]) {
    const socket = connect(path);
    socket.on("error", () => undefined);
    socket.write(hostile);
    await once(socket, "close");
  }
  await custody.setRecord(1, Buffer.from("still there"));
  expect(custody.keeperPids().every(isAlive)).toBe(true);
});
