/**
 * Programs that behave badly: one that never reads, one that never stops writing, one that will not die, one that forks. None may
 * cost the others their answers; what they cost the daemon is printed.
 */
import { expect, test } from "vitest";
import { LifeguardError } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { figure, quantile } from "../support/figures.js";
import { cpuSecondsOf } from "../support/processes.js";
import { endlessNumberedLines } from "../support/numbered-lines.js";
import { waitForScreen, waitUntil } from "../support/wait.js";

const daemon = await startDaemon({ config: "[session]\nkill_grace_ms = 300\n" });
const client = await daemon.client();

/** Key to echo through a session of our own, and the daemon's processor time meanwhile. */
async function cost(what: string, rounds = 50): Promise<void> {
  const echo = await client.call("session.create", { command: "/bin/sh", args: ["-c", "stty raw -echo; printf ready; exec cat"] });
  await waitForScreen(client, echo.id, "ready");
  let got = "";
  let arrived: (() => void) | null = null;
  const watch = await client.watch(
    echo.id,
    {},
    {
      output: (data) => {
        got += Buffer.from(data).toString();
        arrived?.();
      },
    },
  );
  const times: number[] = [];
  const cpu = cpuSecondsOf(daemon.pid);
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    const key = `<${round}>`;
    const echoed = new Promise<void>((resolve) => {
      arrived = () => got.includes(key) && resolve();
    });
    const pressed = performance.now();
    await client.call("session.input", { id: echo.id, data: key });
    await echoed;
    times.push(performance.now() - pressed);
  }
  const seconds = (performance.now() - began) / 1_000;
  figure(`${what}: key to echo, median`, quantile(times, 0.5), "ms");
  figure(`${what}: key to echo, p99`, quantile(times, 0.99), "ms");
  figure(`${what}: the daemon's processor time`, (100 * (cpuSecondsOf(daemon.pid) - cpu)) / seconds, "% of a core");
  await watch.end();
  await client.call("session.kill", { id: echo.id });
}

test("alone", async () => {
  await cost("alone");
});

test("a child that never reads its input", async () => {
  const deaf = await client.call("session.create", { command: "/bin/sh", args: ["-c", "stty raw -echo; printf ready; exec sleep 1000"] });
  await waitForScreen(client, deaf.id, "ready");
  const full = async (): Promise<boolean> =>
    client.call("session.input", { id: deaf.id, data: Buffer.alloc(1_000_000, "x") }).then(
      () => false,
      (error: unknown) => error instanceof LifeguardError && error.name === "BUSY",
    );
  await waitUntil("its input queue to be full", full);
  await cost("beside a child that never reads");
  await client.call("session.kill", { id: deaf.id });
});

test("a firehose, and sixteen of them", async () => {
  const one = await client.call("session.create", endlessNumberedLines());
  await cost("beside one firehose");
  const more = await Promise.all(Array.from({ length: 15 }, () => client.call("session.create", endlessNumberedLines())));
  await cost("beside sixteen firehoses");
  for (const { id } of [one, ...more]) expect((await client.call("session.get", { id })).offset).toBeGreaterThan(0);
  await Promise.all([one, ...more].map(({ id }) => client.call("session.kill", { id })));
});

test("a child that ignores HUP and TERM is killed all the same", async () => {
  const stubborn = await client.call("session.create", {
    command: "/bin/sh",
    args: ["-c", "trap '' HUP TERM INT QUIT; echo ready; while :; do sleep 0.2; done"],
  });
  await waitForScreen(client, stubborn.id, "ready");
  await Promise.all([client.call("session.kill", { id: stubborn.id }), cost("beside the kill of a stubborn child", 20)]);
  expect(await client.call("session.get", { id: stubborn.id })).toMatchObject({ exit: { signal: "SIGKILL", reason: "killed" } });
});

test("a fork bomb of 200 children is gone, all of it", async () => {
  const bomb = await client.call("session.create", {
    command: "/bin/bash",
    args: [
      "-c",
      "trap '' HUP; for i in $(seq 200); do (trap '' HUP TERM; exec sleep 1005) & [ $((i % 3)) = 0 ] && setsid sleep 1006 & done; echo lit; wait",
    ],
  });
  await waitForScreen(client, bomb.id, "lit");
  await waitUntil("the children", () => daemon.processes().filter(({ command }) => /sleep 100[56]/.test(command)).length >= 200);
  const [killed] = await Promise.all([
    client.call("session.kill", { id: bomb.id }, { deadlineMs: 60_000 }),
    cost("beside the kill of 200 children", 20),
  ]);
  figure("processes ended", killed.processes);
  expect(killed.processes).toBeGreaterThanOrEqual(200);
  expect(daemon.processes().filter(({ command }) => /sleep 100[56]/.test(command))).toEqual([]);
});
