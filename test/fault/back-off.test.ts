/**
 * A session that waits to be started again has no process that could outlive the daemon: the next one listed it as lost and never
 * started it. What it waits for is in its record now, so that each daemon waits on, and a kill ends it for all of them.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { waitUntil } from "../support/wait.js";

const LONG = "[session]\nrestart_backoff_ms = 600000\nrestart_backoff_max_ms = 600000\n";
const SHORT = "[session]\nrestart_backoff_ms = 600000\nrestart_backoff_max_ms = 1\n";

/** An update is answered when the session's record is on the disk. */
const saved = (client: Client, id: string): Promise<unknown> => client.call("session.update", { id, labels: { saved: "yes" } });

/** Fails the first time, then runs. */
async function waiting(daemon: TestDaemon, client: Client, name: string): Promise<string> {
  const ran = join(daemon.home, `ran-${name}`);
  const script = `if test -e ${ran}; then exec cat; fi; echo first >> ${ran}; exit 7`;
  const { id } = await client.call("session.create", { name, command: "/bin/sh", args: ["-c", script], restart: "on-failure" });
  await waitUntil("it to wait for its restart", async () => {
    const session = await client.call("session.get", { id });
    return session.state === "starting" && session.pid === null && existsSync(ran);
  });
  await saved(client, id);
  return id;
}

const configure = (daemon: TestDaemon, text: string): void => writeFileSync(join(daemon.home, "config.toml"), text);

test("the next daemon waits on, also the one after it, and a kill is for good", async () => {
  const daemon = await startDaemon({ config: LONG });
  let client = await daemon.client();
  const id = await waiting(daemon, client, "waits");
  const killed = await waiting(daemon, client, "killed");
  // One that runs, so that the keeper is there for whatever time the next start takes.
  const held = await client.call("session.create", { name: "held", command: "/bin/cat" });
  for (const end of ["kill9", "stop"] as const) {
    await daemon[end]();
    await daemon.start();
    client = await daemon.client();
    expect(await client.call("session.get", { id })).toMatchObject({
      state: "starting",
      pid: null,
      exit: { code: 7, reason: "process_exit" },
    });
  }
  expect((await client.call("session.kill", { id: killed })).processes).toBe(0);
  await daemon.kill9();
  // The clock says nothing here: no wait is longer than the longest that is configured.
  configure(daemon, SHORT);
  await daemon.start();
  client = await daemon.client();
  await waitUntil("it to be started again", async () => (await client.call("session.get", { id })).pid !== null);
  expect(await client.call("session.get", { id })).toMatchObject({ epoch: 2, restarts: 1, exit: null });
  expect(await client.call("session.get", { id: killed })).toMatchObject({ state: "exited", exit: { code: 7, reason: "killed" } });
  expect(await client.call("session.get", { id: held.id })).toMatchObject({ epoch: 1, restarts: 0 });
  await client.call("session.kill", { id });
  await client.call("session.kill", { id: held.id });
});

test("daemon and keeper killed together: it comes back, where others of its policy stay ended", async () => {
  const daemon = await startDaemon({ config: LONG });
  let client = await daemon.client();
  const id = await waiting(daemon, client, "waits");
  const ran = await client.call("session.create", { name: "ran", command: "/bin/cat", restart: "on-failure" });
  await saved(client, ran.id);
  const keepers = daemon.keeperPids();
  const gone = daemon.kill9();
  for (const pid of keepers) process.kill(pid, "SIGKILL");
  await gone;
  await waitUntil("the agents to end with their terminals", () => daemon.processes().length === 0);
  await daemon.start();
  client = await daemon.client();
  await waitUntil("it to be started again", async () => (await client.call("session.get", { id })).pid !== null);
  expect(await client.call("session.get", { id: ran.id })).toMatchObject({ state: "exited", exit: { reason: "lost" } });
  await client.call("session.kill", { id });
});

test("restarts count over deaths of the daemon: the policy gives up all the same", async () => {
  const daemon = await startDaemon({ config: `[session]\nrestart_intensity = 2\nrestart_backoff_ms = 1\nrestart_window_ms = 3600000\n` });
  let client = await daemon.client();
  const runs = join(daemon.home, "runs");
  appendFileSync(runs, "");
  const { id } = await client.call("session.create", {
    command: "/bin/sh",
    args: ["-c", `echo run >> ${runs}; exec cat`],
    restart: "on-failure",
  });
  const times = (): number => readFileSync(runs, "utf8").split("\n").length - 1;
  for (const run of [1, 2, 3]) {
    await waitUntil(`run ${run}`, () => times() === run);
    const { pid } = await waitUntil("its pid", async () => {
      const session = await client.call("session.get", { id });
      return session.pid !== null && session.epoch === run ? session : null;
    });
    await saved(client, id);
    await daemon.kill9();
    await daemon.start();
    client = await daemon.client();
    process.kill(pid ?? 0, "SIGKILL");
  }
  await client.call("session.wait", { id, until: ["exited"] });
  expect(await client.call("session.get", { id })).toMatchObject({ restarts: 2, exit: { signal: "SIGKILL", reason: "restart_intensity" } });
});
