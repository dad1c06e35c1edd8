/** Numbers that are given ahead of the disk: never twice, whatever ends the daemon, and without a gap when it ends in order. */
import { describe, expect, it } from "vitest";
import { FileStore } from "../../../src/persistence/file-store.js";
import { sample, seeded } from "../../support/figures.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { Heard, TestClock } from "../../support/stored.js";

const open = (files: SimulatedDisk): Promise<FileStore> =>
  FileStore.open({ directory: "/state/store", clock: new TestClock(), listener: new Heard(), files });

function emptyDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  return disk;
}

describe("numbers", () => {
  it("are given at once: a thousand wait for the disk a few times", async () => {
    const disk = emptyDisk();
    const store = await open(disk);
    const before = disk.fsyncs;
    for (let n = 1; n <= 1_000; n++) {
      const { number, durable } = store.ids.mint("session");
      await durable;
      expect(number).toBe(n);
    }
    await store.drain(1_000);
    expect(disk.fsyncs - before).toBeLessThan(60);
    await store.close();
    expect((await open(disk)).ids.next("session")).toBe(1_001);
  });

  it("are not given again after a crash or a power cut at any moment", async () => {
    const random = seeded("crashes of those who mint", 5);
    const rounds = sample("lives of those who mint", 2_000, 60);
    for (let round = 0; round < rounds; round++) {
      let disk = emptyDisk();
      let most = 0;
      for (let life = 0; life < 3; life++) {
        const store = await open(disk);
        expect(store.ids.next("session")).toBeGreaterThan(most);
        const last = disk.calls + Math.floor(random() * 60);
        disk.plan = (call) => (call >= last ? "crash" : undefined);
        const minting = (async () => {
          for (;;) {
            const { number, durable } = store.ids.mint("session");
            await durable;
            most = Math.max(most, number);
            if (random() < 0.05) await store.drain(1_000);
            if (random() < 0.01) await store.close();
          }
        })();
        await Promise.race([minting.catch(() => undefined), disk.crashed]);
        disk = random() < 0.5 ? disk.afterCrash() : disk.afterPowerCut(random);
      }
      expect((await open(disk)).ids.next("session")).toBeGreaterThan(most);
    }
  }, 60_000);

  it("leave a gap after a crash that is no larger than what the dead one had given", async () => {
    for (const given of [1, 10, 100, 1_000]) {
      const disk = emptyDisk();
      const store = await open(disk);
      for (let n = 0; n < given; n++) await store.ids.mint("session").durable;
      await store.drain(1_000);
      const next = (await open(disk.afterCrash())).ids.next("session");
      expect(next - given - 1).toBeLessThanOrEqual(Math.max(16, given));
    }
  });

  it("wait for the disk again once the store has closed", async () => {
    const store = await open(emptyDisk());
    await store.ids.mint("session").durable;
    await store.close();
    await expect(store.ids.mint("session").durable).rejects.toMatchObject({ name: "UNAVAILABLE" });
  });

  it("are not given again when the newest mark is damaged", async () => {
    const disk = emptyDisk();
    const store = await open(disk);
    for (let n = 0; n < 700; n++) await store.ids.mint("session").durable;
    await store.drain(1_000);
    const marks = [...disk.contents().keys()].filter((path) => /\/marks\.\d+$/.test(path));
    const newest = marks.toSorted((a, b) => Number(/\d+$/.exec(a)) - Number(/\d+$/.exec(b))).at(-1) ?? "";
    disk.tamper(newest, (bytes) => Buffer.alloc(bytes.length));
    expect((await open(disk.afterCrash())).ids.next("session")).toBeGreaterThan(700);
  });
});
