import { describe, expect, it } from "vitest";
import { BULK_LIMIT, STRING_LIMIT } from "../../../src/actors/terminal/feeder.js";
import { Terminal, type TerminalListener } from "../../../src/actors/terminal/terminal.js";

function listen(): TerminalListener & { told: string[] } {
  const told: string[] = [];
  return {
    told,
    reply: (bytes) => void told.push(`reply ${JSON.stringify(Buffer.from(bytes).toString())}`),
    title: (title) => void told.push(`title ${title}`),
    bell: () => void told.push("bell"),
    osc: (code, data) => void told.push(`osc ${code} ${data}`),
  };
}

function terminal(size = { cols: 40, rows: 5 }): { terminal: Terminal; told: string[]; feed(text: string): void } {
  const listener = listen();
  const made = new Terminal(size, { historyLines: 100 }, listener);
  return { terminal: made, told: listener.told, feed: (text) => made.feed(Buffer.from(text)) };
}

describe("unterminated strings", () => {
  it.each([
    ["OSC", "\x1b]0;"],
    ["DCS", "\x1bP1$q"],
    ["APC", "\x1b_"],
    ["PM", "\x1b^"],
    ["SOS", "\x1bX"],
    ["8-bit OSC", "\u009d0;"],
  ])("%s ends after the limit, and what follows is text", (_, introducer) => {
    for (const chunk of [1, 7, 1000, 100_000]) {
      const { terminal: t, feed } = terminal();
      const bytes = Buffer.from(`${introducer}${"x".repeat(STRING_LIMIT)}\r\nhello`);
      for (let at = 0; at < bytes.length; at += chunk) t.feed(bytes.subarray(at, at + chunk));
      expect(t.screenText().at(-1)).toBe("hello");
      // The limit counts from the introducer on: exactly the introducer's length of payload is left over.
      expect(t.screenText().join("")).toBe(`${"x".repeat(Buffer.byteLength(introducer))}hello`);
      feed("\x1b[31mgo on");
      expect(t.atRest).toBe(true);
    }
  });

  it("keep a string that ends within the limit", () => {
    const { told, feed, terminal: t } = terminal();
    feed(`\x1b]0;${"x".repeat(8000)}\x07text`);
    expect(t.screenText()).toEqual(["text"]);
    expect(told).toEqual([`title ${"x".repeat(8000)}`]);
  });

  it("let clipboard and images be long", () => {
    const { feed, terminal: t } = terminal();
    feed(`\x1b]52;c;${"aGVs".repeat(50_000)}\x07clip `);
    feed(`\x1b]1337;File=inline=1:${"aGVs".repeat(50_000)}\x07image `);
    feed(`\x1bPq#0;2;0;0;0${"~-\n".repeat(50_000)}\x1b\\sixel`);
    expect(t.screenText()).toEqual(["clip image sixel"]);
    feed(`\r\n\x1b]52;c;${"aGVs".repeat(3000)} lost its end`);
    expect(t.screenText().at(-1)).toBe(" lost its end");
    feed(`\r\n\x1b]52;c;${"aGVs".repeat(BULK_LIMIT / 4)}\r\nback`);
    expect(t.screenText().at(-1)).toBe("back");
  });
});

describe("characters", () => {
  it("survive any cut", () => {
    const text = "“quotes” — … € 中文 👋 é";
    const bytes = Buffer.from(text);
    for (let at = 1; at < bytes.length; at++) {
      const { terminal: t } = terminal();
      t.feed(bytes.subarray(0, at));
      t.feed(bytes.subarray(at));
      expect(t.screenText()).toEqual([text]);
    }
  });

  it("take two columns when they are emoji, also recent ones", () => {
    const { feed, terminal: t } = terminal();
    for (const emoji of ["👋", "🫠", "🪿", "🛝", "中"]) {
      feed(`\r\x1b[K${emoji}`);
      expect([emoji, t.cursor.x]).toEqual([emoji, 2]);
    }
    for (const narrow of ["✳", "⠋", "◐", "❯", "─", "é", "⚠"]) {
      feed(`\r\x1b[K${narrow}`);
      expect([narrow, t.cursor.x]).toEqual([narrow, 1]);
    }
  });

  it("do not grow one cell without end", () => {
    const { feed, terminal: t } = terminal({ cols: 80, rows: 10 });
    feed(`a${"\u0301".repeat(100_000)}`);
    expect(t.snapshot().length).toBeLessThan(1_000_000);
    expect(t.cursor.x).toBeLessThan(80);
  });
});

