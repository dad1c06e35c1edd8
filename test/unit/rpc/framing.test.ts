import fc from "fast-check";
import { Unpackr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { LifeguardError } from "../../../src/errors.js";
import { JsonLines, MessagePack } from "../../../src/rpc/dialect.js";
import { FrameScanner } from "../../../src/rpc/framing.js";
import { fromBase64, LineScanner } from "../../../src/rpc/json-lines.js";
import { Packer } from "../../../src/rpc/pack.js";

const LIMITS = { maxFrameBytes: 1 << 20, maxNesting: 64, maxValues: 100_000 };
const packer = new Packer();

/** What both dialects carry: plain, safe integers, no -0, keys that no decoder renames. */
const key = fc.string({ maxLength: 20 }).filter((text) => text !== "__proto__");
const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(key, tie("value"), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value;

/** `bytes` in pieces whose lengths repeat those given. */
function pieces(bytes: Buffer, lengths: number[]): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    // A copy each: what was lent is overwritten after use below.
    out.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return out;
}

const chunking = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

describe("frames", () => {
  it("come out as they went in, however they are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.array(plain, { maxLength: 5 }), { minLength: 1, maxLength: 6 }), chunking, (messages, lengths) => {
        const scanner = new FrameScanner(LIMITS);
        const got: unknown[] = [];
        for (const piece of pieces(Buffer.concat(messages.map((message) => packer.pack(message))), lengths)) {
          scanner.push(piece);
          for (let frame = scanner.next(); frame !== null; frame = scanner.next()) {
            expect(frame.badText).toBe(false);
            got.push(frame.value);
          }
          piece.fill(0xc1);
        }
        expect(got).toEqual(messages);
        expect(scanner.pending).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it("carry bytes as bin, in memory of their own", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), chunking, (bytes, lengths) => {
        const scanner = new FrameScanner(LIMITS);
        let got: unknown;
        for (const piece of pieces(
          packer.pack([bytes]),
          lengths.map((length) => length * 500),
        )) {
          scanner.push(piece);
          got = scanner.next()?.value ?? got;
          piece.fill(0);
        }
        expect(Buffer.compare((got as [Buffer])[0], bytes)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it("carry 64-bit numbers as uint64 and int64, never as floats", () => {
    expect(packer.pack(2 ** 40)).toEqual(Buffer.from([0xcf, 0, 0, 1, 0, 0, 0, 0, 0]));
    expect(packer.pack(2 ** 32)[0]).toBe(0xcf);
    expect(packer.pack(2 ** 32 - 1)).toEqual(Buffer.from([0xce, 0xff, 0xff, 0xff, 0xff]));
    expect(packer.pack(-(2 ** 40))[0]).toBe(0xd3);
    expect(packer.pack(Date.parse("2024-01-01"))[0]).toBe(0xcf);
    expect(packer.pack(0.5)[0]).toBe(0xcb);
    const values = [
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      2 ** 32,
      -(2 ** 31) - 1,
      0,
      -1,
      -32,
      -33,
      127,
      128,
      255,
      256,
      65_535,
      65_536,
    ];
    const scanner = new FrameScanner(LIMITS);
    scanner.push(packer.pack(values));
    expect(scanner.next()?.value).toEqual(values);
    // What no number holds stays exact as a bigint, for the schema to refuse.
    scanner.push(packer.pack([2n ** 64n - 1n]));
    expect(scanner.next()?.value).toEqual([2n ** 64n - 1n]);
  });

  it("are what another MessagePack implementation reads, without extensions", () => {
    const other = new Unpackr({ useRecords: false, mapsAsObjects: true });
    fc.assert(
      fc.property(fc.dictionary(key, plain, { maxKeys: 10, noNullPrototype: true }), (value) => {
        const packed = packer.pack({ ...value, left_out: undefined });
        const read = other.unpack(packed) as Record<string, unknown>;
        expect(Object.keys(read)).not.toContain("left_out");
        expect(JSON.stringify(read, (_, field: unknown) => (typeof field === "bigint" ? Number(field) : field))).toBe(
          JSON.stringify(value),
        );
      }),
    );
    expect(packer.pack({ a: undefined, b: [undefined] })).toEqual(Buffer.from([0x81, 0xa1, 0x62, 0x91, 0xc0]));
  });

  const refused: [string, number[], RegExp][] = [
    ["the reserved byte", [0x91, 0xc1], /reserved byte 0xc1/],
    ["an extension", [0x91, 0xd4, 1, 0], /extension/],
    ["a timestamp", [0x91, 0xd6, 0xff, 0, 0, 0, 0], /extension/],
    ["ext8", [0x91, 0xc7, 1, 1, 0], /extension/],
    ["what is not an array", [0x81], /begins with 0x81/],
    ["HTTP", [...Buffer.from("GET / HTTP/1.1\r\n")], /begins with 0x47/],
    ["4 GiB of text", [0x91, 0xdb, 0xff, 0xff, 0xff, 0xff], /limit is 1048576/],
    ["4 GiB of bytes", [0x91, 0xc6, 0xff, 0xff, 0xff, 0xff], /limit is 1048576/],
    ["an array of 4 billion", [0xdd, 0xff, 0xff, 0xff, 0xff], /limit is 1048576/],
    ["a map of 4 billion", [0x91, 0xdf, 0xff, 0xff, 0xff, 0xff], /limit is 1048576/],
    ["more values than a request has", [0xdd, 0, 2, 0, 0], /more than 100000 values/],
    ["65 levels", Array<number>(65).fill(0x91), /nests deeper than 64/],
    ["65 levels of maps", [0x91, ...Array.from({ length: 64 }, () => [0x81, 0xa1, 0x61]).flat()], /nests deeper than 64/],
  ];
  it.each(refused)("refuse %s at its header", (_, bytes, message) => {
    const scanner = new FrameScanner(LIMITS);
    scanner.push(Buffer.from(bytes));
    const refusal = (): unknown => scanner.next();
    expect(refusal).toThrow(LifeguardError);
    const again = new FrameScanner(LIMITS);
    expect(() => {
      for (const byte of bytes) {
        again.push(Buffer.from([byte]));
        again.next();
      }
    }).toThrow(message);
  });

  it("take 64 levels, and a frame of exactly the limit", () => {
    const scanner = new FrameScanner(LIMITS);
    scanner.push(Buffer.from([...Array<number>(63).fill(0x91), 0x90]));
    expect(scanner.next()).not.toBeNull();
    const most = packer.pack([Buffer.alloc(LIMITS.maxFrameBytes - 6)]);
    expect(most.length).toBe(LIMITS.maxFrameBytes);
    scanner.push(most);
    expect(scanner.next()).not.toBeNull();
    scanner.push(packer.pack([Buffer.alloc(LIMITS.maxFrameBytes - 5)]).subarray(0, 10));
    expect(() => scanner.next()).toThrow(/at least 1048577 bytes, the limit is 1048576/);
  });

  it("say when text was not UTF-8", () => {
    const scanner = new FrameScanner(LIMITS);
    scanner.push(Buffer.from([0x91, 0xa2, 0xff, 0xfe, 0x91, 0xa2, 0xc3, 0xa9]));
    expect(scanner.next()?.badText).toBe(true);
    expect(scanner.next()).toEqual({ value: ["é"], badText: false });
  });

  it("look at each byte once: a large frame in small pieces takes no square of its size", () => {
    const scanner = new FrameScanner({ ...LIMITS, maxFrameBytes: 16 << 20 });
    const frame = packer.pack([Buffer.alloc(8 << 20), Array<string>(10_000).fill("text")]);
    // 131 072 pieces; to copy or scan all that is there for each would be 500 GB: the test's own deadline would end it.
    let whole = 0;
    for (let at = 0; at < frame.length; at += 64) {
      scanner.push(frame.subarray(at, at + 64));
      if (scanner.next() !== null) whole++;
    }
    expect(whole).toBe(1);
  });
});

describe("lines", () => {
  it("come out as they went in, however they are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(key, plain, { maxKeys: 6, noNullPrototype: true }), { minLength: 1, maxLength: 6 }),
        chunking,
        (messages, lengths) => {
          const scanner = new LineScanner(LIMITS);
          const got: unknown[] = [];
          for (const piece of pieces(Buffer.from(messages.map((message) => `${JSON.stringify(message)}\r\n\n`).join("")), lengths)) {
            scanner.push(piece);
            for (let line = scanner.next(); line !== null; line = scanner.next()) got.push(line);
            piece.fill(0);
          }
          expect(got).toEqual(messages);
        },
      ),
      { numRuns: 300 },
    );
  });

  const refused: [string, string | Buffer, RegExp][] = [
    ["what is not JSON", "{nonsense}\n", /not JSON/],
    ["what is not an object", "[1]\n", /not a JSON object/],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d, 0x0a]), /not UTF-8/],
    ["65 levels", `{"a":${"[".repeat(64)}${"]".repeat(64)}}\n`, /nests deeper than 64/],
    ["too many values", `{"a":[${"1,".repeat(100_001)}1]}\n`, /more than 100000 values/],
    ["a line that never ends", `{"a":"${"x".repeat(1 << 20)}`, /the limit is 1048576/],
  ];
  it.each(refused)("refuse %s", (_, text, message) => {
    const scanner = new LineScanner(LIMITS);
    scanner.push(Buffer.from(text));
    expect(() => scanner.next()).toThrow(message);
  });

  it("are not fooled by brackets in text", () => {
    const value = { a: `${"[{".repeat(200)}\\"`, b: '"[\\' };
    const scanner = new LineScanner(LIMITS);
    scanner.push(Buffer.from(`${JSON.stringify(value)}\n`));
    expect(scanner.next()).toEqual(value);
  });
});

