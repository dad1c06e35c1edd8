/** docs/configuration.md is held against the code, and no key is without a word on what it means. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configurationParts, PAGE, settingsSource } from "../../scripts/write-configuration-doc.mjs";
import { filled } from "../../scripts/write-protocol-doc.mjs";
import { settingsAsJsonSchema } from "../../src/config.js";
import { whenApplied } from "../../src/config-applies.js";

const parts = configurationParts(settingsAsJsonSchema(), settingsSource(), whenApplied);

test("the page has the tables of the code (else: npx tsc && node scripts/write-configuration-doc.mjs)", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(filled(page, parts, "scripts/write-configuration-doc.mjs")).toBe(page);
});

test("every key says what it is, its default and when a change is heeded", () => {
  const rows = [...(parts["settings"] ?? "").matchAll(/^\| `(\w+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$/gm)];
  const keys = Object.values(settingsAsJsonSchema().properties ?? {}).flatMap(({ properties }) => Object.keys(properties ?? {}));
  expect(rows.map(([, key]) => key)).toEqual(keys);
  for (const [, key, standard, values, heeded, meaning] of rows) {
    expect([key, standard?.startsWith("`")]).toEqual([key, true]);
    expect([key, values]).not.toEqual([key, ""]);
    expect(["at once", "new sessions", "restart"]).toContain(heeded);
    expect([key, meaning]).not.toEqual([key, ""]);
  }
});
