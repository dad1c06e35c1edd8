/**
 * The disk is full. Calls waited for as long as it stayed so, `rm` among them, which is how room is made. Now each is answered within
 * `store.answer_ms`: done, or refused by a name and with words that say where room is needed. Sessions run on, and when there is room
 * again, all is on the disk without a restart.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LifeguardError } from "../../src/rpc/client.js";
import type { Client, MethodName, Params } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { canMount, MemoryDisk } from "../support/disks.js";
import { waitForScreen, waitUntil, within } from "../support/wait.js";

const CONFIG = "[store]\nanswer_ms = 300\ncheckpoint_period_ms = 500\n[session]\nspool_bytes = 65536\nspool_busy_bytes = 65536\n";
/** Far beyond the bound, for a loaded machine; without a bound it is for ever. */
const PATIENCE_MS = 15_000;
const NAMED = ["STORE_FULL", "UNAVAILABLE", "BUSY"];

type Answer = { done: true; value: unknown } | { done: false; name: string; message: string };

async function ask(client: Client, method: MethodName, params: object): Promise<Answer> {
  return await within(
    `${method} to be answered`,
    client.call(method, params as Params<MethodName>).then(
      (value): Answer => ({ done: true, value }),
      (error: unknown): Answer => {
        if (!(error instanceof LifeguardError)) throw error;
        return { done: false, name: error.name, message: error.message };
      },
    ),
    PATIENCE_MS,
  );
}

