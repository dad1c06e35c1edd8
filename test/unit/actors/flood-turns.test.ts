/** Floods of one thread: one is read at a time, each has its turn, and nobody keeps a turn that it does not use. */
import { expect, test } from "vitest";
import { FloodTurns, type Flooding } from "../../../src/actors/flood-turns.js";
import { VirtualTime } from "../../../src/actors/time.js";

const CHUNK = 4_096;

interface Pane {
  name: string;
  reads: boolean;
  read: number;
  flooding: Flooding;
}

function rig(names: string[]) {
  const time = new VirtualTime(1_000_000);
  const held = { is: false };
  const turns = new FloodTurns(() => held.is, time);
  const panes = names.map((name) => {
    const pane: Pane = {
      name,
      reads: true,
      read: 0,
      flooding: { goOn: () => void (pane.reads = true), bytes: 65_536, at: time.monotonic() },
    };
    return pane;
  });
  /** One read of a pane that is read now. */
  const read = (pane: Pane): void => {
    if (!pane.reads) return;
    pane.read++;
    if (turns.waits(pane.flooding, CHUNK)) pane.reads = false;
  };
  /** Each pane prints without end, a read takes 0.1 ms. */
  const run = (ms: number, printing: Pane[] = panes): void => {
    for (const end = time.monotonic() + ms; time.monotonic() < end;) {
      for (const pane of printing) read(pane);
      time.moveTo(time.monotonic() + 0.1);
    }
  };
  return { time, held, panes, read, run, reading: () => panes.filter(({ reads }) => reads).map(({ name }) => name) };
}

test("one alone never waits", () => {
  const { panes, run } = rig(["a"]);
  run(100);
  expect(panes[0]?.read).toBeGreaterThanOrEqual(1_000);
});

test("of several one is read at a time, and each gets its share", () => {
  const { panes, run, reading } = rig(["a", "b", "c", "d"]);
  run(1);
  expect(reading()).toEqual(["a"]);
  run(5);
  expect(reading()).toEqual(["b"]);
  run(1_000);
  const counts = panes.map(({ read }) => read);
  expect(Math.min(...counts) / Math.max(...counts)).toBeGreaterThan(0.9);
});

test("of many, turns are shorter: nobody waits for longer than a tenth of a second", () => {
  const { panes, run, time } = rig(Array.from({ length: 60 }, (_, n) => `pane ${n}`));
  run(200);
  let longest = 0;
  const since = panes.map(({ read }) => ({ read, at: time.monotonic() }));
  for (let step = 0; step < 500; step++) {
    run(1);
    for (const [n, pane] of panes.entries()) {
      const last = since[n];
      if (last === undefined || last.read === pane.read) continue;
      longest = Math.max(longest, time.monotonic() - last.at);
      since[n] = { read: pane.read, at: time.monotonic() };
    }
  }
  expect(longest).toBeGreaterThan(50);
  expect(longest).toBeLessThan(130);
});

test("who prints nothing for two milliseconds loses its turn to who waits", () => {
  const { panes, run, read, reading, time } = rig(["a", "b", "c"]);
  const [a, b, c] = panes as [Pane, Pane, Pane];
  for (const pane of panes) read(pane);
  expect(reading()).toEqual(["a"]);
  time.moveTo(time.monotonic() + 1.9);
  expect(reading()).toEqual(["a"]);
  // What was not read of it is there when it has its turn again; it was not stopped.
  time.moveTo(time.monotonic() + 1);
  expect(reading()).toEqual(["a", "b"]);
  run(3, [b]);
  read(a);
  expect(a.reads).toBe(false);
  // It has ended: the turn goes round without it.
  run(50, [b, c]);
  expect(Math.min(b.read, c.read)).toBeGreaterThan(100);
});

test("while floods wait for a key, whose turn it is keeps it", () => {
  const { panes, read, reading, held, time } = rig(["a", "b"]);
  for (const pane of panes) read(pane);
  held.is = true;
  time.moveTo(time.monotonic() + 40);
  expect(reading()).toEqual(["a"]);
  held.is = false;
  time.moveTo(time.monotonic() + 10);
  expect(reading()).toEqual(["a", "b"]);
});

test("a screen that is drawn beside floods comes at once, however often; who goes on has turns like the others", () => {
  const { panes, run, read, time } = rig(["a", "b", "drawn"]);
  const [a, b, drawn] = panes as [Pane, Pane, Pane];
  drawn.flooding.bytes = 0;
  for (let times = 0; times < 10; times++) {
    run(200, [a, b]);
    for (let chunk = 0; chunk < 6; chunk++) read(drawn);
    expect(drawn.reads).toBe(true);
  }
  for (let chunk = 0; chunk < 8; chunk++) read(drawn);
  expect(drawn.reads).toBe(false);
  run(20, [a, b]);
  expect(drawn.reads, "its turn").toBe(true);
  time.moveTo(time.monotonic() + 500);
  read(drawn);
  expect(drawn.flooding.bytes).toBe(CHUNK);
});
