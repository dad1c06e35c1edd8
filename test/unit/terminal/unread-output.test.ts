/**
 * Of a flood only what can be seen is parsed; the terminal is, byte for byte of its snapshot, the one that parsed everything. So is the one
 * that goes on from a snapshot taken in the middle of it, for which nothing was parsed.
 */
import { expect, test } from "vitest";
import { coloursOf, plainUntil } from "../../../src/actors/terminal/plain-output.js";
import { Terminal } from "../../../src/actors/terminal/terminal.js";
import { UNREAD_BYTES, UnreadOutput } from "../../../src/actors/terminal/unread-output.js";
import { pieces } from "../../../bench/workloads/generate.mjs";
import { figure, sample, seeded } from "../../support/figures.js";

const QUIET = { reply: () => {}, title: () => {}, bell: () => {}, osc: () => {} };

interface Shape {
  cols: number;
  rows: number;
  historyLines: number;
}

/** A snapshot that was taken in the middle of a flood, and where in the output it goes on. */
interface Midway {
  at: number;
  snapshot: Uint8Array;
}

/** Feeds as LiveTerminal does. @returns how many bytes the parser did not get */
function feedUnread(terminal: Terminal, shape: Shape, chunks: Iterable<Uint8Array>, random: () => number, midway: Midway[] = []): number {
  const unread = new UnreadOutput();
  const lines = shape.historyLines + 2 * shape.rows + 1;
  let left = 0;
  let end = 0;
  const readUp = (): void => {
    for (const bytes of unread.take(lines)) {
      left -= bytes.byteLength;
      terminal.feed(bytes);
    }
  };
  for (const chunk of chunks) {
    left += chunk.byteLength;
    end += chunk.byteLength;
    if (unread.empty && (!terminal.atRest || !terminal.scrollsWhole)) {
      left -= chunk.byteLength;
      terminal.feed(chunk);
    } else if (!unread.push(chunk, lines)) {
      readUp();
    } else if (random() < 0.05) {
      const gone = unread.forget(lines);
      for (const bytes of gone ?? []) {
        left -= bytes.byteLength;
        terminal.feed(bytes);
      }
      if (gone !== null) midway.push({ at: end - unread.length, snapshot: terminal.snapshot({ withoutLines: true }) });
    }
  }
  readUp();
  return left;
}

function* cuts(bytes: Buffer, random: () => number, most: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + 1 + Math.floor(random() * most));
    yield bytes.subarray(at, to);
    at = to;
  }
}

function make(shape: Shape): Terminal {
  return new Terminal({ cols: shape.cols, rows: shape.rows }, { historyLines: shape.historyLines }, QUIET);
}

/** Both ways; where one is in the middle of something, both are, and a reset brings them to rest. */
function compare(shape: Shape, bytes: Buffer, random: () => number, most = 8_192): number {
  const [all, some] = [make(shape), make(shape)];
  for (const chunk of cuts(bytes, random, most)) all.feed(chunk);
  const midway: Midway[] = [];
  const left = feedUnread(some, shape, cuts(bytes, random, most), random, midway);
  expect(some.atRest).toBe(all.atRest);
  if (!all.atRest) for (const terminal of [all, some]) terminal.feed(Buffer.from("\x18"));
  expect(Buffer.from(some.snapshot()).equals(Buffer.from(all.snapshot()))).toBe(true);
  // What comes later finds the same terminal.
  const later = Buffer.from("later \x1b[3b\x1b[A\x1b7\x1b[2;5H\x1b8\x1b[5Sx\r\n\ty");
  for (const terminal of [all, some]) terminal.feed(later);
  expect(Buffer.from(some.snapshot()).equals(Buffer.from(all.snapshot()))).toBe(true);
  for (const { at, snapshot } of midway.filter((_, n) => n % Math.ceil(midway.length / 4) === 0)) {
    const revived = Terminal.fromSnapshot(snapshot, { historyLines: shape.historyLines }, QUIET);
    revived.feed(bytes.subarray(at));
    if (!revived.atRest) revived.feed(Buffer.from("\x18"));
    revived.feed(later);
    expect(Buffer.from(revived.snapshot()).equals(Buffer.from(all.snapshot()))).toBe(true);
    revived.dispose();
    revivals++;
  }
  for (const terminal of [all, some]) terminal.dispose();
  return left;
}

