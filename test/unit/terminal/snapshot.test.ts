import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SnapshotError, Terminal, type TerminalListener } from "../../../src/actors/terminal/terminal.js";
import { chunks, cuts, output, size } from "./output.js";

const silent: TerminalListener = { reply: () => undefined, title: () => undefined, bell: () => undefined, osc: () => undefined };
const RUNS = Number(process.env["LIFEGUARD_RUNS"] ?? 300);

/** Everything there is to know about a terminal, byte for byte. */
function fingerprint(terminal: Terminal): string {
  return Buffer.from(terminal.snapshot()).toString("base64");
}

describe("cutting", () => {
  it("gives the same terminal for any cut of the same bytes", () => {
    fc.assert(
      fc.property(size, output, cuts, (dimensions, text, at) => {
        const bytes = Buffer.from(`${text}\x1b\\`);
        const whole = new Terminal(dimensions, { historyLines: 10 }, silent);
        const cut = new Terminal(dimensions, { historyLines: 10 }, silent);
        const single = new Terminal(dimensions, { historyLines: 10 }, silent);
        whole.feed(bytes);
        for (const part of chunks(bytes, at)) cut.feed(part);
        for (const byte of bytes) single.feed(Uint8Array.of(byte));
        expect(fingerprint(cut)).toBe(fingerprint(whole));
        expect(fingerprint(single)).toBe(fingerprint(whole));
      }),
      { numRuns: RUNS },
    );
  });

  it("gives the same terminal for any cut of arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), cuts, (bytes, at) => {
        const whole = new Terminal({ cols: 10, rows: 4 }, { historyLines: 10 }, silent);
        const cut = new Terminal({ cols: 10, rows: 4 }, { historyLines: 10 }, silent);
        const ended = Buffer.concat([bytes, Buffer.from("\x18x\x18")]);
        whole.feed(ended);
        for (const part of chunks(ended, at)) cut.feed(part);
        expect(fingerprint(cut)).toBe(fingerprint(whole));
      }),
      { numRuns: RUNS * 2 },
    );
  });
});

describe("snapshot", () => {
  it("continues exactly as the original, whatever comes, also through resizes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(size, output), { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(size, output), { maxLength: 3 }),
        fc.boolean(),
        (before, after, compress) => {
          const original = new Terminal({ cols: 12, rows: 5 }, { historyLines: 10 }, silent);
          const run = (terminal: Terminal, steps: typeof before): void => {
            for (const [dimensions, text] of steps) {
              terminal.resize(dimensions);
              terminal.feed(Buffer.from(`${text}\x1b\\`));
            }
          };
          run(original, before);
          const copy = Terminal.fromSnapshot(original.snapshot({ compress }), { historyLines: 10 }, silent);
          expect(fingerprint(copy)).toBe(fingerprint(original));
          run(original, after);
          run(copy, after);
          expect(fingerprint(copy)).toBe(fingerprint(original));
        },
      ),
      { numRuns: RUNS * 2 },
    );
  });

  it("keeps the newest history where the copy may hold less", () => {
    const original = new Terminal({ cols: 10, rows: 2 }, { historyLines: 100 }, silent);
    original.feed(Buffer.from(Array.from({ length: 50 }, (_, i) => `line ${i}`).join("\r\n")));
    const copy = Terminal.fromSnapshot(original.snapshot(), { historyLines: 5 }, silent);
    expect(copy.render({ format: "text", scrollback: 5 }).content).toBe(
      ["43", "44", "45", "46", "47", "48", "49"].map((n) => `line ${n}`).join("\n"),
    );
    copy.feed(Buffer.from("\r\nnext"));
    expect(copy.render({ format: "text", scrollback: 9 })).toMatchObject({
      content: expect.stringMatching(/^line 44\n[^]*next$/),
      truncated: true,
    });
  });

  it("is refused while a sequence or a character is unfinished", () => {
    for (const begun of ["\x1b", "\x1b[1", "\x1b]0;x", "\x1bP"]) {
      const terminal = new Terminal({ cols: 10, rows: 2 }, { historyLines: 5 }, silent);
      terminal.feed(Buffer.from(begun));
      expect(terminal.atRest).toBe(false);
      expect(() => terminal.snapshot()).toThrow(/at rest/);
      terminal.feed(Buffer.from("\x18"));
      expect(terminal.atRest).toBe(true);
    }
    const terminal = new Terminal({ cols: 10, rows: 2 }, { historyLines: 5 }, silent);
    terminal.feed(Buffer.from("中").subarray(0, 2));
    expect(terminal.atRest).toBe(false);
    terminal.feed(Buffer.from("中").subarray(2));
    expect(terminal.atRest).toBe(true);
    expect(terminal.screenText()).toEqual(["中"]);
  });

  it("refuses what is damaged, cut, of another version, or no snapshot", () => {
    const terminal = new Terminal({ cols: 20, rows: 4 }, { historyLines: 5 }, silent);
    terminal.feed(Buffer.from("\x1b[31mhello\x1b[m 中文 e\u0301"));
    for (const compress of [false, true]) {
      const good = terminal.snapshot({ compress });
      const refuses = (bytes: Uint8Array): void =>
        expect(() => Terminal.fromSnapshot(bytes, { historyLines: 5 }, silent)).toThrow(SnapshotError);
      for (let length = 0; length < good.length; length++) refuses(good.subarray(0, length));
      for (let at = 0; at < good.length; at++) {
        const damaged = Buffer.from(good);
        damaged[at] = (damaged[at] ?? 0) ^ 0x55;
        refuses(damaged);
      }
      refuses(
        Buffer.concat([good, Buffer.from("x")])
          .fill(1, 3, 4)
          .fill(2, 3, 4),
      );
    }
    const other = Buffer.from(terminal.snapshot());
    other[3] = 99;
    expect(() => Terminal.fromSnapshot(other, { historyLines: 5 }, silent)).toThrow(/version 99/);
    expect(() => Terminal.fromSnapshot(Buffer.from("nonsense that is long enough"), { historyLines: 5 }, silent)).toThrow(/none/);
  });
});
