/**
 * Thought engines that misbehave, with a daemon around them: it goes on, says that the engine is not well, keeps no process, descriptor
 * or memory of it, and ends as fast as ever. thought-engine.test.ts has every way to misbehave.
 */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import type { ThoughtConfig, ThoughtSettings } from "../../src/rpc/protocol-kept.js";
import { startDaemon } from "../support/daemon.js";
import type { TestDaemon } from "../support/daemon.js";
import { figure, sample } from "../support/figures.js";
import { isAlive } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

const ENGINE = fileURLToPath(new URL("../support/thought-engine.mjs", import.meta.url));
const FAST = { tick_ms: 250, hot_ms: 250, exchange_ms: 2_000 };

let daemon: TestDaemon;
let client: Client;
let id: string;
let lines = 0;

beforeAll(async () => {
  daemon = await startDaemon();
  client = await daemon.client();
  ({ id } = await client.call("session.create", { command: "cat", args: [] }));
});

const config = async (): Promise<ThoughtConfig> => await client.call("thought.config.get");
const set = async (change: Partial<ThoughtSettings>): Promise<ThoughtConfig> =>
  await client.call("thought.config.set", { version: (await config()).version, ...change });
const engine = async (mode: string, change: Partial<ThoughtSettings> = {}): Promise<ThoughtConfig> =>
  await set({ ...FAST, engine: "command", command: [process.execPath, ENGINE, mode], ...change });
/** Something for it to be asked about. */
const type = async (): Promise<void> => void (await client.call("session.input", { id, data: `line ${++lines}\n` }));
const thought = async (): Promise<string | undefined> => (await client.call("session.get", { id })).thought?.text;

/** Children of the daemon that are engines or have ended unreaped. */
function left(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const words = readFileSync(`/proc/${pid}/cmdline`, "latin1");
        const own = Number(parent) === daemon.pid && (state === "Z" || words.includes(ENGINE));
        return own || (words.includes("of-the-engine") && words.includes("SIGTERM")) ? [`${pid} ${state} ${words}`] : [];
      } catch {
        return [];
      }
    });
}

const descriptors = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;
const rss = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) * 1024;

async function noneLeft(): Promise<void> {
  await set({ engine: "none" });
  await waitUntil("the engine to be gone", () => left().length === 0);
}

describe("an engine", () => {
  test("that does its work is taken at its word, with descriptors 0, 1 and 2, and is asked about changes only", async () => {
    await engine("good");
    await type();
    await waitUntil("its thought", async () => (await thought()) === `good: line ${lines}`);
    const { status } = await config();
    expect(status).toMatchObject({ healthy: true, name: "good", starts: 1, failures: 0, detail: null });
    expect(readdirSync(`/proc/${status.pid}/fd`).filter((fd) => Number(fd) <= 2)).toHaveLength(3);
    expect(await client.call("thought.get", { id })).toMatchObject({
      thought: {
        source: "llm",
        objective_fingerprint: "good",
        watermark: { stream_instance_id: expect.stringContaining("engine-") as string },
      },
    });
    const before = readFileSync(`/proc/${status.pid}/environ`, "latin1");
    expect(before).not.toMatch(/LIFEGUARD_/);
    await noneLeft();
  });

  test("that is not well is said to be so, and costs nobody anything", async () => {
    await type();
    await engine("family", { exchange_ms: 500 });
    await waitUntil("it to be not well", async () => !(await config()).status.healthy);
    expect((await client.call("daemon.status")).thoughts).toMatchObject({ engine: "command", healthy: false });
    // Advisory: everything else is as ever.
    await type();
    await waitUntil("the echo", async () => (await client.call("session.screen", { id })).text?.includes(`line ${lines}`));
    // At most the one that is tried now.
    expect(left().filter((line) => line.includes(ENGINE)).length).toBeLessThanOrEqual(1);
    await noneLeft();
  });

  test("leaves nothing behind, however often it fails: neither memory nor descriptors", async () => {
    const round = async (): Promise<void> => {
      for (const mode of ["long", "many", "floods", "exits"]) {
        await engine(mode);
        await type();
        await waitUntil("it to be asked", async () => {
          const { status } = await config();
          return status.syncs + status.failures >= 1;
        });
      }
      await noneLeft();
    };
    await round();
    const before = { rss: rss(), fds: descriptors() };
    const rounds = sample("rounds of four engines that misbehave", 10, 2);
    for (let n = 0; n < rounds; n++) await round();
    await waitUntil("its descriptors to be closed", () => descriptors() <= before.fds);
    figure("daemon after them", `${Math.round((rss() - before.rss) / 1_048_576)} MiB more`);
    expect(rss() - before.rss).toBeLessThan(192 * 1_048_576);
  });
});

describe("the configuration", () => {
  test("outlives the daemon, is tried without being changed, and goes back to config.toml", async () => {
    const { version } = await engine("good");
    const tried = await client.call("thought.config.test", { command: [process.execPath, ENGINE, "wrong-id"], exchange_ms: 1_000 });
    expect(tried).toMatchObject({ ok: false, engine: "command", name: "wrong-id", error: expect.stringContaining("another") as string });
    expect(await client.call("thought.config.test")).toMatchObject({
      ok: true,
      updates: [{ text: expect.stringContaining("good") as string }],
    });
    expect(await config()).toMatchObject({ version, config: { command: [process.execPath, ENGINE, "good"] } });
    await daemon.restart();
    client = await daemon.client();
    expect(await config()).toMatchObject({ version, source: "store", config: { engine: "command" } });
    await expect(client.call("thought.config.set", { version: version - 1, engine: "none" })).rejects.toMatchObject({ name: "BUSY" });
    expect(await client.call("thought.config.set", { version, reset: true })).toMatchObject({
      source: "config.toml",
      config: { engine: "rules" },
    });
  });

  test("that is damaged or nonsense is passed over, and said", async () => {
    await engine("good");
    await daemon.stop();
    const documents = `${daemon.home}/store/documents`;
    const { writeFileSync } = await import("node:fs");
    for (const name of readdirSync(documents)) writeFileSync(`${documents}/${name}`, "damaged");
    await daemon.start();
    client = await daemon.client();
    const seen = await config();
    expect(seen).toMatchObject({
      source: "config.toml",
      config: { engine: "rules" },
      problem: expect.stringContaining("damaged") as string,
    });
    expect((await client.call("store.status")).damaged.length).toBeGreaterThan(0);
    expect(await client.call("thought.config.set", { version: seen.version, engine: "none" })).toMatchObject({ problem: null });
  });

  test("a test of an engine that hangs ends with the daemon, and so does an engine that ignores every signal", async () => {
    await engine("stubborn", { exchange_ms: 60_000 });
    await type();
    const pid = await waitUntil("it to run", async () => (await config()).status.pid);
    void client
      .call("thought.config.test", { command: [process.execPath, ENGINE, "stubborn"], exchange_ms: 60_000 })
      .catch(() => undefined);
    await waitUntil("both to run", () => left().length === 2);
    expect(await daemon.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(left()).toEqual([]);
    await daemon.start();
    client = await daemon.client();
    await noneLeft();
  });
});