/** Terminals that came out of snapshots taken in the middle of floods. */
let revivals = 0;

function workload(name: string, bytes: number, seed: number): Buffer {
  const parts: string[] = [];
  let length = 0;
  for (const piece of pieces(name, seed)) {
    parts.push(piece.replaceAll("\n", "\r\n"));
    length += piece.length;
    if (length >= bytes) break;
  }
  return Buffer.from(parts.join(""));
}

const SHAPES: Shape[] = [
  { cols: 120, rows: 40, historyLines: 1_000 },
  { cols: 20, rows: 3, historyLines: 10 },
  { cols: 7, rows: 1, historyLines: 0 },
];

test.each(["prose", "logs", "compiler", "redraws", "wide"])("a flood of %s, any cuts: the same terminal", (name) => {
  const random = seeded(`cuts of ${name}`, 11);
  const bytes = workload(name, sample(`bytes of ${name}`, 8_000_000, 2_500_000), 5);
  for (const shape of SHAPES) {
    const left = compare(shape, bytes, random);
    if (shape.cols === 120) figure(`${name}: not parsed`, (100 * left) / bytes.length, "%");
    // Redraws set a title and move the cursor: all of it is parsed.
    expect(left > bytes.length / 2).toBe(name !== "redraws");
  }
});

const ODD = [
  "\r\n", "\n", "\r", "\t", "text", " ", "\x1b[31m", "\x1b[0m", "\x1b[m", "\x1b[1;4:3;58;5;9m", "\x1b[48:2::1:2:3m", "\x1b[K", "\x1b[1K", "\x1b[2K",
  "汉字", "e\u0301", "👩‍💻", "\u2014", "x".repeat(50), "\x1b[7m", "\x1b[38;5m", "\x1b[;;;m",
]; // prettier-ignore
const RARE = [
  "\x07", "\b", "\x1b]0;title\x07", "\x1b[2J", "\x1b[H", "\x1b[5;10r", "\x1b[r", "\x1b[?1049h", "\x1b[?1049l", "\x1b[?7l", "\x1b[?7h", "\x1b[4h", "\x1b[4l",
  "\x1b[20h", "\x1b[20l", "\x1b(0", "\x1b(B", "\x0e", "\x0f", "\x1b7", "\x1b8", "\x1bM", "\x1b[3A", "\x1b[6n", "\x1bH", "\x1b[3g", "\x1b]8;;http://a\x07", "\x1b]8;;\x07",
  "\x1bc", "\x1b[!p", "\x1b[2b", "\u009b31m", "\x1b[?6h", "\x1b[?45h", "\x00", "\x7f", "\x1b[3K", "\x1b[>4m", "\x1b[?4m", "\x1b[1\"q", "\x1b[",
]; // prettier-ignore

test("plain output among everything else, at random", () => {
  const random = seeded("mixtures", 3);
  const pick = (list: string[]): string => list[Math.floor(random() * list.length)] ?? "";
  let left = 0;
  const rounds = sample("mixtures", 1_000, 60);
  for (let n = 0; n < rounds; n++) {
    const shape = { cols: 2 + Math.floor(random() * 30), rows: 1 + Math.floor(random() * 6), historyLines: Math.floor(random() * 20) };
    const parts: Buffer[] = [];
    const rare = random() * 0.02;
    for (let i = 0; i < 2_000; i++) {
      const odd = random();
      if (odd < rare / 4) parts.push(Buffer.from([Math.floor(random() * 256)]));
      // Another address each time: when a link's number is free again depends on when snapshots were taken.
      else if (odd < rare) parts.push(Buffer.from(pick(RARE).replace("http://a", `http://a/${n}/${i}`)));
      else parts.push(Buffer.from(random() < 0.3 ? "\r\n" : pick(ODD)));
    }
    left += compare(shape, Buffer.concat(parts), random, 1 + Math.floor(random() * 600));
  }
  expect(left).toBeGreaterThan(rounds * 500);
  expect(revivals).toBeGreaterThan(rounds);
});

