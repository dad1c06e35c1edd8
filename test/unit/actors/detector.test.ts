import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Detector } from "../../../src/actors/detector.js";
import type { Detection, DetectorInput } from "../../../src/actors/detector.js";
import { Notified } from "../../../src/actors/notified.js";
import { looksLikePrompt } from "../../../src/actors/prompt-line.js";
import type { ShellPhase } from "../../../src/actors/shell-integration.js";
import { SETTINGS, quietShell } from "./quiet-shell.js";

const T = 1_000_000;

/** A session on a table: change what is so, look, let time pass. */
class Bench {
  readonly detector: Detector = new Detector(SETTINGS);
  line = "";
  input: DetectorInput = { ...quietShell(T), cursorLine: () => this.line };
  constructor(change: Partial<DetectorInput> = {}) {
    Object.assign(this.input, change);
  }
  look(): Detection {
    return this.detector.evaluate({ ...this.input });
  }
  after(ms: number): this {
    this.input.now += ms;
    return this;
  }
  prints(line = ""): this {
    this.input.lastOutputAt = this.input.now;
    this.line = line;
    return this;
  }
  types(): this {
    this.input.lastInputAt = this.input.now;
    this.input.seenAt = this.input.now;
    return this;
  }
  runs(command: string | null): this {
    this.input.foreground = command === null ? { group: 1, isLeader: true, command: "bash" } : { group: 7, isLeader: false, command };
    return this;
  }
  marks(phase: ShellPhase["phase"], more: Partial<ShellPhase> = {}): this {
    this.input.osc133 = { exit: null, command: null, at: this.input.now, endedAt: null, shell: null, ...more, phase };
    return this;
  }
  /** Looks as often as the detector asks, until it asks no more or `ms` are over. */
  settle(ms = 60_000): Detection {
    let seen = this.look();
    const end = this.input.now + ms;
    while (seen.next !== null && this.input.now + seen.next <= end) {
      expect(seen.next).toBeGreaterThan(0);
      seen = this.after(seen.next).look();
    }
    return seen;
  }
}

const shown = ({ state, evidence }: Detection): string => `${state}: ${evidence.rule} (${evidence.confidence})`;

