/** One delivery against a screen that is what the test says, in virtual time. */
import { describe, expect, test } from "vitest";
import { PromptDelivery, type DeliveryStep } from "../../../src/actors/prompt-delivery.js";
import type { DeliveryLook } from "../../../src/actors/prompt-look.js";
import { encodePaste } from "../../../src/actors/terminal/keys.js";
import { VirtualTime } from "../../../src/actors/time.js";
import type { LifeguardError } from "../../../src/errors.js";

const RESTS = { state: "idle", rule: "rests", text: "❯" } as const;
const WORKS = { state: "busy", rule: "works", text: "spinner" } as const;
const ASKS = { state: "attention", rule: "dialog", text: "Do you want" } as const;
const ways = { paste: true, submit: ["Enter"], settleMs: 300, pass: "typed", alters: [], collapsed: "(?!)", placeholder: null } as const;

class Bench {
  readonly time = new VirtualTime(1_000);
  readonly written: string[] = [];
  readonly told: DeliveryStep[] = [];
  refusal: LifeguardError | null = null;
  waiting = 0;
  look: DeliveryLook = {
    state: "idle",
    rule: "rests",
    source: "screen",
    confidence: "high",
    verdict: RESTS,
    tool: { title: "Tool", ways: { ...ways, submit: [...ways.submit], alters: [] }, saysIdle: true, hasBox: true },
    box: { text: "❯", typed: "" },
    upToCursor: "❯ ",
    screen: "❯ ",
    cursorLine: "❯ ",
    cols: 100,
    rows: 30,
    bracketed: true,
    lines: false,
    alternate: false,
    quietMs: 1_000,
    shell: null,
    isShell: false,
    shellInFront: false,
    halfTyped: false,
  };
  readonly delivery: PromptDelivery;

  constructor(text: string, change: Partial<DeliveryLook> = {}) {
    this.set(change);
    this.delivery = new PromptDelivery(
      text,
      { confirmMs: 3_000, turnMs: 2_000, lossy: false },
      {
        id: "sess_1",
        time: this.time,
        look: () => this.look,
        waiting: () => this.waiting,
        room: () => 200_000,
        write: (bytes) => void this.written.push(Buffer.from(bytes).toString()),
        paste: (pasted, bracketed) => encodePaste(pasted, bracketed),
        keys: () => Buffer.from("\r"),
        told: (step) => void this.told.push(step),
      },
    );
    this.delivery.begin().catch((error: unknown) => {
      this.refusal = error as LifeguardError;
    });
  }

  set(change: Partial<DeliveryLook>): void {
    this.look = { ...this.look, ...change };
  }
  type(text: string): void {
    this.set({ box: { text: `❯ ${text}`, typed: text } });
  }
  async pass(ms: number): Promise<void> {
    this.time.moveTo(this.time.monotonic() + ms);
    await Promise.resolve();
    await Promise.resolve();
  }
  get words(): string[] {
    return this.told.map((one) => ("evidence" in one ? `${one.step}: ${one.evidence.rule}` : one.step));
  }
}

const PASTED = "\u001b[200~do it\u001b[201~";

