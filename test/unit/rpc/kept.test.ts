/** Pure parts of what is kept: pages of a journal, bytes inside answers, and the door's rules against the store's. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLabel, checkStoredName, checkText, checkUuid } from "../../../src/persistence/checks.js";
import { Idempotency } from "../../../src/rpc/idempotency.js";
import { readPage } from "../../../src/rpc/journal-page.js";
import { withBase64 } from "../../../src/rpc/json-lines.js";
import { json, label, line, sessionName, uuid } from "../../../src/rpc/parameters.js";
import { systemClock } from "../../../src/clock.js";
import { LifeguardError } from "../../../src/errors.js";
import type { JournalEntry, JournalRead, JournalReadOptions } from "../../../src/supervisor/api.js";
import { HOSTILE, HOSTILE_IDS } from "../../support/hostile-names.js";

function journalOf(sizes: readonly number[]): { read: (options: JournalReadOptions) => Promise<JournalRead>; asked: JournalReadOptions[] } {
  const entries: JournalEntry[] = sizes.map((size, index) => ({ seq: index + 1, at: 0, kind: "note", data: "x".repeat(size) }));
  const asked: JournalReadOptions[] = [];
  const read = (options: JournalReadOptions): Promise<JournalRead> => {
    asked.push(options);
    const { since = 1, limit = 1_000 } = options;
    const rest = entries.filter(({ seq }) => seq >= since);
    const part = rest.slice(0, limit);
    return Promise.resolve({
      entries: part,
      next: (part.at(-1)?.seq ?? Math.max(since - 1, entries.length)) + 1,
      more: rest.length > limit,
      damage: [{ seq: 7, offset: 70, segment: "seg.1", reason: "bad" }],
    });
  };
  return { read, asked };
}

describe("a page of a journal", () => {
  it("pages make up the journal, whatever the sizes, and none is larger than the bound by more than one entry", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 60 }),
        async (sizes, limit) => {
          const { read } = journalOf(sizes);
          const seen: number[] = [];
          for (let since = 1, more = true; more;) {
            const page = await readPage(read, { since, limit }, 1_000);
            expect(page.entries.length).toBeLessThanOrEqual(limit);
            if (page.entries.length > 1)
              expect(page.entries.reduce((sum, { data }) => sum + String(data).length, 0)).toBeLessThanOrEqual(1_000);
            seen.push(...page.entries.map(({ seq }) => seq));
            expect(page.next).toBeGreaterThanOrEqual(since);
            ({ next: since, more } = page);
          }
          expect(seen).toEqual(sizes.map((_, index) => index + 1));
        },
      ),
    );
  });

  it("never asks the store for everything at once, and tells damage once and in its place", async () => {
    const { read, asked } = journalOf(Array.from({ length: 500 }, () => 100));
    const page = await readPage(read, {}, 5_000);
    expect(asked[0]?.limit).toBe(16);
    expect(page.damage).toHaveLength(1);
    expect((await readPage(read, {}, 500)).damage).toHaveLength(0);
  });
});

describe("bytes inside an answer", () => {
  it("become base64 under their name, at any depth, and nothing else is touched or copied", () => {
    const bytes = Buffer.from([0, 255]);
    expect(
      withBase64({
        entries: [
          { seq: 1, data: bytes },
          { seq: 2, data: { x: 1 } },
        ],
        data: bytes,
      }),
    ).toEqual({
      entries: [
        { seq: 1, data_b64: "AP8=" },
        { seq: 2, data: { x: 1 } },
      ],
      data_b64: "AP8=",
    });
    const plain = { a: [{ b: null }, "x", 1], c: true };
    expect(withBase64(plain)).toBe(plain);
  });
});

describe("the door", () => {
  const takes = (check: (value: string) => unknown, value: string): boolean => {
    try {
      check(value);
      return true;
    } catch (error) {
      if (error instanceof LifeguardError && error.name === "INVALID_PARAMS") return false;
      throw error;
    }
  };
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 70 }),
    fc.stringMatching(/^[a-cA-C0-1._:+=@# /-]{0,66}$/),
    fc.constantFrom(...HOSTILE_IDS),
  );

  it("lets a label, a name, a line and an id through where the store does, and nowhere else", () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(label.safeParse(value).success).toBe(takes((text) => checkLabel("label", text), value));
        expect(uuid.safeParse(value).success).toBe(takes((text) => checkUuid("id", text), value));
        expect(line(256).safeParse(value).success).toBe(takes((text) => checkText("agent", text), value));
        // A name is trimmed at the door, and stored trimmed.
        expect(sessionName.safeParse(value).success).toBe(takes(checkStoredName, value.trim()));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(HOSTILE)("refuses %j as a label and as a name", (value) => {
    expect(label.safeParse(value).success).toBe(false);
    expect(sessionName.safeParse(value).success).toBe(false);
  });

  it("takes every JSON value as it is, and nothing that JSON would change", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(json.parse(value)).toBe(value);
      }),
    );
    for (const value of [undefined, Number.NaN, [Number.POSITIVE_INFINITY], { a: { b: 1n } }, [[Buffer.from("x")]]])
      expect(json.safeParse(value).success).toBe(false);
  });
});

describe("an idempotency key", () => {
  it("tells bytes apart by what they hold, and from their own base64", async () => {
    const kept = new Idempotency({ clock: systemClock, ttlMs: 1_000, most: 10 });
    const first = Buffer.alloc(1_000_000, 1);
    expect(await kept.once("k", { context: first }, async () => 1)).toBe(1);
    expect(await kept.once("k", { context: Uint8Array.from(first) }, async () => 2)).toBe(1);
    expect(() => kept.once("k", { context: Buffer.alloc(1_000_000, 2) }, async () => 3)).toThrow("other parameters");
    expect(() => kept.once("k", { context: first.toString("base64") }, async () => 4)).toThrow("other parameters");
  });
});
