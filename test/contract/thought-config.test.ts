/** The configuration of thoughts over the wire: one suite, both dialects. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { METHODS } from "../../src/rpc/methods/table.js";
import { checkLeaks } from "../support/leaks.js";
import { RawClient, startServer } from "./rpc-fixture.js";
import type { DialectName, Fixture } from "./rpc-fixture.js";

checkLeaks();

const DIALECTS: DialectName[] = ["messagepack", "json"];

describe.each(DIALECTS)("%s", (name) => {
  let fixture: Fixture;
  let client: RawClient;

  beforeEach(async () => {
    fixture = await startServer();
    client = await RawClient.open(fixture.socket, name);
  });
  afterEach(async () => {
    await client.end();
    await fixture.end();
  });

  const refusal = async (method: string, params: Record<string, unknown>): Promise<unknown> => {
    const { error, result } = await client.answer(client.send(method, params));
    if (error === null) throw new Error(`${method} was not refused: ${JSON.stringify(result)}`);
    return error;
  };
  /** The answer, held against what the schema says. */
  const described = async (method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
    const answer = await client.call(method, params);
    const shape = METHODS.get(method)?.result as z.ZodObject;
    expect(shape.safeParse(answer).error).toBeUndefined();
    return answer;
  };

  it("takes the thought engine's configuration by its version, and names the first field that is wrong", async () => {
    expect(await described("thought.config.get")).toMatchObject({ source: "config.toml", config: { engine: "rules", tick_ms: 15_000 } });
    const { version } = (await described("thought.config.get")) as { version: number };
    for (const [field, wrong] of [
      ["engine", { engine: "wise" }],
      ["command", { engine: "command", command: [] }],
      ["command.0", { command: [""], tick_ms: 1, cold_ms: 0 }],
      ["tick_ms", { tick_ms: 249, cold_ms: 0 }],
      ["cold_ms", { cold_ms: 0, exchange_ms: 0 }],
      ["engine", { reset: true, engine: "none" }],
    ] as const)
      expect(await refusal("thought.config.set", { version, ...wrong })).toMatchObject({
        name: "INVALID_PARAMS",
        message: expect.stringContaining(field) as string,
      });
    expect(await refusal("thought.config.set", { engine: "none" })).toMatchObject({ name: "INVALID_PARAMS" });
    expect(await described("thought.config.set", { version, engine: "none" })).toMatchObject({ version: version + 1, source: "store" });
    expect(await refusal("thought.config.set", { version, engine: "rules" })).toMatchObject({ name: "BUSY" });
    expect(await described("thought.config.test", { engine: "rules" })).toMatchObject({
      ok: true,
      updates: [{ text: "Fix the parser: Bash(npm test)", source: "rule" }],
    });
    expect(await described("thought.config.set", { version: version + 1, reset: true })).toMatchObject({ source: "config.toml" });
  });
});
