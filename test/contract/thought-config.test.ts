/** The configuration of thoughts over the wire: one suite, both dialects. */
import { describe, expect, it } from "vitest";
import { checkLeaks } from "../support/leaks.js";
import { DIALECTS, servedEach } from "./rpc-fixture.js";
import type { RawClient } from "./rpc-fixture.js";

checkLeaks();

describe.each(DIALECTS)("%s", (name) => {
  let client: RawClient;

  servedEach(name, (_, opened) => {
    client = opened;
  });

  it("takes the thought engine's configuration by its version, and names the first field that is wrong", async () => {
    expect(await client.described("thought.config.get")).toMatchObject({
      source: "config.toml",
      config: { engine: "rules", tick_ms: 15_000 },
    });
    const { version } = (await client.described("thought.config.get")) as { version: number };
    for (const [field, wrong] of [
      ["engine", { engine: "wise" }],
      ["command", { engine: "command", command: [] }],
      ["command.0", { command: [""], tick_ms: 1, cold_ms: 0 }],
      ["tick_ms", { tick_ms: 249, cold_ms: 0 }],
      ["cold_ms", { cold_ms: 0, exchange_ms: 0 }],
      ["engine", { reset: true, engine: "none" }],
    ] as const)
      expect(await client.refusal("thought.config.set", { version, ...wrong })).toMatchObject({
        name: "INVALID_PARAMS",
        message: expect.stringContaining(field) as string,
      });
    expect(await client.refusal("thought.config.set", { engine: "none" })).toMatchObject({ name: "INVALID_PARAMS" });
    expect(await client.described("thought.config.set", { version, engine: "none" })).toMatchObject({
      version: version + 1,
      source: "store",
    });
    expect(await client.refusal("thought.config.set", { version, engine: "rules" })).toMatchObject({ name: "BUSY" });
    expect(await client.described("thought.config.test", { engine: "rules" })).toMatchObject({
      ok: true,
      updates: [{ text: "Fix the parser: Bash(npm test)", source: "rule" }],
    });
    expect(await client.described("thought.config.set", { version: version + 1, reset: true })).toMatchObject({ source: "config.toml" });
  });
});
