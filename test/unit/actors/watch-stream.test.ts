import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WatchStream } from "../../../src/actors/watch-stream.js";
import { BOUNDS } from "../../../src/bounds.js";

/** Output that is its own offset, byte by byte, of which the last `held` are kept. */
class Source {
  end = 0;
  held = Number.POSITIVE_INFINITY;
  get start(): number {
    return Math.max(0, this.end - this.held);
  }
  read(since: number, max: number) {
    const offset = Math.max(since, this.start);
    const data = bytesAt(offset, Math.max(0, Math.min(max, this.end - offset)));
    return { offset, data, next: offset + data.length, gap: offset - since };
  }
}
const bytesAt = (offset: number, length: number) => Buffer.from(Array.from({ length }, (_, i) => (offset + i) % 253));

function setUp(from = 0) {
  const source = new Source();
  source.end = from;
  const posts: { offset: number; length: number }[] = [];
  const gaps: [number, number][] = [];
  let next = from;
  const stream = new WatchStream(source, from, {
    output: (offset, data) => {
      expect(offset).toBe(next);
      expect(Buffer.compare(data, bytesAt(offset, data.byteLength))).toBe(0);
      next = offset + data.byteLength;
      posts.push({ offset, length: data.byteLength });
    },
    gap: (a, b) => {
      expect(a).toBe(next);
      next = b;
      gaps.push([a, b]);
    },
  });
  const write = (length: number) => {
    const offset = source.end;
    source.end += length;
    stream.chunk(offset, bytesAt(offset, length), 1);
  };
  return { source, stream, posts, gaps, write, seen: () => next };
}

describe("watch stream", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("posts a few small reads at once, one by one", () => {
    const { posts, write } = setUp();
    for (let i = 0; i < 40; i++) {
      write(10);
      expect(posts.length).toBe(i + 1);
      vi.advanceTimersByTime(1);
    }
  });

  it("joins what comes faster within 4 ms", () => {
    const { posts, write } = setUp();
    for (let i = 0; i < 4; i++) write(10);
    expect(posts.length).toBe(4);
    write(10);
    // The first of a burst is joined with nothing: nothing waits longer than it must.
    expect(posts.length).toBe(5);
    write(10);
    write(10);
    expect(posts.length).toBe(5);
    vi.advanceTimersByTime(4);
    expect(posts.slice(5)).toEqual([{ offset: 50, length: 20 }]);
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("posts an echo at once, however much went before", () => {
    const { stream, posts, write } = setUp();
    for (let n = 0; n < 10; n++) write(1);
    const before = posts.length;
    vi.advanceTimersByTime(BOUNDS.watchJoinMs);
    expect(posts.length).toBe(before + 1);
    for (let n = 0; n < 4; n++) write(1);
    for (let n = 0; n < 20; n++) {
      const seen = posts.length;
      stream.expectEcho();
      write(1);
      expect(posts.length).toBe(seen + 1);
    }
    stream.stop();
  });

  it("joins large reads", () => {
    const { posts, write } = setUp();
    write(3_000);
    write(3_000);
    write(3_000);
    expect(posts.map((post) => post.length)).toEqual([3_000]);
    vi.advanceTimersByTime(4);
    expect(posts.map((post) => post.length)).toEqual([3_000, 6_000]);
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("posts at most 16 KiB at a time, each byte once, in order", () => {
    const { posts, write, seen, source } = setUp(5);
    for (let i = 0; i < 40; i++) write(4_000);
    vi.advanceTimersByTime(10);
    expect(Math.max(...posts.map((post) => post.length))).toBeLessThanOrEqual(BOUNDS.watchJoinBytes);
    expect(seen()).toBe(source.end);
  });

  it("stops at the credit, and goes on out of the spool from where it was", () => {
    const { stream, write, seen, source } = setUp();
    for (let i = 0; i < 200; i++) write(4_000);
    vi.advanceTimersByTime(100);
    expect(seen()).toBeLessThanOrEqual(BOUNDS.watchCreditBytes);
    expect(seen()).toBeGreaterThan(BOUNDS.watchCreditBytes - 8_192);
    for (let i = 0; i < 20 && seen() < source.end; i++) {
      stream.credit(seen());
      vi.advanceTimersByTime(10);
    }
    expect(seen()).toBe(source.end);
    write(7);
    vi.advanceTimersByTime(10);
    expect(seen()).toBe(source.end);
  });

  it("says what was overwritten meanwhile, once, and is not stuck behind it", () => {
    const { stream, write, seen, source, gaps } = setUp();
    source.held = 100_000;
    for (let i = 0; i < 500; i++) write(4_000);
    vi.advanceTimersByTime(100);
    const stopped = seen();
    stream.credit(stopped);
    vi.advanceTimersByTime(100);
    expect(gaps.length).toBe(1);
    expect(gaps[0]?.[1]).toBe(source.start);
    for (let i = 0; i < 20 && seen() < source.end; i++) {
      stream.credit(seen());
      vi.advanceTimersByTime(10);
    }
    expect(seen()).toBe(source.end);
  });

  it("begins behind with what the spool holds", () => {
    const source = new Source();
    source.end = 50_000;
    const got: number[] = [];
    const stream = new WatchStream(source, 20_000, { output: (offset, data) => got.push(offset, data.byteLength), gap: () => {} });
    vi.advanceTimersByTime(10);
    expect(got[0]).toBe(20_000);
    expect(got.at(-2)! + got.at(-1)!).toBe(50_000);
    stream.stop();
  });
});