describe("detector", () => {
  it("is starting until the first output, or for a second", () => {
    const bench = new Bench();
    expect(bench.look()).toMatchObject({ state: "starting", next: 1_000 });
    expect(shown(bench.after(400).prints("me@box:~$ ").look())).toBe("idle: shell_prompt (medium)");
    const silent = new Bench({ leaderIsShell: false });
    expect(silent.look().state).toBe("starting");
    expect(shown(silent.settle())).toBe("idle: no_rule_matched (low)");
  });

  it("knows a command by the shell's marks, at once and with certainty", () => {
    const bench = new Bench().marks("A").prints("$ ");
    bench.after(10);
    expect(shown(bench.look())).toBe("idle: at_prompt (high)");
    bench.after(5_000).types().marks("C", { command: "make" });
    expect(bench.look()).toMatchObject({ state: "busy", evidence: { rule: "command_running", detail: "make" }, next: 300 });
    // Its program may be there only later, and silent: it is looked for twice, and then no more.
    expect(bench.after(300).look().next).toBe(1_700);
    expect(bench.after(1_700).look().next).toBe(null);
    bench.after(1_000).marks("A", { exit: 0, endedAt: bench.input.now, command: "make" }).prints("$ ");
    expect(shown(bench.look())).toBe("idle: at_prompt (high)");
  });

  it("shows a failed command for a while, also when the prompt is back", () => {
    const bench = new Bench({ lastOutputAt: T - 1, startedAt: T - 1_000 }).marks("C");
    bench.look();
    bench.after(100).marks("A", { exit: 2, endedAt: bench.input.now, command: "make" });
    expect(bench.look()).toMatchObject({ state: "error", evidence: { detail: "make exited with 2", confidence: "high" }, next: 4_000 });
    bench.after(3_999);
    expect(bench.look().state).toBe("error");
    expect(shown(bench.after(1).look())).toBe("idle: at_prompt (high)");
    bench.after(1_000).marks("C");
    expect(bench.look().state).toBe("busy");
  });

  it("believes the foreground where the shell does not mark commands", () => {
    const bench = new Bench().after(10).prints("$ ");
    expect(bench.look().state).toBe("idle");
    // The Enter's echo comes before the command does, and the command says nothing.
    bench.after(5_000).types().prints("$ sleep 100");
    expect(bench.look()).toMatchObject({ state: "idle", next: 300 });
    bench.after(300).prints("").runs("sleep");
    expect(shown(bench.look())).toBe("busy: program_in_front (medium)");
    expect(bench.settle(50_000)).toMatchObject({ state: "busy", evidence: { detail: "sleep" } });
    bench.after(10).runs(null).prints("$ ");
    expect(bench.look().state).toBe("busy");
    const before = bench.input.now;
    expect(shown(bench.settle())).toBe("idle: shell_prompt (medium)");
    expect(bench.input.now - before).toBe(1_500);
  });

  it("takes marks of a shell that has no C for what they are", () => {
    const bench = new Bench().marks("B").after(10).prints("$ ");
    expect(shown(bench.look())).toBe("idle: at_prompt (high)");
    bench.after(10).runs("make");
    expect(shown(bench.look())).toBe("busy: program_in_front (medium)");
  });

  it("does not stay busy after a shell that went without a word", () => {
    const bench = new Bench().marks("C", { command: "ssh box" }).after(10).prints("box$ ");
    expect(bench.look().state).toBe("busy");
    bench.after(60_000).prints("me@here:~$ ");
    expect(bench.look().state).toBe("busy");
    bench.after(1_500).look();
    expect(shown(bench.settle())).toBe("idle: shell_prompt (medium)");
  });

  it("believes the marks of a shell in a shell, which is what is in front", () => {
    const bench = new Bench().runs("bash").marks("A", { shell: "7" }).prints("? ");
    expect(shown(bench.look())).toBe("idle: at_prompt (high)");
    bench.after(5_000).types().marks("D", { shell: "7", exit: 1, endedAt: bench.input.now });
    expect(shown(bench.look())).toBe("error: command_failed (high)");
    bench.after(10_000).marks("A", { shell: "1" }).prints("x");
    expect(shown(bench.look())).toBe("busy: program_in_front (medium)");
  });

  it("does not take a prompt that came as fast as an echo for one forever", () => {
    const bench = new Bench().after(10).prints("$ ");
    expect(bench.look().state).toBe("idle");
    bench.after(5_000).types().after(30).runs("bash").prints("me@box:~$ ");
    expect(bench.look().state).toBe("busy");
    expect(shown(bench.settle())).toBe("idle: prompt_of_program (medium)");
  });

  it("sees a shell in a shell, a REPL and a full-screen program wait", () => {
    const bench = new Bench().after(10).prints("root@box:/# ").runs("bash");
    bench.look();
    expect(shown(bench.settle())).toBe("idle: prompt_of_program (medium)");
    const repl = new Bench().after(10).prints(">>> ").runs("python3");
    expect(repl.look().state).toBe("busy");
    expect(shown(repl.settle())).toBe("idle: prompt_of_program (low)");
    const vim = new Bench({ altScreen: true }).after(10).prints("~").runs("vim");
    expect(vim.look().state).toBe("busy");
    expect(shown(vim.settle())).toBe("idle: full_screen_quiet (low)");
    vim.after(10_000).types().after(5).prints("hello");
    expect(vim.look().state).toBe("idle");
  });

  it("goes by silence when nothing else is known, and says so", () => {
    const bench = new Bench({ leaderIsShell: false, foreground: null });
    for (let i = 0; i < 20; i++) expect(shown(bench.after(1_400).prints().look())).toBe("busy: output_lately (low)");
    expect(bench.settle()).toMatchObject({
      state: "idle",
      evidence: { rule: "no_rule_matched", confidence: "low", detail: "no rule matched: silence" },
      next: null,
    });
    expect(bench.after(5_000).types().prints("x").look().state).toBe("idle");
    expect(bench.after(400).prints("x").look().state).toBe("busy");
  });

  it("asks for a person when a long command has ended and nobody looked", () => {
    const bench = new Bench().after(10).types().marks("C", { command: "make" });
    bench.look();
    bench.after(20_000).prints("$ ").marks("A", { exit: 0, endedAt: bench.input.now });
    expect(bench.look()).toMatchObject({ state: "idle", next: 300_000 });
    bench.after(299_999);
    expect(bench.look()).toMatchObject({ state: "idle", next: 1 });
    expect(bench.after(1).look()).toMatchObject({ state: "attention", evidence: { rule: "finished_unseen" }, next: null });
    bench.after(1).input.seenAt = bench.input.now;
    expect(bench.look()).toMatchObject({ state: "idle", next: null });
  });

  it("does not ask when the command was short, or was looked at", () => {
    for (const [ms, seen] of [
      [9_000, false],
      [20_000, true],
    ] as const) {
      const bench = new Bench().after(10).marks("C");
      bench.look();
      bench.after(ms).marks("A", { exit: 0, endedAt: bench.input.now });
      if (seen) bench.input.seenAt = bench.input.now;
      expect(bench.look()).toMatchObject({ state: "idle", next: null });
      expect(bench.after(1_000_000).look().state).toBe("idle");
    }
  });

  it("is not confused by a clock that is set back", () => {
    const bench = new Bench({ leaderIsShell: false }).after(10).prints();
    bench.look();
    bench.after(-500_000);
    expect(bench.settle().state).toBe("idle");
  });

  it("keeps its evidence as long as nothing changes", () => {
    const bench = new Bench({ leaderIsShell: false }).after(10).prints();
    const first = bench.look().evidence;
    expect(bench.after(100).prints().look().evidence).toBe(first);
    expect(bench.settle().evidence).not.toBe(first);
  });

  const step = fc.record({
    wait: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 5_000 })),
    print: fc.option(fc.constantFrom("", "$ ", "me@box:~$ ", "45%", "text", ">>> "), { nil: undefined }),
    type: fc.boolean(),
    run: fc.constantFrom(undefined, undefined, null, "sleep", "vim", "bash"),
    mark: fc.constantFrom(undefined, undefined, undefined, "A", "B", "C", "D"),
    exit: fc.constantFrom(null, 0, 1),
    alt: fc.boolean(),
  });
  const world = fc.record({
    leaderIsShell: fc.boolean(),
    marks: fc.boolean(),
    foreground: fc.boolean(),
    steps: fc.array(step, { maxLength: 40 }),
  });

  it("never flaps: out of busy only on certainty or after quiet seen twice, back only on something new; at rest it asks for nothing", () => {
    fc.assert(
      fc.property(world, ({ leaderIsShell, marks, foreground, steps }) => {
        const bench = new Bench({ leaderIsShell, foreground: foreground ? { group: 1, isLeader: true, command: "bash" } : null });
        let last = bench.look();
        /** What could make a session busy, changed since it was last seen idle. */
        let news = false;
        const look = (): Detection => {
          const seen = bench.look();
          const quiet = bench.input.now - bench.input.lastOutputAt;
          if (last.state === "busy" && seen.state !== "busy" && seen.evidence.confidence !== "high")
            expect(quiet).toBeGreaterThanOrEqual(1_500);
          if (last.state === "idle" && seen.state === "busy") expect(news).toBe(true);
          if (seen.state === "idle") news = false;
          if (seen.next !== null) expect(seen.next).toBeGreaterThan(0);
          last = seen;
          return seen;
        };
        for (const { wait, print, type, run, mark, exit, alt } of steps) {
          // The actor looks when it was asked to, and when something has changed.
          for (let left = wait; ;) {
            const next = last.next;
            if (next === null || next > left) {
              bench.after(left);
              break;
            }
            bench.after(next);
            left -= next;
            look();
          }
          if (type) bench.types();
          if (print !== undefined) bench.prints(print);
          if (run !== undefined && foreground) bench.runs(run);
          if (mark !== undefined && marks) bench.marks(mark, mark === "C" ? {} : { exit, endedAt: bench.input.now });
          news ||= print !== undefined || run !== undefined || (mark !== undefined && marks) || alt !== bench.input.altScreen;
          bench.input.altScreen = alt;
          look();
        }
        const rest = bench.settle(400_000);
        if (rest.state !== "busy") expect(rest.next).toBe(null);
        expect(["idle", "busy", "attention"]).toContain(rest.state);
        expect(shown(bench.after(60_000).look())).toBe(shown(rest));
      }),
      { numRuns: 400 },
    );
  });
});

