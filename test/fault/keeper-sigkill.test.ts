/**
 * The keeper is killed. The daemon holds duplicates of every master, so no terminal hangs up and no agent notices; a new keeper
 * gets them. Only what the dead keeper alone could have known is lost, and said to be: the exit statuses of its children.
 */
import { expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { endlessNumberedLines } from "../support/numbered-lines.js";
import { describeProcess } from "../support/processes.js";
import { OutputChecker } from "../support/session-output.js";
import { waitForScreen, waitUntil } from "../support/wait.js";

test("SIGKILL of the keeper: agents live on, new sessions start, later statuses are lost and said to be", async () => {
  const daemon = await startDaemon();
  let client = await daemon.client();
  const writers = await Promise.all(Array.from({ length: 20 }, () => client.call("session.create", endlessNumberedLines(1_000))));
  const shell = await client.call("session.create", { command: "/bin/sh", env: { PS1: "$ " } });
  const checkers = writers.map(({ id }) => new OutputChecker(id));

  const [first] = daemon.keeperPids();
  process.kill(first ?? 0, "SIGKILL");
  await waitUntil("a new keeper", () => daemon.keeperPids().some((pid) => pid !== first));
  await waitUntil("it to hold everything", async () => {
    const { keepers } = await client.call("daemon.status", {});
    return keepers.length === 1 && keepers[0]?.sessions === 21;
  });
  for (const { pid } of writers) expect(describeProcess(pid ?? 0)).not.toBeNull();

  await client.call("session.input", { id: shell.id, data: "echo still $((1 + 1)) here\r" });
  await waitForScreen(client, shell.id, "still 2 here");
  const fresh = await client.call("session.create", { command: "/bin/sh", args: ["-c", "exit 4"] });
  await client.call("session.wait", { id: fresh.id, until: ["exited"], timeout_ms: 20_000 });
  expect(await client.call("session.get", { id: fresh.id })).toMatchObject({ exit: { code: 4, reason: "process_exit" } });

  await client.call("session.input", { id: shell.id, data: "exit 3\r" });
  await client.call("session.wait", { id: shell.id, until: ["exited"], timeout_ms: 20_000 });
  expect(await client.call("session.get", { id: shell.id })).toMatchObject({ exit: { code: null, signal: null, reason: "lost" } });

  // The new keeper is as good as the old one: the daemon may die now.
  await Promise.all(checkers.map((checker) => checker.advance(client)));
  await client.close();
  await daemon.kill9();
  await daemon.start();
  expect(daemon.restored).toBe(20);
  client = await daemon.client();
  const before = await Promise.all(checkers.map((checker) => checker.advance(client)));
  await waitUntil("every writer to have written more", async () => {
    const now = await Promise.all(checkers.map((checker) => checker.advance(client)));
    return now.every((offset, index) => offset > (before[index] ?? 0));
  });
  expect(checkers.map((checker) => checker.fault).filter((fault) => fault !== null)).toEqual([]);

  // A kill still ends the whole tree, although the processes are no longer the keeper's children.
  const tree = await client.call("session.create", { command: "/bin/bash", args: ["-c", "setsid sleep 1003 & sleep 1004 & wait"] });
  const [second] = daemon.keeperPids();
  process.kill(second ?? 0, "SIGKILL");
  await waitUntil("a third keeper", () => daemon.keeperPids().some((pid) => pid !== second));
  await client.call("session.kill", { id: tree.id });
  expect(daemon.processes().filter(({ command }) => /sleep 100[34]/.test(command))).toEqual([]);
});
