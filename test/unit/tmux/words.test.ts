/** Names, addresses, commands and titles: everything about tmux that needs no tmux. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkName } from "../../../src/session.js";
import { addressOf, socketPath } from "../../../src/tmux/address.js";
import { Breaker } from "../../../src/tmux/breaker.js";
import { quoteBytes, typeBytes } from "../../../src/tmux/commands.js";
import { asTmuxWrites, isNameFor, nameFor } from "../../../src/tmux/names.js";
import { ScreenTitles } from "../../../src/tmux/screen-titles.js";

const free = (): boolean => false;

describe("a name for a tmux session", () => {
  it.each([
    ["work", "work"],
    ["0", "0"],
    ["-dash", "-dash"],
    ["a b:c", "a-b-c"],
    ["日本語", "tmux"],
    ["sess_3", "tmux-sess_3"],
    ["con", "tmux-con"],
    ["  ünder: way", "nder-way"],
    ["x".repeat(80), "x".repeat(53)],
  ])("of %s is %s", (tmuxName, name) => {
    expect(nameFor(tmuxName, free)).toBe(name);
  });

  it("is always one of ours, free, and known again", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 90, unit: "grapheme" }), fc.nat(20), (tmuxName, takenTimes) => {
        let left = takenTimes;
        const name = nameFor(tmuxName, () => left-- > 0);
        expect(checkName(name)).toEqual({ name });
        expect(isNameFor(name, tmuxName)).toBe(true);
      }),
    );
  });

  it("takes a number when it is taken", () => {
    expect(nameFor("work", (name) => name === "work" || name === "work-2")).toBe("work-3");
    expect(isNameFor("work-3", "work")).toBe(true);
    expect(isNameFor("works", "work")).toBe(false);
  });

  it("is written as tmux does", () => {
    expect(asTmuxWrites("a.b:c d")).toBe("a_b_c d");
  });
});

describe("an address", () => {
  it("is a name in tmux's directory, or a path", () => {
    const uid = process.getuid?.() ?? 0;
    expect(socketPath({}, {})).toBe(`/tmp/tmux-${uid}/default`);
    expect(socketPath(addressOf("other"), { TMUX_TMPDIR: "/nowhere" })).toBe(`/nowhere/tmux-${uid}/other`);
    expect(socketPath(addressOf("/nowhere/x"), {})).toBe("/nowhere/x");
  });

  it.each([{ socket: "relative" }, { socketName: "a/b" }, { socketName: ".." }, { socket: "/x", socketName: "y" }])(
    "refuses %o",
    (address) => {
      expect(() => socketPath(address, {})).toThrow(/socket/);
    },
  );
});

describe("a breaker", () => {
  it("opens after two silences, for its time, and closes at an answer", () => {
    let now = 0;
    const breaker = new Breaker(30_000, () => now);
    breaker.silent();
    expect(breaker.waitMs).toBe(0);
    breaker.silent();
    expect(breaker.waitMs).toBe(30_000);
    now = 30_000;
    expect(breaker.waitMs).toBe(0);
    breaker.silent();
    expect(breaker.waitMs).toBe(30_000);
    breaker.answered();
    breaker.silent();
    expect(breaker.waitMs).toBe(0);
  });
});

describe("commands", () => {
  it("leave nothing for tmux to understand", () => {
    expect(quoteBytes(Buffer.from('a "$HOME" ~;\\\n\u00e9'))).toBe('"a \\042\\044HOME\\042 \\176\\073\\134\\012\\303\\251"');
    expect(typeBytes(7, Buffer.from([0, 0x41, 0xff]))).toBe("send-keys -t %7 -H 0 41 ff");
  });
});

describe("titles of screen", () => {
  const without = (pieces: Buffer[]): string => {
    const titles = new ScreenTitles();
    return pieces.map((piece) => titles.without(piece).toString("latin1")).join("");
  };

  it("are taken out, and nothing else", () => {
    expect(without([Buffer.from("a\x1bkbash\x1b\\b\x1b[31mc\x1bktwo\x07d\x1b\x1bkthree\x1b\\e")])).toBe("ab\x1b[31mcd\x1be");
  });

  it("are taken out however they are cut", () => {
    const text = Buffer.from("one\x1bktitle\x1b\\two\x1b]2;x\x1b\\\x1b[0m three\x1bkk\x1b\\!");
    const whole = without([text]);
    expect(whole).toBe("onetwo\x1b]2;x\x1b\\\x1b[0m three!");
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 8 }), (cuts) => {
        const at = [0, ...new Set(cuts.toSorted((a, b) => a - b)), text.length];
        expect(without(at.slice(1).map((end, i) => text.subarray(at[i], end)))).toBe(whole);
      }),
    );
  });

  it("without an end do not swallow everything", () => {
    expect(without([Buffer.from(`\x1bk${"x".repeat(8_192)}`), Buffer.from("yes")])).toMatch(/es$/);
  });
});
