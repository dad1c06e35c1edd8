/** The keeper at length: many sessions, large records, the wish to end, bytes that are not the protocol. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FULL } from "../support/figures.js";
import { checkLeaks } from "../support/leaks.js";
import { descriptorsOf, isAlive } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";
import { STAY, runtime, exits, replaced, noteKeepers, opened, keeperPid, order, useKeeperRig } from "../support/keeper-rig.js";

checkLeaks();
useKeeperRig();

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

test.runIf(FULL)("without sessions and without a daemon a keeper ends by itself", async () => {
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
