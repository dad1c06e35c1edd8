/** config.toml: what is set there arrives where it is used, and what cannot work is refused by name. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config.js";
import type { Config } from "../../src/config.js";
import { adoptSettings } from "../../src/config-applies.js";
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

describe("what is wrong is told by file, line and key", () => {
  test.each([
    ["[session]\ncollz = 3\n", /config\.toml:2: session\.collz: unknown key; did you mean cols\?/],
    ["[sesion]\ncols = 3\n", /config\.toml:1: sesion: unknown key; did you mean session\?/],
    ["session.rosw = 3\n", /config\.toml:1: session\.rosw: unknown key; did you mean rows\?/],
    ["session = { cols = 3, zzzzzz = 1 }\n", /config\.toml:1: session\.zzzzzz: unknown key; the keys of \[session\] are cols, rows, /],
    ["[session]\n\n'max-sessions' = 3\n", /config\.toml:3: session\.max-sessions: unknown key/],
    ["[daemon]\nmax-sessions = 3\n", /config\.toml:2: daemon\.max-sessions: unknown key; did you mean max_sessions\?/],
    ["[session]\ncols = 1\n", /config\.toml:2: session\.cols: /],
    ['[daemon]\nlog_level = "loud"\n', /config\.toml:2: daemon\.log_level: /],
    ["[daemon]\nthreads 3\n", /config\.toml:2 is not TOML: /],
    ["[session]\ncollz = 3\nrowz = 3\n", /and 1 more: lifeguard doctor names them/],
    [
      '[metrics]\nlisten = "0.0.0.0:9464"\ntoken = "t"\n',
      /config\.toml:2: metrics\.listen: "0\.0\.0\.0:9464" is not an address and port of this machine alone/,
    ],
    ['[metrics]\nlisten = "example.org:80"\ntoken = "t"\n', /metrics\.listen: "example\.org:80" is not/],
    ['[metrics]\nlisten = "127.0.0.1:99999"\ntoken = "t"\n', /metrics\.listen: /],
    ['[metrics]\nlisten = "127.0.0.1:9464"\n', /metrics\.listen: needs metrics\.token or metrics\.token_file/],
  ])("%j", (toml, said) => expect(() => load(toml)).toThrow(said));

  test("an address of this machine and a token are taken", () => {
    for (const listen of ["127.0.0.1:9464", "[::1]:9464", "localhost:1", "127.8.8.8:65535"])
      expect(load(`[metrics]\nlisten = "${listen}"\ntoken = "t"\n`).metrics.listen).toBe(listen);
  });
});

describe("a change of the configuration", () => {
  test("is brought into the running one in place; what waits for a restart stays and is named each time", () => {
    const running = load("");
    const { session } = running;
    const fresh = load("[session]\ncols = 90\npark_after_ms = 9\n[rpc]\nevent_history = 5\n[daemon]\nthreads = 2\n");
    expect(adoptSettings(running, fresh)).toEqual({
      changed: ["session.cols", "session.park_after_ms"],
      restart: ["daemon.threads", "rpc.event_history"],
    });
    expect(session).toMatchObject({ cols: 90, park_after_ms: 9 });
    expect(running.rpc.event_history).toBe(10_000);
    expect(adoptSettings(running, fresh)).toEqual({ changed: [], restart: ["daemon.threads", "rpc.event_history"] });
    expect(adoptSettings(running, load(""))).toEqual({ changed: ["session.cols", "session.park_after_ms"], restart: [] });
  });
});

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
