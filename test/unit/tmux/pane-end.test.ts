/** When the end of a tmux pane's program may be told. */
import { describe, expect, it } from "vitest";
import { PaneEnd } from "../../../src/tmux/pane-end.js";

const UNKNOWN = { code: null, signal: null };
const EXITED = { code: 7, signal: null };
const KILLED = { code: null, signal: 9 };

describe("the end of a pane's program", () => {
  it.each([EXITED, KILLED])("is told once with its status: %o", (death) => {
    const end = new PaneEnd();
    expect(end.learn(null, false)).toBeNull();
    expect(end.learn(death, false)).toBe("tell");
    expect(end.learn(death, true)).toBeNull();
    expect(end).toMatchObject({ told: true, unreaped: false });
  });

  it("is not told while tmux does not know the status of a program that is there, reaped or not", () => {
    const end = new PaneEnd();
    expect(end.learn(UNKNOWN, false)).toBe("ask");
    expect(end).toMatchObject({ told: false, unreaped: true });
    expect([end.learn(UNKNOWN, false), end.learn(UNKNOWN, false)]).toEqual([null, null]);
    expect(end.learn(EXITED, true)).toBe("tell");
    expect(end).toMatchObject({ told: true, unreaped: false });
  });

  it("is told without a status when tmux was asked after the program had been reaped: a tmux 3.2 does not tell signals", () => {
    const end = new PaneEnd();
    expect(end.learn(UNKNOWN, false)).toBe("ask");
    expect(end.learn(UNKNOWN, true)).toBe("tell");
  });

  it("can come again: the pane's program was respawned", () => {
    const end = new PaneEnd();
    end.learn(EXITED, true);
    expect(end.learn(null, false)).toBeNull();
    expect(end.learn(UNKNOWN, false)).toBe("ask");
    expect(end.learn(null, false)).toBeNull();
    expect(end).toMatchObject({ told: false, unreaped: false });
    expect(end.learn(KILLED, true)).toBe("tell");
  });
});