describe("repeat counts", () => {
  it.each([..."LMSTIZb@PX"].map((final) => [final]))("CSI 2147483647 %s returns at once", (final) => {
    const { feed, terminal: t } = terminal();
    feed(`abc\x1b[2147483647${final}x`);
    expect(t.atRest).toBe(true);
  });
});

describe("faults of the engine", () => {
  it("CSI 1 J in the corner does not throw", () => {
    const { feed, terminal: t } = terminal({ cols: 10, rows: 3 });
    feed("\x1b[3;10H\x1b[1Jx");
    expect(t.screenText()).toEqual(["", "", "         x"]);
  });

  it("a reflow into a full history does not write over the screen", () => {
    const t = new Terminal({ cols: 2, rows: 1 }, { historyLines: 10 }, listen());
    t.feed(Buffer.from("word ".repeat(8)));
    t.resize({ cols: 3, rows: 1 });
    t.feed(Buffer.from("\v"));
    t.resize({ cols: 8, rows: 1 });
    t.resize({ cols: 2, rows: 1 });
    expect(t.screenText()).toEqual([]);
  });

  it("a reflow that runs out of lines resizes without reflow", () => {
    const t = new Terminal({ cols: 4, rows: 1 }, { historyLines: 10 }, listen());
    t.feed(Buffer.from(`${"中".repeat(25)} `));
    t.resize({ cols: 3, rows: 1 });
    t.feed(Buffer.from("\x1b[M"));
    t.resize({ cols: 4, rows: 1 });
    t.feed(Buffer.from("\r中文"));
    expect(t.size).toEqual({ cols: 4, rows: 1 });
    expect(t.screenText()).toEqual(["中文"]);
  });

  it("the alternate screen has no history, also after it became smaller unseen", () => {
    const { feed, terminal: t } = terminal({ cols: 10, rows: 5 });
    t.resize({ cols: 10, rows: 2 });
    feed("\x1b[?1049h1\r\n2\r\n3\r\n4");
    expect(t.historyLength).toBe(0);
    expect(t.screenText()).toEqual(["3", "4"]);
  });
});

describe("listener", () => {
  it("hears titles, bells and the sequences that are not the terminal's", () => {
    const { feed, told, terminal: t } = terminal();
    feed(
      "\x1b]0;one\x07\x1b]2;two\x1b\\\x07\x1b]7;file://host/tmp\x07\x1b]133;D;0\x07\x1b]9;done\x07\x1b]9;4;1;50\x07\x1b]777;notify;a;b\x07\x1b]99;i=1;hi\x07",
    );
    expect(told).toEqual([
      "title one",
      "title two",
      "bell",
      "osc 7 file://host/tmp",
      "osc 133 D;0",
      "osc 9 done",
      "osc 9 4;1;50",
      "osc 777 notify;a;b",
      "osc 99 i=1;hi",
    ]);
    expect(t.title).toBe("two");
  });

  it("hears nothing while mute, and no queries while somebody else answers", () => {
    const { feed, told, terminal: t } = terminal();
    t.mute = true;
    feed("\x1b]0;one\x07\x07\x1b[c\x1b]7;x\x07");
    expect(told).toEqual([]);
    expect(t.title).toBe("one");
    t.mute = false;
    t.leaveAnswers = true;
    feed("\x1b[c\x1b[6n\x1b[?u\x1b]11;?\x07\x07");
    expect(told).toEqual(["bell"]);
  });
});

describe("reset", () => {
  it("is a blank terminal of the same size", () => {
    const { feed, terminal: t } = terminal();
    const blank = Buffer.from(t.snapshot()).toString("hex");
    feed("\x1b[31mtext\x1b[?1049h\x1b[?2004h\x1b]0;t\x07\x1b[>1u\x1b]8;;http://x\x07\x1b[1");
    t.reset();
    expect(Buffer.from(t.snapshot()).toString("hex")).toBe(blank);
  });
});

describe("links", () => {
  it("that are drawn again and again do not add up", () => {
    const { feed, terminal: t } = terminal();
    feed("\x1b[?1049h");
    for (let i = 0; i < 20_000; i++) feed(`\x1b[H\x1b]8;;https://example.org/${i % 7}\x07link\x1b]8;;\x07`);
    for (let i = 0; i < 5_000; i++) feed(`\x1b[H\x1b]8;;https://example.org/new/${i}\x07link\x1b]8;;\x07`);
    expect(t.snapshot().length).toBeLessThan(1000);
    expect(t.render({ format: "ansi", scrollback: 0 }).content).toContain("https://example.org/new/4999");
  });
});
