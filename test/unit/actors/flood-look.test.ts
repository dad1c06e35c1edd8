/** How often a flood is looked at. */
import { expect, test } from "vitest";
import { FLOOD_PAUSE_MS, FloodLook } from "../../../src/actors/flood-look.js";
import { VirtualTime } from "../../../src/actors/time.js";

function rig() {
  const time = new VirtualTime(1_000_000);
  const flood = { is: true, heldUp: false };
  const look = new FloodLook(
    time,
    () => flood.is,
    () => flood.heldUp,
  );
  return { time, flood, look };
}

test("a busy flood that goes on is looked at once a second", () => {
  const { time, look } = rig();
  let looks = 0;
  for (let ms = 0; ms < 5_000; ms += 10) {
    if (!look.goesOn("busy", time.now())) looks++;
    time.moveTo(time.monotonic() + 10);
  }
  expect(looks).toBe(5);
});

test("it is looked at as soon as it pauses, and while the session is not said to be busy", () => {
  const { time, look } = rig();
  expect(look.goesOn("busy", time.now())).toBe(false);
  expect(look.goesOn("busy", time.now())).toBe(true);
  expect(look.goesOn("busy", time.now() - FLOOD_PAUSE_MS)).toBe(false);
  expect(look.goesOn("idle", time.now())).toBe(false);
  expect(look.goesOn("attention", time.now())).toBe(false);
});

test("one that waits for its turn has not paused", () => {
  const { time, flood, look } = rig();
  const saidAt = time.now();
  flood.heldUp = true;
  expect(look.goesOn("busy", saidAt)).toBe(false);
  time.moveTo(time.monotonic() + 500);
  expect(look.goesOn("busy", saidAt)).toBe(true);
  time.moveTo(time.monotonic() + 500);
  expect(look.goesOn("busy", saidAt)).toBe(false);
  flood.heldUp = false;
  expect(look.goesOn("busy", saidAt)).toBe(false);
});

test("what is read as it comes is looked at as ever", () => {
  const { time, flood, look } = rig();
  flood.is = false;
  for (let n = 0; n < 3; n++) expect(look.goesOn("busy", time.now())).toBe(false);
});

test("a clock that was set back does not keep it from being looked at", () => {
  const { time, look } = rig();
  look.goesOn("busy", time.now());
  expect(look.goesOn("busy", time.now() + 60_000)).toBe(false);
});
