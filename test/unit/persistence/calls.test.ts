/** What a save asks of the disk, call by call: each is a thread of libuv's pool woken, and the main thread after it. */
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { FileStore } from "../../../src/persistence/file-store.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { checkpoint, Heard, record, TestClock } from "../../support/stored.js";

async function open(): Promise<{ store: FileStore; calls: (save: () => Promise<unknown>) => Promise<string[]> }> {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const store = await FileStore.open({ directory: "/state/store", clock: new TestClock(), listener: new Heard(), files: disk });
  const calls = async (save: () => Promise<unknown>): Promise<string[]> => {
    disk.log.length = 0;
    disk.recording = true;
    await save();
    disk.recording = false;
    return disk.log.map((line) => line.split(" ")[0] ?? "");
  };
  return { store, calls };
}

const WRITTEN = ["open-create", "write", "fsync", "close", "rename", "fsync-directory"];

it("a session's record looks at each directory once, and makes its own without a look", async () => {
  const { store, calls } = await open();
  expect(await calls(() => store.registry.put(record("sess_1")))).toEqual(["inspect", "mkdir", "fsync-directory", ...WRITTEN]);
  expect(await calls(() => store.registry.put(record("sess_1", { offset: 7 })))).toEqual(["inspect", "inspect", ...WRITTEN]);
  // The one before the last stays as a spare; what is older goes.
  expect(await calls(() => store.registry.put(record("sess_1", { offset: 8 })))).toEqual(["inspect", "inspect", ...WRITTEN, "unlink"]);
});

it("a checkpoint's parts are written with one call", async () => {
  const { store, calls } = await open();
  await store.registry.put(record("sess_1"));
  const context = Buffer.from("what it knows");
  await store.checkpoints.save(checkpoint("sess_1", { kind: "manual", context }));
  expect(await calls(() => store.checkpoints.save(checkpoint("sess_1", { kind: "manual", context })))).toEqual([
    "inspect",
    "inspect",
    "inspect",
    ...WRITTEN,
  ]);
});

it("what is large is written from where it lies", async () => {
  const { store, calls } = await open();
  await store.registry.put(record("sess_1"));
  const context = randomBytes(300_000);
  const written = await calls(() => store.checkpoints.save(checkpoint("sess_1", { kind: "manual", context })));
  expect(written.filter((call) => call === "write").length).toBeGreaterThan(1);
});
