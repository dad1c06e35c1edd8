import { describe, expect, it } from "vitest";
import { planAfterLoss } from "../../../src/actors/loss-policy.js";
import type { Death } from "../../../src/actors/loss-policy.js";

const ids = ["sess_1", "sess_2", "sess_3", "sess_4", "sess_5"];

function losses(...deaths: { at: number; suspect: string | null }[]) {
  let history: Death[] = [];
  return deaths.map(({ at, suspect }) => {
    const plan = planAfterLoss(history, { at, sessions: ids, suspect });
    history = plan.history;
    return plan;
  });
}

describe("what happens to the sessions of a lost thread", () => {
  it("first death: all start again at once, on shared threads, with their terminals", () => {
    const [plan] = losses({ at: 0, suspect: "sess_3" });
    expect(plan?.waves.length).toBe(1);
    const all = plan?.waves.flat() ?? [];
    expect(all.map((restart) => restart.id).sort()).toEqual(ids);
    expect(all.every((restart) => restart.isolation === "shared" && restart.terminal)).toBe(true);
    expect(all.filter((restart) => restart.counted).map((restart) => restart.id)).toEqual(["sess_3"]);
  });

  it("second death within the minute: halves, and the suspect in a thread of its own", () => {
    const plan = losses({ at: 0, suspect: "sess_3" }, { at: 59_999, suspect: "sess_3" })[1];
    expect(plan?.waves.map((wave) => wave.map((restart) => restart.id))).toEqual([["sess_1", "sess_2"], ["sess_4", "sess_5"], ["sess_3"]]);
    expect(plan?.waves[2]).toEqual([{ id: "sess_3", isolation: "thread", terminal: true, counted: true }]);
  });

  it("third death of the same suspect: it goes on without a terminal", () => {
    const plan = losses({ at: 0, suspect: "sess_3" }, { at: 1, suspect: "sess_3" }, { at: 2, suspect: "sess_3" })[2];
    expect(plan?.waves.flat().find((restart) => restart.id === "sess_3")).toEqual({
      id: "sess_3",
      isolation: "thread",
      terminal: false,
      counted: true,
    });
  });

  it("the others are never counted and never lose their terminal", () => {
    const plans = losses(...Array.from({ length: 20 }, (_, i) => ({ at: i, suspect: "sess_3" })));
    const others = plans.flatMap((plan) => plan.waves.flat()).filter((restart) => restart.id !== "sess_3");
    expect(others.every((restart) => restart.terminal && !restart.counted && restart.isolation === "shared")).toBe(true);
  });

  it("deaths a minute apart are each the first, and the history does not grow", () => {
    const plans = losses(...Array.from({ length: 50 }, (_, i) => ({ at: i * 60_000, suspect: "sess_3" })));
    expect(plans.every((plan) => plan.waves.length === 1 && plan.history.length === 1)).toBe(true);
  });

  it("no suspect, or one that has gone: nobody is counted and nobody is forgotten", () => {
    for (const suspect of [null, "sess_99"]) {
      const all = losses({ at: 0, suspect }, { at: 1, suspect })[1]?.waves.flat() ?? [];
      expect(all.map((restart) => restart.id).sort()).toEqual(ids);
      expect(all.some((restart) => restart.counted)).toBe(false);
    }
  });
});
