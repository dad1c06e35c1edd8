import { describe, expect, test } from "vitest";
import { restState } from "../../../src/supervisor/rest.js";
import type { RestWord } from "../../../src/supervisor/rest.js";

const word = (fields: Partial<RestWord> = {}): RestWord => ({
  state: "sleeping",
  source: "llm",
  rest_state: "active",
  updated_at: 1_000,
  ...fields,
});

describe("rest", () => {
  test.each([
    ["idle", 29_999, "active"],
    ["idle", 30_000, "drowsy"],
    ["idle", 299_999, "drowsy"],
    ["idle", 300_000, "sleeping"],
    ["idle", 1_799_999, "sleeping"],
    ["idle", 1_800_000, "deep_sleep"],
    ["busy", 9e9, "active"],
    ["attention", 9e9, "active"],
    ["error", 9e9, "active"],
    ["starting", 9e9, "active"],
    ["exited", 0, "deep_sleep"],
  ] as const)("%s for %d ms: %s", (state, forMs, expected) => expect(restState(state, 1_000, 1_000 + forMs)).toBe(expected));

  test.each([
    [word(), "sleeping"],
    [word({ state: "holding", rest_state: "sleeping" }), "sleeping"],
    [word({ state: "holding" }), "active"],
    [word({ state: "active", rest_state: "sleeping" }), "active"],
    // Nobody's word, and a word about an earlier rest.
    [word({ source: "static_sleeping" }), "active"],
    [word({ updated_at: 999 }), "active"],
  ])("by its own word %o: %s", (said, expected) => {
    expect(restState("idle", 1_000, 1_001, said)).toBe(expected);
    expect(restState("busy", 1_000, 1_001, said)).toBe("active");
    expect(restState("idle", 1_000, 1_000 + 1_800_000, said)).toBe("deep_sleep");
  });
});
