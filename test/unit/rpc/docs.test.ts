/** The pages are held against the code: what they say is what is checked and sent. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { filled, protocolParts } from "../../../scripts/write-protocol-doc.mjs";
import { ERROR_CODES } from "../../../src/errors.js";
import { METHODS } from "../../../src/rpc/methods/table.js";
import { describeApi } from "../../../src/rpc/schema.js";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const schema = describeApi(METHODS.values());

describe("docs/protocol.md", () => {
  it("has the tables of the code (else: npx tsc && node scripts/write-protocol-doc.mjs)", () => {
    const page = read("docs/protocol.md");
    expect(filled(page, protocolParts(schema))).toBe(page);
  });

  it("says since when for every method and parameter, and names no bytes that JSON cannot carry", () => {
    for (const [name, method] of Object.entries(schema.methods)) {
      expect(method.since, name).toMatch(/^\d+\.\d+$/);
      const { properties } = method.params as { properties: Record<string, { since?: string }> };
      for (const [field, property] of Object.entries(properties)) expect(property.since, `${name} ${field}`).toMatch(/^\d+\.\d+$/);
    }
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});

describe("docs/errors.md", () => {
  it("lists every error with its code, and no other", () => {
    const listed = [...read("docs/errors.md").matchAll(/^\| (\d+) \| `([A-Z_]+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(([, code, name]) => [
      name,
      Number(code),
    ]);
    expect(Object.fromEntries(listed)).toEqual(ERROR_CODES);
    expect(listed).toHaveLength(Object.keys(ERROR_CODES).length);
  });
});
