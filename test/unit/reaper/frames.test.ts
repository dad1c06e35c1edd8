import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from "../../../src/reaper/frames.js";
import { asks } from "../../../src/reaper/keeper-protocol.js";

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie("any"), { maxKeys: 4 }),
  ),
})).any;

describe("frames", () => {
  test("any values, cut anywhere, arrive whole and in order", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (values, cuts) => {
        const stream = Buffer.concat(values.map((each) => encodeFrame(each)));
        const reader = new FrameReader();
        const arrived: unknown[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1;
          arrived.push(...reader.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(arrived).toEqual(values);
      }),
    );
  });

  test("a length beyond the bound is refused before anything is kept", () => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameReader().push(header)).toThrow(RangeError);
  });

  test("random bytes as a call's parameters are refused, never taken", () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        for (const parser of [asks.spawn, asks.masters, asks.adopt, asks.hello]) expect(parser.safeParse(anything).success).toBe(false);
      }),
    );
  });
});
