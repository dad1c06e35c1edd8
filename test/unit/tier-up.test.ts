import { execFileSync } from "node:child_process";
import { beforeEach, expect, it, vi } from "vitest";
import { optimizeLater } from "../../src/tier-up.js";

const flags: string[] = [];
vi.mock("node:v8", async (original) => ({
  ...(await original<object>()),
  setFlagsFromString: (flag: string) => flags.push(flag),
}));
beforeEach(() => void (flags.length = 0));

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
