import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compare, writeBaseline, type ComparedRun } from "../../../bench/report/baseline.mjs";

const directory = mkdtempSync(join(tmpdir(), "baseline-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, "baseline.json");

/** A run of one measure: its rate, what a bare Node took meanwhile, and the rate as a part of tmux's. */
const run = (rate: number, bareNodeMs: number, ofTmux: number, machine: Partial<ComparedRun["machine"]> = {}): ComparedRun => ({
  machine: { processor: "one", cores: 2, node: "20", date: "2026-01-01", ...machine },
  quick: false,
  results: [
    {
      measure: "spawn",
      bare_node_ms: bareNodeMs,
      figures: [{ case: "rate", subject: "lifeguard", median: rate, less: false }],
      ratios: [{ case: "rate", of: "lifeguard", to: "tmux", value: ofTmux, less: false }],
    },
  ],
});

describe("a run and the baseline", () => {
  writeBaseline(path, run(500, 50, 2));

  it("on the machine it was, as fast as it was, figures and ratios are compared", () => {
    expect(compare(path, run(450, 55, 1.9))).toEqual({
      line: "compared with 2026-01-01, figures and ratios, 2 in all: none is worse than its band",
      worse: [],
    });
    expect(compare(path, run(250, 50, 1))?.worse).toEqual([
      "spawn: rate: lifeguard: 250, was 500 (band 1.3)",
      "spawn: rate: lifeguard to tmux: 1.00, was 2.00 (band 1.3)",
    ]);
  });

  it("while the machine is slower or faster, only ratios are, and it says so", () => {
    expect(compare(path, run(250, 100, 1.9))).toEqual({
      line: "compared with 2026-01-01, figures and ratios, 1 in all: none is worse than its band; only ratios where a bare Node takes another time to start: spawn (2.00 times as long)",
      worse: [],
    });
    expect(compare(path, run(250, 100, 1))?.worse).toHaveLength(1);
    expect(compare(path, run(500, 25, 1.9))?.line).toContain("spawn (0.50 times as long)");
  });

  it("on another machine only ratios are; without a baseline nothing is", () => {
    expect(compare(path, run(250, 50, 1.9, { processor: "another" }))?.line).toBe(
      "compared with 2026-01-01, ratios (the baseline is another machine's), 1 in all: none is worse than its band",
    );
    expect(compare(join(directory, "none.json"), run(1, 1, 1))).toBeNull();
  });
});
