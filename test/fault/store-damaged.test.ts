/**
 * A bit flips, a file is cut short, a file is empty, a newer version was here. The damaged one is moved aside with its reason, the
 * one before it is used, and nobody else notices.
 */
import { describe, expect, it } from "vitest";
import { FileStore } from "../../src/persistence/file-store.js";
import { encodeRecord } from "../../src/persistence/records.js";
import { registryType } from "../../src/persistence/record-shapes.js";
import { figure, sample, seeded } from "../support/figures.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import { checkpoint, Heard, record, TestClock } from "../support/stored.js";

const open = (files: SimulatedDisk, heard = new Heard()): Promise<FileStore> =>
  FileStore.open({ directory: "/state/store", clock: new TestClock(), listener: heard, files });

async function filled(): Promise<{ disk: SimulatedDisk; store: FileStore; checkpoints: string[] }> {
  const disk = new SimulatedDisk();
  disk.makeDirectories("/state");
  const store = await open(disk);
  const checkpoints: string[] = [];
  for (const id of ["sess_1", "sess_2"]) {
    for (const offset of [1, 2]) {
      await store.registry.put(record(id, { offset }));
      checkpoints.push((await store.checkpoints.save(checkpoint(id, { state: offset, context: Buffer.alloc(5_000, offset) }))).checkpoint);
      const published = store.thoughts.publish(id, { text: `t ${offset}` });
      if (published.accepted) await published.durable;
    }
    for (let entry = 1; entry <= 20; entry++) await store.journals.append(id, { kind: "message", data: { entry } });
  }
  await store.archives.put("sum", "text");
  const { id } = await store.journals.create({ agent: "a", created_by: "b" });
  await store.journals.append(id, { kind: "message", data: 1 });
  await store.forks.create({ checkpoint: checkpoints[0] ?? "", session: "sess_1", forked_session: "sess_3" });
  const { durable } = store.ids.mint("session");
  await durable;
  await store.close();
  return { disk, store, checkpoints };
}

const newest = (disk: SimulatedDisk, pattern: RegExp): string => {
  const paths = [...disk.contents().keys()].filter((path) => pattern.test(path));
  return paths.toSorted((a, b) => Number(/\.(\d+)$/.exec(a)?.[1] ?? 0) - Number(/\.(\d+)$/.exec(b)?.[1] ?? 0)).at(-1) ?? "";
};

const breakages: [string, (bytes: Buffer) => Buffer][] = [
  ["a flipped bit", (bytes) => ((bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 4), bytes)],
  ["half of it", (bytes) => bytes.subarray(0, bytes.length / 2)],
  ["nothing in it", () => Buffer.alloc(0)],
  ["zeros", (bytes) => Buffer.alloc(bytes.length)],
  ["something appended", (bytes) => Buffer.concat([bytes, Buffer.from("!")])],
  [
    "another kind of file",
    () => Buffer.concat(encodeRecord({ kind: "pigeon", version: 1, schema: registryType.schema as never }, {} as never)),
  ],
];

describe.each(breakages)("a file with %s", (_name, breaks) => {
  it("of the registry: the one before is used, the damaged one is in quarantine", async () => {
    const { disk } = await filled();
    const path = newest(disk, /sess_1\/record\./);
    disk.tamper(path, breaks);
    const heard = new Heard();
    const store = await open(disk, heard);
    expect((await store.registry.get("sess_1")).offset).toBe(1);
    expect((await store.registry.get("sess_2")).offset).toBe(2);
    expect(heard.damages).toMatchObject([
      { kind: "session", path: path.replace("/state/store/", ""), quarantined_to: expect.stringMatching(/^quarantine\/1-/) as string },
    ]);
    expect(disk.contents().has(path)).toBe(false);
    await store.registry.put(record("sess_1", { offset: 3 }));
    const again = await open(disk.afterPowerCut());
    expect((await again.registry.get("sess_1")).offset).toBe(3);
    expect(again.status().damaged).toHaveLength(1);
    expect(again.status().ok).toBe(false);
  });

  it("of two registry records: both are in quarantine, though both make its directory", async () => {
    const { disk } = await filled();
    for (const session of ["sess_1", "sess_2"]) disk.tamper(newest(disk, new RegExp(`${session}/record\\.`)), breaks);
    const heard = new Heard();
    await open(disk, heard);
    expect(new Set(heard.damages.map(({ quarantined_to: to }) => to?.replace(/sess_.*/, "")))).toEqual(
      new Set(["quarantine/1-", "quarantine/2-"]),
    );
  });

  it("of a checkpoint: DAMAGED by name, the latest is the one before it", async () => {
    const { disk, checkpoints } = await filled();
    disk.tamper(newest(disk, new RegExp(`sess_1/checkpoints/.*${checkpoints[1] ?? "?"}`)), breaks);
    const store = await open(disk);
    const { checkpoint: latest, skipped } = await store.checkpoints.latest("sess_1");
    expect(latest.state).toBe(1);
    expect(skipped).toHaveLength(1);
    await expect(store.checkpoints.get(checkpoints[1] ?? "")).rejects.toMatchObject({ name: "DAMAGED" });
    expect(await store.checkpoints.list("sess_1")).toHaveLength(1);
    expect((await store.checkpoints.latest("sess_2")).checkpoint.state).toBe(2);
    const again = await open(disk.afterPowerCut());
    await expect(again.checkpoints.get(checkpoints[1] ?? "")).rejects.toMatchObject({ name: "DAMAGED" });
    expect((await again.checkpoints.save(checkpoint("sess_1"))).generation).toBeGreaterThanOrEqual(2);
  });
});

