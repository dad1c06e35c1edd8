import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeCarry, decodeEntry, encodeCarry, encodeEntry, encodeLine, scanLines } from "../../../src/persistence/segment.js";
import type { EntryBody } from "../../../src/persistence/segment.js";

const body: fc.Arbitrary<EntryBody> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("message" as const, "note" as const),
  data: fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.jsonValue({ maxDepth: 2 })),
});
const bodies = fc.array(body, { minLength: 1, maxLength: 12 });

function lines(list: EntryBody[], first = 1): { bytes: Buffer; starts: number[] } {
  const starts: number[] = [];
  let length = 0;
  const parts = list.map((each, index) => {
    starts.push(length);
    const line = Buffer.concat(encodeLine(first + index, encodeEntry(each)));
    length += line.length;
    return line;
  });
  return { bytes: Buffer.concat(parts), starts: [...starts, length] };
}

it("gives back what was written", () => {
  fc.assert(
    fc.property(bodies, fc.integer({ min: 1, max: 1_000_000 }), (list, first) => {
      const { bytes } = lines(list, first);
      const scan = scanLines(bytes, 0, first);
      expect(scan).toMatchObject({ damage: [], good: bytes.length, next: first + list.length });
      expect(scan.lines.map((line) => decodeEntry(bytes, line))).toEqual(
        list.map((each, index) => ({ seq: first + index, ...JSON.parse(JSON.stringify(each)) })),
      );
    }),
  );
});

it("cut anywhere: what was whole is there, the rest is a torn tail", () => {
  fc.assert(
    fc.property(bodies, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (list, part, zeros) => {
      const { bytes, starts } = lines(list);
      const cut = Math.floor(part * bytes.length);
      const left = zeros ? Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(bytes.length - cut)]) : bytes.subarray(0, cut);
      const scan = scanLines(left, 0, 1);
      const whole = starts.findLastIndex((start) => start <= cut);
      expect(scan.lines).toHaveLength(whole);
      expect(scan.damage).toEqual([]);
      expect(scan.good).toBe(starts[whole]);
      expect(scan.next).toBe(whole + 1);
    }),
  );
});

it("one bit flipped anywhere: no entry is wrong, every other is there, and the damaged one is named", () => {
  fc.assert(
    fc.property(bodies, fc.double({ min: 0, max: 0.999_999, noNaN: true }), (list, part) => {
      const { bytes, starts } = lines(list);
      const bit = Math.floor(part * bytes.length * 8);
      const hit = starts.findLastIndex((start) => start <= bit >> 3) + 1;
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const scan = scanLines(bytes, 0, 1);
      for (const line of scan.lines)
        expect(decodeEntry(bytes, line)).toEqual({ seq: line.seq, ...JSON.parse(JSON.stringify(list[line.seq - 1])) });
      const seen = new Set(scan.lines.map(({ seq }) => seq));
      for (let seq = 1; seq <= list.length; seq++) if (seq !== hit) expect(seen.has(seq)).toBe(true);
      if (!seen.has(hit))
        expect(scan.damage.some(({ seq }) => seq === hit) || (hit === list.length && scan.good < bytes.length)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

it("a damaged newline costs no entry but the one it ends", () => {
  const list: EntryBody[] = ["one", "two", "three"].map((data) => ({ at: 0, kind: "note", data }));
  const { bytes, starts } = lines(list);
  bytes[(starts[1] ?? 0) - 1] = 0x0b;
  const scan = scanLines(bytes, 0, 1);
  expect(scan.lines.map(({ seq }) => seq)).toEqual([2, 3]);
  expect(scan.damage).toMatchObject([{ seq: 1, offset: 0 }]);
});

it("the first line is checked before it is believed", () => {
  const carry = { id: "jrnl_1", first: 5, messages: 4, branches: ["x"], updated_at: 9, boundary: { seq: 3, through: 2, archive: "a" } };
  const bytes = encodeCarry(carry);
  expect(decodeCarry(bytes)).toEqual({ is: "good", carry, end: bytes.length });
  expect(decodeCarry(bytes.subarray(0, 10)).is).toBe("damaged");
  expect(decodeCarry(Buffer.from(bytes.toString().replace("jrnl_1", "jrnl_2"))).is).toBe("damaged");
  expect(decodeCarry(Buffer.from(bytes.toString().replace("segment 1", "segment 2"))).is).toBe("unsupported");
});
