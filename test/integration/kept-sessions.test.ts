/** What a session is kept by, through a real daemon: its number, its pin, its place among the ended ones, and its own checkpoints. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { waitForScreen, waitUntil } from "../support/wait.js";

async function ended(client: Client, name: string): Promise<string> {
  const { id } = await client.call("session.create", { name, command: "/bin/sh", args: ["-c", `echo last words of ${name}`] });
  await client.call("session.wait", { id, until: ["exited"] });
  await waitUntil("its end to be saved", async () => {
    const session = await client.call("session.get", { id });
    return session.last_checkpoint_at !== null && !session.dirty;
  });
  return id;
}

/** The store was moved away, the sessions' output was not: a new session got an old one's number, and went on with its output. */
test("a new session never goes on with the output of one that is forgotten", async () => {
  const daemon = await startDaemon();
  let client = await daemon.client();
  const old = await ended(client, "old");
  await daemon.stop();
  renameSync(join(daemon.home, "store"), join(daemon.home, "store.away"));
  await daemon.start();
  client = await daemon.client();
  const { id } = await client.call("session.create", { name: "new", command: "/bin/cat" });
  expect(id).not.toBe(old);
  await client.call("session.input", { id, data: "first line\r" });
  await waitForScreen(client, id, "first line");
  expect(Buffer.from((await client.call("session.read", { id, since: 0 })).data).toString()).not.toContain("last words");
  await client.call("session.kill", { id });
});

test("a pin is on the disk with its answer, and keeps an ended session from age, number and prune", async () => {
  const daemon = await startDaemon({ config: "[store]\nexited_sessions = 2\n" });
  let client = await daemon.client();
  const ids: string[] = [];
  for (const name of ["one", "two", "three", "four"]) ids.push(await ended(client, name));
  const [one = "", two = "", three = "", four = ""] = ids;
  expect((await client.call("session.get", { id: one })).pinned).toBe(false);
  expect(await daemon.run(["set", "one", "--pin", "--label", "keep=yes"])).toEqual({ code: 0, stdout: "", stderr: "" });
  await daemon.kill9();
  await daemon.start();
  client = await daemon.client();
  expect(await client.call("session.get", { id: one })).toMatchObject({ pinned: true, labels: { keep: "yes" } });
  expect((await daemon.run(["show", "one"])).stdout).toMatch(/^pinned +retention never takes it$/m);
  // The keeper may have had an exit that nobody had taken from it yet: it is dealt with once more, and saved.
  await waitUntil("all to be as they are on the disk", async () => {
    const { sessions } = await client.call("session.list", { all: true });
    return sessions.length === 4 && sessions.every(({ state, dirty }) => state === "exited" && !dirty);
  });

  const report = await client.call("store.prune", {});
  expect(report.removed.map(({ id }) => id)).toEqual([two, three]);
  expect(report.kept).toEqual([{ id: one, reason: "it is pinned" }]);
  const all = await client.call("store.prune", { older_than_ms: 0 });
  expect(all.removed.map(({ id }) => id)).toEqual([four]);
  expect((await daemon.run(["set", one, "--unpin", "--unlabel", "keep", "--name", "renamed"])).code).toBe(0);
  expect(await client.call("session.get", { id: one })).toMatchObject({ pinned: false, labels: {}, name: "renamed" });
  expect((await client.call("store.prune", { older_than_ms: 0 })).removed.map(({ id }) => id)).toEqual([one]);
  expect((await daemon.run(["set", "four"])).code).toBe(2);
});

test("ended sessions never stand in the way of a new one, however many there are and however lately they ended", async () => {
  const daemon = await startDaemon({ config: "[daemon]\nmax_sessions = 1\n" });
  const client = await daemon.client();
  for (let n = 0; n < 5; n++) {
    // The event comes before the reaper's tick has freed its slot.
    const { id } = await client.call("session.create", { command: "/bin/true" });
    await client.call("session.wait", { id, until: ["exited"] });
  }
  const { id } = await client.call("session.create", { command: "/bin/cat" });
  await expect(client.call("session.create", { command: "/bin/cat" })).rejects.toThrow(/at most 1 may be/);
  await client.call("session.kill", { id });
});

test("a process inside a session may save its checkpoints, but neither go back to one, nor fork one, nor take one away", async () => {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const { id } = await client.call("session.create", { name: "inside", command: "/bin/bash", args: ["--norc"], env: { PS1: "> " } });
  await waitForScreen(client, id, ">");
  const { checkpoint } = await client.call("checkpoint.save", { id });
  await client.call("session.create", { name: "other", command: "/bin/cat" });
  const others = (await client.call("checkpoint.save", { id: "other" })).checkpoint;
  const bin = join(import.meta.dirname, "../../bin/lifeguard");
  const say = async (args: string, ...shows: string[]): Promise<void> => {
    await client.call("session.input", { id, data: `clear; ${process.execPath} ${bin} ${args}; echo "code=$?"\r` });
    for (const words of shows) await waitForScreen(client, id, words);
  };
  await say(`checkpoint rm ${checkpoint}`, "not remove a checkpoint of it", "code=1");
  await say(`checkpoint restore ${checkpoint} --force`, "not restore it", "code=1");
  await say("checkpoint save inside --label mine", "code=0");
  await say(`checkpoint fork ${checkpoint} --name forked`, "not fork it", "code=1");
  await say(`checkpoint fork ${others} --name another`, "code=0");
  expect((await client.call("session.get", { id })).epoch).toBe(1);
  expect((await client.call("checkpoint.get", { checkpoint })).checkpoint).toBe(checkpoint);
  expect((await client.call("session.list", { all: true })).sessions.map(({ name }) => name)).toEqual(["inside", "other", "another"]);
  const { forks } = await client.call("fork.list", {});
  for (const { fork } of forks) await client.call("fork.update", { fork, status: "abandoned" });
  await say(`checkpoint rm ${others}`, "code=0");
});

/** Its holder went on typing into NOT_WRITER, and found out by that alone. */
test("who loses the pen is told, on its own connection and by its own watch; a reconnect does not take it back", async () => {
  const daemon = await startDaemon();
  const first = await daemon.client({ reconnect: true });
  const second = await daemon.client();
  const { id } = await first.call("session.create", { command: "/bin/cat" });
  const told: string[] = [];
  const strangers: string[] = [];
  second.on("session.writer", ({ watch }) => strangers.push(watch));
  await first.watch(id, {}, { output: () => undefined, penLost: (writer) => strangers.push(writer) });
  const mine = await first.watch(id, { write: true, take: true }, { output: () => undefined, penLost: (writer) => told.push(writer) });
  const theirs = await second.watch(id, { take: true }, { output: () => undefined });
  await waitUntil("the loser to be told", () => told.length > 0);
  expect(told).toEqual([theirs.watch]);
  expect(strangers).toEqual([]);
  await expect(first.call("session.input", { id, data: "x" })).rejects.toThrow(/holds the pen/);

  await daemon.kill9();
  await daemon.start();
  await waitUntil("the watch to be made again", () => mine.watch !== "");
  expect(await first.call("session.get", { id })).toMatchObject({ writer: null });
  await first.call("session.kill", { id });
});
