import { describe, expect, test } from "vitest";
import { briefAge, parseDuration } from "../../../src/cli/duration.js";
import { UsageError } from "../../../src/cli/verb.js";
import { parseCount, parseCursor, parseList, parsePair, parseSize, parseState, parseStates } from "../../../src/cli/words.js";

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["5s", 5_000],
    ["1.5m", 90_000],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
  ])("%s is %i ms", (word, ms) => expect(parseDuration(word)).toBe(ms));

  test.each(["", "5", "s", "-5s", "5 s", "5x", "1e3s", "0x10s"])("%j is refused in words", (word) => {
    expect(() => parseDuration(word)).toThrow(UsageError);
    expect(() => parseDuration(word)).toThrow(JSON.stringify(word));
  });

  test("a bare number is asked about", () => expect(() => parseDuration("5")).toThrow("did you mean 5s?"));
  test("longer than a timer can hold is refused, not cut", () => expect(() => parseDuration("25d")).toThrow("24 days"));

  test.each([
    [-5, "0s"],
    [0, "0s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [3_599_000, "59m"],
    [11_520_000, "3h12"],
    [3_600_000, "1h00"],
    [86_400_000 * 23, "23d"],
  ])("%i ms reads %s", (ms, words) => expect(briefAge(ms)).toBe(words));
});

describe("words", () => {
  test("sizes", () => {
    expect(parseSize("120x40")).toEqual({ cols: 120, rows: 40 });
    for (const wrong of ["120", "x40", "1x40", "120x0", "1001x40", "120x501", "120×40", "-1x4"])
      expect(() => parseSize(wrong)).toThrow(UsageError);
  });

  test("pairs gather, and a value may hold anything", () => {
    expect(parsePair("B=x=y\n", parsePair("A=", undefined))).toEqual({ A: "", B: "x=y\n" });
    for (const wrong of ["A", "=x", ""]) expect(() => parsePair(wrong, undefined)).toThrow(UsageError);
  });

  test("states are named, wrong ones with what there is", () => {
    expect(parseStates("idle, attention")).toEqual(["idle", "attention"]);
    expect(() => parseState("done")).toThrow("starting, busy, idle, attention, error, exited");
    expect(() => parseStates("idle,")).toThrow(UsageError);
  });

  test("counts, cursors, lists", () => {
    expect(parseCount("0")).toBe(0);
    expect(() => parseCount("1.5")).toThrow(UsageError);
    expect(() => parseCount("99999999999999999")).toThrow(UsageError);
    expect(parseCursor("b:1:7")).toEqual({ boot: "b:1", seq: 7 });
    for (const wrong of ["b", "b:", ":7", "b:x", "b:-1"]) expect(() => parseCursor(wrong)).toThrow(UsageError);
    expect(parseList("a,b", parseList("c", undefined))).toEqual(["c", "a", "b"]);
  });
});
