import { describe, expect, it, vi } from "vitest";
import { InputQueue } from "../../../src/actors/input-queue.js";
import { EAGAIN } from "../../../src/libc/descriptors.js";

/** A terminal that takes `room` bytes and then says EAGAIN. */
function terminal(room: number, options: Partial<{ bytes: number; replyBytes: number }> = {}) {
  const state = { room, got: Buffer.alloc(0), writes: [] as number[], failed: [] as number[] };
  const queue = new InputQueue({
    bytes: options.bytes ?? 262_144,
    sliceBytes: 4_096,
    replyBytes: options.replyBytes ?? 16_384,
    write: (slice) => {
      state.writes.push(slice.byteLength);
      const n = Math.min(state.room, slice.byteLength);
      if (n === 0) return -EAGAIN;
      state.room -= n;
      state.got = Buffer.concat([state.got, slice.subarray(0, n)]);
      return n;
    },
    failed: (errno) => state.failed.push(errno),
  });
  return { state, queue };
}

const numbers = (length: number) => Buffer.from(Array.from({ length }, (_, i) => i % 251));

describe("input queue", () => {
  it("writes at once while nothing waits, in slices of 4 KiB at most", () => {
    const { state, queue } = terminal(Infinity);
    expect(queue.push(numbers(10_000))).toBe(10_000);
    expect(state.got.equals(numbers(10_000))).toBe(true);
    expect(Math.max(...state.writes)).toBe(4_096);
    expect(queue.waiting).toBe(0);
  });

  it("keeps the order of what has to wait, and paces itself from 1 to 50 ms", () => {
    vi.useFakeTimers();
    try {
      const { state, queue } = terminal(100);
      expect(queue.push(numbers(5_000))).toBe(5_000);
      expect(queue.push(numbers(300))).toBe(300);
      const before = state.writes.length;
      vi.advanceTimersByTime(1_000);
      const tries = state.writes.length - before;
      expect(tries).toBeGreaterThan(15);
      expect(tries).toBeLessThan(30);
      state.room = Infinity;
      vi.advanceTimersByTime(50);
      expect(state.got.equals(Buffer.concat([numbers(5_000), numbers(300)]))).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("takes what fits and says how much that was", () => {
    const { queue } = terminal(10, { bytes: 1_000 });
    expect(queue.push(numbers(2_000))).toBe(1_010);
    expect(queue.push(numbers(5))).toBe(0);
    expect(queue.room).toBe(0);
    queue.close();
  });

  it("bounds the terminal's own answers to a program that never reads", () => {
    const { queue } = terminal(0, { replyBytes: 100 });
    let taken = 0;
    for (let i = 0; i < 1_000; i++) if (queue.reply(numbers(10))) taken++;
    expect(taken).toBeLessThanOrEqual(11);
    expect(queue.push(numbers(1_000))).toBe(1_000);
    queue.close();
  });

  it("drops what waits and says so when the terminal is gone for good", () => {
    vi.useFakeTimers();
    try {
      const { state, queue } = terminal(0);
      queue.push(numbers(10));
      (queue as unknown as { push(data: Uint8Array): number }).push(numbers(10));
      const gone = new InputQueue({
        bytes: 100,
        sliceBytes: 10,
        replyBytes: 10,
        write: () => -9,
        failed: (errno) => state.failed.push(errno),
      });
      expect(gone.push(numbers(10))).toBe(10);
      expect(gone.waiting).toBe(0);
      expect(state.failed).toEqual([9]);
      queue.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
