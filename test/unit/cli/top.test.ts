import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { cellWidth } from "../../../src/cli/cells.js";
import { sessionTable } from "../../../src/cli/session-table.js";
import { sessionDetails } from "../../../src/cli/details.js";
import { applied } from "../../../src/cli/top/top-events.js";
import { frame } from "../../../src/cli/top/top-frame.js";
import { readKeys } from "../../../src/cli/top/top-keys.js";
import { Painter } from "../../../src/cli/top/top-paint.js";
import type { TopAction, TopState } from "../../../src/cli/top/top-state.js";
import { EMPTY, pressed, withSessions } from "../../../src/cli/top/top-state.js";
import type { SessionSummary } from "../../../src/session.js";
import { NOW, summary } from "./summaries.js";

const plain = pc.createColors(false);
const ROWS = 24;
const setting = { size: { cols: 80, rows: ROWS }, now: NOW, home: "/home/u", colours: plain };

function shown(sessions: SessionSummary[]): TopState {
  return withSessions(EMPTY, new Map(sessions.map((session) => [session.id, session])), ROWS);
}

test("every line of the help fits into 78 columns", () => {
  const wide = { ...setting, size: { cols: 200, rows: 60 } };
  const lines = frame({ ...EMPTY, mode: { kind: "help" } }, wide);
  for (const line of lines.slice(3)) expect(cellWidth(line)).toBeLessThanOrEqual(78);
});

function typed(state: TopState, keys: string): { state: TopState; actions: TopAction[] } {
  const actions: TopAction[] = [];
  for (const key of readKeys(keys)) {
    const step = pressed(state, key, ROWS);
    state = step.state;
    if (step.action.kind !== "none") actions.push(step.action);
  }
  return { state, actions };
}

const mixed = [
  summary(1),
  summary(2, { state: "busy", evidence: { source: "osc133", rule: "command", confidence: "high", at: NOW, detail: "" } }),
  summary(3, { state: "attention", state_since: NOW - 1_000 }),
  summary(4, { state: "error" }),
  summary(5, { state: "attention", state_since: NOW - 9_000, name: "build", title: "Approve?\u001b[2J" }),
];

