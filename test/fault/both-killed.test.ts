/**
 * Daemon and keeper are killed together: what a reboot does. The terminals hang up and the agents end with them; what was
 * acknowledged is there, every session is listed with its last screen, and those that the policy wants come back by themselves.
 */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { Client, SessionSummary } from "../../src/rpc/client.js";
import { MARK_INTERVAL_MS } from "../../src/spool/timeline.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { figure } from "../support/figures.js";
import { numberedLines } from "../support/numbered-lines.js";
import { wholeOutput } from "../support/session-output.js";
import { waitForScreen, waitUntil } from "../support/wait.js";

async function killBoth(daemon: TestDaemon): Promise<void> {
  const keepers = daemon.keeperPids();
  const gone = daemon.kill9();
  for (const pid of keepers) process.kill(pid, "SIGKILL");
  await gone;
  await waitUntil("the agents to end with their terminals", () => daemon.processes().length === 0);
}

const text = async (client: Client, id: string): Promise<string> =>
  (await client.call("session.screen", { id, format: "text" })).text ?? "";

test("daemon and keeper killed together: everything is listed, nothing acknowledged is lost, and the policy brings sessions back", async () => {
  const daemon = await startDaemon({ config: '[daemon]\nrestore = "all"\n' });
  let client = await daemon.client();
  const vim = execFileSync("which", ["vim"], { encoding: "utf8" }).trim();
  const kinds = [
    { what: "vim", command: vim, args: ["-n", "-u", "NONE", "-c", "put ='words in an editor'"], shows: "words in an editor" },
    { what: "shell", command: "/bin/bash", args: ["--norc"], env: { PS1: "prompt> " }, shows: "prompt>" },
    { what: "loop", ...numberedLines(2_000, { hold: true }), shows: "line 0000001999" },
  ];
  const before: { what: string; summary: SessionSummary; screen: string; output: Buffer }[] = [];
  for (let n = 0; n < 30; n++) {
    const kind = kinds[n % kinds.length];
    if (kind === undefined) throw new Error("no kind");
    const { what, shows, ...spec } = kind;
    const summary = await client.call("session.create", { name: `${what}-${n}`, labels: { kind: what }, cwd: "/usr", ...spec });
    await waitForScreen(client, summary.id, shows);
    before.push({ what, summary, screen: "", output: Buffer.alloc(0) });
  }
  const saved = await client.call("checkpoint.save", {
    id: before[0]?.summary.id ?? "",
    label: "by hand",
    state: { step: 7 },
    context: Buffer.from([0, 255, 1]),
  });
  const entry = await client.call("journal.append", { id: before[1]?.summary.id ?? "", kind: "note", data: { said: "kept" } });
  expect(entry.seq).toBe(1);
  await client.call("session.update", { id: before[2]?.summary.id ?? "", name: "renamed" });
  for (const session of before) {
    session.screen = await text(client, session.summary.id);
    session.output = await wholeOutput(client, session.summary.id);
  }
  await client.close();

  await killBoth(daemon);
  const began = performance.now();
  await daemon.start();
  client = await daemon.client();
  const { sessions: listed } = await client.call("session.list", { all: true });
  figure("listed after the daemon's start", performance.now() - began, "ms");
  expect(listed.map(({ id }) => id)).toEqual(before.map(({ summary }) => summary.id));
  await waitUntil("all of them to be back", async () => {
    const now = await client.call("session.list", {});
    return now.sessions.length === 30 && now.sessions.every(({ epoch, pid }) => epoch === 2 && pid !== null);
  });
  figure("all 30 started again after the daemon's start", performance.now() - began, "ms");

  const lost = new Map<string, number>();
  for (const { what, summary, output } of before) {
    const after = await client.call("session.get", { id: summary.id });
    expect(after).toMatchObject({ labels: { kind: what }, recovered_from: "checkpoint", restarts: 1 });
    expect(after.cwd).toMatch(/^\/usr/);
    const now = await wholeOutput(client, summary.id);
    // Offsets go on: what was written before is still there, byte for byte, and the new process wrote behind it.
    const same = now.subarray(0, output.length).equals(output);
    lost.set(what, (lost.get(what) ?? 0) + (same ? 0 : 1));
  }
  for (const [what, count] of lost) figure(`${what}: sessions with lost output`, `${count} of 10`);
  expect([...lost.values()]).toEqual([0, 0, 0]);
  for (const { what, summary } of before) {
    const kind = kinds.find((candidate) => candidate.what === what);
    await waitForScreen(client, summary.id, kind?.shows ?? "");
  }

  expect(await client.call("checkpoint.get", { checkpoint: saved.checkpoint })).toMatchObject({
    label: "by hand",
    state: { step: 7 },
    context: Buffer.from([0, 255, 1]),
  });
  expect((await client.call("journal.read", { id: before[1]?.summary.id ?? "" })).entries).toMatchObject([
    { seq: 1, kind: "note", data: { said: "kept" } },
  ]);
  expect(await client.call("session.get", { id: before[2]?.summary.id ?? "" })).toMatchObject({ name: "renamed" });
  const next = await client.call("session.create", { command: "/bin/true" });
  expect(listed.map(({ id }) => id)).not.toContain(next.id);
});

test("without a policy they stay ended, with their last screen, their status lost and said to be", async () => {
  const daemon = await startDaemon({ config: '[daemon]\nrestore = "none"\n' });
  let client = await daemon.client();
  const session = await client.call("session.create", { name: "left", ...numberedLines(100, { hold: true }), restart: "always" });
  await waitForScreen(client, session.id, "line 0000000099");
  const output = await wholeOutput(client, session.id);
  // The time of the newest output is told at most four times a second.
  const { last_activity_at: printed } = await waitUntil("its newest output to be told", async () => {
    const told = await client.call("session.get", { id: session.id });
    return told.offset === output.length && told;
  });
  const ended = await client.call("session.create", { name: "done", command: "/bin/sh", args: ["-c", "echo finished; exit 3"] });
  await client.call("session.wait", { id: ended.id, until: ["exited"] });
  await waitUntil("its exit to be saved", async () => (await client.call("session.get", { id: ended.id })).last_checkpoint_at !== null);
  const screen = await text(client, session.id);
  await client.close();
  await killBoth(daemon);
  await daemon.start();
  client = await daemon.client();
  expect((await client.call("session.list", {})).sessions).toEqual([]);
  expect(await client.call("session.get", { id: session.id })).toMatchObject({
    state: "exited",
    pid: null,
    exit: { code: null, signal: null, reason: "lost" },
    // No checkpoint has been made since it printed: its spool knows.
    offset: output.length,
  });
  const { exit, last_activity_at: known } = await client.call("session.get", { id: session.id });
  expect(Math.abs(known - printed)).toBeLessThanOrEqual(MARK_INTERVAL_MS);
  expect(exit?.at).toBe(known);
  expect(await text(client, session.id)).toBe(screen);
  expect(await client.call("session.get", { id: ended.id })).toMatchObject({
    name: "done",
    state: "exited",
    exit: { code: 3, reason: "process_exit" },
  });
  expect(await text(client, ended.id)).toContain("finished");
  const again = await client.call("session.restart", { id: "left" });
  expect(again).toMatchObject({ id: session.id, epoch: 2 });
});
