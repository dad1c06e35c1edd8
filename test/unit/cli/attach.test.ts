import { describe, expect, test } from "vitest";
import { DetachWatch } from "../../../src/cli/attach/detach-key.js";
import { parseDetachKey } from "../../../src/detach-key.js";
import { OutputFilter } from "../../../src/cli/attach/output-filter.js";
import { FRESH } from "../../../src/cli/attach/outer-terminal.js";

const ESC = "\u001b";

describe("the detach key", () => {
  test("names as people write them", () => {
    expect(parseDetachKey("C-\\")).toMatchObject({ byte: 0x1c, code: 92 });
    expect(parseDetachKey("C-A")).toMatchObject({ byte: 1, code: 97 });
    expect(parseDetachKey("^]")).toMatchObject({ byte: 0x1d, code: 93 });
    expect(parseDetachKey("C-Space")).toMatchObject({ byte: 0, code: 32 });
    for (const wrong of ["", "q", "C-", "C-ab", "F12", "C-é", "C-["]) expect(() => parseDetachKey(wrong)).toThrow(/Control|Escape/);
  });

  test.each([
    ["as a byte", "ab\u001c", 2],
    ["in kitty's protocol", `ab${ESC}[92;5u`, 2],
    ["with CapsLock and NumLock on", `${ESC}[92;197u`, 0],
    ["with its shifted form and event", `${ESC}[92:124;5:1u`, 0],
    ["in xterm's protocol", `x${ESC}[27;5;92~`, 1],
    ["first of two", `\u001cx${ESC}[92;5u`, 0],
  ])("is found %s", (_, typed, at) => expect(new DetachWatch(parseDetachKey("C-\\")).find(Buffer.from(typed))).toBe(at));

  test.each([
    ["another key", "abc\\"],
    ["without Control", `${ESC}[92u`],
    ["with Control and Alt", `${ESC}[92;7u`],
    ["its release", `${ESC}[92;5:3u`],
    ["inside a paste", `${ESC}[200~a\u001cb${ESC}[201~c`],
  ])("%s is not it", (_, typed) => expect(new DetachWatch(parseDetachKey("C-\\")).find(Buffer.from(typed))).toBe(-1));

  test("a paste over several reads, its marks cut anywhere, hides the byte; after it the key counts again", () => {
    const typed = `x${ESC}[200~a\u001cb${ESC}[201~c\u001c`;
    for (let cut = 1; cut < typed.length - 1; cut++) {
      const watch = new DetachWatch(parseDetachKey("C-\\"));
      expect(watch.find(Buffer.from(typed.slice(0, cut))), `cut ${cut}`).toBe(-1);
      expect(watch.find(Buffer.from(typed.slice(cut))), `cut ${cut}`).toBe(typed.length - 1 - cut);
    }
  });
});

describe("output on its way to the outer terminal", () => {
  const pass = (text: string, mayRedraw = true): { text: string; redraw: boolean } => {
    const { pieces, redraw } = new OutputFilter().pass(Buffer.from(text), mayRedraw);
    return { text: Buffer.concat(pieces).toString(), redraw };
  };
  const cleared = `${ESC}[0m${ESC}[H${ESC}[2J`;

  test.each([
    `plain`,
    `${ESC}[31mred${ESC}[0m日本`,
    `${ESC}[?1000h${ESC}[?2004h`,
    `${ESC}]0;title${ESC}\\x`,
    `${ESC}[2J${ESC}[K`,
    `${ESC}(B${ESC}7${ESC}8`,
    `${ESC}[>4;1m${ESC}[?u`,
  ])("%j passes as it is", (text) => expect(pass(text)).toEqual({ text, redraw: false }));

  test("going to the alternate screen is a cleared picture; leaving it asks for a new one and stops there", () => {
    expect(pass(`a${ESC}[?1049hb`)).toEqual({ text: `a${cleared}b`, redraw: false });
    expect(pass(`a${ESC}[?1049;25hb`)).toEqual({ text: `a${cleared}${ESC}[?25hb`, redraw: false });
    expect(pass(`a${ESC}[?1049lb`)).toEqual({ text: "a", redraw: true });
    expect(pass(`a${ESC}[?47lb`, false)).toEqual({ text: "ab", redraw: false });
  });

  test("the user's scrollback is out of reach", () => {
    expect(pass(`${ESC}[H${ESC}[2J${ESC}[3Jx`)).toEqual({ text: `${ESC}[H${ESC}[2Jx`, redraw: false });
    expect(pass(`a${ESC}cb`)).toEqual({ text: `a${FRESH}b`, redraw: false });
  });

  test("however the bytes are cut, the same arrives", () => {
    const text = `x${ESC}[31m${ESC}]8;;http://a${ESC}\\l${ESC}]8;;\u0007${ESC}[?1049hy${ESC}[3J日${ESC}[?1000;1006hz${ESC}${ESC}[A`;
    const whole = pass(text).text;
    const bytes = Buffer.from(text);
    for (let cut = 1; cut < bytes.length; cut++) {
      const filter = new OutputFilter();
      const parts = [...filter.pass(bytes.subarray(0, cut)).pieces, ...filter.pass(bytes.subarray(cut)).pieces];
      expect(Buffer.concat(parts).toString(), `cut ${cut}`).toBe(whole);
    }
    const filter = new OutputFilter();
    const single = [...bytes].flatMap((byte) => filter.pass(Uint8Array.of(byte)).pieces);
    expect(Buffer.concat(single).toString()).toBe(whole);
  });

  test("what has to be put back afterwards is remembered", () => {
    const filter = new OutputFilter();
    filter.pass(Buffer.from(`${ESC}]11;?\u0007${ESC}]0;4;5\u0007`));
    expect(filter.touched).toEqual({ palette: false, progress: false });
    filter.pass(Buffer.from(`${ESC}]11;#fff\u0007${ESC}]9;4;1;50\u0007`));
    expect(filter.touched).toEqual({ palette: true, progress: true });
  });
});
