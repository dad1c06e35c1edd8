import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { PersistenceQueue } from "../../../src/persistence/queue.js";
import type { Job } from "../../../src/persistence/queue.js";
import { Heard, TestClock } from "../../support/stored.js";

/** A write that ends when it is told to. */
class Gate {
  readonly begun: string[] = [];
  readonly #ends: (() => void)[] = [];
  open = false;
  async pass(word: string): Promise<string> {
    this.begun.push(word);
    if (!this.open) await new Promise<void>((resolve) => this.#ends.push(resolve));
    return word;
  }
  release(): void {
    this.open = true;
    for (const end of this.#ends.splice(0)) end();
  }
}

let clock: TestClock;
let heard: Heard;
let gate: Gate;
const make = (bounds: Partial<{ items: number; bytes: number; stalledMs: number }> = {}): PersistenceQueue =>
  new PersistenceQueue({
    items: 4,
    bytes: 1_000,
    concurrency: 2,
    retryMs: 1,
    retryMaxMs: 4,
    stalledMs: 60_000,
    clock,
    listener: heard,
    ...bounds,
  });
const snapshot = (lane: string, word: string, kind = "record"): Job<string> => ({
  class: "snapshot",
  lane,
  kind,
  bytes: 0,
  run: () => gate.pass(word),
});
const entry = (lane: string, word: string, bytes = 0): Job<string> => ({
  class: "entry",
  lane,
  kind: "entry",
  bytes,
  run: () => gate.pass(word),
});
const removal = (lane: string, word: string): Job<string> => ({
  class: "delete",
  lane,
  kind: "remove",
  bytes: 0,
  run: () => gate.pass(word),
});
const failing = (code: string, times: number, then: string): (() => Promise<string>) => {
  let left = times;
  return async () => {
    if (left-- > 0) throw Object.assign(new Error(`${code}: it`), { code });
    return then;
  };
};

beforeEach(() => {
  clock = new TestClock();
  heard = new Heard();
  gate = new Gate();
});

describe("order", () => {
  it("is that of the calls within a lane; two lanes run at once, no more", async () => {
    const queue = make({ items: 100 });
    const all = ["a", "b", "c"].flatMap((lane) => [1, 2, 3].map((each) => queue.put(entry(lane, `${lane}${each}`))));
    await Promise.resolve();
    expect(gate.begun).toEqual(["a1", "b1"]);
    gate.release();
    await Promise.all(all);
    for (const lane of ["a", "b", "c"])
      expect(gate.begun.filter((word) => word.startsWith(lane))).toEqual([`${lane}1`, `${lane}2`, `${lane}3`]);
    expect(queue.stats()).toMatchObject({ items: 0, written: 9, waiting: 0 });
  });

  it("lanes take turns: a long one does not keep others waiting", async () => {
    const queue = make({ items: 100 });
    const all = [
      ...Array.from({ length: 20 }, (_, index) => queue.put(entry("long", `long${index}`))),
      queue.put(entry("b", "b")),
      queue.put(entry("c", "c")),
    ];
    gate.release();
    await Promise.all(all);
    expect(gate.begun.indexOf("c")).toBeLessThan(6);
  });
});

describe("snapshots", () => {
  it("are joined: the newest is written, all are answered by it", async () => {
    const queue = make();
    const first = queue.put(snapshot("a", "a1"));
    await Promise.resolve();
    const rest = ["a2", "a3", "a4"].map((word) => queue.put(snapshot("a", word)));
    const other = queue.put(snapshot("a", "thought", "thought"));
    expect(queue.stats()).toMatchObject({ items: 3, coalesced: 2 });
    gate.release();
    expect(await first).toBe("a1");
    expect(await Promise.all(rest)).toEqual(["a4", "a4", "a4"]);
    expect(await other).toBe("thought");
    expect(gate.begun).toEqual(["a1", "a4", "thought"]);
  });

  it("do not pass a delete", async () => {
    const queue = make();
    const first = queue.put(snapshot("a", "1"));
    await Promise.resolve();
    const all = [first, queue.put(snapshot("a", "2")), queue.put(removal("a", "x")), queue.put(snapshot("a", "3"))];
    gate.release();
    await Promise.all(all);
    expect(gate.begun).toEqual(["1", "2", "x", "3"]);
  });

  it("wait when it is full, entries are BUSY by name, and nobody overtakes", async () => {
    const queue = make();
    const all = ["a", "b", "c", "d", "e", "f"].map((lane) => queue.put(snapshot(lane, lane)));
    expect(queue.stats()).toMatchObject({ items: 6, waiting: 2 });
    expect(queue.full).toBe(true);
    await expect(queue.put(entry("g", "g"))).rejects.toMatchObject({ name: "BUSY", data: { what: "g entry", limit: 4 } });
    expect(queue.stats().refused).toBe(1);
    clock.elapsed = 5_000;
    expect(queue.stats().oldest_ms).toBe(5_000);
    gate.release();
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(await queue.put(entry("g", "g"))).toBe("g");
  });
});

describe("bytes", () => {
  it("have a bound, and are given back", async () => {
    const queue = make();
    const big = queue.put(entry("a", "a", 900));
    await expect(queue.put(entry("b", "b", 200))).rejects.toMatchObject({ name: "BUSY", data: { limit: 1_000 } });
    expect(queue.stats().bytes).toBe(900);
    gate.release();
    await big;
    expect(queue.stats().bytes).toBe(0);
    expect(await queue.put(entry("b", "b", 200))).toBe("b");
  });
});

describe("a disk that refuses", () => {
  it("is tried again for snapshots and deletes, and said to be degraded until it works", async () => {
    const queue = make();
    const put = queue.put({ ...snapshot("a", ""), run: failing("ENOSPC", 3, "done") });
    expect(await put).toBe("done");
    expect(heard.words).toEqual([expect.stringMatching(/^degraded: ENOSPC while saving record of a/), "ok"]);
    expect(queue.stats()).toMatchObject({ failed: 3, written: 1 });
    expect(queue.trouble).toBeNull();
  });

  it("refuses entries: STORE_FULL when it is full, UNAVAILABLE else", async () => {
    const queue = make();
    await expect(queue.put({ ...entry("a", ""), run: failing("ENOSPC", 1, "") })).rejects.toMatchObject({
      name: "STORE_FULL",
      data: { what: "a entry", errno: "ENOSPC" },
    });
    await expect(queue.put({ ...entry("a", ""), run: failing("EIO", 1, "") })).rejects.toMatchObject({ name: "UNAVAILABLE" });
  });

  it("a newer snapshot takes the place of one that is being tried again", async () => {
    const queue = make();
    const old = queue.put({ ...snapshot("a", ""), run: failing("EIO", 1_000_000, "") });
    while (queue.stats().failed === 0) await new Promise((resolve) => setImmediate(resolve));
    gate.release();
    const fresh = queue.put(snapshot("a", "fresh"));
    expect(await Promise.all([old, fresh])).toEqual(["fresh", "fresh"]);
  });

  it("is not waited for behind a snapshot that it refuses: entries are refused by name, deletes are done", async () => {
    const queue = make();
    const stuck = queue.put({ ...snapshot("a", ""), run: failing("ENOSPC", 1_000_000, "") });
    stuck.catch(() => undefined);
    const early = queue.put({ ...entry("a", ""), run: failing("ENOSPC", 1, "") });
    await expect(early).rejects.toMatchObject({ name: "STORE_FULL" });
    gate.release();
    await expect(queue.put({ ...entry("a", ""), run: failing("ENOSPC", 1, "") })).rejects.toMatchObject({ name: "STORE_FULL" });
    expect(await queue.put(entry("a", "there is room for this"))).toBe("there is room for this");
    expect(await queue.put(removal("a", "gone"))).toBe("gone");
    expect(queue.stats().items).toBe(1);
    expect(queue.trouble).toMatchObject({ full: true });
    expect(await queue.drain(1)).toEqual(["a record"]);
    queue.close();
  });

  it("lets a delete in when all places are taken by what it refuses", async () => {
    const queue = make({ items: 2 });
    for (const lane of ["a", "b", "c", "d"])
      queue.put({ ...snapshot(lane, ""), run: failing("ENOSPC", 1_000_000, "") }).catch(() => undefined);
    gate.release();
    // Of one whose snapshot rests, and of one whose snapshot has no place yet.
    expect(await queue.put(removal("a", "gone"))).toBe("gone");
    expect(await queue.put(removal("d", "gone"))).toBe("gone");
    expect(queue.stats()).toMatchObject({ items: 4, waiting: 2 });
    queue.close();
  });

  it("does not hold a place while it rests", async () => {
    const queue = make();
    const stuck = ["a", "b"].map((lane) => queue.put({ ...snapshot(lane, ""), run: failing("EIO", 5, "late") }));
    gate.release();
    expect(await queue.put(entry("c", "c"))).toBe("c");
    expect(await Promise.all(stuck)).toEqual(["late", "late"]);
  });
});

describe("the end", () => {
  it("names what was not saved within the budget, and refuses what comes later", async () => {
    const queue = make();
    const all = [queue.put(snapshot("a", "a")), queue.put(entry("b", "b")), queue.put(snapshot("a", "t", "thought"))];
    expect((await queue.drain(5)).toSorted()).toEqual(["a record", "a thought", "b entry"]);
    queue.close();
    await expect(queue.put(entry("c", "c"))).rejects.toMatchObject({ name: "UNAVAILABLE" });
    await expect(all[2]).rejects.toMatchObject({ name: "UNAVAILABLE" });
    gate.release();
    expect(await Promise.all(all.slice(0, 2))).toEqual(["a", "b"]);
  });

  it("waits for what can be saved", async () => {
    const queue = make();
    const put = queue.put(snapshot("a", "a"));
    const drained = queue.drain(10_000);
    gate.release();
    expect(await drained).toEqual([]);
    expect(await put).toBe("a");
  });
});

it("whatever is put, each put is answered, entries run once in order, the last snapshot is the newest", async () => {
  const job = fc.record({
    class: fc.constantFrom("snapshot" as const, "entry" as const, "delete" as const),
    lane: fc.constantFrom("a", "b", "c"),
    fails: fc.nat(2),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(job, { maxLength: 60 }), async (jobs) => {
      const queue = make({ items: 8 });
      const ran: { lane: string; class: string; index: number }[] = [];
      const puts = jobs.map(({ class: kind, lane, fails }, index) => {
        let left = kind === "entry" ? 0 : fails;
        const run = async (): Promise<number> => {
          if (left-- > 0) throw Object.assign(new Error("EIO"), { code: "EIO" });
          ran.push({ lane, class: kind, index });
          return index;
        };
        return queue.put({ class: kind, lane, kind, bytes: 1, run }).then(
          (value) => ({ value }),
          (error: Error) => ({ refused: error.name }),
        );
      });
      const answers = await Promise.all(puts);
      expect(queue.stats()).toMatchObject({ items: 0, bytes: 0, waiting: 0 });
      for (const lane of ["a", "b", "c"]) {
        const mine = ran.filter((each) => each.lane === lane);
        // A newer snapshot takes the place of an older one, so it may come before an entry; never before a delete that came before it.
        // One that the disk refused is passed by entries and deletes.
        const kept = mine.filter((each) => each.class !== "snapshot").map(({ index }) => index);
        expect(kept).toEqual(kept.toSorted((x, y) => x - y));
        const pictures = mine.filter((each) => each.class === "snapshot").map(({ index }) => index);
        expect(pictures).toEqual(pictures.toSorted((x, y) => x - y));
        for (const [at, { class: kind, index }] of mine.entries())
          if (kind === "delete") expect(mine.slice(0, at).filter((each) => each.class === "snapshot" && each.index > index)).toEqual([]);
        const last = jobs.findLastIndex(
          (each, index) => each.lane === lane && each.class === "snapshot" && "value" in (answers[index] ?? {}),
        );
        if (last >= 0) expect(ran.findLast((each) => each.lane === lane && each.class === "snapshot")?.index).toBe(last);
      }
      for (const [index, each] of jobs.entries()) {
        const runs = ran.filter((one) => one.index === index).length;
        if (each.class === "entry") expect(runs).toBe("value" in (answers[index] ?? {}) ? 1 : 0);
        else expect(answers[index]).toHaveProperty("value");
      }
    }),
    { numRuns: 100 },
  );
});
