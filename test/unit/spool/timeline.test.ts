import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { castLines } from "../../../src/spool/cast.js";
import type { IndexRecord } from "../../../src/spool/index-file.js";
import { Timeline } from "../../../src/spool/timeline.js";

const T = 1_763_600_000_000;
const mark = (offset: number, at: number): IndexRecord => ({ offset, at: T + at, kind: "mark", a: 0, b: 0 });
const size = (offset: number, at: number, cols: number, rows: number): IndexRecord => ({
  offset,
  at: T + at,
  kind: "size",
  a: cols,
  b: rows,
});

describe("timeline", () => {
  it("tells the time of a mark, and of what lies between two", () => {
    const timeline = new Timeline([mark(100, 0), mark(200, 250), mark(300, 10_000)]);
    expect([0, 100, 150, 200, 250, 300, 999].map((offset) => (timeline.timeAt(offset) ?? 0) - T)).toEqual([
      0, 0, 125, 250, 375, 10_000, 10_000,
    ]);
    expect(new Timeline([]).timeAt(5)).toBe(null);
  });

  it("never runs backwards, whatever the clock did", () => {
    const records = fc.array(fc.record({ offset: fc.nat(1_000), at: fc.nat(100_000) }), { maxLength: 30 });
    fc.assert(
      fc.property(records, fc.array(fc.nat(1_200), { maxLength: 50 }), (marks, offsets) => {
        const timeline = new Timeline(marks.map(({ offset, at }) => mark(offset, at)));
        const times = offsets.toSorted((a, b) => a - b).map((offset) => timeline.timeAt(offset) ?? 0);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("asciicast", () => {
  const parse = (lines: Iterable<string>): unknown[] => [...lines].map((line) => JSON.parse(line) as unknown);

  it("has a header, output with its time, and sizes where they changed", () => {
    const records = [size(0, 0, 80, 24), mark(0, 0), mark(3, 2_000), size(5, 3_000, 100, 30)];
    const chunks = [{ offset: 0, data: Buffer.from("abcdefgh") }];
    expect(parse(castLines({ cols: 80, rows: 24, title: "t" }, chunks, records))).toEqual([
      { version: 2, width: 80, height: 24, timestamp: T / 1_000, title: "t" },
      [0, "o", "abc"],
      [2, "o", "de"],
      [3, "r", "100x30"],
      [3, "o", "fgh"],
    ]);
  });

  it("joins characters that a chunk or a mark has cut", () => {
    const bytes = Buffer.from("a漢b🙂c");
    const chunks = [...bytes].map((byte, i) => ({ offset: 10 + i, data: Buffer.from([byte]) }));
    const lines = parse(castLines({ cols: 80, rows: 24 }, chunks, [mark(10, 0), mark(12, 500)])) as [number, string, string][];
    expect(
      lines
        .slice(1)
        .map((line) => line[2])
        .join(""),
    ).toBe("a漢b🙂c");
  });

  it("says the size that changed in output no longer held, and a cut character at the end", () => {
    const chunks = [
      { offset: 0, data: Buffer.from("x") },
      { offset: 50, data: Buffer.from([0xe6]) },
    ];
    expect(parse(castLines({ cols: 80, rows: 24 }, chunks, [mark(0, 0), size(20, 100, 90, 20)]))).toEqual([
      { version: 2, width: 80, height: 24, timestamp: T / 1_000 },
      [0, "o", "x"],
      [0.1, "r", "90x20"],
      [0.1, "o", "\ufffd"],
    ]);
    expect(parse(castLines({ cols: 80, rows: 24 }, [], []))).toEqual([{ version: 2, width: 80, height: 24 }]);
  });

  it("leaves out nothing and invents nothing", () => {
    const chunk = fc.string({ unit: "binary", maxLength: 40 });
    const record = fc.record({
      offset: fc.nat(300),
      at: fc.nat(5_000),
      kind: fc.constantFrom("mark" as const, "size" as const),
      a: fc.integer({ min: 2, max: 5 }),
      b: fc.constant(9),
    });
    fc.assert(
      fc.property(fc.array(chunk), fc.array(record), (texts, records) => {
        const sorted = records.toSorted((a, b) => a.offset - b.offset);
        let offset = 0;
        const chunks = texts.map((text) => {
          const data = Buffer.from(text);
          offset += data.length;
          return { offset: offset - data.length, data };
        });
        const lines = parse(castLines({ cols: 5, rows: 9 }, chunks, sorted)).slice(1) as [number, string, string][];
        const decoder = new TextDecoder();
        expect(
          lines
            .filter((line) => line[1] === "o")
            .map((line) => line[2])
            .join(""),
        ).toBe(decoder.decode(Buffer.concat(chunks.map(({ data }) => data))));
        const times = lines.map((line) => line[0]);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });
});
