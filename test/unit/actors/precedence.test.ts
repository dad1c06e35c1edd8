/** Keys go before floods: who makes way, for how long, and that everybody goes on. */
import { expect, test } from "vitest";
import { Gate } from "../../../src/actors/gate.js";
import { Precedence } from "../../../src/actors/precedence.js";
import { VirtualTime } from "../../../src/actors/time.js";

const FLOOD = 4_096;

/** The main thread, and two that host sessions. */
function threads() {
  const time = new VirtualTime(1_000_000);
  const main = new Precedence(undefined, undefined, time);
  const [one, other] = [new Precedence(main.shared, undefined, time), new Precedence(main.shared, undefined, time)];
  return { time, main, one, other };
}

class Line {
  reads = true;
  pause(): void {
    this.reads = false;
  }
  resume(): void {
    this.reads = true;
  }
}

/** Of a thread without other floods. */
function gateOf(line: Line, precedence: Precedence): Gate {
  return new Gate(line, { precedence, floodTurns: { waits: () => false } });
}

test("where nobody types, no flood waits", () => {
  const { one } = threads();
  const line = new Line();
  const gate = gateOf(line, one);
  for (let n = 0; n < 100; n++) gate.chunk(FLOOD);
  expect(line.reads).toBe(true);
});

test("a key stops the floods of every thread until it is answered", () => {
  const { time, main, one, other } = threads();
  const [near, far, typed] = [new Line(), new Line(), new Line()];
  const gates = [gateOf(near, one), gateOf(far, other)] as const;
  const answering = gateOf(typed, one);
  main.claim();
  answering.typed();
  for (const gate of gates) gate.chunk(FLOOD);
  expect([near.reads, far.reads, typed.reads]).toEqual([false, false, true]);
  time.moveTo(time.monotonic() + 11);
  answering.chunk(1);
  time.moveTo(time.monotonic());
  expect([near.reads, far.reads, typed.reads], "its own thread hears of it at once").toEqual([true, false, true]);
  time.moveTo(time.monotonic() + 2);
  expect(far.reads).toBe(true);
  for (const gate of gates) gate.chunk(FLOOD);
  expect([near.reads, far.reads]).toEqual([true, true]);
});

test("a program that does not answer holds nobody up for longer than forty milliseconds", () => {
  const { time, main, one } = threads();
  const line = new Line();
  main.claim();
  gateOf(line, one).chunk(FLOOD);
  time.moveTo(time.monotonic() + 39);
  expect(line.reads).toBe(false);
  time.moveTo(time.monotonic() + 1);
  expect(line.reads).toBe(true);
});

test("a thread takes in what waits for it before the next of its floods", () => {
  const { time, main } = threads();
  let taken = 0;
  const thread = new Precedence(main.shared, () => taken++, time);
  const gate = gateOf(new Line(), thread);
  gate.chunk(FLOOD);
  expect(taken).toBe(0);
  main.claim();
  gate.chunk(FLOOD);
  expect(taken).toBe(1);
});

test("who prints little at a time makes no way", () => {
  const { main, one } = threads();
  const line = new Line();
  main.claim();
  gateOf(line, one).chunk(80);
  expect(line.reads).toBe(true);
});

test("keys without end slow a flood down by a third at most", () => {
  const { time, main, one } = threads();
  const line = new Line();
  const gate = gateOf(line, one);
  let read = 0;
  for (let ms = 0; ms < 12_000; ms++) {
    main.claim();
    if (line.reads) {
      read++;
      gate.chunk(FLOOD);
    }
    time.moveTo(time.monotonic() + 1);
  }
  expect(read).toBeGreaterThan(7_800);
  expect(read).toBeLessThan(9_000);
});

test("a session that is held for another reason is not read when the way is free", () => {
  const { time, main, one } = threads();
  const line = new Line();
  const gate = gateOf(line, one);
  main.claim();
  gate.chunk(FLOOD);
  gate.hold("behind");
  time.moveTo(time.monotonic() + 40);
  expect(line.reads).toBe(false);
  gate.free("behind");
  expect(line.reads).toBe(true);
  main.claim();
  gate.chunk(FLOOD);
  gate.hold("end");
  time.moveTo(time.monotonic() + 40);
  gate.free("behind");
  expect(line.reads).toBe(false);
});