it("verify finds whatever bit was flipped, and what is left is right or named", async () => {
  const flips = sample("flipped bits", 5_000, 200);
  const random = seeded("bits", 3);
  let found = 0;
  for (let flip = 0; flip < flips; flip++) {
    const { disk } = await filled();
    const files = [...disk.contents()].filter(([, bytes]) => bytes.length > 0);
    const [path, bytes] = files[Math.floor(random() * files.length)] ?? ["", Buffer.alloc(0)];
    const bit = Math.floor(random() * bytes.length * 8);
    disk.tamper(path, (content) => ((content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7))), content));
    let store: FileStore;
    try {
      store = await open(disk);
    } catch (error) {
      throw new Error(`bit ${bit} of ${path}: the store did not open: ${String(error)}`, { cause: error });
    }
    const report = await store.verify();
    const all = [...store.status().damaged, ...report.damaged];
    if (path.endsWith(".index")) expect(all).toEqual([]);
    else expect(all.length, `bit ${bit} of ${path}`).toBeGreaterThan(0);
    expect(report.unsupported).toEqual([]);
    found++;
    for (const id of ["sess_1", "sess_2"]) {
      expect((await store.registry.get(id)).id).toBe(id);
      const { entries, damage } = await store.journals.read(id);
      for (const { seq, data } of entries) expect(data).toEqual({ entry: seq });
      const named = new Set(damage.map(({ seq }) => seq));
      for (let seq = 1; seq <= 20; seq++)
        expect(
          named.has(seq) || entries.some((entry) => entry.seq === seq) || damage.some(({ reason }) => reason.includes("torn tail")),
        ).toBe(true);
    }
  }
  figure("flipped bits found", found);
});

it("a record that is lost is made again from the newest checkpoint", async () => {
  const { disk } = await filled();
  for (const path of disk.contents().keys()) if (path.includes("sess_1/record.")) disk.tamper(path, () => Buffer.alloc(3));
  const store = await open(disk);
  expect(await store.registry.get("sess_1")).toMatchObject({
    state: "exited",
    exit: { reason: "lost", code: null },
    spec: { command: "sh" },
  });
  expect(store.status().damaged.at(-1)?.reason).toMatch(/made again from checkpoint/);
});

describe("a newer version's file", () => {
  const newer = (meta: object): Buffer =>
    Buffer.concat(encodeRecord({ ...registryType, version: 2, schema: registryType.schema }, meta as never));

  it("is left alone, and its session is not written", async () => {
    const { disk } = await filled();
    const path = newest(disk, /sess_1\/record\./);
    disk.tamper(path, () => newer({ future: true }));
    const before = disk.contents().get(path);
    const store = await open(disk);
    expect(store.recovery.unsupported).toEqual([{ path: "sessions/sess_1", reason: expect.stringMatching(/version 2/) as string }]);
    await expect(store.registry.get("sess_1")).rejects.toMatchObject({ name: "UNSUPPORTED" });
    await expect(store.registry.put(record("sess_1"))).rejects.toMatchObject({ name: "UNSUPPORTED" });
    await expect(store.registry.remove("sess_1")).rejects.toMatchObject({ name: "UNSUPPORTED" });
    expect(disk.contents().get(path)).toEqual(before);
    expect((await store.registry.get("sess_2")).offset).toBe(2);
    expect(store.ids.next("session")).toBeGreaterThan(2);
  });

  it("in place of the store's own stops the start before anything is touched", async () => {
    const { disk } = await filled();
    disk.tamper("/state/store/format.1", () =>
      Buffer.concat(encodeRecord({ kind: "store", version: 1, schema: registryType.schema as never }, { layout: 2 } as never)),
    );
    disk.recording = true;
    await expect(open(disk)).rejects.toMatchObject({ name: "UNSUPPORTED" });
    expect(disk.log.filter((line) => !/^(inspect|list|open-read|read|close|fsync-directory \/state$)/.test(line))).toEqual([]);
  });
});

describe("a journal", () => {
  it("with a damaged entry in the middle: its position is told, the others are there, and it goes on", async () => {
    const { disk } = await filled();
    const path = newest(disk, /sess_1\/journal\/seg\./);
    disk.tamper(path, (bytes) => {
      const at = bytes.indexOf('{"entry":7}');
      bytes[at + 3] = 0;
      return bytes;
    });
    const store = await open(disk);
    const read = await store.journals.read("sess_1");
    expect(read.damage).toMatchObject([{ seq: 7, segment: "seg.1" }]);
    expect(read.entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, ...Array.from({ length: 13 }, (_, index) => index + 8)]);
    expect((await store.journals.append("sess_1", { kind: "note", data: 1 })).seq).toBe(21);
  });

  it("with a torn tail: cut, kept in quarantine, told, numbers go on", async () => {
    const { disk } = await filled();
    const path = newest(disk, /sess_1\/journal\/seg\./);
    disk.tamper(path, (bytes) => Buffer.concat([bytes, Buffer.from('21 90 12345678 {"at":17000')]));
    const heard = new Heard();
    const store = await open(disk, heard);
    const read = await store.journals.read("sess_1");
    expect(read.entries).toHaveLength(20);
    expect(read.damage).toMatchObject([{ reason: expect.stringMatching(/torn tail of 26 bytes after entry 20 was cut/) as string }]);
    expect(heard.damages).toHaveLength(1);
    expect(
      disk
        .contents()
        .get(`/state/store/${heard.damages[0]?.quarantined_to ?? ""}`)
        ?.toString(),
    ).toMatch(/^21 90/);
    expect((await store.journals.append("sess_1", { kind: "note", data: 1 })).seq).toBe(21);
    expect((await (await open(disk.afterPowerCut())).journals.read("sess_1")).entries).toHaveLength(21);
  });
});
