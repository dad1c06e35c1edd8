import { execFileSync } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import v8 from "node:v8";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { optimizeLater } from "../../src/tier-up.js";

const flags: string[] = [];
beforeAll(() => {
  vi.spyOn(v8, "setFlagsFromString").mockImplementation((flag) => void flags.push(flag));
  syncBuiltinESMExports();
});
afterAll(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** What this Node's V8 itself says its budget is; undefined where it has none. */
const own = /--interrupt-budget \(.*\)\n.*default: --interrupt-budget=(\d+)/.exec(
  execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" }),
)?.[1];

it("waits until the start is over, then is as V8 would have it; a V8 without that flag is left alone", () => {
  const startIsOver = optimizeLater();
  expect(flags).toEqual(own === undefined ? [] : ["--interrupt-budget=1200000"]);
  startIsOver();
  expect(flags.slice(1)).toEqual(own === undefined ? [] : [`--interrupt-budget=${own}`]);
});
