/**
 * Watchers against a model: whatever they take and whenever, each gets every byte once and in order, or a gap that says which it
 * did not get; a watcher that takes nothing costs the others nothing.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BOUNDS } from "../../../src/bounds.js";
import type { WatchSink } from "../../../src/supervisor/api.js";
import { Fanout, type OutputSource } from "../../../src/supervisor/fanout.js";

/** An actor with a small spool: byte at offset o is o % 251. */
class Actor implements OutputSource {
  end = 0;
  posted: number | null = null;
  credited = 0;
  fanout!: Fanout;
  readonly held: number;
  constructor(held: number) {
    this.held = held;
  }
  get start(): number {
    return Math.max(0, this.end - this.held);
  }
  write(bytes: number): void {
    this.end += bytes;
    this.post();
  }
  post(): void {
    while (this.posted !== null && this.posted < this.end && this.posted < this.credited + BOUNDS.watchCreditBytes) {
      if (this.posted < this.start) {
        this.posted = this.start;
        this.fanout.gap(this.posted);
        continue;
      }
      const from: number = this.posted;
      this.posted = Math.min(this.end, from + BOUNDS.watchJoinBytes, this.credited + BOUNDS.watchCreditBytes);
      this.fanout.output(from, bytesAt(from, this.posted - from), 0);
    }
  }
  async read(since: number, max: number) {
    const offset = Math.min(Math.max(since, this.start), this.end);
    const data = bytesAt(offset, Math.min(max, this.end - offset));
    return { offset, data, next: offset + data.byteLength, gap: Math.max(0, offset - since) };
  }
  async watch(since: number | null) {
    this.posted = Math.max(since ?? this.end, this.start);
    this.credited = this.posted;
    queueMicrotask(() => this.post());
    return { offset: this.posted, gap: 0 };
  }
  unwatch(): void {
    this.posted = null;
  }
  credit(offset: number): void {
    this.credited = offset;
    queueMicrotask(() => this.post());
  }
  lastActivityAt(): number {
    return 0;
  }
}

function bytesAt(offset: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (offset + index) % 251);
}

class Reader implements WatchSink {
  at: number;
  taken = 0;
  gaps = 0;
  closedBy: string | null = null;
  wrong: string | null = null;
  capacity: number;
  constructor(from: number, capacity: number) {
    this.at = from;
    this.capacity = capacity;
  }
  room(): number {
    return this.capacity;
  }
  output(offset: number, data: Uint8Array): void {
    if (offset !== this.at) this.wrong ??= `expected ${this.at}, got ${offset}`;
    if (data[0] !== offset % 251) this.wrong ??= `other bytes at ${offset}`;
    if (data.byteLength > this.capacity) this.wrong ??= `${data.byteLength} bytes where ${this.capacity} had room`;
    this.at = offset + data.byteLength;
    this.taken += data.byteLength;
    this.capacity -= data.byteLength;
  }
  gap(from: number, to: number): void {
    if (from !== this.at) this.wrong ??= `gap from ${from}, expected ${this.at}`;
    this.at = to;
    this.gaps += to - from;
  }
  resized(): void {}
  closed(reason: string): void {
    this.closedBy = reason;
  }
}

/** Until nothing moves any more: every promise and every immediate has run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("fan-out", () => {
  test("every watcher gets each byte once and in order, or a gap that names what it missed", async () => {
    const step = fc.record({
      write: fc.integer({ min: 0, max: 300_000 }),
      room: fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 3, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const actor = new Actor(500_000);
        const fanout = new Fanout(actor, () => 0);
        actor.fanout = fanout;
        const readers = [new Reader(0, 0), new Reader(0, 0), new Reader(0, 0)];
        const watches = await Promise.all(readers.map((reader, index) => fanout.add(`watch_${index}`, { since: 0 }, reader, null)));
        for (const { write, room } of steps) {
          actor.write(write);
          readers.forEach((reader, index) => {
            reader.capacity += room[index] ?? 0;
            watches[index]?.resume();
          });
          await settled();
        }
        readers.forEach((reader, index) => {
          reader.capacity = Number.MAX_SAFE_INTEGER;
          watches[index]?.resume();
        });
        await settled();
        fanout.ended(actor.end);
        await settled();
        for (const reader of readers) {
          expect(reader.wrong).toBeNull();
          expect(reader.at).toBe(actor.end);
          expect(reader.taken + reader.gaps).toBe(actor.end);
          expect(reader.closedBy).toBe("exited");
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a watcher that takes nothing costs the others nothing, and the actor posts no more than its credit for it alone", async () => {
    const actor = new Actor(4 << 20);
    const fanout = new Fanout(actor, () => 0);
    actor.fanout = fanout;
    const stalled = new Reader(0, 0);
    const watch = await fanout.add("watch_1", { since: 0 }, stalled, null);
    for (let n = 0; n < 40; n++) actor.write(50_000);
    await settled();
    expect(actor.posted).toBeLessThanOrEqual(BOUNDS.watchCreditBytes);
    const eager = new Reader(0, Number.MAX_SAFE_INTEGER);
    await fanout.add("watch_2", { since: 0 }, eager, null);
    await settled();
    actor.write(10);
    await settled();
    expect(eager.at).toBe(actor.end);
    expect(stalled.taken).toBe(0);
    stalled.capacity = Number.MAX_SAFE_INTEGER;
    watch.resume();
    await settled();
    expect(stalled.at).toBe(actor.end);
    expect(stalled.gaps).toBe(0);
  });

  test("with a window, no more than that is out unacknowledged", async () => {
    const actor = new Actor(4 << 20);
    const fanout = new Fanout(actor, () => 0);
    actor.fanout = fanout;
    const reader = new Reader(0, Number.MAX_SAFE_INTEGER);
    const watch = await fanout.add("watch_1", { since: 0, window: 1_000 }, reader, null);
    actor.write(5_000);
    await settled();
    expect(reader.taken).toBe(1_000);
    watch.ack(400);
    await settled();
    expect(reader.taken).toBe(1_400);
    watch.ack(1_400);
    await settled();
    expect(reader.taken).toBe(2_400);
  });

  test("a lost actor's successor goes on where the stream stood", async () => {
    const actor = new Actor(4 << 20);
    const fanout = new Fanout(actor, () => 0);
    actor.fanout = fanout;
    const reader = new Reader(0, Number.MAX_SAFE_INTEGER);
    await fanout.add("watch_1", { since: 0 }, reader, null);
    actor.write(1_000);
    await settled();
    actor.posted = null; // its thread died
    actor.write(1_000);
    await settled();
    expect(reader.at).toBe(1_000);
    await fanout.restarted();
    actor.write(10);
    await settled();
    expect(reader).toMatchObject({ at: 2_010, gaps: 0, wrong: null });
  });

  test("the last watcher that leaves ends the actor's stream", async () => {
    const actor = new Actor(4 << 20);
    const fanout = new Fanout(actor, () => 0);
    actor.fanout = fanout;
    const reader = new Reader(0, 100);
    const watch = await fanout.add("watch_1", {}, reader, null);
    watch.end();
    expect(actor.posted).toBeNull();
    expect(reader.closedBy).toBe("unwatched");
    expect(fanout.size).toBe(0);
  });
});
