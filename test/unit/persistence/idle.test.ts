/** What is not asked for leaves memory once it is on the disk, and comes back unchanged. */
import { expect, it } from "vitest";
import { FileStore } from "../../../src/persistence/file-store.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import type { Fault } from "../../support/simulated-disk.js";
import { exited, Heard, record, TestClock } from "../../support/stored.js";

const HALF_HOUR = 1_800_000;

async function open(): Promise<{ disk: SimulatedDisk; clock: TestClock; store: FileStore }> {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const clock = new TestClock();
  return { disk, clock, store: await FileStore.open({ directory: "/state/store", clock, listener: new Heard(), files: disk }) };
}

it("exited sessions and journals go, live ones stay, and come back as they were", async () => {
  const { disk, clock, store } = await open();
  await store.registry.put(record("sess_1"));
  await store.registry.put(exited("sess_2", 5, { title: "gone" }));
  const { id } = await store.journals.create({ agent: "a", created_by: "b" });
  await store.journals.append(id, { kind: "message", data: "x" });
  const [session, head] = [await store.registry.get("sess_2"), await store.journals.get(id)];
  clock.elapsed += HALF_HOUR - 1;
  expect(store.evictIdle(HALF_HOUR)).toBe(0);
  clock.elapsed += 1;
  clock.time -= 3_600_000;
  expect(store.evictIdle(HALF_HOUR)).toBe(2);
  expect(store.status().in_memory).toEqual({ sessions: 1, journals: 0 });
  expect(store.registry.list().map((row) => row.id)).toEqual(["sess_1", "sess_2"]);

  disk.recording = true;
  const [one, two] = await Promise.all([store.registry.get("sess_2"), store.registry.get("sess_2")]);
  expect(one).toEqual(session);
  expect(two).toBe(one);
  expect(disk.log.filter((line) => line.startsWith("open-read"))).toHaveLength(1);
  const again = await Promise.all([
    store.journals.append(id, { kind: "note", data: 1 }),
    store.journals.append(id, { kind: "note", data: 2 }),
  ]);
  expect(again.map(({ seq }) => seq)).toEqual([2, 3]);
  expect(await store.journals.get(id)).toMatchObject({ created_at: head.created_at, message_count: 1, last_seq: 3 });
});

it("what is not on the disk yet stays", async () => {
  const { disk, clock, store } = await open();
  await store.registry.put(exited("sess_1", 5));
  disk.plan = (_call, operation): Fault | undefined => (operation === "fsync" ? "hang" : undefined);
  const put = store.registry.put(exited("sess_1", 6));
  clock.elapsed += HALF_HOUR;
  expect(store.evictIdle(HALF_HOUR)).toBe(0);
  expect((await store.registry.get("sess_1")).exit?.at).toBe(6);
  disk.release();
  await put;
  expect(store.evictIdle(HALF_HOUR)).toBe(1);
  expect((await store.registry.get("sess_1")).exit?.at).toBe(6);
});

it("unchanged content writes nothing", async () => {
  const { disk, store } = await open();
  await store.registry.put(record("sess_1"));
  const { fsyncs } = disk;
  for (let time = 0; time < 5; time++) await store.registry.put(record("sess_1"));
  expect(disk.fsyncs).toBe(fsyncs);
});

it("a journal of many segments is opened from its last one, and replayed from its boundary", async () => {
  const { disk, clock, store } = await open();
  const { id } = await store.journals.create({ agent: "a", created_by: "b" });
  const fill = "x".repeat(500_000);
  for (let entry = 1; entry <= 20; entry++)
    await store.journals.append(id, { kind: "message", data: fill, ...(entry === 3 ? { branch: "early" } : {}) });
  await store.journals.compact(id, { archive: "sum" });
  await store.journals.append(id, { kind: "message", data: "after" });
  clock.elapsed += HALF_HOUR;
  store.evictIdle(HALF_HOUR);
  disk.recording = true;
  const read = await store.journals.read(id, { from_boundary: true });
  expect(read.entries.map(({ data }) => data)).toEqual(["after"]);
  expect([...new Set(disk.log.filter((line) => line.includes("open-read") && line.includes("seg.")))]).toHaveLength(1);
  expect(await store.journals.get(id)).toMatchObject({
    message_count: 21,
    last_seq: 22,
    branches: ["early"],
    boundary: { seq: 21, archive: "sum" },
  });
});
