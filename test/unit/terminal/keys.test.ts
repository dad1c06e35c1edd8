import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeKeys, encodePaste, LEGACY_MODES, type KeyModes } from "../../../src/actors/terminal/keys.js";

const typed = (key: string, modes: Partial<KeyModes> = {}): string =>
  Buffer.from(encodeKeys([key], { ...LEGACY_MODES, ...modes })).toString();

describe("keys", () => {
  it.each([
    ["C-c", "\x03"],
    ["C-C", "\x03"],
    ["^c", "\x03"],
    ["C-Space", "\0"],
    ["C-@", "\0"],
    ["C-[", "\x1b"],
    ["C-\\", "\x1c"],
    ["C-_", "\x1f"],
    ["C-?", "\x7f"],
    ["M-x", "\x1bx"],
    ["M-X", "\x1bX"],
    ["C-M-x", "\x1b\x18"],
    ["M-C-x", "\x1b\x18"],
    ["S-a", "A"],
    ["M-Enter", "\x1b\r"],
    ["Enter", "\r"],
    ["Tab", "\t"],
    ["BTab", "\x1b[Z"],
    ["S-Tab", "\x1b[Z"],
    ["Escape", "\x1b"],
    ["Space", " "],
    ["BSpace", "\x7f"],
    ["C-BSpace", "\b"],
    ["Up", "\x1b[A"],
    ["Down", "\x1b[B"],
    ["Right", "\x1b[C"],
    ["Left", "\x1b[D"],
    ["Home", "\x1b[H"],
    ["End", "\x1b[F"],
    ["C-Up", "\x1b[1;5A"],
    ["S-Left", "\x1b[1;2D"],
    ["M-Right", "\x1b[1;3C"],
    ["C-M-S-End", "\x1b[1;8F"],
    ["IC", "\x1b[2~"],
    ["Insert", "\x1b[2~"],
    ["DC", "\x1b[3~"],
    ["Delete", "\x1b[3~"],
    ["PPage", "\x1b[5~"],
    ["PageUp", "\x1b[5~"],
    ["NPage", "\x1b[6~"],
    ["PageDown", "\x1b[6~"],
    ["C-DC", "\x1b[3;5~"],
    ["F1", "\x1bOP"],
    ["F4", "\x1bOS"],
    ["F5", "\x1b[15~"],
    ["F12", "\x1b[24~"],
    ["S-F1", "\x1b[1;2P"],
    ["C-F5", "\x1b[15;5~"],
    ["KP7", "7"],
    ["KPEnter", "\r"],
    ["x", "x"],
    ["é", "é"],
    ["👋", "👋"],
    ["hello world", "hello world"],
    ["-", "-"],
    ["C-", "C-"],
    ["Ctrl", "Ctrl"],
    ["C-foo", "C-foo"],
    ["/help", "/help"],
    ["", ""],
  ])("%s", (key, expected) => {
    expect(typed(key)).toBe(expected);
  });

  it("follow application modes", () => {
    expect(typed("Up", { applicationCursor: true })).toBe("\x1bOA");
    expect(typed("C-Up", { applicationCursor: true })).toBe("\x1b[1;5A");
    expect(typed("KP7", { applicationKeypad: true })).toBe("\x1bOw");
  });

  it.each([
    [1, "Escape", "\x1b[27u"],
    [1, "C-c", "\x1b[99;5u"],
    [1, "M-x", "\x1b[120;3u"],
    [1, "C-S-a", "\x1b[97;6u"],
    [1, "Enter", "\r"],
    [1, "Tab", "\t"],
    [1, "BSpace", "\x7f"],
    [1, "S-Enter", "\x1b[13;2u"],
    [1, "S-Tab", "\x1b[9;2u"],
    [1, "a", "a"],
    [1, "A", "A"],
    [1, "Space", " "],
    [1, "Up", "\x1b[A"],
    [1, "C-Up", "\x1b[1;5A"],
    [1, "F1", "\x1b[P"],
    [1, "F3", "\x1b[13~"],
    [1, "text", "text"],
    [9, "a", "\x1b[97u"],
    [9, "A", "\x1b[97;2u"],
    [9, "Enter", "\x1b[13u"],
    [25, "A", "\x1b[97;2;65u"],
    [25, "a", "\x1b[97;1;97u"],
    [2, "C-c", "\x03"],
    [2, "Escape", "\x1b"],
  ])("follow kitty's flags %i: %s", (kitty, key, expected) => {
    expect(typed(key, { kitty })).toBe(expected);
  });

  it("follow modifyOtherKeys", () => {
    expect(typed("C-c", { modifyOtherKeys: 1 })).toBe("\x03");
    expect(typed("C-1", { modifyOtherKeys: 1 })).toBe("\x1b[27;5;49~");
    expect(typed("S-Enter", { modifyOtherKeys: 1 })).toBe("\x1b[27;2;13~");
    expect(typed("C-c", { modifyOtherKeys: 2 })).toBe("\x1b[27;5;99~");
    expect(typed("S-a", { modifyOtherKeys: 2 })).toBe("A");
    expect(typed("x", { modifyOtherKeys: 2 })).toBe("x");
  });
});

describe("paste", () => {
  const pasted = (text: string, bracketed: boolean): string => Buffer.from(encodePaste(text, bracketed)).toString();

  it("sends line ends as Enter does", () => {
    expect(pasted("a\nb\r\nc\rd", false)).toBe("a\rb\rc\rd");
    expect(pasted("a\n\tb — 中 👋", true)).toBe("\x1b[200~a\r\tb — 中 👋\x1b[201~");
  });

  it("cannot be ended from within", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("\x1b[201~", "\x1b[20", "1~", "\x1b", "x", "[201~")), (parts) => {
        const sent = pasted(parts.join(""), true);
        expect(sent.indexOf("\x1b[201~")).toBe(sent.length - 6);
      }),
    );
  });
});
