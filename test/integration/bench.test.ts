/** The benchmark harness runs: a measure beside tmux, with its table, its aims, its plot and its JSON; and leaves nothing behind. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "bench-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, TMPDIR: directory };
  return spawnSync(process.execPath, ["bench/run.mjs", ...args], { encoding: "utf8", env, timeout: 50_000 });
}

interface Run {
  quick: boolean;
  results: { measure: string; figures: { case: string; subject: string; median: number }[]; ratios: { to: string; value: number }[] }[];
}

test("rpc and spawn, quick: figures of every subject, ratios to tmux, a plot each", { timeout: 60_000 }, () => {
  const json = join(directory, "run.json");
  const { status, stdout, stderr } = bench(
    "--only",
    "spawn,rpc",
    "--quick",
    "--sessions",
    "5",
    "--json",
    json,
    "--svg",
    join(directory, "plots"),
  );
  expect(stderr + stdout).toContain("spawn:");
  expect(status, stderr).toBe(0);
  const run = JSON.parse(readFileSync(json, "utf8")) as Run;
  expect(run.results.map(({ measure }) => measure)).toEqual(["spawn", "rpc"]);
  for (const { figures } of run.results) for (const { median } of figures) expect(median).toBeGreaterThan(0);
  const [spawn, rpc] = run.results;
  expect(new Set(spawn?.figures.map(({ subject }) => subject))).toEqual(new Set(["lifeguard", "tmux"]));
  expect(spawn?.ratios[0]?.to).toBe("tmux");
  expect(new Set(rpc?.figures.map(({ subject }) => subject))).toEqual(new Set(["MessagePack", "JSON lines"]));
  expect(readdirSync(join(directory, "plots")).toSorted()).toEqual(["rpc.svg", "spawn.svg"]);
  expect(readdirSync(directory).toSorted()).toEqual(["plots", "run.json"]);
});

test("a measure that is not there, and a number that is none, are refused by name", () => {
  const unknown = bench("--only", "speed");
  expect(unknown.status).toBe(2);
  expect(unknown.stderr).toContain('there is no measure "speed": there are flood,');
  expect(bench("--sessions", "many").stderr).toContain("--sessions takes a whole number above 0");
});
