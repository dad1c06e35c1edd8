/**
 * The disk hangs while 500 sessions go on changing. Users of other systems saw memory grow with every snapshot until the process
 * was killed, then old content written over new. Here what waits is one picture per session, and only the newest is written.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { FileStore } from "../../src/persistence/file-store.js";
import { figure } from "../support/figures.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import type { Fault } from "../support/simulated-disk.js";
import { checkpoint, Heard, record, TestClock } from "../support/stored.js";
import { waitUntil } from "../support/wait.js";

const SESSIONS = 500;
const MIB = 1024 * 1024;
const QUEUE_BYTES = 8 * MIB;
const open = (files: SimulatedDisk, heard = new Heard()): Promise<FileStore> =>
  FileStore.open({
    directory: "/state/store",
    clock: new TestClock(),
    listener: heard,
    files,
    bounds: { stalledMs: 20, queueBytes: QUEUE_BYTES },
  });

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
async function heap(): Promise<number> {
  // Promises settle first: what only they hold is garbage afterwards.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  return process.memoryUsage().heapUsed;
}
const ids = Array.from({ length: SESSIONS }, (_, index) => `sess_${index + 1}`);

async function settled(promises: Promise<unknown>[]): Promise<string[]> {
  const results = await Promise.allSettled(promises);
  return results.flatMap((result) => (result.status === "rejected" ? [String((result.reason as Error).name)] : []));
}

it("10 000 snapshots of 500 sessions: memory flat, two writes per session at most, the newest content", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const heard = new Heard();
  const store = await open(disk, heard);
  await settled(ids.map((id) => store.registry.put(record(id))));

  disk.plan = (_call, operation): Fault | undefined => (operation === "fsync" ? "hang" : undefined);
  disk.log.length = 0;
  disk.recording = true;
  const env = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`VARIABLE_${index}`, "x".repeat(100)]));
  const puts: Promise<void>[] = [];
  const round = (number: number): void => {
    for (const id of ids) puts.push(store.registry.put(record(id, { offset: number, env: { ...env } })));
  };
  round(1);
  await waitUntil("two writes to hang", () => disk.hanging === 2);
  await waitUntil("the disk to be called stalled", () => heard.words.length === 1);
  puts.length = 0;
  const before = await heap();
  for (let number = 2; number <= 20; number++) {
    round(number);
    // Promises of callers that nobody waits for are the callers' own: they are let go.
    puts.length = 0;
  }
  const after = await heap();
  figure("heap before and after 9 500 more snapshots", `${Math.round(before / 1024)}, ${Math.round(after / 1024)}`, "KiB");
  expect(after - before).toBeLessThan(MIB);
  const stats = store.status().queue;
  expect(disk.hanging).toBe(2);
  expect(stats.items).toBeLessThanOrEqual(SESSIONS + 2);
  expect(stats.coalesced).toBe(10_000 - stats.items);
  expect(stats.refused).toBe(0);
  expect(store.status().ok).toBe(false);
  expect(heard.words[0]).toMatch(/^degraded: a write has been under way for/);
  expect((await store.drain(30)).not_saved).toContain("sess_500 record");

  disk.release();
  expect((await store.drain(60_000)).not_saved).toEqual([]);
  expect(heard.words.at(-1)).toBe("ok");
  const writes = new Map<string, number>();
  for (const line of disk.log) {
    const id = /^rename .*\/(sess_\d+)\/record/.exec(line)?.[1];
    if (id !== undefined) writes.set(id, (writes.get(id) ?? 0) + 1);
  }
  expect(writes.size).toBe(SESSIONS);
  expect(Math.max(...writes.values())).toBeLessThanOrEqual(2);
  const next = await open(disk.afterPowerCut());
  for (const id of ids) expect((await next.registry.get(id)).offset).toBe(20);
});

it("checkpoints with contents have a bound in bytes; beyond it they are refused by name and stay dirty", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const store = await open(disk);
  await settled(ids.map((id) => store.registry.put(record(id))));
  disk.plan = (_call, operation): Fault | undefined => (operation === "fsync" ? "hang" : undefined);
  const terminal = (): Buffer => Buffer.alloc(MIB / 4, 1);
  const refusals = settled(
    ids.flatMap((id) => [1, 2].map((offset) => store.checkpoints.save(checkpoint(id, { kind: "periodic", offset, terminal: terminal() })))),
  );
  await waitUntil("the queue to refuse", () => store.status().queue.refused > 0);
  expect(store.status().queue.bytes).toBeLessThanOrEqual(QUEUE_BYTES);
  disk.release();
  const names = await refusals;
  expect(new Set(names)).toEqual(new Set(["BUSY"]));
  expect((await store.drain(60_000)).not_saved).toEqual([]);
  expect(store.status().queue).toMatchObject({ items: 0, bytes: 0, waiting: 0, oldest_ms: 0 });
});

it("journal entries are all there or refused by name, and readers of others do not wait", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const store = await open(disk);
  await settled(ids.map((id) => store.registry.put(record(id))));
  await store.journals.append("sess_1", { kind: "note", data: "before" });
  disk.plan = (_call, operation): Fault | undefined => (operation === "fsync" ? "hang" : undefined);
  const appended = Array.from({ length: 400 }, (_, index) =>
    store.journals.append(ids[index % 3] ?? "", { kind: "note", data: index }).then(
      () => ({ index, refused: null }),
      (error: Error & { data: { what: string } }) => ({ index, refused: `${error.name} ${error.data.what}` }),
    ),
  );
  await waitUntil("writes to hang and others to be refused", () => disk.hanging === 2 && store.status().queue.refused === 400 - 256);
  expect((await store.journals.read("sess_1")).entries).toHaveLength(1);
  expect(store.registry.list()).toHaveLength(SESSIONS);
  disk.release();
  const results = await Promise.all(appended);
  const refused = results.filter((each) => each.refused !== null);
  expect(refused).toHaveLength(144);
  for (const each of refused) expect(each.refused).toMatch(/^BUSY sess_[123] journal entry$/);
  const next = await open(disk.afterPowerCut());
  const found: unknown[] = [];
  for (const id of ids.slice(0, 3)) found.push(...(await next.journals.read(id)).entries.map(({ data }) => data));
  expect(found.filter((data) => data !== "before").toSorted((a, b) => Number(a) - Number(b))).toEqual(
    results.flatMap(({ index, refused: word }) => (word === null ? [index] : [])),
  );
});

it("thoughts while the disk hangs: each is taken and shown, said to be degraded when the queue is full, and the newest is written", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const store = await open(disk);
  await settled(ids.map((id) => store.registry.put(record(id))));
  disk.plan = (_call, operation): Fault | undefined => (operation === "fsync" ? "hang" : undefined);
  const waits: Promise<void>[] = [];
  const publish = (id: string, seq: number): boolean => {
    const said = store.thoughts.publish(id, { text: `t ${seq}`, stream_instance_id: "s", emission_seq: seq });
    if (!said.accepted) throw new Error(said.reason);
    if (!waits.includes(said.durable)) waits.push(said.durable);
    return said.degraded;
  };
  const degraded = ids.map((id) => publish(id, 1));
  expect([degraded[0], degraded.at(-1)]).toEqual([false, true]);
  for (let seq = 2; seq <= 20; seq++) for (const id of ids) expect(publish(id, seq)).toBe(true);
  expect(store.thoughts.get("sess_500")).toMatchObject({ text: "t 20", watermark: { emission_seq: 20 } });
  // One write of each session waits, and the two that hang: however often it is said.
  expect(waits.length).toBeLessThanOrEqual(SESSIONS + 2);
  expect(store.status().queue).toMatchObject({ refused: 0 });
  disk.release();
  await Promise.all(waits);
  const next = await open(disk.afterPowerCut());
  for (const id of ids)
    expect(next.thoughts.get(id)).toMatchObject({ text: "t 20", watermark: { stream_instance_id: "s", emission_seq: 20 } });
});
