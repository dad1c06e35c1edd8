/** The small parts of the store: records, generations, the cache, codecs, names. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { pack, unpack } from "../../../src/persistence/codec.js";
import { generationsOf } from "../../../src/persistence/generations.js";
import { IdleCache } from "../../../src/persistence/idle-cache.js";
import { segmentsOf } from "../../../src/persistence/open-journal.js";
import { checkpointName, parseCheckpointName } from "../../../src/persistence/places.js";
import { decodeRecord, encodeRecord } from "../../../src/persistence/records.js";
import type { RecordType } from "../../../src/persistence/records.js";
import { contextOf } from "../../support/store-steps.mjs";

describe("records", () => {
  const type: RecordType<{ word: string }> = { kind: "test", version: 3, schema: z.object({ word: z.string() }) };
  const file = (word: string, body = ""): Buffer => Buffer.concat(encodeRecord(type, { word }, [Buffer.from(body)]));

  it("give back what was written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (word, body) => {
        const reading = decodeRecord(type, Buffer.concat(encodeRecord(type, { word }, [body.subarray(0, 3), body.subarray(3)])));
        expect(reading).toEqual({ is: "good", meta: { word }, body: Buffer.from(body) });
      }),
    );
  });

  it("any bit flipped, any byte cut or added is damage, and never a newer version", () => {
    const bytes = file("wort", "inhalt");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = Buffer.from(bytes);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeRecord(type, copy).is).toBe("damaged");
    }
    for (let length = 0; length < bytes.length; length++) expect(decodeRecord(type, bytes.subarray(0, length)).is).toBe("damaged");
    expect(decodeRecord(type, Buffer.concat([bytes, Buffer.from("x")])).is).toBe("damaged");
  });

  it("of a newer version are told from damaged ones", () => {
    expect(decodeRecord({ ...type, version: 2 }, file("x")).is).toBe("unsupported");
    expect(decodeRecord({ ...type, version: 4 }, file("x")).is).toBe("good");
    expect(decodeRecord({ ...type, kind: "other" }, file("x"))).toMatchObject({ is: "damaged", reason: "it is a test, expected a other" });
  });

  it("may have an empty body of whatever memory", () => {
    expect(
      decodeRecord(type, Buffer.concat(encodeRecord(type, { word: "x" }, [Buffer.from("ab"), Buffer.concat([]).subarray(0, 0)]))).is,
    ).toBe("good");
  });
});

describe("names", () => {
  it("are in order of number, and strangers are not among them", () => {
    expect(
      generationsOf("record", [
        "record.10",
        "record.9",
        "record.0",
        "record.01",
        "record.x",
        "record",
        "records.3",
        ".tmp-record.4",
        "record.99999999999999999",
      ]),
    ).toEqual([9, 10]);
    expect(
      segmentsOf(["seg.100", "seg.20.b7", "seg.3", "seg.b", "seg.03", ".tmp-seg.5"]).map(({ first, through }) => [first, through]),
    ).toEqual([
      [3, null],
      [20, 7],
      [100, null],
    ]);
    const uuid = "01234567-89ab-cdef-0123-456789abcdef";
    expect(parseCheckpointName(checkpointName(12, "exit", uuid))).toEqual({ generation: 12, kind: "exit", uuid });
    for (const name of [`c12.${uuid}`, `c12x.${uuid}`, `12p.${uuid}`, `c012p.${uuid}`, `c12p.${uuid}.tmp`, `.tmp-1`])
      expect(parseCheckpointName(name)).toBeNull();
  });
});

describe("codecs", () => {
  it.each([0, 1, 127, 5_000, 2_000_000])("%i bytes come back", async (bytes) => {
    const given = contextOf(3, bytes);
    const { section, stored } = await pack("context", given);
    expect(section.bytes).toBe(bytes);
    expect(section.codec).toBe(bytes < 128 ? "none" : bytes <= 1_048_576 ? "brotli" : "deflate");
    expect((await unpack(section, Buffer.from(stored))).equals(given)).toBe(true);
  });

  it("what is not what it says is refused, and never more is made of it than it says", async () => {
    const { section, stored } = await pack("context", Buffer.alloc(1_000_000));
    await expect(unpack({ ...section, bytes: 1_000 }, Buffer.from(stored))).rejects.toThrow();
    await expect(unpack({ ...section, codec: "none" }, Buffer.from(stored))).rejects.toThrow(/bytes/);
    await expect(unpack({ ...section, sha256: "0" }, Buffer.from(stored))).rejects.toThrow(/checksum/);
  });
});

describe("the idle cache", () => {
  it("loads once however many ask, and again after a failure", async () => {
    let loads = 0;
    const cache = new IdleCache<number>(() => 0);
    const load = async (): Promise<number> => {
      loads++;
      if (loads === 1) throw new Error("once");
      return loads;
    };
    const asked = await Promise.allSettled([cache.get("a", load), cache.get("a", load)]);
    expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await Promise.all([cache.get("a", load), cache.get("a", load), cache.get("a", load)])).toEqual([2, 2, 2]);
    expect(loads).toBe(2);
  });

  it("lets go of what is idle and may go", async () => {
    let now = 0;
    const cache = new IdleCache<string>(() => now);
    cache.set("old", "1");
    cache.set("dirty", "2");
    now = 100;
    cache.set("new", "3");
    expect(cache.evict(50, (key) => key !== "dirty")).toEqual([["old", "1"]]);
    expect(cache.loaded().map(([key]) => key)).toEqual(["dirty", "new"]);
    expect(await cache.get("old", async () => "again")).toBe("again");
  });
});