test("nothing is left out while the screen does not scroll whole, or what is kept is long", () => {
  const lines = Buffer.from("some line of text\r\n".repeat(20_000));
  const shape = { cols: 40, rows: 10, historyLines: 50 };
  const random = seeded("margins", 1);
  for (const before of ["\x1b[2;5r", "\x1b[?1049h", "\x1b]0;never ended"]) {
    const [all, some] = [make(shape), make(shape)];
    const bytes = Buffer.concat([Buffer.from(before), lines]);
    for (const chunk of cuts(bytes, random, 5_000)) all.feed(chunk);
    const left = feedUnread(some, shape, cuts(bytes, random, 5_000), random);
    if (before !== "\x1b]0;never ended") expect(left).toBe(0);
    expect(some.snapshot()).toEqual(all.snapshot());
  }
  expect(compare({ ...shape, historyLines: 8_000 }, lines, random)).toBeGreaterThan(0);
  expect(compare({ ...shape, historyLines: 30_000 }, lines, random)).toBe(0);
});

test("one line without end, or colours without reset: parsed, within bounds", () => {
  const random = seeded("no lines", 2);
  const shape = { cols: 80, rows: 24, historyLines: 100 };
  expect(compare(shape, Buffer.from("word ".repeat(500_000)), random)).toBe(0);
  const colours = Array.from({ length: 60_000 }, (_, n) => `\x1b[38;5;${n % 256}m${n}\r\n`).join("");
  compare(shape, Buffer.from(colours), random);
  const unread = new UnreadOutput();
  let pushed = 0;
  while (unread.push(Buffer.alloc(4_096, "x"), 10)) pushed += 4_096;
  expect(pushed).toBeLessThan(UNREAD_BYTES);
});

test("plain is text, CR, LF, TAB, SGR, EL and well-formed characters; what is cut may still become it", () => {
  const judge = (bytes: Buffer | string): { at: number; cut: boolean } => {
    const all = Buffer.from(bytes as string);
    return plainUntil(all, 0, all.length);
  };
  for (const plain of ["abc\r\n\t", "\x1b[m\x1b[0;38:5:1m\x1b[K\x1b[2K", "é汉👍", ""])
    expect(judge(plain)).toEqual({ at: Buffer.byteLength(plain), cut: false });
  for (const cut of ["ab\x1b", "ab\x1b[", "ab\x1b[31;", "ab\xc3"]) expect(judge(Buffer.from(cut, "latin1"))).toEqual({ at: 2, cut: true });
  for (const other of [
    "ab\x07",
    "ab\x1bM",
    "ab\x1b[3K",
    "ab\x1b[?1K",
    "ab\x1b[>4m",
    "ab\x1b[1 m",
    "ab\xc2\x9b",
    "ab\xe0\x80\x9b",
    "ab\xed\xa0\x80",
    "ab\xff",
    "ab\x80",
    "ab\x1b[" + "1".repeat(80) + "m",
  ])
    expect(judge(Buffer.from(other, "latin1"))).toEqual({ at: 2, cut: false });
  expect(coloursOf(Buffer.from("\x1b[31ma\x1b[0mb\x1b[1mc\x1b[Kd\x1b[4mé")).toString()).toBe("\x1b[0m\x1b[1m\x1b[4m");
  expect(coloursOf(Buffer.from("\x1b[31ma\x1b[mb")).toString()).toBe("\x1b[m");
  expect(coloursOf(Buffer.from("nothing")).length).toBe(0);
});
