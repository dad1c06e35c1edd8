/** The page of man: written from the verbs as they are now, and nothing in a record is a request of roff by accident. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { escaped, manPage } from "../../../scripts/write-man-pages.mjs";
import type { VerbRecord } from "../../../src/cli/verb.js";
import { GLOBAL_OPTIONS, VERBS } from "../../../src/cli/verbs.js";

const PAGE = new URL("../../../man/lifeguard.1", import.meta.url);

async function records(): Promise<VerbRecord[]> {
  return await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb.record));
}

describe("man/lifeguard.1", () => {
  it("is that of the verbs (else: npx tsc && node scripts/write-man-pages.mjs)", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
    expect(readFileSync(PAGE, "utf8")).toBe(manPage(await records(), GLOBAL_OPTIONS, version));
  });

  it("has no hidden option", async () => {
    const page = readFileSync(PAGE, "utf8");
    for (const { options = [] } of await records())
      for (const { flags, hidden } of options) if (hidden === true) expect(page).not.toContain(escaped(flags));
  });

  it.skipIf(spawnSync("man", ["--version"]).status !== 0)("is drawn without a warning", () => {
    const { stdout, stderr, status } = spawnSync("man", ["--warnings=all", "-l", PAGE.pathname], {
      encoding: "utf8",
      env: { ...process.env, MANWIDTH: "80", LC_ALL: "C.UTF-8" },
    });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toContain("lifeguard new --name build -- sh -c 'make && make test'");
  });
});

describe("escaped", () => {
  it("leaves nothing for roff to take as its own", () => {
    expect(escaped(".TH x")).toBe("\\&.TH x");
    expect(escaped("a\n.b\n'c")).toBe("a\n\\&.b\n\\(aqc");
    expect(escaped(String.raw`C-\ \fB`)).toBe(String.raw`C\-\e \efB`);
    expect(escaped("räd …")).toBe("r\\[u00E4]d ...");
  });
});
