/** What is kept, through a real daemon: round trips, across a SIGKILL, and nothing out of place whatever the names are. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { LifeguardError } from "../../src/errors.js";
import type { Client } from "../../src/rpc/client.js";
import type { TestDaemon } from "../support/daemon.js";
import { startDaemon } from "../support/daemon.js";
import { HOSTILE, HOSTILE_IDS } from "../support/hostile-names.js";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = await startDaemon();
  client = await daemon.client({ reconnect: true });
});

async function make(params: Record<string, unknown> = {}): Promise<string> {
  const session = await client.call("session.create", { command: "sh", args: ["-c", "echo here; exec cat"], cwd: daemon.home, ...params });
  return session.id;
}

async function refused(method: string, params: Record<string, unknown>): Promise<LifeguardError> {
  const error: unknown = await client.callAny(method, params).then(
    (answer) => new Error(`${method} ${JSON.stringify(params)} was answered: ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof LifeguardError)) throw error;
  return error;
}

async function daemonIsBack(): Promise<void> {
  client = await daemon.client({ reconnect: true });
}

describe("checkpoints", () => {
  test("give back what was saved, binary and all, also after the daemon was killed", async () => {
    const id = await make({ name: "keeper" });
    await waitForScreen(client, id, "here");
    const context = Buffer.concat([Buffer.from([0, 0xff, 0xc3, 0x28, 0x1b]), randomBytes(300_000), Buffer.alloc(500_000, "text ")]);
    const state = { step: 3, nested: [{ a: null }, "é", 1e21, -0.5] };
    const before = await client.call("checkpoint.save", { id });
    const saved = await client.call("checkpoint.save", {
      id: "keep",
      label: "half way",
      state,
      context,
      tasks_completed: 7,
      token_count: 123_456,
      extra: "anything",
    });
    expect(saved).toMatchObject({
      session: id,
      kind: "manual",
      label: "half way",
      tasks_completed: 7,
      token_count: 123_456,
      context_bytes: context.length,
      checksum: createHash("sha256").update(context).digest("hex"),
      state_size_bytes: Buffer.byteLength(JSON.stringify(state)),
    });
    expect(saved.generation).toBeGreaterThan(before.generation);
    expect(saved.codec).not.toBe("none");
    expect(saved.context_stored_bytes).toBeLessThan(400_000);
    expect(saved.terminal_bytes).toBeGreaterThan(0);

    await daemon.kill9();
    await daemon.start();
    await daemonIsBack();
    const { checkpoint } = saved;
    const whole = await client.call("checkpoint.get", { checkpoint });
    expect(whole).toMatchObject({ ...saved, state, extra: "anything", spec: { command: "sh", name: "keeper" } });
    expect(Buffer.from(whole.context ?? []).equals(context)).toBe(true);
    const listed = (await client.call("checkpoint.list", { id })).checkpoints;
    const generations = listed.map(({ generation }) => generation);
    expect(generations).toEqual(generations.toSorted((a, b) => b - a));
    expect(listed.filter(({ kind }) => kind === "manual").map((row) => row.checkpoint)).toEqual([checkpoint, before.checkpoint]);
    expect(await client.call("checkpoint.remove", { checkpoint: before.checkpoint })).toEqual({ removed: true });
    expect(await client.call("checkpoint.remove", { checkpoint: before.checkpoint })).toEqual({ removed: false });
    expect((await refused("checkpoint.get", { checkpoint: before.checkpoint })).name).toBe("NOT_FOUND");
    expect((await refused("checkpoint.get", { checkpoint: randomUUID() })).name).toBe("NOT_FOUND");
    expect((await client.call("checkpoint.latest", { id })).session).toBe(id);
  });

  test("the summary says when the last one was made, also after the daemon was started again", async () => {
    const id = await make();
    const saved = await client.call("checkpoint.save", { id });
    const { last_checkpoint_at: before } = await client.call("session.get", { id });
    expect(before).toBeGreaterThanOrEqual(saved.created_at);
    await daemon.restart();
    await daemonIsBack();
    expect((await client.call("session.get", { id })).last_checkpoint_at).toBeGreaterThanOrEqual(saved.created_at);
  });

  test("restore starts an ended session again, and the next checkpoint says where it came from", async () => {
    const id = await make();
    await waitForScreen(client, id, "here");
    const { checkpoint } = await client.call("checkpoint.save", { id });
    expect((await refused("checkpoint.restore", { checkpoint })).name).toBe("BUSY");
    await client.call("session.kill", { id });
    const restored = await client.call("checkpoint.restore", { checkpoint });
    expect(restored).toMatchObject({ id, epoch: 2 });
    expect(restored.pid).not.toBeNull();
    expect((await client.call("checkpoint.save", { id })).parent).toBe(checkpoint);
    expect(await client.call("checkpoint.restore", { checkpoint, force: true })).toMatchObject({ id, epoch: 3 });
  });

  test("fork makes a session of its own, leaves the parent alone, and protects the checkpoint while it is active", async () => {
    const id = await make({ labels: { team: "a" } });
    await waitForScreen(client, id, "here");
    const context = randomBytes(1_000);
    const { checkpoint } = await client.call("checkpoint.save", { id, state: { at: 1 }, context });
    const before = await client.call("session.get", { id });
    const { fork, status, session } = await client.call("checkpoint.fork", { checkpoint, name: "other-way" });
    expect(status).toBe("active");
    expect(session).toMatchObject({ name: "other-way", labels: { team: "a" }, command: "sh" });
    expect(session.id).not.toBe(id);
    await waitForScreen(client, session.id, "here");
    expect(await client.call("session.get", { id })).toMatchObject({ pid: before.pid, epoch: before.epoch, name: before.name });
    const own = await client.call("checkpoint.latest", { id: session.id });
    expect(own).toMatchObject({ state: { at: 1 }, parent: checkpoint });
    expect(Buffer.from(own.context ?? []).equals(context)).toBe(true);
    expect((await client.call("fork.list", { id })).forks).toMatchObject([
      { fork, checkpoint, forked_session: session.id, status: "active" },
    ]);
    expect((await refused("checkpoint.remove", { checkpoint })).name).toBe("BUSY");
    expect(await client.call("fork.update", { fork, status: "abandoned" })).toMatchObject({ fork, status: "abandoned" });
    expect(await client.call("checkpoint.remove", { checkpoint })).toEqual({ removed: true });
    expect((await refused("checkpoint.fork", { checkpoint, name: "other-way" })).name).toBe("NOT_FOUND");
  });

  test("are announced", async () => {
    const id = await make();
    const coming = await comingEvent(
      client,
      { kinds: ["checkpoint.saved"], session: id },
      (event) => event.kind === "checkpoint.saved" && "reason" in event && event["reason"] === "manual",
    );
    const row = await client.call("checkpoint.save", { id });
    expect(await coming.event).toMatchObject({ session: id, checkpoint: row.checkpoint, generation: row.generation });
  });
});

describe("journals", () => {
  test("number from one, take everybody at once, and go on after a SIGKILL", async () => {
    const { id } = await client.call("journal.create", { agent: "claude", created_by: "me", title: "first" });
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        client.call("journal.append", { id, kind: "message", data: { index }, author: `a${index % 3}` }),
      ),
    );
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    await daemon.kill9();
    await daemon.start();
    await daemonIsBack();
    expect(await client.call("journal.append", { id, kind: "note", data: Buffer.from([0, 255]) })).toMatchObject({ seq: 51 });
    const read = await client.call("journal.read", { id, since: 50 });
    expect(read).toMatchObject({
      next: 52,
      more: false,
      damage: [],
      entries: [
        { seq: 50, data: { index: 49 } },
        { seq: 51, kind: "note" },
      ],
    });
    expect(Buffer.from(read.entries[1]?.data as Uint8Array)).toEqual(Buffer.from([0, 255]));
    expect(await client.call("journal.latest", { agent: "claude", created_by: "me" })).toMatchObject({
      id,
      title: "first",
      message_count: 50,
    });
    expect(await client.call("journal.open", { agent: "claude", created_by: "me" })).toEqual({ id, created: false });
    const other = await client.call("journal.open", { agent: "Claude", created_by: "me" });
    expect(other.created).toBe(true);
    expect((await client.call("journal.list")).journals.map((head) => head.id)).toEqual([other.id, id]);
    expect(await client.call("journal.remove", { id: other.id })).toEqual({ removed: true });
    expect((await refused("journal.read", { id: other.id })).name).toBe("NOT_FOUND");
    expect((await client.call("journal.create", { agent: "Claude", created_by: "me" })).id).not.toBe(other.id);
  });

  test("a session's own: branches beside the history, replay from the boundary, all of it still there", async () => {
    const id = await make({ name: "writer" });
    const append = async (data: unknown, rest: Record<string, unknown> = {}): Promise<number> =>
      (await client.call("journal.append", { id: "writer", kind: "message", data, ...rest })).seq;
    expect([await append("one"), await append("two"), await append("try", { branch: "b 1", from: 1 }), await append("three")]).toEqual([
      1, 2, 3, 4,
    ]);
    expect((await client.call("journal.read", { id })).entries.map(({ data }) => data)).toEqual(["one", "two", "try", "three"]);
    expect((await client.call("journal.read", { id, branch: "b 1" })).entries).toMatchObject([{ seq: 3, branch: "b 1", from: 1 }]);
    expect((await refused("journal.append", { id, kind: "note", data: 1, from: 99 })).name).toBe("INVALID_PARAMS");
    expect((await refused("journal.append", { id, kind: "note", data: "x".repeat(1_100_000) })).name).toBe("LIMIT");

    expect(await client.call("journal.compact", { id, archive: "monday", summary: "short", through: 2 })).toEqual({ seq: 5 });
    const missing = await client.call("journal.read", { id, from_boundary: true });
    expect(missing).toMatchObject({ archive: "monday", boundary: { seq: 5, archive_missing: true, prefix: "short" } });
    expect(missing.entries.map(({ seq }) => seq)).toEqual([3, 4]);
    await client.call("journal.archive.put", { name: "monday", text: "the long story\n" });
    expect((await client.call("journal.read", { id, from_boundary: true })).boundary).toMatchObject({
      archive_missing: false,
      prefix: "the long story\n",
    });
    expect((await client.call("journal.read", { id })).entries).toHaveLength(5);
    expect(await client.call("journal.get", { id })).toMatchObject({
      id,
      branches: ["b 1"],
      boundary: { seq: 5 },
      last_seq: 5,
      agent: null,
    });
    expect((await refused("journal.remove", { id })).name).toBe("INVALID_PARAMS");
  });

  test("an answer is bounded in bytes and goes on where it stopped", async () => {
    const { id } = await client.call("journal.create", { agent: "large", created_by: "me" });
    for (let index = 0; index < 30; index++)
      await client.call("journal.append", { id, kind: "note", data: String(index).padEnd(400_000, "x") });
    const seen: number[] = [];
    for (let since = 1, more = true; more;) {
      const page = await client.call("journal.read", { id, since });
      expect(page.entries.length).toBeLessThanOrEqual(11);
      seen.push(...page.entries.map(({ seq }) => seq));
      ({ next: since, more } = page);
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  test("the same key adds one entry", async () => {
    const id = await make();
    const entry = { id, kind: "note", data: "once", key: "k-1" } as const;
    const answers = await Promise.all([client.call("journal.append", entry), client.call("journal.append", entry)]);
    expect(answers.map(({ seq }) => seq)).toEqual([1, 1]);
    expect((await client.call("journal.get", { id })).last_seq).toBe(1);
  });
});

describe("thoughts", () => {
  test("are taken by their watermark, shown in the summary, and there after a SIGKILL", async () => {
    const id = await make();
    const publish = async (text: string, emission_seq: number, stream_instance_id = "s1"): Promise<boolean> =>
      (await client.call("thought.publish", { id, text, source: "llm", stream_instance_id, emission_seq })).accepted;
    expect([await publish("reading", 1), await publish("writing", 5), await publish("late", 4), await publish("again", 5)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(await publish("another engine", 1, "s2")).toBe(true);
    expect((await client.call("session.get", { id })).thought).toMatchObject({ text: "another engine", source: "llm" });
    // What was accepted is admitted, not yet durable: the queue says when it is.
    await waitUntil("the thought to be on the disk", async () => (await client.call("store.status")).queue.items === 0);
    await daemon.kill9();
    await daemon.start();
    await daemonIsBack();
    expect((await client.call("thought.get", { id })).thought).toMatchObject({
      text: "another engine",
      watermark: { stream_instance_id: "s2", emission_seq: 1 },
    });
    expect((await client.call("session.get", { id })).thought).toMatchObject({ text: "another engine" });
    expect(await publish("late too", 1, "s2")).toBe(false);
    expect((await client.call("thought.list")).thoughts.map((each) => each.id)).toContain(id);
  });
});

describe("the store", () => {
  test("is well, is whole, and prunes only what has ended", async () => {
    const ended = await make({ command: "true", args: [] });
    await client.call("session.wait", { id: ended, until: ["exited"] });
    const live = await make();
    expect(await client.call("store.status")).toMatchObject({ ok: true, trouble: null, damaged: [], foreign: [] });
    expect((await client.call("daemon.status")).store).toEqual({ ok: true, damaged: 0 });
    const verified = await client.call("store.verify");
    expect(verified).toMatchObject({ damaged: [], unsupported: [] });
    expect(verified.checked).toBeGreaterThan(2);
    // Its last checkpoint is made after the exit has been announced.
    await waitUntil("the ended session to be due", async () =>
      (await client.call("store.prune", { older_than_ms: 0, dry_run: true })).removed.some(({ id }) => id === ended),
    );
    expect((await client.call("session.get", { id: ended })).state).toBe("exited");
    const pruned = await client.call("store.prune", { older_than_ms: 0 });
    expect(pruned.removed.map(({ id }) => id)).toContain(ended);
    expect(pruned.removed.map(({ id }) => id)).not.toContain(live);
    expect((await refused("session.get", { id: ended })).name).toBe("NOT_FOUND");
    expect((await client.call("session.get", { id: live })).state).not.toBe("exited");
    expect((await refused("checkpoint.list", { id: ended })).name).toBe("NOT_FOUND");
  });
});

describe("hostile names", () => {
  /** What each file and directory of the home holds: type, mode and content. Logs and the sockets' directory change by themselves. */
  function tree(root: string): Record<string, string> {
    const held: Record<string, string> = {};
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const shown = relative(root, path);
      if (/^run(\/|$)|\.log$/.test(shown)) continue;
      const content = entry.isFile() ? readFileSync(path) : entry.isSymbolicLink() ? readlinkSync(path) : "";
      held[shown] = `${lstatSync(path).mode.toString(8)} ${createHash("sha256").update(content).digest("hex")}`;
    }
    return held;
  }

  /** The tree once nothing is on its way to the disk. */
  async function settled(): Promise<Record<string, string>> {
    let last = tree(daemon.home);
    return await waitUntil("the home to be at rest", async () => {
      if ((await client.call("store.status")).queue.items > 0) return false;
      const now = tree(daemon.home);
      const same = JSON.stringify(now) === JSON.stringify(last);
      last = now;
      return same && now;
    });
  }

  // A daemon of its own, in which nothing is written but what somebody asks for.
  beforeAll(async () => {
    daemon = await startDaemon({ config: "[store]\ncheckpoint_period_ms = 3600000\n[session]\npark_after_ms = 3600000\n" });
    client = await daemon.client();
  });

  test("are refused by every method that takes an id, a name, a label or a branch, and change no byte on the disk", async () => {
    const id = (await client.call("session.create", { command: "sleep", args: ["1000"], cwd: daemon.home, name: "target" })).id;
    await client.call("session.wait", { id, until: ["idle"] });
    const { checkpoint } = await client.call("checkpoint.save", { id });
    await client.call("journal.append", { id, kind: "note", data: 1 });
    const before = await settled();
    expect(Object.keys(before).length).toBeGreaterThan(10);

    const asId: [string, string, Record<string, unknown>][] = [
      ["session.get", "id", {}],
      ["session.read", "id", {}],
      ["session.update", "id", { labels: {} }],
      ["session.kill", "id", {}],
      ["session.restart", "id", {}],
      ["session.remove", "id", { force: true }],
      ["checkpoint.save", "id", {}],
      ["checkpoint.list", "id", {}],
      ["checkpoint.latest", "id", {}],
      ["checkpoint.get", "checkpoint", {}],
      ["checkpoint.restore", "checkpoint", { force: true }],
      ["checkpoint.fork", "checkpoint", {}],
      ["checkpoint.remove", "checkpoint", {}],
      ["fork.list", "id", {}],
      ["fork.update", "fork", { status: "merged" }],
      ["journal.append", "id", { kind: "note", data: 1 }],
      ["journal.read", "id", {}],
      ["journal.compact", "id", { archive: "a" }],
      ["journal.get", "id", {}],
      ["journal.update", "id", { title: "t" }],
      ["journal.remove", "id", {}],
      ["thought.publish", "id", { text: "t" }],
      ["thought.get", "id", {}],
    ];
    const asName: [string, string, Record<string, unknown>][] = [
      ["session.create", "name", { command: "true", cwd: daemon.home }],
      ["session.update", "name", { id }],
      ["checkpoint.save", "label", { id }],
      ["checkpoint.fork", "name", { checkpoint }],
      ["journal.append", "branch", { id, kind: "note", data: 1 }],
      ["journal.read", "branch", { id }],
      ["journal.compact", "archive", { id }],
      ["journal.archive.put", "name", { text: "t" }],
      ["journal.archive.get", "name", {}],
    ];
    const wrong: string[] = [];
    const hold = async (method: string, params: Record<string, unknown>): Promise<void> => {
      const { name } = await refused(method, params);
      if (name !== "INVALID_PARAMS" && name !== "NOT_FOUND") wrong.push(`${method} ${JSON.stringify(params)}: ${name}`);
    };
    for (const [method, field, rest] of asId) for (const hostile of HOSTILE_IDS) await hold(method, { ...rest, [field]: hostile });
    for (const [method, field, rest] of asName) for (const hostile of HOSTILE) await hold(method, { ...rest, [field]: hostile });
    for (const hostile of HOSTILE) await hold("session.create", { command: "true", cwd: daemon.home, labels: { [hostile]: "x" } });
    for (const hostile of HOSTILE) await hold("session.update", { id, labels: { [hostile]: "x" } });
    expect(wrong).toEqual([]);
    expect(await settled()).toEqual(before);
  });
});

test("a stop right after a session's end waits for its last checkpoint", async () => {
  const own = await startDaemon();
  // At different moments of the way from the exit to the disk.
  for (let after = 0; after < 20; after += 4) {
    const asked = await own.client();
    const exited = await comingEvent(asked, { kinds: ["session.exited"] });
    const { id } = await asked.call("session.create", { command: "echo", args: ["last words"] });
    await exited.event;
    await pause(after);
    expect(await own.stop(), own.log()).toBe(0);
    await own.start();
    const again = await own.client();
    expect((await again.call("checkpoint.list", { id })).checkpoints.map(({ kind }) => kind)).toContain("exit");
  }
});
