/** What a listing means, and how rooms exclude each other. */
import { describe, expect, it } from "vitest";
import { launchScript } from "../../../src/supervisor/tmux/launch-script.js";
import { planReconciliation, type Known } from "../../../src/supervisor/tmux/plan.js";
import { Rooms } from "../../../src/supervisor/tmux/rooms.js";
import type { TmuxSession } from "../../../src/tmux/server.js";

const listed = (id: string, name: string, server = 10, created = 100): TmuxSession => ({
  id,
  name,
  created,
  server,
  attached: 0,
  windows: 1,
  pid: 1,
  cols: 80,
  rows: 24,
  dead: false,
  activityAt: 0,
});

const known = (session: string, name: string, live: boolean, server = 10, created = 100): Known => ({
  place: { socket: "/s", session, created, server, name, adopted: true },
  live,
});

describe("a listing", () => {
  it("finds sessions by what they are, whatever they are called now", () => {
    const one = known("$1", "one", true);
    const plan = planReconciliation([one], [listed("$1", "renamed"), listed("$2", "one")]);
    expect(plan.present).toEqual([{ known: one, session: listed("$1", "renamed") }]);
    expect(plan.found.map(({ id }) => id)).toEqual(["$2"]);
    expect(plan.gone).toEqual([]);
  });

  it("takes nothing of another life of the server for what was known", () => {
    const one = known("$1", "one", true, 10);
    const plan = planReconciliation([one], [listed("$1", "other", 11)]);
    expect(plan.gone).toEqual([one]);
    expect(plan.found).toHaveLength(1);
  });

  it("gives an ended one back to whom it was: the very same, else the newest of that name", () => {
    const [old, newer, same] = [known("$1", "one", false, 9), known("$2", "one", false, 9), known("$3", "else", false)];
    const plan = planReconciliation([old, newer, same], [listed("$7", "one"), listed("$3", "new name"), listed("$8", "one")]);
    expect(plan.back.map(({ known: who, session }) => [who, session.id])).toEqual([
      [newer, "$7"],
      [same, "$3"],
    ]);
    expect(plan.found.map(({ id }) => id)).toEqual(["$8"]);
  });

  it("that is empty ends what was there, and nothing that had ended", () => {
    const [live, ended] = [known("$1", "one", true), known("$2", "two", false)];
    expect(planReconciliation([live, ended], [])).toEqual({ present: [], gone: [live], back: [], found: [] });
  });
});

describe("rooms", () => {
  it("let one kind in at a time, in order", async () => {
    const rooms = new Rooms();
    const order: string[] = [];
    const one = await rooms.enter("coming");
    const two = await rooms.enter("coming");
    const going = rooms.enter("going").then((leave) => {
      order.push("going");
      return leave;
    });
    const late = rooms.enter("coming").then((leave) => {
      order.push("late");
      return leave;
    });
    one();
    one();
    await Promise.resolve();
    expect(order).toEqual([]);
    two();
    (await going)();
    (await late)();
    expect(order).toEqual(["going", "late"]);
  });
});

describe("a launch script", () => {
  it("sets what it is told, and no word can be more than a word", () => {
    const script = launchScript(["A=it's", "npm_config_//x=1", "TERM=dumb"], "/bin/sh", ["sh", "-c", "echo 'x'"], {
      umask: 0o22,
      nofileSoft: 1024,
    });
    expect(script).toContain(String.raw`export A='it'\''s'`);
    expect(script).not.toContain("npm_config_");
    expect(script).not.toContain("TERM='dumb'");
    expect(script).toContain("umask 022\n");
    expect(script).toContain(String.raw`exec '/bin/sh' '-c' 'echo '\''x'\'''`);
  });
});
