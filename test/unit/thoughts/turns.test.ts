import { describe, expect, test } from "vitest";
import { Turns } from "../../../src/thoughts/turns.js";
import { known, view } from "./views.js";

const PACE = { tick_ms: 15_000, hot_ms: 15_000, warm_ms: 45_000, cold_ms: 120_000 };
const MINUTE = 60_000;

describe("turns", () => {
  test("an unchanged session has none, a changed one by the age of its objective", () => {
    for (const [age, every] of [
      [null, 15_000],
      [4 * MINUTE, 15_000],
      [6 * MINUTE, 45_000],
      [59 * MINUTE, 45_000],
      [61 * MINUTE, 120_000],
    ] as const) {
      const turns = new Turns(PACE);
      const thought = () => known({ objective_changed_at: age === null ? null : 1e12 - age });
      const due = (offset: number, monotonic: number) => turns.due([view({ offset })], thought, { wall: 1e12, monotonic }).length;
      expect(due(1, 0)).toBe(1);
      turns.asked([view({ offset: 1 })], 0);
      expect(due(1, 1e9)).toBe(0);
      expect(due(2, every - 8_000)).toBe(0);
      expect(due(2, every - 7_000)).toBe(1);
    }
  });

  test("a deeper rest is one: who is asked hears of it once", () => {
    const turns = new Turns(PACE);
    turns.asked([view()], 0);
    const due = (rest: "drowsy" | "sleeping") => turns.due([view({ rest })], () => null, { wall: 0, monotonic: 60_000 }).length;
    expect(due("drowsy")).toBe(1);
    turns.asked([view({ rest: "drowsy" })], 0);
    expect([due("drowsy"), due("sleeping")]).toEqual([0, 1]);
  });

  test("a change of state or title is one; those that waited longest come first; who is gone is forgotten", () => {
    const turns = new Turns(PACE);
    const views = ["sess_1", "sess_2", "sess_3"].map((id) => view({ id }));
    turns.asked(views.slice(0, 1), 2_000);
    turns.asked(views.slice(1, 2), 1_000);
    const changed = [view({ id: "sess_1", title: "new" }), view({ id: "sess_2", stateSince: 9 }), view({ id: "sess_3" })];
    const ids = (all: typeof views, monotonic: number) => turns.due(all, () => null, { wall: 0, monotonic }).map(({ id }) => id);
    expect(ids(changed, 60_000)).toEqual(["sess_3", "sess_2", "sess_1"]);
    expect(ids([], 60_000)).toEqual([]);
    expect(ids(views, 60_000)).toEqual(["sess_1", "sess_2", "sess_3"]);
  });
});