describe.skipIf(!canMount(new MemoryDisk(1_048_576)))("a full disk", () => {
  test("every call is answered, removing makes room, and then all is on the disk without a restart", { timeout: 180_000 }, async () => {
    const disk = new MemoryDisk(8 * 1_048_576);
    const daemon = await startDaemon({ config: CONFIG, disk: { at: "", disk } });
    let client = await daemon.client();
    const { id } = await client.call("session.create", { name: "work", command: "/bin/cat" });
    const { checkpoint } = await client.call("checkpoint.save", { id, context: Buffer.alloc(20_000, "c") });
    const spare = (await client.call("checkpoint.save", { id })).checkpoint;
    const forked = await client.call("checkpoint.fork", { checkpoint, name: "fork" });
    await client.call("journal.append", { id, kind: "note", data: "before" });
    await client.call("journal.archive.put", { name: "early", text: "what was before" });
    const old: string[] = [];
    for (let n = 0; n < 3; n++) {
      const session = await client.call("session.create", { name: `old-${n}`, command: "/bin/sh", args: ["-c", "seq 3000"] });
      await client.call("session.wait", { id: session.id, until: ["exited"] });
      await waitUntil("its end to be saved", async () => {
        const now = await client.call("session.get", { id: session.id });
        return now.last_checkpoint_at !== null && !now.dirty;
      });
      old.push(session.id);
    }
    disk.fill();
    // What the daemon saves by itself finds out, if nobody asks.
    await client.call("session.input", { id, data: "typed on a full disk\r" });
    await waitForScreen(client, id, "typed on a full disk");

    const refused: Answer[] = [];
    const big = "x".repeat(9_000);
    const writes: [MethodName, object][] = [
      ["session.update", { id, name: "renamed", labels: { big: "y".repeat(200) } }],
      ["checkpoint.save", { id, label: "on a full disk", context: Buffer.from(big) }],
      ["checkpoint.fork", { checkpoint, name: "another" }],
      ["journal.append", { id, kind: "note", data: big }],
      ["journal.create", { agent: "a", created_by: "b", title: big.slice(0, 100) }],
      ["journal.archive.put", { name: "archive", text: big }],
      ["journal.compact", { id, archive: "early", summary: big }],
      ["fork.update", { fork: forked.fork, status: "abandoned" }],
      ["thought.publish", { id, text: "thinking", state: "active", source: "llm" }],
      ["session.create", { name: "new", command: "/bin/cat" }],
      ["session.restart", { id: forked.session.id }],
      ["session.kill", { id: forked.session.id }],
      ["checkpoint.restore", { checkpoint, force: true }],
    ];
    for (const [method, params] of writes) {
      const answer = await ask(client, method, params);
      if (answer.done) continue;
      refused.push(answer);
      expect([method, NAMED]).toEqual([method, expect.arrayContaining([answer.name]) as unknown]);
      // Who reads it knows what to do.
      expect(answer.message).toMatch(/room|space|disk/);
    }
    expect(refused.map((answer) => (answer.done ? "" : answer.name))).toContain("STORE_FULL");
    const status = await client.call("store.status", {});
    expect(status).toMatchObject({ ok: false, trouble: expect.stringContaining("ENOSPC") as unknown });
    for (const [method, params] of [
      ["session.list", { all: true }],
      ["session.screen", { id, format: "text" }],
      ["checkpoint.list", { id }],
      ["checkpoint.get", { checkpoint }],
      ["checkpoint.latest", { id }],
      ["journal.read", { id }],
      ["fork.list", {}],
    ] as const)
      expect([method, await ask(client, method, params)]).toEqual([method, expect.objectContaining({ done: true })]);

    // No room for a tombstone's text: removing works all the same, and gives some.
    const before = disk.freeBytes;
    expect(await ask(client, "session.remove", { id: old[0] ?? "" })).toMatchObject({ done: true });
    expect(existsSync(join(daemon.home, "sessions", old[0] ?? ""))).toBe(false);
    expect(await ask(client, "checkpoint.remove", { checkpoint: spare })).toMatchObject({ done: true, value: { removed: true } });
    const pruned = await ask(client, "store.prune", { older_than_ms: 0 });
    expect(pruned).toMatchObject({ done: true });
    const gone = async (): Promise<string[]> => (await client.call("session.list", { all: true })).sessions.map((session) => session.id);
    await waitUntil("pruned sessions to be gone", async () => !(await gone()).includes(old[1] ?? ""));
    expect(disk.freeBytes).toBeGreaterThanOrEqual(before);

    disk.makeRoom();
    await waitUntil("the store to be well", async () => (await client.call("store.status", {})).ok, 60_000);
    await waitUntil(
      "all sessions to be saved",
      async () => (await client.call("session.list", { all: true })).sessions.every(({ dirty }) => !dirty),
      60_000,
    );
    const { sessions } = await client.call("session.list", { all: true });
    const { checkpoint: after } = await client.call("checkpoint.save", { id, label: "room again" });
    await client.call("journal.append", { id, kind: "note", data: "after" });
    await daemon.kill9();
    await daemon.start();
    client = await daemon.client();
    const back = await client.call("session.list", { all: true });
    const known = ({ id: each, name, labels, epoch }: (typeof sessions)[number]): unknown => ({ id: each, name, labels, epoch });
    expect(back.sessions.map(known)).toEqual(sessions.map(known));
    expect((await client.call("checkpoint.list", { id })).checkpoints.map((row) => row.checkpoint)).toContain(after);
    const { entries } = await client.call("journal.read", { id });
    expect(entries.map(({ data }) => data)).toEqual(expect.arrayContaining(["before", "after"]));
    expect((await client.call("store.verify", {})).damaged).toEqual([]);
  });

  test("a daemon that starts on a full disk lists everything, takes over what runs, and removes what it is told to", async () => {
    const disk = new MemoryDisk(8 * 1_048_576);
    const daemon = await startDaemon({ config: CONFIG, disk: { at: "", disk } });
    let client = await daemon.client();
    const { id } = await client.call("session.create", { name: "work", command: "/bin/cat" });
    const ended = await client.call("session.create", { name: "ended", command: "/bin/echo", args: ["last words"] });
    await client.call("session.wait", { id: ended.id, until: ["exited"] });
    await client.call("session.update", { id: ended.id, labels: { saved: "yes" } });
    await client.call("session.update", { id, labels: { saved: "yes" } });
    disk.fill();
    await daemon.kill9();
    await daemon.start();
    client = await daemon.client();
    expect((await client.call("session.list", { all: true })).sessions.map(({ name }) => name)).toEqual(["work", "ended"]);
    await client.call("session.input", { id, data: "still here\r" });
    await waitForScreen(client, id, "still here");
    // The keeper may still have its end to tell, when the last daemon died before it could say that it knows.
    expect(await ask(client, "session.remove", { id: ended.id })).toEqual({ done: true, value: expect.anything() });
    await daemon.kill9();
    await daemon.start();
    client = await daemon.client();
    expect((await client.call("session.list", { all: true })).sessions.map(({ name }) => name)).toEqual(["work"]);
    // Its number is not given again, although nobody could note it.
    disk.makeRoom();
    const next = (await client.call("session.create", { command: "/bin/cat" })).id;
    expect(Number(next.replace("sess_", ""))).toBeGreaterThan(Number(ended.id.replace("sess_", "")));
  });
});
