/** When a quiet session's terminal is packed away, and when what was packed is written. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Quiet } from "../../../src/actors/quiet.js";
import { TurnQueue } from "../../../src/actors/turn-queue.js";

let done: string[];
let writeIn: number | null;
let quiet: Quiet;

beforeEach(() => {
  vi.useFakeTimers();
  done = [];
  writeIn = null;
  const park = (): number | null => {
    done.push("park");
    return writeIn;
  };
  quiet = new Quiet({ afterMs: 2_000, turns: new TurnQueue(), park, write: () => void done.push("write") });
});
afterEach(() => vi.useRealTimers());

it("packs away once, so long after it was heard last", () => {
  for (let second = 0; second < 10; second++) {
    quiet.heard();
    vi.advanceTimersByTime(1_000);
  }
  expect(done).toEqual([]);
  vi.advanceTimersByTime(1_001);
  expect(done).toEqual(["park"]);
  vi.advanceTimersByTime(600_000);
  expect(done).toEqual(["park"]);
});

it("does not pack away when something is heard while it waits for its turn", () => {
  quiet.heard();
  // Due in the same moment, before any turn.
  setTimeout(() => quiet.heard(), 2_000);
  vi.advanceTimersByTime(3_999);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(done).toEqual(["park"]);
});

it("writes what was packed when that is due, once however often it is packed again until then", () => {
  writeIn = 30_000;
  quiet.heard();
  vi.advanceTimersByTime(2_001);
  expect(done).toEqual(["park"]);
  quiet.heard();
  vi.advanceTimersByTime(10_000);
  quiet.heard();
  vi.advanceTimersByTime(10_000);
  expect(done).toEqual(["park", "park", "park"]);
  vi.advanceTimersByTime(10_001);
  expect(done).toEqual(["park", "park", "park", "write"]);
  vi.advanceTimersByTime(60_000);
  expect(done).toHaveLength(4);
});

it("does nothing when it has been stopped, also with a turn or a write under way", () => {
  writeIn = 1_000;
  quiet.heard();
  vi.advanceTimersByTime(2_001);
  quiet.heard();
  quiet.stop();
  quiet.heard();
  vi.advanceTimersByTime(60_000);
  expect(done).toEqual(["park"]);
});
