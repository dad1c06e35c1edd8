/**
 * The daemon is killed with SIGKILL again and again under sessions that never stop writing. No agent may notice, every session
 * goes on at the right offset, and its numbering read back by offset is complete: bytes that were read but not yet spooled lie in
 * the in-flight page, and while there is no daemon the keeper reads.
 */
import { afterAll, expect, test } from "vitest";
import type { SessionSummary } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { figure, quantile, sample } from "../support/figures.js";
import { endlessNumberedLines } from "../support/numbered-lines.js";
import { describeProcess, hasEnded } from "../support/processes.js";
import { OutputChecker } from "../support/session-output.js";
import { waitUntil } from "../support/wait.js";

const daemon = await startDaemon();

test("SIGKILL of the daemon: no agent, no session and no byte is lost", async () => {
  const sessions = 50;
  const kills = sample("daemon kills under 50 writing sessions", 20, 5);
  let client = await daemon.client();
  const created: SessionSummary[] = [];
  for (let n = 0; n < sessions; n++) {
    // Some flood, most write like agents do.
    created.push(await client.call("session.create", { name: `writer-${n}`, ...endlessNumberedLines(n < 5 ? 20_000 : 500) }));
  }
  const checkers = created.map(({ id }) => new OutputChecker(id));
  const adopted: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    await Promise.all(checkers.map((checker) => checker.advance(client)));
    await client.close();
    await daemon.kill9();
    await daemon.start();
    expect(daemon.restored).toBe(sessions);
    client = await daemon.client();
    const asking = client;
    adopted.push(await waitUntil("all sessions to serve", async () => (await asking.call("daemon.status", {})).restored?.ms));
    const { sessions: listed } = await client.call("session.list", {});
    expect(listed.map(({ id, pid, name }) => [id, pid, name])).toEqual(created.map(({ id, pid, name }) => [id, pid, name]));
  }
  // Everyone still writes, and what they write still arrives.
  const before = await Promise.all(checkers.map((checker) => checker.advance(client)));
  await waitUntil("every session to have written more", async () => {
    const now = await Promise.all(checkers.map((checker) => checker.advance(client)));
    return now.every((offset, index) => offset > (before[index] ?? 0));
  });
  figure("re-adopted after the daemon's start, median", quantile(adopted, 0.5), "ms");
  figure("re-adopted after the daemon's start, worst", quantile(adopted, 1), "ms");
  figure(
    "bytes checked",
    before.reduce((sum, offset) => sum + offset, 0),
  );
  figure(
    "holes",
    checkers.reduce((sum, checker) => sum + checker.holes, 0),
  );
  expect(checkers.map((checker) => checker.fault).filter((fault) => fault !== null)).toEqual([]);
  expect(created.filter(({ pid }) => describeProcess(pid ?? 0) === null)).toEqual([]);
});

test("exits that nobody saw are known to the next daemon, with their status and every byte", async () => {
  let client = await daemon.client();
  const session = await client.call("session.create", {
    command: "/bin/sh",
    args: ["-c", "echo first; read line; echo last words; exit 9"],
  });
  await waitUntil("its first words", async () => (await client.call("session.read", { id: session.id, since: 0 })).next > 0);
  await daemon.kill9();
  // Its input comes from the terminal, which the keeper holds now: end of file ends the read.
  process.kill(session.pid ?? 0, "SIGHUP");
  await waitUntil("it to end", () => hasEnded(session.pid ?? 0));
  await daemon.start();
  client = await daemon.client();
  const ended = await client.call("session.wait", { id: session.id, until: ["exited"], timeout_ms: 20_000 });
  expect(ended.state).toBe("exited");
  expect(await client.call("session.get", { id: session.id })).toMatchObject({
    exit: { code: null, signal: "SIGHUP", reason: "process_exit" },
  });
});

test("a polite stop and start: the same sessions, not a byte missing", async () => {
  let client = await daemon.client();
  const session = await client.call("session.create", endlessNumberedLines(5_000));
  const checker = new OutputChecker(session.id);
  for (let stop = 0; stop < 3; stop++) {
    await checker.advance(client);
    expect(await daemon.stop()).toBe(0);
    await daemon.start();
    client = await daemon.client();
    const before = await checker.advance(client);
    await waitUntil("it to have written more", async () => (await checker.advance(client)) > before);
  }
  expect(checker.fault).toBeNull();
});

afterAll(() => {
  figure("daemon start to ready, last", daemon.startMs, "ms");
});
