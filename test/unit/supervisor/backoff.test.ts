/** Sessions that wait to be started again: what is remembered of them, and who comes back when the next daemon finds them. */
import { expect, test } from "vitest";
import type { Clock } from "../../../src/clock.js";
import type { SessionSpec } from "../../../src/session.js";
import { restartHistory } from "../../../src/supervisor/backoff.js";
import { SessionEntry } from "../../../src/supervisor/entry.js";
import { entryOf, recordOf } from "../../../src/supervisor/remember.js";
import { comesBack } from "../../../src/supervisor/revival.js";

const clock: Clock = { now: () => 1_000_000, monotonic: () => 500 };

const SPEC: SessionSpec = {
  name: "work",
  cwd: "/",
  tool: null,
  command: "sh",
  args: [],
  env: {},
  envSecret: [],
  cols: 80,
  rows: 24,
  restart: "on-failure",
  isolation: "shared",
  backend: "pty",
  labels: {},
  allowSelf: false,
};

const gone = { killing: false, restart: "on-failure", tool: null, conversationId: null, waiting: false } as const;

test("after a reboot: what waited to be started again comes back, because its policy had decided so", () => {
  expect(comesBack({ ...gone, waiting: true }, "tools")).toBe(true);
  expect(comesBack({ ...gone, waiting: true }, "all")).toBe(true);
  expect(comesBack({ ...gone, waiting: true }, "none")).toBe(false);
  expect(comesBack({ ...gone, waiting: true, killing: true }, "all")).toBe(false);
});

test("after a reboot: others come back by daemon.restore, and a failure is no proof of anything", () => {
  expect(comesBack(gone, "tools")).toBe(false);
  expect(comesBack(gone, "all")).toBe(true);
  expect(comesBack({ ...gone, restart: "always" }, "tools")).toBe(true);
  expect(comesBack({ ...gone, restart: "always" }, "none")).toBe(false);
  expect(comesBack({ ...gone, tool: "claude" }, "tools")).toBe(false);
  expect(comesBack({ ...gone, tool: "claude", conversationId: "c" }, "tools")).toBe(true);
});

test("what it waits for, and how often it was started, is in its record", () => {
  const entry = new SessionEntry(3, "sess_3", { ...SPEC }, "/state/sessions", 1, 1);
  expect(entryOf(recordOf(entry), "/state/sessions", 2)).toMatchObject({ restartDueAt: null, restartTimes: [] });
  entry.restartDueAt = 1_004_000;
  entry.restartTimes = [900_000, 999_000];
  const record = JSON.parse(JSON.stringify(recordOf(entry))) as ReturnType<typeof recordOf>;
  expect(entryOf(record, "/state/sessions", 2)).toMatchObject({ restartDueAt: 1_004_000, restartTimes: [900_000, 999_000] });
  record.details = { restart_due_at: "soon", restarted_at: ["x", 5] };
  expect(entryOf(record, "/state/sessions", 2)).toMatchObject({ restartDueAt: null, restartTimes: [5] });
});

test("past restarts count for the next daemon; those that a stepped clock has put into the future are now", () => {
  expect(restartHistory([940_000, 999_900], clock)).toEqual([500 - 60_000, 400]);
  expect(restartHistory([1_000_001], clock)).toEqual([500]);
});