describe("a program's own notification", () => {
  const told = { text: "may I?", at: T + 1_000, group: 7 };

  it("is attention at once, whatever else shows, and goes at once when somebody looks", () => {
    const bench = new Bench().marks("C", { command: "deploy" }).after(1_000).prints("x");
    expect(bench.look().state).toBe("busy");
    bench.input.notification = told;
    expect(bench.look()).toMatchObject({
      state: "attention",
      next: null,
      evidence: { source: "notification", rule: "program_notified", detail: "may I?" },
    });
    expect(bench.after(100_000).prints("y").look().state).toBe("attention");
    bench.input.notification = null;
    expect(bench.types().look().state).toBe("busy");
    const idle = new Bench().after(5_000).prints("$ ");
    idle.input.notification = told;
    expect(idle.look().state).toBe("attention");
    idle.input.notification = null;
    expect(shown(idle.look())).toBe("idle: shell_prompt (medium)");
  });

  it("holds until input, a look, the next command or another program; then it is over for good", () => {
    const front = (group: number, isLeader = false): { group: number; isLeader: boolean } => ({ group, isLeader });
    const phase = (at: number): ShellPhase => ({ phase: "C", exit: null, command: null, at, endedAt: null, shell: null });
    const quiet = { seenAt: 0, osc133: phase(900), foreground: front(7) };
    const holds = (change: Partial<Parameters<Notified["current"]>[0]>): boolean => {
      const notified = new Notified();
      notified.note("Deploy", "may I?", 1_000, 7);
      expect(notified.current(quiet)?.text).toBe("Deploy: may I?");
      const held = notified.current({ ...quiet, ...change }) !== null;
      expect(notified.current(quiet) !== null).toBe(held);
      return held;
    };
    expect(holds({})).toBe(true);
    expect(holds({ seenAt: 999 })).toBe(true);
    expect(holds({ foreground: front(1, true) })).toBe(true);
    expect(holds({ foreground: null })).toBe(true);
    expect(holds({ seenAt: 1_000 })).toBe(false);
    expect(holds({ osc133: phase(1_001) })).toBe(false);
    expect(holds({ foreground: front(8) })).toBe(false);
  });
});

describe("prompt heuristics", () => {
  it.each([
    "$",
    "$ ",
    "# ",
    "% ",
    "> ",
    "❯ ",
    "user@host:~$ ",
    "root@box:/# ",
    "[me@box src]$ ",
    "(venv) me@box:~/x$ ",
    "box% ",
    "~/code ❯ ",
    ">>> ",
    "mysql> ",
    "irb(main):001:0> ",
    "sh-5.2$ ",
    "bash-5.2# ",
    "➜  repo git:(main) ✗ $ ",
    "host:~ me$ ",
    "(gdb) > ",
  ])("%j is one", (line) => {
    expect(looksLikePrompt(line)).toBe(true);
  });
  it.each([
    "",
    "   ",
    "hello",
    "Downloading 45%",
    "Progress: 100 %",
    "</div>",
    "<div class='a'>",
    "a ->",
    "x =>",
    "$ ls",
    "Total #",
    "He paid in $",
    "Proceed? [y/N] ",
    "x".repeat(300) + "$",
  ])("%j is none", (line) => {
    expect(looksLikePrompt(line)).toBe(false);
  });
});