describe("a prompt's delivery", () => {
  test("text as a paste, the submit key apart from it, proof, and the turn", async () => {
    const bench = new Bench("do it");
    expect(bench.written).toEqual([PASTED]);
    await bench.pass(290);
    bench.type("do it");
    expect(bench.written).toEqual([PASTED]);
    await bench.pass(100);
    expect(bench.written).toEqual([PASTED, "\r"]);
    bench.set({ verdict: WORKS, state: "idle" });
    bench.type("");
    await bench.pass(60);
    expect(bench.words).toEqual(["submitting", "submitted: turn_began"]);
    bench.set({ state: "busy", rule: "works" });
    await bench.pass(60);
    expect(bench.words.at(-1)).toBe("began");
    expect(bench.delivery.over).toBe(true);
    expect(bench.time.waiting).toBe(0);
  });

  test("a dialog that is open: refused, nothing written", async () => {
    for (const change of [{ verdict: ASKS }, { state: "attention", rule: "report" } as const]) {
      const bench = new Bench("1", change);
      await bench.pass(0);
      expect(bench.refusal).toMatchObject({ name: "BLOCKED", data: { typed: false } });
      expect(bench.written).toEqual([]);
    }
  });

  test("a finished turn that nobody has looked at is no dialog", async () => {
    const bench = new Bench("do it", { state: "attention", rule: "finished_unseen" });
    await bench.pass(0);
    expect(bench.written).toEqual([PASTED]);
  });

  test("a dialog that opens between the text and the submit key: the key is not pressed", async () => {
    const bench = new Bench("1");
    await bench.pass(200);
    bench.type("1");
    bench.set({ verdict: ASKS, box: null });
    await bench.pass(5_000);
    expect(bench.written).toEqual(["\u001b[200~1\u001b[201~"]);
    expect(bench.words).toEqual(["typed: dialog_opened"]);
  });

  describe("a dialog that opens right after the submit key", () => {
    const said = "❯ go on with the second part\n● Done.\n";
    const dialog = "Do you want to proceed?\n❯ 1. Yes\n  2. No";
    const submit = async (text: string): Promise<Bench> => {
      const bench = new Bench(text, { screen: `${said}❯ ` });
      bench.type(text);
      bench.set({ screen: `${said}❯ ${text}` });
      await bench.pass(400);
      expect(bench.written.at(-1)).toBe("\r");
      return bench;
    };

    test("is the answer to it when its text has come to stand in the conversation", async () => {
      for (const text of ["a prompt that nobody has given before", "go on with the second part"]) {
        const bench = await submit(text);
        bench.set({ verdict: ASKS, box: null, screen: `${said}❯ ${text}\n${dialog}` });
        await bench.pass(60);
        expect(bench.words).toEqual(["submitting", "submitted: dialog_opened_by_it"]);
      }
    });

    test("proves nothing when the text stood there before, or is in the dialog: it may only hide the box", async () => {
      for (const text of ["go on with the second part", "1", "Yes"]) {
        const bench = await submit(text);
        bench.set({ verdict: ASKS, box: null, screen: `${said}${dialog}` });
        await bench.pass(4_000);
        expect(bench.words).toEqual(["submitting", "typed: dialog_open"]);
      }
    });
  });

  test("busy: refused at once; what passes by itself is waited for a while", async () => {
    const working = new Bench("do it", { verdict: WORKS });
    await working.pass(0);
    expect(working.refusal).toMatchObject({ name: "BUSY" });
    const strange = new Bench("do it", { verdict: null });
    await strange.pass(2_000);
    expect(strange.refusal).toBeNull();
    strange.set({ verdict: RESTS });
    await strange.pass(60);
    expect(strange.written).toEqual([PASTED]);
    const never = new Bench("do it", { box: null });
    await never.pass(4_000);
    expect(never.refusal).toMatchObject({ name: "BUSY", message: expect.stringContaining("prompt box") });
    expect(never.written).toEqual([]);
  });

  test("text of somebody else in the box: refused before, and not submitted when it came meanwhile", async () => {
    const before = new Bench("do it", { box: { text: "❯ half", typed: "half" } });
    await before.pass(0);
    expect(before.refusal).toMatchObject({ name: "BUSY", data: { reason: "holds_text" } });
    const meanwhile = new Bench("do it");
    meanwhile.delivery.touched();
    meanwhile.type("do ithalf");
    await meanwhile.pass(400);
    expect(meanwhile.words).toEqual(["typed: other_text"]);
    expect(meanwhile.written).toEqual([PASTED]);
  });

  test("a submit key that was lost is pressed once more, and then it is said", async () => {
    const bench = new Bench("do it");
    bench.type("do it");
    await bench.pass(3_500);
    expect(bench.written).toEqual([PASTED, "\r", "\r"]);
    await bench.pass(3_200);
    expect(bench.written).toEqual([PASTED, "\r", "\r"]);
    expect(bench.words).toEqual(["submitting", "typed: not_taken"]);
  });

  test("a text that never shows is not submitted; nor is one that the program does not read", async () => {
    const unseen = new Bench("do it");
    await unseen.pass(4_000);
    expect(unseen.words).toEqual(["typed: not_shown"]);
    const unread = new Bench("do it");
    unread.waiting = 5;
    await unread.pass(4_000);
    expect(unread.words).toEqual(["typed: not_read"]);
    expect([...unseen.written, ...unread.written]).toEqual([PASTED, PASTED]);
  });

  test("an empty box is proof of the second order, a turn that never shows is over", async () => {
    const bench = new Bench("/clear");
    bench.type("/clear");
    await bench.pass(400);
    bench.type("");
    await bench.pass(300);
    expect(bench.words).toEqual(["submitting", "submitted: box_is_empty"]);
    await bench.pass(2_100);
    expect(bench.words.at(-1)).toBe("over");
  });

  test("the tool's own word is the best proof", async () => {
    const bench = new Bench("do it");
    bench.type("do it");
    await bench.pass(400);
    bench.delivery.reported("UserPromptSubmit", bench.time.now() - 5_000);
    expect(bench.words, "that was another prompt").toEqual(["submitting"]);
    bench.delivery.reported("UserPromptSubmit", bench.time.now());
    expect(bench.words).toEqual(["submitting", "submitted: report"]);
  });

  test("several lines where pastes are not taken: refused by name for a tool", async () => {
    const bench = new Bench("a\nb", { bracketed: false });
    await bench.pass(0);
    expect(bench.refusal).toMatchObject({ name: "UNSUPPORTED" });
    expect(bench.written).toEqual([]);
  });

  test("a line that the kernel would cut is refused by name", async () => {
    const bench = new Bench("x".repeat(5_000), { tool: null, box: null, verdict: null, lines: true, bracketed: false });
    await bench.pass(0);
    expect(bench.refusal).toMatchObject({ name: "INVALID_PARAMS", data: { limit: 4_095 } });
  });

  test("its program ends: after the submit key that is an effect, before it the text was typed, and before that nothing was", async () => {
    const after = new Bench("exit");
    after.type("exit");
    await after.pass(400);
    after.delivery.stop("its program ended", true);
    expect(after.words).toEqual(["submitting", "submitted: program_ended"]);
    const before = new Bench("exit");
    before.delivery.stop("its program ended", true);
    expect(before.words).toEqual(["typed: interrupted"]);
    const ready = new Bench("exit", { verdict: null });
    ready.delivery.stop("its program ended", true);
    await ready.pass(0);
    expect(ready.refusal).toMatchObject({ name: "EXITED", data: { typed: false } });
  });
});