describe("dialects", () => {
  const message = fc.record({
    id: fc.nat(),
    method: fc.string(),
    params: fc.dictionary(key, plain, { maxKeys: 5, noNullPrototype: true }),
  });

  it.each([MessagePack, JsonLines])("%o carries requests, answers and notifications", (Dialect) => {
    fc.assert(
      fc.property(message, chunking, ({ id, method, params }, lengths) => {
        const dialect = new Dialect(LIMITS);
        const error = new LifeguardError("BUSY", "full: try again", { retry_after_ms: 5 });
        const bytes = Buffer.concat([
          dialect.request(id, method, params),
          dialect.result(id, params),
          dialect.error(id, error),
          dialect.notification(method, params, null),
          dialect.notification(method, params, { method: "nvim_exec_lua", args: ["code"] }),
        ]);
        const got: unknown[] = [];
        for (const piece of pieces(bytes, lengths)) {
          dialect.push(piece);
          for (let incoming = dialect.next(); incoming !== null; incoming = dialect.next()) got.push(incoming);
        }
        const list = dialect.name === "messagepack";
        expect(got).toEqual([
          { type: "request", id, method, params: list ? [params] : params, badText: false },
          { type: "response", id, error: null, result: params, badText: false },
          {
            type: "response",
            id,
            error: { code: 4, name: "BUSY", message: "full: try again", data: list ? {} : { retry_after_ms: 5 } },
            result: list ? null : undefined,
            badText: false,
          },
          { type: "notification", method, params: list ? [params] : params, badText: false },
          { type: "notification", method: "nvim_exec_lua", params: ["code", [method, params]], badText: false },
        ]);
      }),
      { numRuns: 200 },
    );
  });

  it("writes bytes as base64 in a field _b64", () => {
    const dialect = new JsonLines(LIMITS);
    expect(dialect.result(1, { data: Buffer.from("é"), next: 2 }).toString()).toBe('{"id":1,"result":{"next":2,"data_b64":"w6k="}}\n');
  });

  it("reads base64 strictly", () => {
    expect(fromBase64("w6k=")?.toString()).toBe("é");
    expect(fromBase64("w6k")?.toString()).toBe("é");
    expect(fromBase64("")?.length).toBe(0);
    for (const bad of ["w6k*", "a", "w6k==x", "====", "w 6k"]) expect(fromBase64(bad)).toBeNull();
  });
});
