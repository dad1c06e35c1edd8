/**
 * The daemon is killed while prompts are queued and delivered. Each one that was answered with `queued` is delivered once, in its
 * order, by the next daemon, or is said to be `dropped`, when the death came between its first byte and the proof: never twice, and
 * never lost without a word.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { figure, sample, seeded } from "../support/figures.js";
import { waitUntil } from "../support/wait.js";

const daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 100\n" });
const file = join(daemon.home, "lines");
const lines = (): string[] => (existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []);

/** What the events of this life of the daemon say of prompts, from its first on. */
/** Longer than a delivery takes from paste to submit. */
const STANDS_MS = 4_000;

async function follow(client: Client, told: Map<string, string[]>): Promise<() => Promise<void>> {
  const { boot } = await client.call("daemon.hello", { client: "test" });
  const events = client.events({ kinds: ["session.prompt"], since: { boot, seq: 0 } });
  await events.ready;
  const reading = (async () => {
    try {
      for await (const event of events) {
        const { prompt, delivery } = event as unknown as { prompt: string; delivery: string };
        told.set(prompt, [...(told.get(prompt) ?? []), delivery]);
      }
    } catch {
      // The daemon is killed under it.
    }
  })();
  return async () => {
    await events.return();
    await reading;
  };
}

test("SIGKILL with queued prompts: each is delivered once, or is said to be dropped", async () => {
  const kills = sample("daemon kills with queued prompts", 40, 3);
  const random = seeded("moments", 5);
  const told = new Map<string, string[]>();
  const queued: { prompt: string; line: string }[] = [];
  /** All lines in the order in which they were asked for: of one that is said to be typed, nothing shows whether it was taken. */
  const asked: string[] = [];
  let client = await daemon.client();
  let stop = await follow(client, told);
  const { id } = await client.call("session.create", { command: "/bin/bash", args: ["--norc"], cwd: daemon.home });
  await client.call("session.wait", { id, until: ["idle"], timeout_ms: 20_000 });
  for (let kill = 0; kill < kills; kill++) {
    for (let n = 0; n < 3; n++) {
      const line = `${kill}.${n}`;
      const answer = await client.call("session.prompt", { id, text: `sleep 0.2; echo ${line} >> lines`, queue: true });
      asked.push(line);
      if (answer.delivery !== "typed") queued.push({ prompt: answer.prompt, line });
    }
    await pause(random() * 1_500);
    await stop();
    await client.close();
    await daemon.kill9();
    await daemon.start();
    client = await daemon.client();
    stop = await follow(client, told);
    const asking = client;
    // What was pasted and not yet submitted when the daemon died stands in the shell's line, and nothing is glued onto it: what is
    // queued waits until somebody has taken it back, as a person does who sees it stand there.
    let stood = { offset: -1, since: 0 };
    await waitUntil(
      "the queue to be empty",
      async () => {
        const { prompt_delivery: word, state, offset } = await asking.call("session.get", { id });
        if (word !== "queued") return true;
        if (state !== "idle" || offset !== stood.offset) stood = { offset, since: performance.now() };
        else if (performance.now() - stood.since > STANDS_MS) await asking.call("session.keys", { id, keys: ["C-u"] });
        return false;
      },
      60_000,
    );
  }
  await waitUntil("the last line", async () => (await client.call("session.get", { id })).state === "idle");
  const dropped = queued.filter(({ prompt }) => told.get(prompt)?.includes("dropped") === true);
  const seen = lines();
  figure("queued", queued.length);
  figure("ran", seen.length);
  figure("said to be dropped", `${dropped.length}, of which ran ${dropped.filter(({ line }) => seen.includes(line)).length}`);
  expect(new Set(seen).size, "twice").toBe(seen.length);
  expect(queued.filter(({ prompt, line }) => !seen.includes(line) && !(told.get(prompt) ?? []).some((word) => word !== "queued"))).toEqual(
    [],
  );
  expect(seen).toEqual(asked.filter((line) => seen.includes(line)));
  await stop();
});
