import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SessionSpec } from "../../../src/session.js";
import { SessionEntry } from "../../../src/supervisor/entry.js";
import { SessionTable } from "../../../src/supervisor/table.js";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "lifeguard-table-"));
});
afterEach(() => rmSync(state, { recursive: true }));

/** Numbers as the store gives them, without a store. */
function ids() {
  const marks = { session: 0, journal: 0, name: 0 };
  return {
    mint: (kind: keyof typeof marks) => ({ number: ++marks[kind], durable: Promise.resolve() }),
    seen: (kind: keyof typeof marks, number: number) => void (marks[kind] = Math.max(marks[kind], number)),
    next: (kind: keyof typeof marks) => marks[kind] + 1,
  };
}

function add(table: SessionTable, name: string, ended = false): SessionEntry {
  const { number, id } = table.mint();
  const spec: SessionSpec = {
    name,
    cwd: "/",
    tool: null,
    command: "sh",
    args: [],
    env: {},
    envSecret: [],
    cols: 80,
    rows: 24,
    restart: "never",
    isolation: "shared",
    backend: "pty",
    labels: {},
    allowSelf: false,
  };
  const entry = new SessionEntry(number, id, spec, table.directory, 0, 0);
  if (ended) entry.phase = "ended";
  mkdirSync(entry.directory);
  table.add(entry);
  return entry;
}

describe("session table", () => {
  test("a number seen anywhere, in the keeper say, is never minted again", () => {
    const table = new SessionTable(state, ids());
    const { number } = table.mint();
    const kept = add(table, "kept");
    expect(kept.number).toBe(number + 1);
    const entry = new SessionEntry(41, "sess_41", kept.spec, table.directory, 0, 0);
    table.add(entry);
    expect(table.mint().id).toBe("sess_42");
  });

  test("a directory left by a session that nobody knows any more keeps its number taken: its output is not a new session's", () => {
    mkdirSync(join(state, "sessions", "sess_7"), { recursive: true });
    mkdirSync(join(state, "sessions", "sess_12.damaged"));
    mkdirSync(join(state, "sessions", "sess_9999999999999999"));
    const table = new SessionTable(state, ids());
    expect(table.mint().id).toBe("sess_8");
  });

  test("a reference means: exact id, exact name (live before ended), then an unambiguous prefix", () => {
    const table = new SessionTable(state, ids());
    const old = add(table, "build", true);
    const build = add(table, "build");
    const builder = add(table, "builder");
    add(table, "test-1");
    add(table, "test-2");
    expect(table.resolve("build", { prefix: true })).toBe(build);
    expect(table.resolve(old.id, { prefix: true })).toBe(old);
    expect(table.resolve("builde", { prefix: true })).toBe(builder);
    expect(() => table.resolve("builde", { prefix: false })).toThrow(
      `no session "builde": ${builder.id} (builder) begins so, and here an id or a name counts in full only`,
    );
    expect(() => table.resolve("nope", { prefix: false })).toThrow(/no session "nope": list all/);
    expect(() => table.resolve("test", { prefix: true })).toThrow(/could be sess_4 \(test-1\), sess_5 \(test-2\)/);
    expect(() => table.resolve("test", { prefix: true })).toThrow(/\(test-2\): write more of it/);
    add(table, "test-3", true);
    expect(() => table.resolve("test", { prefix: true })).toThrow(/\(test-2\), and 1 that has ended: write more of it/);
    expect(() => table.resolve("", { prefix: true })).toThrow(/no session ""/);
  });

  test("a name is found as it is now: after a rename, another specification, a second adding, an end and a removal", () => {
    const table = new SessionTable(state, ids());
    const one = add(table, "one");
    const two = add(table, "two");
    const named = (): unknown[] => ["one", "two", "three", "four"].map((name) => table.liveNamed(name)?.id);
    table.rename(one, "three");
    expect([one.spec.name, ...named()]).toEqual(["three", undefined, two.id, one.id, undefined]);
    table.respecify(two, { command: "cat" });
    table.respecify(one, { name: "four", rows: 30 });
    table.add(one);
    expect([two.spec.command, one.spec.rows, ...named()]).toEqual(["cat", 30, undefined, two.id, undefined, one.id]);
    two.phase = "ended";
    expect(named()).toEqual([undefined, undefined, undefined, one.id]);
    const again = add(table, "two");
    expect(table.resolve("two", { prefix: false })).toBe(again);
    table.delete(one);
    table.rename(one, "three");
    expect([one.spec.name, ...named()]).toEqual(["three", undefined, again.id, undefined, undefined]);
    expect(() => table.claim("two", null)).toThrow(`the live session ${again.id} is named "two"`);
    table.claim("two", again);
    table.claim("four", null);
  });

  test("a number taken as a name moves the name counter on", () => {
    const table = new SessionTable(state, ids());
    add(table, "7");
    expect(table.mintName()).toBe("8");
    expect(table.mintName()).toBe("9");
  });

  test("slots are the lowest free ones", () => {
    const table = new SessionTable(state, ids());
    table.holdSlot(1);
    expect([table.takeSlot(), table.takeSlot(), table.takeSlot()]).toEqual([0, 2, 3]);
    table.freeSlot(1);
    table.freeSlot(0);
    expect([table.takeSlot(), table.takeSlot(), table.takeSlot()]).toEqual([0, 1, 4]);
  });
});
