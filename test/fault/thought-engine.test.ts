/**
 * A thought engine that misbehaves in every way it can, as a real process: it is ended, tried again, and said to be not well; what it
 * says is cut, cleaned, or ignored and counted; no process of it is left. thought-daemon.test.ts does the same with a daemon around it.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.js";
import { thoughtSettings } from "../../src/config.js";
import type { EngineStatus, ThoughtSettings } from "../../src/thought-engine.js";
import { silentLog } from "../../src/log.js";
import { CommandEngine } from "../../src/thoughts/command-engine.js";
import { checkLeaks } from "../support/leaks.js";
import { processesNaming } from "../support/processes.js";
import { ThoughtWorldInMemory } from "../support/thought-world.js";
import { waitUntil } from "../support/wait.js";
import { view } from "../unit/thoughts/views.js";

const ENGINE = fileURLToPath(new URL("../support/thought-engine.mjs", import.meta.url));
const PATIENT = { tick_ms: 250, hot_ms: 250, exchange_ms: 60_000 };
const HASTY = { ...PATIENT, exchange_ms: 500 };

checkLeaks();

interface Rig {
  world: ThoughtWorldInMemory;
  engine: CommandEngine;
  status(what: string, is: (status: EngineStatus) => boolean): Promise<EngineStatus>;
}

/** The engine, with one session to be asked about, until the body is done; then nothing of it may be left. */
async function withEngine(mode: string, change: Partial<ThoughtSettings>, body: (rig: Rig) => Promise<void>): Promise<void> {
  const world = new ThoughtWorldInMemory();
  world.add(view({ id: "sess_1", state: "busy" }), "first line");
  const mark = `mark-${mode}-${process.pid}`;
  const settings = thoughtSettings.parse({ ...PATIENT, engine: "command", command: [process.execPath, ENGINE, mode], ...change });
  const env = { PATH: process.env["PATH"] ?? "", ENGINE_MARK: mark };
  const engine = new CommandEngine({ world, settings, clock: systemClock, log: silentLog, env });
  engine.start();
  try {
    await body({
      world,
      engine,
      status: (what, is) =>
        waitUntil(`${mode}: ${what}`, () => {
          const status = engine.status();
          return is(status) && status;
        }),
    });
  } finally {
    await engine.close();
  }
  // A process that has been killed is gone a moment later.
  await waitUntil("its processes to be gone", () => processesNaming(mark).length === 0);
}

