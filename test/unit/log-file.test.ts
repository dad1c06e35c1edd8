/** Logs are bounded: full files are put aside and the oldest forgotten, also when two processes write to one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFile } from "../../src/log-file.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lifeguard-log-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const line = (number: number): string => `${JSON.stringify({ number })}\n`;
const numbers = (name: string): number[] =>
  readFileSync(join(directory, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((text) => (JSON.parse(text) as { number: number }).number);

test("is never larger than its bound, keeps the newest whole lines in order, and is its owner's alone", () => {
  const log = new LogFile(join(directory, "a", "daemon.log"), { bytes: 200, kept: 3 });
  directory = join(directory, "a");
  for (let number = 1; number <= 500; number++) log.write(line(number));
  log.close();
  const names = readdirSync(directory).sort();
  expect(names).toEqual(["daemon.log", "daemon.log.1", "daemon.log.2", "daemon.log.3"]);
  for (const name of names) {
    expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(200);
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  }
  const all = names.toReversed().flatMap((name) => numbers(name));
  expect(all).toEqual(Array.from({ length: all.length }, (_, index) => 500 - all.length + 1 + index));
  directory = join(directory, "..");
});

test("goes on where an earlier process ended", () => {
  const path = join(directory, "daemon.log");
  for (let number = 1; number <= 3; number++) {
    const log = new LogFile(path, { bytes: 30, kept: 2 });
    log.write(line(number));
    log.close();
  }
  expect(numbers("daemon.log.1")).toEqual([1, 2]);
  expect(numbers("daemon.log")).toEqual([3]);
});

test("two writers of one file share it: who finds it full moves it, the other follows", () => {
  const path = join(directory, "keeper.log");
  const first = new LogFile(path, { bytes: 120, kept: 9 });
  const second = new LogFile(path, { bytes: 120, kept: 9 });
  for (let number = 1; number <= 60; number++) (number % 2 === 0 ? first : second).write(line(number));
  first.close();
  second.close();
  const names = readdirSync(directory);
  const all = names.flatMap((name) => numbers(name)).sort((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  // Each counts what it wrote itself: together they may fill a file twice.
  for (const name of names) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(240);
});

test("a directory that is gone loses lines and nothing else", () => {
  const log = new LogFile(join(directory, "daemon.log"), { bytes: 30, kept: 1 });
  log.write(line(1));
  rmSync(directory, { recursive: true });
  for (let number = 2; number < 9; number++) log.write(line(number));
  expect(log.lost).toBeGreaterThan(0);
  directory = mkdtempSync(join(tmpdir(), "lifeguard-log-"));
});
