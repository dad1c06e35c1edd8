import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Replay, planReplay } from "../../../src/actors/replay.js";
import type { IndexRecord } from "../../../src/spool/index-file.js";

const size = (offset: number, cols: number, rows = 24): IndexRecord => ({ offset, at: 0, kind: "size", a: cols, b: rows });
const epoch = (offset: number, n: number): IndexRecord => ({ offset, at: 0, kind: "epoch", a: n, b: 0 });
const snapshot = (offset: number): IndexRecord => ({ offset, at: 0, kind: "snapshot", a: 0, b: 0 });
const stored = (offset: number) => ({ offset, bytes: Buffer.alloc(0) });
const fallback = { cols: 1, rows: 1 };

describe("plan of a replay", () => {
  it("without anything: blank, from the beginning", () => {
    expect(planReplay(null, [], 0, fallback)).toEqual({ snapshot: null, size: fallback, from: 0, lostBytes: 0, sizes: [], epochStart: 0 });
  });

  it("a snapshot has the sizes before its record, also those at its own offset", () => {
    const records = [epoch(0, 1), size(0, 80), size(100, 90), snapshot(100), size(100, 95), size(120, 99)];
    const plan = planReplay(stored(100), records, 0, fallback);
    expect(plan.sizes.map((change) => change.cols)).toEqual([95, 99]);
    expect(plan.size.cols).toBe(90);
    expect(plan.from).toBe(100);
  });

  it("a snapshot of an earlier process is not used", () => {
    const records = [epoch(0, 1), size(0, 80), snapshot(100), epoch(100, 2), size(100, 132)];
    const plan = planReplay(stored(100), records, 0, fallback);
    expect(plan.snapshot).toBe(null);
    expect(plan.from).toBe(100);
    expect(plan.sizes).toEqual([{ offset: 100, cols: 132, rows: 24 }]);
  });

  it("what the spool no longer has is counted", () => {
    const plan = planReplay(stored(100), [epoch(0, 1), size(0, 80), snapshot(100)], 150, fallback);
    expect([plan.from, plan.lostBytes]).toEqual([150, 50]);
    expect(planReplay(null, [epoch(40, 1), size(40, 80)], 150, fallback).lostBytes).toBe(110);
  });
});

describe("replay", () => {
  it("feeds every byte once and applies each size at its offset, whatever the slices", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3_000 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 0, max: 3_000 }),
        (end, offsets, slice, mutedUntil) => {
          const records = [
            epoch(0, 1),
            ...offsets
              .filter((offset) => offset <= end)
              .sort((a, b) => a - b)
              .map((offset, i) => size(offset, i + 2)),
          ];
          const log: string[] = [];
          let fed = 0;
          const target = {
            feed: (bytes: Uint8Array) => {
              expect(bytes[0]).toBe(fed % 256);
              fed += bytes.byteLength;
            },
            resize: ({ cols }: { cols: number }) => log.push(`${fed}:${cols}`),
          };
          const source = {
            end,
            read: (since: number, max: number) => {
              const data = Buffer.from(Array.from({ length: Math.min(max, end - since) }, (_, i) => (since + i) % 256));
              return { offset: since, data, next: since + data.length, gap: 0 };
            },
          };
          const replay = new Replay(planReplay(null, records, 0, fallback), source, target);
          const until = Math.min(mutedUntil, end);
          for (let i = 0; replay.step(slice, until); i++) expect(i).toBeLessThan(10_000);
          expect(replay.offset).toBe(until);
          for (let i = 0; replay.step(slice); i++) expect(i).toBeLessThan(10_000);
          replay.step(1);
          expect(fed).toBe(end);
          expect(log).toEqual(records.slice(1).map((record) => `${record.offset}:${record.a}`));
        },
      ),
    );
  });

  it("feeds what came meanwhile and the disk could not take in its place, also beside what was lost before", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 300 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 150 }),
        (kept, lost, unkept, slice) => {
          const begun = kept + lost;
          let end = begun;
          // One hole from the first lost byte to the end, as the spool has it.
          const source = {
            get end() {
              return end;
            },
            read: (since: number, max: number) => {
              const data = Buffer.from(Array.from({ length: Math.max(0, Math.min(max, kept - since)) }, (_, i) => (since + i) % 256));
              if (data.length > 0) return { offset: since, data, next: since + data.length, gap: 0 };
              return { offset: end, data, next: end, gap: end - since };
            },
          };
          const fed: number[] = [];
          const target = { feed: (bytes: Uint8Array) => void fed.push(...bytes), resize: () => {} };
          const replay = new Replay(planReplay(null, [epoch(0, 1), size(0, 80)], 0, fallback), source, target);
          for (const length of unkept) {
            const offset = end;
            const page = Buffer.from(Array.from({ length }, (_, i) => (offset + i) % 256));
            end += length;
            replay.unkept(offset, page);
            page.fill(0); // The page is used again at once.
          }
          for (let i = 0; replay.step(slice); i++) expect(i).toBeLessThan(10_000);
          const offsets = [...Array(kept).keys(), ...Array.from({ length: end - begun }, (_, i) => begun + i)];
          expect(fed).toEqual(offsets.map((offset) => offset % 256));
          expect([replay.offset, replay.lostBytes]).toEqual([end, lost]);
        },
      ),
    );
  });
});