describe.concurrent("an engine", () => {
  test.each([
    ["exits", PATIENT, /ended with code 3/],
    ["silent", HASTY, /said no hello within/],
    ["other-protocol", PATIENT, /no hello of lifeguard\.thought\.v1/],
    ["two-hellos", PATIENT, /nobody asked for|no sync_result/],
    ["chatty", PATIENT, /nobody asked for|answered request/],
    ["no-answer", HASTY, /did not answer within/],
    ["stalls-mid-line", HASTY, /did not answer within/],
    ["trickles", HASTY, /did not answer within/],
    ["late", HASTY, /did not answer within/],
    ["stubborn", HASTY, /did not answer within/],
    ["family", HASTY, /did not answer within/],
    ["deaf", HASTY, /closed its stdin|did not answer/],
    ["garbage", PATIENT, /not JSON/],
    ["broken", PATIENT, /not JSON/],
    ["nested", PATIENT, /not JSON/],
    ["wrong-id", PATIENT, /answered request another/],
    ["no-result", PATIENT, /no sync_result/],
    ["refuses", PATIENT, /no model today/],
    ["long", PATIENT, /line of more than 8388608 bytes/],
    ["dies-mid-line", PATIENT, /ended with code 0/],
  ] as const)("that is like %s is ended each time, tried again, and said to be not well", async (mode, change, detail) => {
    await withEngine(mode, change, async ({ world, engine, status }) => {
      const seen = await status("to be not well for its reason", (now) => !now.healthy && detail.test(now.detail ?? ""));
      expect(seen.failures).toBeGreaterThanOrEqual(3);
      expect(seen.starts).toBeGreaterThanOrEqual(3);
      // It ends as soon as it is not wanted, whatever it is doing.
      await engine.close();
      expect(world.taken).toEqual([]);
    });
  });

  test("whose line is broken or of another request is asked once more at once, in a new process", async () => {
    await withEngine("wrong-id", PATIENT, async ({ status }) => {
      const seen = await status("its first failure", ({ failures }) => failures >= 1);
      expect(seen.starts).toBe(2 * seen.failures);
    });
  });

  test("that cannot be started at all is said to be so", async () => {
    await withEngine("nowhere", { command: ["/nowhere/at-all"] }, async ({ status }) => {
      const seen = await status("to be not well", ({ healthy }) => !healthy);
      expect(seen.detail).toMatch(/could not be started: .*ENOENT/);
    });
  });

  test("that answers twice has its first answer taken, and is started again", async () => {
    await withEngine("twice", PATIENT, async ({ world, status }) => {
      await waitUntil("its thought", () => world.thought("sess_1")?.text === "twice: first line");
      world.print("sess_1", "second line");
      await status("another start", ({ starts }) => starts >= 2);
      await waitUntil("its next thought", () => world.thought("sess_1")?.text === "twice: second line");
    });
  });

  test("is asked about what has changed, once, and its word on others is not taken", async () => {
    await withEngine("others", PATIENT, async ({ world, status }) => {
      await status("its answer", ({ syncs }) => syncs === 1);
      world.add(view({ id: "sess_2", state: "busy" }), "another");
      const seen = await status("its answer about the new one", ({ taken }) => taken === 2);
      expect(seen).toMatchObject({ healthy: true, failures: 0, ignored: 2 });
      expect(world.taken.map(({ id, text }) => [id, text])).toEqual([
        ["sess_1", "others: asked about sess_1"],
        ["sess_2", "others: asked about sess_2"],
      ]);
    });
  });

  test("whose answers come out of order has the newest kept", async () => {
    await withEngine("old", PATIENT, async ({ world, status }) => {
      const seen = await status("its answer", ({ taken }) => taken >= 2);
      expect(seen.refused).toBe(2);
      expect(world.taken.map(({ text }) => text)).toEqual(["old: 2", "old: 3"]);
    });
  });

  test("that has nothing new to say carries on what is known", async () => {
    await withEngine("carries", PATIENT, async ({ world, status }) => {
      await waitUntil("its thought", () => world.thought("sess_1")?.source === "llm");
      world.print("sess_1", "second line");
      await status("its second answer", ({ taken }) => taken === 2);
      expect(world.thought("sess_1")).toMatchObject({
        text: "carries: first line",
        source: "carry_forward",
        objective_fingerprint: "carries",
      });
    });
  });

  test.each([
    ["unknown", 1],
    ["nonsense", 1],
    ["many", 50_000],
  ])("that says %s has it ignored and counted", async (mode, least) => {
    await withEngine(mode, PATIENT, async ({ world, status }) => {
      const seen = await status("it to be counted", ({ ignored, syncs }) => ignored >= least && syncs > 0);
      expect(seen).toMatchObject({ healthy: true, failures: 0 });
      expect([...world.thoughts.keys()].filter((id) => id !== "sess_1")).toEqual([]);
    });
  });

  test("whose text is hostile has it cut and cleaned", async () => {
    await withEngine("hostile-text", PATIENT, async ({ world }) => {
      const thought = await waitUntil("its thought", () => world.thought("sess_1") ?? false);
      expect(thought.text).toBe(`red ${"y".repeat(115)}…`);
      expect(thought.action_cues).toEqual(Array(16).fill("cue"));
    });
  });

  test("that floods its stderr works on, and its last words are kept", async () => {
    await withEngine("floods", PATIENT, async ({ world, status }) => {
      await waitUntil("its thought", () => world.thought("sess_1")?.text === "floods: first line");
      await status("its words", ({ stderr }) => stderr.includes("complaint"));
      world.print("sess_1", "second line");
      await waitUntil("its next thought", () => world.thought("sess_1")?.text === "floods: second line");
    });
  });
});
