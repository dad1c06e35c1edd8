/** A keeper that is stopped by a signal, or hangs: who waits for it is told, and nothing comes to be behind anybody's back. */
import { expect, test } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { waitUntil } from "../support/wait.js";

function signalKeeper(daemon: TestDaemon, signal: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of daemon.keeperPids()) process.kill(pid, signal);
}

test("what it starts after its time was over is ended, and its name is free", async () => {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const spec = { name: "late", command: "/bin/sh", args: ["-c", "trap '' HUP TERM; while :; do sleep 1000000; done"], cwd: "/" };
  signalKeeper(daemon, "SIGSTOP");
  await expect(client.call("session.create", spec)).rejects.toMatchObject({ name: "TIMEOUT", message: /did not answer spawn/ });
  signalKeeper(daemon, "SIGCONT");
  await waitUntil("the late one to be there and gone", () => daemon.log().includes("a process after its time was over"));
  await waitUntil("its processes to be gone", () => daemon.processes().every(({ command }) => !command.includes("1000000")));
  await waitUntil("its exit to be acknowledged", async () => (await client.call("daemon.status")).keepers[0]?.sessions === 0);
  expect((await client.call("session.list", { all: true })).sessions).toEqual([]);
  expect(await client.call("session.create", { ...spec, args: ["-c", "exec cat"] })).toMatchObject({ name: "late" });
}, 120_000);

test("a kill is answered in its time, and ends when the keeper goes on", async () => {
  const daemon = await startDaemon({ config: "[session]\nkill_deadline_ms = 3000\n" });
  const client = await daemon.client();
  const { id } = await client.call("session.create", { command: "/bin/sleep", args: ["1000000"], cwd: "/" });
  signalKeeper(daemon, "SIGSTOP");
  await expect(client.call("session.kill", { id, grace_ms: 100 })).rejects.toMatchObject({
    name: "TIMEOUT",
    message: /its keeper does not say so/,
  });
  signalKeeper(daemon, "SIGCONT");
  const exit = await waitUntil("its end to be known", async () => (await client.call("session.get", { id })).exit);
  expect(exit).toMatchObject({ reason: "killed", signal: "SIGHUP" });
}, 120_000);
