/**
 * A listing of journals used to open each: it read the last segment of all there were, at every call after they had left memory. Now
 * it opens none that was closed properly, and says the same.
 */
import { expect, it } from "vitest";
import { FileStore } from "../../../src/persistence/file-store.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { Heard, TestClock } from "../../support/stored.js";

const JOURNALS = 2_000;

async function open(disk: SimulatedDisk, clock: TestClock): Promise<FileStore> {
  return await FileStore.open({ directory: "/state/store", clock, listener: new Heard(), files: disk });
}

async function filled(disk: SimulatedDisk, clock: TestClock, count: number): Promise<FileStore> {
  disk.makeDirectories("/state");
  const store = await open(disk, clock);
  for (let n = 1; n <= count; n++) {
    const { id } = await store.journals.create({ agent: `agent ${n % 7}`, created_by: "test", title: `journal ${n}` });
    if (n % 3 === 0) continue;
    clock.time += 1;
    await store.journals.append(id, { kind: "message", data: n, branch: `b${n % 5}` });
    await store.journals.append(id, { kind: "note", data: n });
    if (n % 10 === 0) await store.journals.compact(id, { archive: "a" });
    if (n % 11 === 0) await store.journals.update(id, { summary: `of ${n}` });
  }
  return store;
}

async function opensOf(disk: SimulatedDisk, work: () => Promise<unknown>): Promise<string[]> {
  disk.log.length = 0;
  disk.recording = true;
  await work();
  disk.recording = false;
  return disk.log.filter((line) => line.startsWith("open-") && !line.includes("journals.index"));
}

it("of 2 000 journals opens none: not of those that left memory, nor after a start", async () => {
  const disk = new SimulatedDisk();
  const clock = new TestClock();
  let store = await filled(disk, clock, JOURNALS);
  const before = await store.journals.list();
  expect(before).toHaveLength(JOURNALS);
  clock.elapsed += 1_000;
  store.evictIdle(1_000);
  expect(store.status().in_memory.journals).toBe(0);
  expect(await opensOf(disk, async () => expect(await store.journals.list()).toEqual(before))).toEqual([]);

  await store.close();
  store = await open(disk, clock);
  expect(await opensOf(disk, async () => expect(await store.journals.list()).toEqual(before))).toEqual([]);
  expect(store.status().in_memory.journals).toBe(0);
  expect(store.recovery.foreign).toEqual([]);

  // One that was read and left again is not opened either, one that has grown says so.
  const [newest] = before;
  await store.journals.append(newest?.id ?? "", { kind: "message", data: "more" });
  clock.elapsed += 1_000;
  store.evictIdle(1_000);
  const grown = await store.journals.list();
  expect(grown[0]).toMatchObject({ id: newest?.id, message_count: (newest?.message_count ?? 0) + 1 });
  await store.close();
  store = await open(disk, clock);
  expect(await opensOf(disk, async () => expect(await store.journals.list()).toEqual(grown))).toEqual([]);
});

it("after a death opens what it must, once; the next death costs nothing", async () => {
  const disk = new SimulatedDisk();
  const clock = new TestClock();
  const first = await filled(disk, clock, 30);
  const before = await first.journals.list();

  let crashed = disk.afterCrash();
  let store = await open(crashed, clock);
  expect(await opensOf(crashed, async () => expect(await store.journals.list()).toEqual(before))).not.toEqual([]);
  // What is appended after the index was written makes it false of that journal alone.
  const grown = before.find(({ last_seq }) => last_seq > 0)?.id ?? "";
  await store.journals.append(grown, { kind: "note", data: "late" });
  const now = await store.journals.list();

  crashed = crashed.afterCrash();
  store = await open(crashed, clock);
  const opened = await opensOf(crashed, async () => expect(await store.journals.list()).toEqual(now));
  expect(opened.length).toBeGreaterThan(0);
  for (const line of opened) expect(line).toContain(`/${grown}/`);
});

it("a long summary is read from its journal's head, and is whole", async () => {
  const disk = new SimulatedDisk();
  const clock = new TestClock();
  let store = await filled(disk, clock, 1);
  const summary = "long ".repeat(10_000);
  await store.journals.update("jrnl_1", { summary });
  await store.close();
  store = await open(disk, clock);
  expect(await opensOf(disk, async () => expect((await store.journals.list())[0]?.summary).toBe(summary))).toHaveLength(1);
});

it("a damaged index is nobody's truth, and a damaged journal is still found by a listing", async () => {
  const disk = new SimulatedDisk();
  const clock = new TestClock();
  let store = await filled(disk, clock, 5);
  const before = await store.journals.list();
  await store.close();
  disk.tamper("/state/store/journals.index", (bytes) => bytes.fill(0x20, 40, 80));
  store = await open(disk, clock);
  expect(await store.journals.list()).toEqual(before);
  await store.close();
  disk.tamper("/state/store/journals/jrnl_1/seg.1", (bytes) => bytes.subarray(0, bytes.length - 3));
  store = await open(disk, clock);
  expect((await store.journals.list()).find(({ id }) => id === "jrnl_1")?.last_seq).toBe(1);
  expect(store.status().damaged.map(({ path }) => path)).toEqual([expect.stringContaining("jrnl_1")]);
});
