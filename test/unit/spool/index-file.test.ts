import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SpoolIndex, newestMarkAt, readIndex } from "../../../src/spool/index-file.js";
import type { IndexRecord } from "../../../src/spool/index-file.js";
import { readSnapshot, snapshotPath, writeSnapshot } from "../../../src/spool/snapshot-file.js";
import { sessionDirectory } from "./directory.js";

let place: ReturnType<typeof sessionDirectory>;
beforeEach(() => {
  place = sessionDirectory();
});
afterEach(() => place.remove());

const none = (): number => 0;
const mark = (offset: number, at = offset): IndexRecord => ({ offset, at, kind: "mark", a: 0, b: 0 });
const size = (offset: number, cols: number, rows: number): IndexRecord => ({ offset, at: offset, kind: "size", a: cols, b: rows });
const epoch = (offset: number, n: number): IndexRecord => ({ offset, at: offset, kind: "epoch", a: n, b: 0 });

describe("index", () => {
  it("gives back what was appended, also after a reopen, 0600", () => {
    const records = [epoch(0, 1), size(0, 120, 40), mark(5, 1_763_600_000_123.5), size(2 ** 40, 80, 24)];
    const index = SpoolIndex.open(place.directory, none);
    for (const record of records) index.append(record);
    expect(index.since(0)).toEqual(records);
    index.close();
    const again = SpoolIndex.open(place.directory, none);
    expect(again.note).toBe(null);
    expect(again.since(5)).toEqual(records.slice(2));
    expect(again.newest("size", 2 ** 40 - 1)).toEqual(records[1]);
    expect(again.newest("snapshot", 10)).toBe(null);
    expect(statSync(again.path).mode & 0o777).toBe(0o600);
    again.close();
    expect(readIndex(place.directory, 5)).toEqual(records.slice(2));
    expect(readIndex(join(place.directory, "nowhere"))).toEqual([]);
    expect(newestMarkAt(place.directory)).toBe(1_763_600_000_123.5);
    expect(newestMarkAt(join(place.directory, "nowhere"))).toBe(null);
  });

  it("keeps every whole record wherever its file is cut or dirtied, and goes on after them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(700), fc.boolean(), (count, at, cut) => {
        const local = sessionDirectory();
        const records = Array.from({ length: count }, (_, i) => mark(i * 10));
        const index = SpoolIndex.open(local.directory, none);
        for (const record of records) index.append(record);
        index.close();
        const path = join(local.directory, "index");
        const place = 32 + (at % (count * 32));
        if (cut) truncateSync(path, place);
        else {
          const bytes = readFileSync(path);
          bytes[place] = (bytes[place] ?? 0) ^ 0x55;
          writeFileSync(path, bytes);
        }
        const again = SpoolIndex.open(local.directory, none);
        const whole = records.slice(0, Math.floor((place - 32) / 32));
        // A flipped byte of padding is caught like any other; a cut between two records leaves nothing torn.
        expect(again.since(0)).toEqual(whole);
        again.append(mark(9_999));
        again.close();
        expect(readIndex(local.directory)).toEqual([...whole, mark(9_999)]);
        local.remove();
      }),
      { numRuns: 100 },
    );
  });

  it("says what it cut off, moves aside what is no index, and refuses a newer one", () => {
    const index = SpoolIndex.open(place.directory, none);
    index.append(mark(1));
    index.close();
    appendFileSync(index.path, "torn");
    const cut = SpoolIndex.open(place.directory, none);
    expect(cut.note).toContain("4 bytes");
    cut.close();
    writeFileSync(index.path, "something else altogether, and long enough to be one");
    const fresh = SpoolIndex.open(place.directory, none);
    expect(fresh.note).toContain("index.damaged");
    expect(fresh.since(0)).toEqual([]);
    fresh.append(mark(3));
    expect(fresh.since(0)).toEqual([mark(3)]);
    fresh.close();
    expect(existsSync(`${index.path}.damaged`)).toBe(true);
    const fd = openSync(index.path, "r+");
    writeSync(fd, Buffer.from([7]), 0, 1, 8);
    closeSync(fd);
    expect(() => SpoolIndex.open(place.directory, none)).toThrow(/version 7/);
  });

  it("is bounded: drops what the spool no longer reaches, and keeps the size and epoch in force", () => {
    let start = 0;
    const index = SpoolIndex.open(place.directory, () => start);
    index.append(epoch(0, 1));
    index.append(size(0, 100, 30));
    index.append(size(5, 120, 40));
    for (let i = 10; i < 5_000; i++) {
      start = Math.max(0, i - 999);
      index.append(mark(i));
    }
    expect(statSync(index.path).size).toBeLessThanOrEqual(32 * 4_097);
    expect(index.newest("size", start)).toEqual(size(5, 120, 40));
    expect(index.newest("epoch", start)).toEqual(epoch(0, 1));
    expect(index.since(start)).toEqual(Array.from({ length: 1_000 }, (_, i) => mark(start + i)));
    index.compact(4_990);
    expect(index.since(0)).toEqual([epoch(0, 1), size(5, 120, 40), ...Array.from({ length: 10 }, (_, i) => mark(4_990 + i))]);
    index.close();
  });

  it("thins out marks when all of it is still held", () => {
    const index = SpoolIndex.open(place.directory, none);
    index.append(size(0, 120, 40));
    for (let i = 0; i < 20_000; i++) index.append(mark(i));
    const records = index.since(0);
    expect(records.length).toBeLessThanOrEqual(4_096);
    expect(records[0]).toEqual(size(0, 120, 40));
    expect(records.at(-1)).toEqual(mark(19_999));
    const offsets = records.filter((record) => record.kind === "mark").map((record) => record.offset);
    expect(offsets).toEqual([...offsets].toSorted((a, b) => a - b));
    index.close();
  });
});

describe("snapshot file", () => {
  it("gives back the newest, 0600", () => {
    expect(readSnapshot(place.directory)).toEqual({ snapshot: null, reason: null });
    writeSnapshot(place.directory, 1, Buffer.from("old"));
    writeSnapshot(place.directory, 2 ** 41, Buffer.from([0, 255, 7]));
    expect(readSnapshot(place.directory)).toEqual({ snapshot: { offset: 2 ** 41, bytes: Buffer.from([0, 255, 7]) }, reason: null });
    expect(statSync(snapshotPath(place.directory)).mode & 0o777).toBe(0o600);
    expect(existsSync(`${snapshotPath(place.directory)}.new`)).toBe(false);
  });

  it("never gives back a damaged one: it is moved aside and the reason told", () => {
    writeSnapshot(place.directory, 77, Buffer.from("all the terminal"));
    const path = snapshotPath(place.directory);
    const good = readFileSync(path);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x10;
      // The version's bytes make it a newer one instead.
      if (at >= 8 && at < 12) continue;
      writeFileSync(path, bad);
      expect(readSnapshot(place.directory)).toEqual({ snapshot: null, reason: expect.any(String) });
      expect(existsSync(path)).toBe(false);
    }
    for (const length of [0, 39, good.length - 1]) {
      writeFileSync(path, good.subarray(0, length));
      expect(readSnapshot(place.directory).reason).not.toBe(null);
    }
    expect(existsSync(`${path}.damaged`)).toBe(true);
    const newer = Buffer.from(good);
    newer[8] = 9;
    writeFileSync(path, newer);
    expect(() => readSnapshot(place.directory)).toThrow(/version 9/);
    expect(existsSync(path)).toBe(true);
  });
});
