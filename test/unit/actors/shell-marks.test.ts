import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NotificationJoin, ShellIntegration } from "../../../src/actors/shell-integration.js";
import { parseOsc, plain } from "../../../src/actors/shell-marks.js";
import type { NotificationReport, PromptMark } from "../../../src/actors/shell-marks.js";

const HOST = "here.example.org";
const osc = (code: number, data: string): unknown => parseOsc(code, data, HOST);

describe("OSC 133", () => {
  it.each([
    ["A", { phase: "A", exit: null, command: null }],
    ["A;cl=m;aid=7", { phase: "A", exit: null, command: null, shell: "7" }],
    ["N;aid=7", { phase: "A", exit: null, command: null, shell: "7" }],
    ["B", { phase: "B", exit: null, command: null }],
    ["C", { phase: "C", exit: null, command: null }],
    ["C;cmdline_url=make%20-j4%20%E6%BC%A2", { phase: "C", exit: null, command: "make -j4 漢" }],
    ["C;cmdline=echo\\ a\\;b", { phase: "C", exit: null, command: "echo a;b" }],
    ["C;cmdline='a b'", { phase: "C", exit: null, command: "a b" }],
    ["C;cmdline=$'it\\'s'", { phase: "C", exit: null, command: "it's" }],
    ["C;cmdline_url=%zz%4", { phase: "C", exit: null, command: "%zz%4" }],
    ["D", { phase: "D", exit: null, command: null }],
    ["D;0", { phase: "D", exit: 0, command: null }],
    ["D;130;aid=7", { phase: "D", exit: 130, command: null, shell: "7" }],
    ["C;aid=7;cmdline=$'a\\nb\\303\\244'", { phase: "C", exit: null, command: "a bä", shell: "7" }],
    ["D;;", { phase: "D", exit: null, command: null }],
    ["D;1e9", { phase: "D", exit: null, command: null }],
    ["D;99999999999", { phase: "D", exit: null, command: null }],
  ])("%s", (data, mark) => {
    expect(osc(133, data)).toEqual({ type: "mark", shell: null, ...mark });
  });
  it.each(["", "E", "AB", "a", "A;k=s", "P;k=i", ";A"])("%j says nothing", (data) => {
    expect(osc(133, data)).toBe(null);
  });
});

describe("OSC 7", () => {
  it.each([
    ["file:///home/me", "/home/me"],
    ["file://localhost/tmp", "/tmp"],
    ["file://HERE/tmp", "/tmp"],
    ["file://here.example.org/tmp", "/tmp"],
    ["file://elsewhere/a%20b/%E6%BC%A2", "elsewhere:/a b/漢"],
    ["kitty-shell-cwd://here/a%20b", "/a%20b"],
    ["/plain/path", "/plain/path"],
    ["file:///100%", "/100%"],
    ["file:///bad%ff", "/bad\ufffd"],
  ])("%s is %s", (data, cwd) => {
    expect(osc(7, data)).toEqual({ type: "cwd", cwd });
  });
  it.each([
    "",
    "relative",
    "file://",
    "file://host",
    "http://x/y",
    "file:///a%00b",
    "file:///a%0Ab",
    "file:///a\u001bb",
    `/${"x".repeat(5_000)}`,
  ])("%j is none", (data) => {
    expect(osc(7, data)).toBe(null);
  });
});

describe("notifications and progress", () => {
  it.each([
    [9, "Build done; go look", { title: "", body: "Build done; go look" }],
    [777, "notify;Claude;Waiting; for you", { title: "Claude", body: "Waiting; for you" }],
    [777, "notify;Only a title", { title: "Only a title", body: "" }],
    [99, ";Hello", { title: "Hello", body: "" }],
    [99, "i=1:p=body;World", { title: "", body: "World", id: "1" }],
    [99, "i=1:d=0:p=title;Hel", { title: "Hel", body: "", id: "1", done: false }],
    [99, `e=1;${Buffer.from("漢字").toString("base64")}`, { title: "漢字", body: "" }],
  ])("%i;%s", (code, data, report) => {
    expect(osc(code, data)).toEqual({ type: "notification", id: "", done: true, ...report });
  });
  it.each([
    ["4;0", "none", null],
    ["4;1;40", "normal", 40],
    ["4;1;400", "normal", 100],
    ["4;2", "error", null],
    ["4;3;7", "indeterminate", null],
    ["4;4;50", "paused", 50],
    ["4;1;x", "normal", null],
  ])("9;%s is progress %s %s", (data, state, percent) => {
    expect(osc(9, data)).toEqual({ type: "progress", state, percent });
  });
  it.each([
    [9, ""],
    [9, "4"],
    [9, "4;9"],
    [9, "9;/c/dir"],
    [9, "12"],
    [777, "preexec"],
    [777, "notify"],
    [99, "no semicolon"],
    [99, "p=icon;x"],
    [99, ";"],
    [1337, "x"],
    [0, "title"],
  ])("%i;%s is none", (code, data) => {
    expect(osc(code, data)).toBe(null);
  });

  it("joins the parts of a notification, one at a time", () => {
    const join = new NotificationJoin();
    const part = (data: string): unknown => join.part(osc(99, data) as NotificationReport);
    expect(part("i=1:d=0;Hel")).toBe(null);
    expect(part("i=1:d=0;lo")).toBe(null);
    expect(part("i=1:p=body;World")).toEqual({ title: "Hello", body: "World" });
    expect(part("i=2:d=0;lost")).toBe(null);
    expect(part("i=3;new")).toEqual({ title: "new", body: "" });
    for (let i = 0; i < 1_000; i++) part(`i=4:d=0:p=body;${"x".repeat(1_000)}`);
    expect((part("i=4;t") as { body: string }).body.length).toBe(1_024);
  });
});

