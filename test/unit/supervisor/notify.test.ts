import { describe, expect, test } from "vitest";
import { NoticeReader, type NoticedEvent } from "../../../src/notices.js";
import { Backlog, type Next } from "../../../src/supervisor/notify/backlog.js";
import { findDesktop } from "../../../src/supervisor/notify/desktop.js";

const state = (at: number, from: string, to: string, confidence = "high"): NoticedEvent => ({
  kind: "session.state",
  session: "sess_1",
  at,
  from,
  to,
  evidence: { confidence },
});
const exited = (at: number, more: Record<string, unknown>): NoticedEvent => ({
  kind: "session.exited",
  session: "sess_1",
  at,
  code: null,
  signal: null,
  reason: "process_exit",
  restarting: false,
  ...more,
});
const reader = (shell = false): NoticeReader => new NoticeReader(10_000, () => ({ startedAt: 0, shell }));

describe("which events are told", () => {
  test("a dialog, every time it opens", () => {
    const notices = reader();
    expect(notices.read(state(1, "busy", "attention"))).toBe("attention");
    expect(notices.read(state(2, "attention", "idle"))).toBe(null);
    expect(notices.read(state(3, "starting", "attention"))).toBe("attention");
  });

  test("the end of a turn that took a while, dialogs in between included; no short one and no guess", () => {
    const notices = reader();
    const turn = (...events: NoticedEvent[]): (string | null)[] => events.map((event) => notices.read(event));
    expect(turn(state(0, "idle", "busy"), state(9_999, "busy", "idle"))).toEqual([null, null]);
    expect(turn(state(0, "idle", "busy"), state(10_000, "busy", "idle"))).toEqual([null, "finished"]);
    expect(turn(state(0, "idle", "busy"), state(10_000, "busy", "error"))).toEqual([null, "finished"]);
    expect(turn(state(0, "idle", "busy"), state(10_000, "busy", "idle", "low"))).toEqual([null, null]);
    expect(
      turn(state(0, "idle", "busy"), state(9_000, "busy", "attention"), state(9_500, "attention", "busy"), state(11_000, "busy", "idle")),
    ).toEqual([null, "attention", null, "finished"]);
    // Refused: whoever did it is there.
    expect(turn(state(0, "idle", "busy"), state(20_000, "busy", "attention"), state(21_000, "attention", "idle"))[2]).toBe(null);
    expect(turn(state(30_000, "idle", "busy"), state(31_000, "busy", "idle"))).toEqual([null, null]);
  });

  test("an end that was not asked for, but not a shell that somebody has left", () => {
    expect(reader().read(exited(5, { code: 1 }))).toBe("failed");
    expect(reader().read(exited(5, { signal: "SIGSEGV" }))).toBe("failed");
    expect(reader().read(exited(5, { reason: "lost" }))).toBe("failed");
    expect(reader().read(exited(5, { reason: "restart_intensity", code: 1 }))).toBe("failed");
    expect(reader().read(exited(5, { reason: "killed", signal: "SIGHUP" }))).toBe(null);
    expect(reader().read(exited(5, { code: 0 }))).toBe(null);
    expect(reader().read(exited(10_000, { code: 0 }))).toBe("finished");
    expect(reader(true).read(exited(10_000, { code: 1 }))).toBe(null);
    expect(reader(true).read(exited(5, { signal: "SIGKILL" }))).toBe("failed");
  });
});

describe("what may be told now", () => {
  const told = (next: Next): string[] => ("tell" in next ? next.tell.map(({ session, coalesced }) => `${session}+${coalesced}`) : []);

  test("of one session at most one in its time; the newest stands for all that came meanwhile", () => {
    const backlog = new Backlog({ sessionEveryMs: 3_000, perMinute: 30, atOnce: 4 });
    backlog.add("a", "attention", 0);
    expect(told(backlog.next(0, 0))).toEqual(["a+0"]);
    for (let i = 1; i <= 100; i++) backlog.add("a", i % 2 === 0 ? "attention" : "finished", i);
    expect(backlog.next(1_000, 0)).toEqual({ waitMs: 2_000 });
    const next = backlog.next(3_000, 0);
    expect(next).toMatchObject({ tell: [{ session: "a", notice: "attention", at: 100, coalesced: 99 }] });
    expect(backlog.next(3_000, 0)).toEqual({ waitMs: null });
  });

  test("of all sessions so many a minute; then the rest at once, dialogs first", () => {
    const backlog = new Backlog({ sessionEveryMs: 3_000, perMinute: 5, atOnce: 4 });
    for (let i = 0; i < 200; i++) backlog.add(`s${i}`, i === 150 ? "attention" : "finished", i);
    for (let i = 0; i < 5; i++) expect(told(backlog.next(0, 0))).toEqual([`s${i}+0`]);
    expect(backlog.next(0, 0)).toEqual({ waitMs: 60_000 });
    expect(backlog.heldBack).toBe(true);
    const rest = told(backlog.next(60_000, 0));
    expect(rest).toHaveLength(195);
    expect(rest[0]).toBe("s150+0");
    expect(backlog.next(60_000, 0)).toEqual({ waitMs: null });
    expect(backlog.heldBack).toBe(false);
  });

  test("so many runs at once; a removed session is not told of", () => {
    const backlog = new Backlog({ sessionEveryMs: 3_000, perMinute: 30, atOnce: 2 });
    for (const session of ["a", "b", "c"]) backlog.add(session, "failed", 0);
    expect(backlog.next(0, 2)).toEqual({ waitMs: null });
    backlog.forget("b");
    expect(told(backlog.next(0, 1))).toEqual(["a+0", "c+0"]);
  });
});

describe("the desktop", () => {
  test("by the system's own program, with words as arguments", () => {
    const mac = findDesktop({}, "darwin");
    expect("missing" in mac ? [] : mac.args("attention", '"; do shell script "x', "b").slice(2)).toEqual(['"; do shell script "x', "b"]);
  });
  test("says why there is none", () => {
    expect(findDesktop({ PATH: "/nowhere" }, "linux")).toEqual({ missing: expect.stringContaining("libnotify-bin") as unknown });
  });
});
