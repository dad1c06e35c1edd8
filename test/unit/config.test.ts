/** config.toml: what is set there arrives where it is used, and what cannot work is refused by name. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config.js";
import type { Config } from "../../src/config.js";
import { configuredBounds } from "../../src/supervisor/store-bounds.js";
import { DEFAULT_BOUNDS } from "../../src/persistence/file-store.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lifeguard-config-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function load(toml: string): Config {
  const config = join(directory, "config.toml");
  writeFileSync(config, toml);
  return loadConfig({ config, runtime: "", state: "", socket: "" });
}

describe("the store's bounds", () => {
  test("are the store's own where nothing is configured", () => {
    expect({ ...DEFAULT_BOUNDS, ...configuredBounds(load("").store) }).toEqual(DEFAULT_BOUNDS);
  });

  test("are what config.toml says", () => {
    const { store } = load(
      "[store]\nqueue_items = 3\nqueue_bytes = 5000000\nwrites_at_once = 1\nstalled_ms = 7\njournal_entry_bytes = 100\ncontext_bytes = 200\n",
    );
    expect(configuredBounds(store)).toMatchObject({
      queueItems: 3,
      queueBytes: 5_000_000,
      concurrency: 1,
      stalledMs: 7,
      journalEntryBytes: 100,
      contextBytes: 200,
    });
  });

  test("a queue that could never take the largest checkpoint is refused by name", () => {
    expect(() => load("[store]\nqueue_bytes = 5000000\n")).toThrow(/store\.queue_bytes: must hold a whole checkpoint/);
  });
});