describe("whatever a program sends", () => {
  it("never throws, is bounded, and lets no control character through", () => {
    const data = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc
        .tuple(
          fc.constantFrom("C;cmdline=", "C;cmdline_url=", "D;", "file://", "file:///", "notify;", "4;", "i=1:d=0;", "e=1;", "p=body;"),
          fc.string({ unit: "binary", maxLength: 3_000 }),
        )
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(fc.constantFrom(133, 7, 9, 777, 99), data, (code, text) => {
        const report = parseOsc(code, text, HOST);
        if (report === null) return;
        for (const value of Object.values(report)) {
          if (typeof value !== "string") continue;
          expect(value.length).toBeLessThanOrEqual(4_400);
          expect(value).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("cuts text at its bound, never through a character", () => {
    expect(plain("🙂🙂", 3)).toBe("🙂");
    expect(plain("  a\r\n\u001b[31mb\u009b ", 100)).toBe("a [31mb");
  });
});

describe("shell integration", () => {
  const mark = (phase: PromptMark["phase"], more: Partial<PromptMark> = {}): PromptMark => ({
    type: "mark",
    phase,
    exit: null,
    command: null,
    shell: null,
    ...more,
  });

  it("follows a command from its start to the prompt after it", () => {
    const shell = new ShellIntegration();
    expect(shell.mark(mark("A"), 0)).toBe(null);
    expect(shell.mark(mark("B"), 1)).toBe(null);
    expect(shell.mark(mark("C", { command: "make" }), 100)).toBe(null);
    expect(shell.running).toBe("make");
    expect(shell.mark(mark("D", { exit: 2 }), 350)).toEqual({ command: "make", exit: 2, durationMs: 250 });
    expect(shell.mark(mark("A"), 351)).toBe(null);
    expect(shell.state).toEqual({ phase: "A", exit: 2, command: "make", at: 351, endedAt: 350, shell: null });
    expect(shell.running).toBe(null);
  });

  it("does not take the D of an empty line for a command that failed again", () => {
    const shell = new ShellIntegration();
    shell.mark(mark("C", { command: "false" }), 0);
    shell.mark(mark("D", { exit: 1 }), 10);
    shell.mark(mark("A"), 11);
    expect(shell.mark(mark("D", { exit: 1 }), 9_000)).toBe(null);
    shell.mark(mark("A"), 9_001);
    expect(shell.state?.endedAt).toBe(10);
  });

  it("believes the D of a shell without C, and ends what a prompt without D ends", () => {
    const shell = new ShellIntegration();
    expect(shell.mark(mark("D", { exit: 3 }), 5)).toEqual({ command: null, exit: 3, durationMs: null });
    shell.mark(mark("C", { command: "cat" }), 10);
    expect(shell.mark(mark("A"), 30)).toEqual({ command: "cat", exit: null, durationMs: 20 });
    shell.reset();
    expect(shell.state).toBe(null);
  });

  it("knows a shell in a shell: the outer one's command goes on until the outer one says so", () => {
    const shell = new ShellIntegration();
    const outer = (phase: PromptMark["phase"], more = {}): PromptMark => mark(phase, { shell: "1", ...more });
    const inner = (phase: PromptMark["phase"], more = {}): PromptMark => mark(phase, { shell: "2", ...more });
    shell.mark(outer("A"), 0);
    shell.mark(outer("C", { command: "bash" }), 100);
    expect(shell.mark(inner("A"), 150)).toBe(null);
    expect(shell.state).toMatchObject({ phase: "A", exit: null, command: null });
    shell.mark(inner("C", { command: "false" }), 200);
    expect(shell.mark(inner("D", { exit: 1 }), 210)).toEqual({ command: "false", exit: 1, durationMs: 10 });
    shell.mark(inner("A"), 211);
    // It leaves by `exit`, while that is under way, or without a word: all the same.
    shell.mark(inner("C", { command: "exit 3" }), 300);
    expect(shell.mark(outer("D", { exit: 3 }), 310)).toEqual({ command: "bash", exit: 3, durationMs: 210 });
    expect(shell.mark(outer("A"), 311)).toBe(null);
    for (let i = 0; i < 100; i++) {
      shell.mark(mark("A", { shell: `s${i}` }), 400);
      shell.mark(mark("C", { shell: `s${i}` }), 400);
    }
    expect(shell.mark(mark("D", { shell: "s90", exit: 0 }), 500)?.durationMs).toBe(100);
  });
});