describe("a frame", () => {
  test("of five sessions at 80x24: who needs a person first, and who has waited longest before that", () => {
    const lines = frame(shown(mixed), setting);
    expect(lines).toHaveLength(24);
    expect(lines[0]).toBe("lifeguard  5 sessions   ◆ 2 attention   ✖ 1 error   ● 1 busy   ○ 1 idle");
    expect(lines.slice(3, 8).map((line) => line.split(/\s+/).slice(0, 3).join(" "))).toEqual([
      ">◆ attention? build",
      " ◆ attention?",
      " ✖ error?",
      " ● busy",
      " ○ idle?",
    ]);
    expect(lines.slice(3, 8).map((line) => /\? +(\w+)|busy +(\w+)/.exec(line)?.slice(1).join(""))).toEqual([
      "build",
      "s3",
      "s4",
      "s2",
      "s1",
    ]);
    expect(lines[3]).toContain("Approve?\\e[2J");
    expect(lines[23]).toContain("1/5");
  });

  test.each([
    [80, 24],
    [40, 10],
    [200, 60],
    [20, 5],
    [10, 3],
    [2, 1],
  ])("fits %ix%i exactly, in every mode", (cols, rows) => {
    const many = Array.from({ length: 100 }, (_, index) =>
      summary(index + 1, { name: `名前-${index}`, cwd: "/日本/とても/長い/パス/です", title: "絵文字 👩‍👩‍👧 ".repeat(10) }),
    );
    const list = shown(many);
    const states: TopState[] = [
      list,
      EMPTY,
      { ...list, trouble: "the daemon is gone, trying again" },
      { ...list, mode: { kind: "filter" }, filter: "x".repeat(100) },
      { ...list, mode: { kind: "confirm-kill", id: "sess_1" } },
      { ...list, mode: { kind: "help" } },
      { ...list, mode: { kind: "peek", id: "sess_1", lines: ["日本".repeat(100), "\u001b[31mx", ""], answering: false } },
      { ...list, mode: { kind: "peek", id: "sess_1", lines: [], answering: true } },
      { ...list, mode: { kind: "prompt", id: "sess_1", text: "長い".repeat(100) } },
      withSessions({ ...list, grouped: true }, list.sessions, rows),
      { ...list, status: { daemonRss: 9e7, keeperRss: 1e7, threads: 2, uptimeMs: 5_000 } },
    ];
    for (const state of states) {
      const lines = frame(state, { ...setting, size: { cols, rows } });
      expect(lines).toHaveLength(rows);
      for (const line of lines) expect(cellWidth(line), JSON.stringify(line)).toBeLessThanOrEqual(cols);
    }
  });

  test("of 1 000 sessions is drawn in a few milliseconds, and one change repaints one line", () => {
    let state = shown(Array.from({ length: 1_000 }, (_, index) => summary(index + 1)));
    const painter = new Painter();
    painter.paint(frame(state, setting));
    expect(painter.paint(frame(state, setting))).toBe("");
    const next = applied(state.sessions, { kind: "session.title", session: "sess_7", at: NOW, title: "changed" });
    if (next === "list") throw new Error("a title says enough");
    state = withSessions(state, next, ROWS);
    const bytes = painter.paint(frame(state, setting));
    expect(bytes).toContain("changed");
    expect(bytes.match(/\u001b\[\d+;1H/g)).toHaveLength(1);
  });
});

describe("keys", () => {
  test("are read one by one from whatever arrives together", () => {
    expect(readKeys("j\u001b[A\u001bOB\u001b[5~\u001b\r\u007fé日\u0003\u001b[?1;2c")).toEqual([
      "j",
      "up",
      "down",
      "page-up",
      "escape",
      "enter",
      "backspace",
      "é",
      "日",
      "ctrl-c",
    ]);
  });

  test("move, and keep the selected session when the order changes under it", () => {
    let { state } = typed(shown(mixed), "jj");
    expect(state.selected).toBe("sess_4");
    state = withSessions(state, new Map(state.sessions).set("sess_4", summary(4)), ROWS);
    expect(state.selected).toBe("sess_4");
    expect(state.order.indexOf("sess_4")).toBe(4);
    expect(typed(state, "jjjjG").state.selected).toBe("sess_4");
    expect(typed(state, "g").state.selected).toBe("sess_5");
  });

  test("the selection stays in view among a thousand, and comes to its neighbour when its session goes", () => {
    const many = shown(Array.from({ length: 1_000 }, (_, index) => summary(index + 1)));
    const end = typed(many, "G").state;
    expect(end.top).toBe(1_000 - (ROWS - 4));
    const less = new Map(end.sessions);
    less.delete("sess_1000");
    expect(withSessions(end, less, ROWS)).toMatchObject({ selected: "sess_999", top: 999 - (ROWS - 4) });
  });

  test("kill asks first; only y kills", () => {
    expect(typed(shown(mixed), "x").state.mode).toEqual({ kind: "confirm-kill", id: "sess_5" });
    expect(typed(shown(mixed), "xy").actions).toEqual([{ kind: "kill", id: "sess_5" }]);
    expect(typed(shown(mixed), "xnxq").actions).toEqual([]);
    expect(typed(shown(mixed), "x\r").actions).toEqual([]);
  });

  test("filter narrows as it is typed, Enter keeps it, Escape clears it", () => {
    const narrowed = typed(shown(mixed), "/buil").state;
    expect(narrowed.order).toEqual(["sess_5"]);
    expect(typed(narrowed, "q").actions).toEqual([]);
    const kept = typed(narrowed, "\r").state;
    expect(kept).toMatchObject({ mode: { kind: "list" }, filter: "buil" });
    expect(typed(kept, "\u001b").state.order).toHaveLength(5);
    expect(typed(narrowed, "\u007f\u007f\u007f\u007f\u007f").state).toMatchObject({ filter: "", mode: { kind: "list" } });
  });

  test("attach, peek, restart, quit", () => {
    expect(typed(shown(mixed), "\r").actions).toEqual([{ kind: "attach", id: "sess_5" }]);
    expect(typed(shown(mixed), "oa").actions).toEqual([
      { kind: "peek", id: "sess_5" },
      { kind: "attach", id: "sess_5" },
    ]);
    expect(typed(shown(mixed), "r").actions).toEqual([{ kind: "restart", id: "sess_5" }]);
    expect(typed(shown(mixed), "q").actions).toEqual([{ kind: "quit" }]);
    expect(typed(shown(mixed), "?q").actions).toEqual([]);
    expect(typed(EMPTY, "jkxora\rG").actions).toEqual([]);
  });
});

describe("what a fleet needs", () => {
  const repo = (root: string, branch: string): SessionSummary["repo"] => ({ root, branch, colour: "#808080" });
  const fleet = [
    summary(1, { repo: repo("/srv/web", "main"), cwd: "/srv/web/src" }),
    summary(2, { repo: repo("/srv/api", "topic"), cwd: "/srv/api", state: "attention" }),
    summary(3, { repo: repo("/srv/web", "main"), cwd: "/srv/web", state: "error" }),
    summary(4, { cwd: "/home/u" }),
  ];

  test("n goes to the next that needs a person and round again; with nobody it says so", () => {
    expect(typed(shown(mixed), "n").state.selected).toBe("sess_3");
    expect(typed(shown(mixed), "nn").state.selected).toBe("sess_4");
    expect(typed(shown(mixed), "nn\t").state.selected).toBe("sess_5");
    expect(typed(shown([summary(1)]), "n").state).toMatchObject({ selected: "sess_1", message: "nobody needs you" });
  });

  test("b groups by repository, the one that needs a person first, what is in none last; again undoes it", () => {
    const grouped = typed(shown(fleet), "b").state;
    expect(
      frame(grouped, setting)
        .slice(3, 10)
        .map((line) => /^.*?(?= {2,}\d+s|$)/.exec(line)?.[0].replaceAll(/ +/g, " ")),
    ).toEqual(["/srv/api 1", ">◆ attention? s2", "/srv/web 2", " ✖ error? s3", " ○ idle? s1", "no repository 1", " ○ idle? s4"]);
    expect(grouped.order).toEqual(["sess_2", "sess_3", "sess_1", "sess_4"]);
    expect(typed(grouped, "b").state.order).toEqual(["sess_2", "sess_3", "sess_1", "sess_4"]);
    expect(typed(grouped, "b").state.rows.every(({ kind }) => kind === "session")).toBe(true);
  });

  test("a heading stays in view with its first session, in a thousand of them", () => {
    const many = Array.from({ length: 1_000 }, (_, n) => summary(n + 1, { repo: repo(`/srv/${n % 100}`, "main") }));
    const end = typed(withSessions({ ...EMPTY, grouped: true }, new Map(many.map((one) => [one.id, one])), ROWS), "G").state;
    expect(end.top).toBe(1_100 - (ROWS - 4));
    const back = typed(end, "g").state;
    expect(back.top).toBe(0);
  });

  test("where it is, and how much of its context it has used", () => {
    const lines = frame(
      shown([
        summary(1, { repo: repo("/srv/web", "main"), cwd: "/srv/web/src", token_count: 90_000, context_limit: 200_000 }),
        summary(2, { token_count: 12_345 }),
        summary(3),
      ]),
      { ...setting, size: { cols: 120, rows: ROWS } },
    );
    expect(lines[2]).toContain("CTX");
    expect(lines[3]).toMatch(/45% web\/src ⎇ main /);
    expect(lines[4]).toMatch(/12k ~\/work /);
    expect(frame(shown([summary(3)]), setting)[2]).not.toMatch(/CTX\s+CWD.*CTX/);
  });

  test("who needs a person is a block of colour", () => {
    const colours = pc.createColors(true);
    const lines = frame({ ...shown(mixed), selected: null }, { ...setting, colours });
    expect(lines[3]).toContain("\u001b[43m");
    expect(lines[5]).toContain("\u001b[41m");
    expect(lines.slice(6, 8).join("")).not.toMatch(/\u001b\[4[0-9]m/);
  });

  test("p prompts: typed, corrected, sent with Enter, given up with Escape; blank is none", () => {
    expect(typed(shown(mixed), "pgo onx\u007f!\r").actions).toEqual([{ kind: "prompt", id: "sess_5", text: "go on!" }]);
    expect(typed(shown(mixed), "pgo\u001b").actions).toEqual([]);
    expect(typed(shown(mixed), "p  \r").state).toMatchObject({ mode: { kind: "list" } });
    expect(frame(typed(shown(mixed), "phello").state, setting)[23]).toBe("prompt to build: hello▏");
  });

  test("y answers a dialog: keys go to the session, and only by then", () => {
    expect(typed(shown(mixed), "y1\r\u001b[B").actions).toEqual([
      { kind: "peek", id: "sess_5" },
      { kind: "answer", id: "sess_5", key: "1" },
      { kind: "answer", id: "sess_5", key: "Enter" },
      { kind: "answer", id: "sess_5", key: "Down" },
    ]);
    // q ends the answering, and not the looking; another key then ends that.
    expect(typed(shown(mixed), "yqx").actions).toEqual([{ kind: "peek", id: "sess_5" }]);
    expect(typed(shown(mixed), "o1").actions).toEqual([{ kind: "peek", id: "sess_5" }]);
  });
});

describe("events", () => {
  const { sessions } = shown(mixed);

  test("that say enough change the table at once", () => {
    const evidence = { source: "report", rule: "asked", confidence: "high", at: NOW, detail: "" };
    expect(applied(sessions, { kind: "session.state", session: "sess_1", at: NOW, from: "idle", to: "attention", evidence })).toSatisfy(
      (after: Map<string, SessionSummary>) => after.get("sess_1")?.state === "attention" && after.get("sess_1")?.state_since === NOW,
    );
    expect(applied(sessions, { kind: "session.exited", session: "sess_1", at: NOW, code: 0 })).toSatisfy(
      (after: Map<string, SessionSummary>) => !after.has("sess_1"),
    );
    expect(applied(sessions, { kind: "session.created", session: "sess_9", at: NOW, summary: summary(9) })).toSatisfy(
      (after: Map<string, SessionSummary>) => after.has("sess_9"),
    );
  });

  test("that do not say enough ask for a list; those of no interest change nothing", () => {
    expect(applied(sessions, { kind: "session.state", session: "sess_77", at: NOW })).toBe("list");
    expect(applied(sessions, { kind: "session.health", session: "sess_1", at: NOW })).toBe("list");
    expect(applied(sessions, { kind: "session.bell", session: "sess_1", at: NOW })).toBe(sessions);
    expect(applied(sessions, { kind: "session.exited", session: "sess_77", at: NOW })).toBe(sessions);
  });
});

describe("the table of ls", () => {
  test("says what is known, weak evidence with a question mark, ended sessions with how", () => {
    const ended = summary(6, {
      state: "exited",
      exit: { code: 7, signal: null, at: NOW, reason: "process_exit" },
      evidence: { source: "exit", rule: "status", confidence: "high", at: NOW, detail: "" },
    });
    expect(sessionTable([summary(1, { cwd: "/home/u" }), ended], { now: NOW, home: "/home/u", width: undefined, colours: plain })).toEqual([
      "ID      NAME  STATE     FOR  CWD     TITLE",
      "sess_1  s1    ○ idle?   10s  ~       bash",
      "sess_6  s6    · exited  10s  ~/work  exit 7",
    ]);
  });

  test("show has the evidence in it", () => {
    const text = sessionDetails(summary(1, { labels: { team: "a" } }), { now: NOW, home: "/home/u", colours: plain }).join("\n");
    expect(text).toContain("evidence  silence: quiet, confidence low, 10s ago");
    expect(text).toContain("no rule matched");
    expect(text).toContain("team=a");
  });
});
