/** Keeper and custody against real processes: births, deaths, and who reads when. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { closeDescriptor, duplicate, readDescriptor, writeDescriptor } from "../../dist/libc/descriptors.js";
import { InflightFile } from "../../dist/spool/inflight.js";
import { checkLeaks } from "../support/leaks.js";
import { childrenOf, descriptorsOf, isAlive, zombiesOf } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";
import {
  SPOOL,
  EXIT_7,
  STAY,
  runtime,
  exits,
  lost,
  replaced,
  noteKeepers,
  opened,
  keeperPid,
  order,
  intakeOf,
  spooled,
  startDaemon,
  useKeeperRig,
} from "../support/keeper-rig.js";

checkLeaks();
useKeeperRig();

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
