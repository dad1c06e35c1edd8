import { syncBuiltinESMExports } from "node:module";
import v8 from "node:v8";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { HeapUpkeep } from "../../src/heap.js";

/** Size of the young generation, as each look finds it; 0 when there is no more. */
const young: number[] = [];
beforeAll(() => {
  vi.spyOn(v8, "getHeapSpaceStatistics").mockImplementation(() => [
    {
      space_name: "new_space",
      space_size: young.shift() ?? 0,
      space_used_size: 0,
      space_available_size: 0,
      physical_space_size: 0,
    },
  ]);
  syncBuiltinESMExports();
});
afterAll(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const setImmediate = globalThis.setImmediate;
/** What a WeakRef was made or asked for stays until the end of the turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let heap: HeapUpkeep;

beforeEach(() => {
  vi.useFakeTimers();
  heap = new HeapUpkeep();
});
afterEach(() => {
  heap.stop();
  vi.useRealTimers();
});

describe("collection after terminals were parked", () => {
  const parkEvery = (ms: number, times: number): void => {
    for (let i = 0; i < times; i++) {
      heap.parked();
      vi.advanceTimersByTime(ms);
    }
  };

  it("comes once, when no more are parked", () => {
    parkEvery(100, 50);
    expect(heap.collections).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(heap.collections).toBe(1);
    vi.advanceTimersByTime(4_000);
    expect(heap.collections).toBe(1);
  });

  it("comes after thirty seconds, however many are parked", () => {
    parkEvery(1_000, 31);
    expect(heap.collections).toBe(1);
  });

  it("does not come again within five seconds", () => {
    heap.parked();
    vi.advanceTimersByTime(2_000);
    expect(heap.collections).toBe(1);
    heap.parked();
    vi.advanceTimersByTime(4_900);
    expect(heap.collections).toBe(1);
    vi.advanceTimersByTime(200);
    expect(heap.collections).toBe(2);
  });

  it("does not come when it has been stopped", () => {
    heap.parked();
    heap.stop();
    vi.advanceTimersByTime(60_000);
    expect(heap.collections).toBe(0);
  });

  it("frees what nothing holds", async () => {
    const held = new WeakRef({});
    await turn();
    heap.parked();
    vi.advanceTimersByTime(2_000);
    await turn();
    expect(heap.collections).toBe(1);
    expect(held.deref()).toBe(undefined);
  });
});

describe("a young generation that has grown", () => {
  const MIB = 1_048_576;

  it("is collected within ten seconds, and again until V8 makes it small", () => {
    young.push(16 * MIB, 16 * MIB, 16 * MIB, MIB);
    vi.advanceTimersByTime(10_000);
    expect([heap.collections, young.length]).toEqual([0, 2]);
    vi.advanceTimersByTime(10_000);
    expect([heap.collections, young.length]).toEqual([1, 0]);
  });

  it("leaves nothing of the burst behind when V8 makes it small between two looks", () => {
    young.push(16 * MIB, 16 * MIB, MIB, MIB);
    vi.advanceTimersByTime(20_000);
    expect([heap.collections, young.length]).toEqual([1, 1]);
    vi.advanceTimersByTime(10_000);
    expect([heap.collections, young.length]).toEqual([1, 0]);
  });

  it("is left alone while it is small", () => {
    young.push(MIB, MIB);
    vi.advanceTimersByTime(20_000);
    expect([heap.collections, young.length]).toEqual([0, 0]);
  });
});
