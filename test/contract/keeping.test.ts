/** Checkpoints, forks, journals, thoughts and the store over the wire: one suite, both dialects. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { EVENTS } from "../../src/rpc/announcements.js";
import { HOSTILE, HOSTILE_IDS } from "../support/hostile-names.js";
import { checkLeaks } from "../support/leaks.js";
import { DIALECTS, RawClient, servedEach } from "./rpc-fixture.js";
import type { Fixture } from "./rpc-fixture.js";

checkLeaks();

describe.each(DIALECTS)("%s", (name) => {
  let fixture: Fixture;
  let client: RawClient;

  servedEach(name, (one, other) => {
    fixture = one;
    client = other;
  });

  const session = async (params: Record<string, unknown> = {}): Promise<string> =>
    (await client.call("session.create", params))["id"] as string;
  /** Bytes as this dialect sends them best. */
  const bytes = (field: string, data: Buffer): Record<string, unknown> =>
    name === "json" ? { [`${field}_b64`]: data.toString("base64") } : { [field]: data };
  const ids = (answer: Record<string, unknown>): unknown[] =>
    (answer["checkpoints"] as { checkpoint: string }[]).map(({ checkpoint }) => checkpoint);

  it("saves, lists, gets, restores, forks and removes checkpoints", async () => {
    const id = await session({ name: "build" });
    const context = Buffer.concat([Buffer.from([0, 255, 0xc3, 0x28]), randomBytes(1_000)]);
    const state = { step: 3, at: 5, list: [1, "é", null, { deep: true }] };
    const saved = await client.described("checkpoint.save", {
      id: "bui",
      label: "before the merge",
      state,
      ...bytes("context", context),
      tasks_completed: 4,
      token_count: 12_345,
      extra: ["anything"],
    });
    expect(saved).toMatchObject({
      session: id,
      generation: 1,
      kind: "manual",
      label: "before the merge",
      tasks_completed: 4,
      token_count: 12_345,
      offset: 2 ** 40,
      context_bytes: context.length,
      checksum: createHash("sha256").update(context).digest("hex"),
    });
    const checkpoint = saved["checkpoint"] as string;
    const whole = await client.described("checkpoint.get", { checkpoint });
    expect(whole).toMatchObject({
      ...saved,
      state,
      extra: ["anything"],
      session_state: "idle",
      spec: { name: "build", env_names: ["TOKEN"], env_secret: ["TOKEN"] },
    });
    expect(RawClient.bytes(whole, "context")).toEqual(context);
    expect(JSON.stringify(whole)).not.toContain("secret-value");
    expect(whole).not.toHaveProperty("terminal");

    const plain = await client.described("checkpoint.save", { id });
    expect(await client.described("checkpoint.get", { checkpoint: plain["checkpoint"] })).toMatchObject({
      state: null,
      extra: null,
      context: null,
      label: null,
    });
    expect(ids(await client.described("checkpoint.list", { id: "build" }))).toEqual([plain["checkpoint"], checkpoint]);
    expect(ids(await client.described("checkpoint.list"))).toHaveLength(2);
    expect(await client.described("checkpoint.latest", { id })).toMatchObject({ checkpoint: plain["checkpoint"], skipped: [] });

    expect(await client.refusal("checkpoint.restore", { checkpoint })).toMatchObject({ name: "BUSY" });
    expect(await client.described("checkpoint.restore", { checkpoint, force: true })).toMatchObject({ id });
    expect(fixture.supervisor.keeping.callers.at(-1)?.connection).toBe(1);

    const forked = await client.described("checkpoint.fork", { checkpoint, name: "other", cwd: "/tmp" });
    expect(forked).toMatchObject({ status: "active", session: { name: "other", cwd: "/tmp" } });
    expect(await client.refusal("checkpoint.remove", { checkpoint })).toMatchObject({ name: "BUSY" });
    expect(await client.described("fork.list", { id })).toMatchObject({
      forks: [
        { fork: forked["fork"], checkpoint, session: id, forked_session: (forked["session"] as { id: string }).id, status: "active" },
      ],
    });
    expect(await client.described("fork.update", { fork: forked["fork"], status: "merged" })).toMatchObject({ status: "merged" });
    expect(await client.described("checkpoint.remove", { checkpoint })).toEqual({ removed: true });
    expect(await client.described("checkpoint.remove", { checkpoint })).toEqual({ removed: false });
    expect(await client.refusal("checkpoint.get", { checkpoint: randomUUID() })).toMatchObject({ name: "NOT_FOUND" });
  });

  it("takes a context as text, as bin where there is one, and as base64, never two of them", async () => {
    const id = await session();
    const texts = [
      await client.call("checkpoint.save", { id, context: "é" }),
      await client.call("checkpoint.save", { id, context_b64: Buffer.from("é").toString("base64") }),
    ];
    expect(texts.map((row) => row["checksum"])).toEqual(Array(2).fill(createHash("sha256").update("é").digest("hex")));
    expect(await client.refusal("checkpoint.save", { id, context: "a", context_b64: "YQ==" })).toMatchObject({ name: "INVALID_PARAMS" });
    expect(await client.refusal("checkpoint.save", { id, context_b64: "*" })).toMatchObject({ name: "INVALID_PARAMS" });
  });

  it("an idempotency key makes one checkpoint and one entry, and belongs to what was asked", async () => {
    const id = await session();
    const save = { id, label: "a", ...bytes("context", randomBytes(100_000)), key: "k" };
    const [first, second] = await Promise.all([client.call("checkpoint.save", save), client.call("checkpoint.save", save)]);
    expect(second).toEqual(first);
    expect(await client.refusal("checkpoint.save", { ...save, ...bytes("context", randomBytes(100_000)) })).toMatchObject({
      name: "INVALID_PARAMS",
    });
    const append = { id, kind: "note", ...bytes("data", Buffer.from([1, 0])), key: "k" };
    expect([await client.call("journal.append", append), await client.call("journal.append", append)]).toEqual([
      expect.objectContaining({ seq: 1 }),
      expect.objectContaining({ seq: 1 }),
    ]);
    expect(await client.refusal("journal.append", { ...append, ...bytes("data", Buffer.from([1, 1])) })).toMatchObject({
      name: "INVALID_PARAMS",
    });
    expect(await client.call("journal.append", { ...append, key: "other" })).toMatchObject({ seq: 2 });
  });

  it("keeps journals: by pair, by id, and one of every session", async () => {
    const id = await session({ name: "build" });
    const made = await client.described("journal.create", { agent: "a/b", created_by: "Ü", title: "" });
    expect(made).toMatchObject({ id: "jrnl_1", agent: "a/b", created_by: "Ü", title: "", last_seq: 0 });
    expect(await client.described("journal.open", { agent: "a/b", created_by: "Ü" })).toEqual({ id: "jrnl_1", created: false });
    expect(await client.described("journal.open", { agent: "a-b", created_by: "Ü" })).toEqual({ id: "jrnl_2", created: true });
    expect(await client.described("journal.latest", { agent: "a/b", created_by: "Ü" })).toMatchObject({ id: "jrnl_1" });
    expect(await client.refusal("journal.latest", { agent: "A/B", created_by: "Ü" })).toMatchObject({ name: "NOT_FOUND" });
    expect(await client.described("journal.update", { id: "jrnl_1", title: "plan", summary: "two\nlines" })).toMatchObject({
      title: "plan",
      summary: "two\nlines",
    });
    expect(await client.described("journal.list")).toMatchObject({ journals: [{ id: "jrnl_1" }, { id: "jrnl_2" }] });

    const binary = Buffer.from([0, 255, 27]);
    const appended = [
      await client.described("journal.append", { id: "build", kind: "message", data: { role: "user", content: "é" }, author: "me" }),
      await client.described("journal.append", { id, kind: "thought", data: "text", branch: "try", from: 1 }),
      await client.described("journal.append", { id, kind: "event", ...bytes("data", binary) }),
      await client.described("journal.append", { id, kind: "note", data: null }),
    ];
    expect(appended.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    const read = await client.described("journal.read", { id: "build" });
    const entries = read["entries"] as Record<string, unknown>[];
    expect(read).toMatchObject({ next: 5, more: false, damage: [] });
    expect(entries[0]).toMatchObject({ seq: 1, kind: "message", author: "me", data: { role: "user", content: "é" } });
    expect(entries[1]).toMatchObject({ data: "text", branch: "try", from: 1 });
    expect(RawClient.bytes(entries[2] ?? {})).toEqual(binary);
    expect(entries[3]).toMatchObject({ data: null });
    expect(await client.described("journal.read", { id, branch: "try" })).toMatchObject({ entries: [{ seq: 2 }] });
    expect(await client.described("journal.read", { id, since: 2, limit: 1 })).toMatchObject({
      entries: [{ seq: 2 }],
      next: 3,
      more: true,
    });

    expect(await client.described("journal.compact", { id, archive: "before lunch", summary: "in short" })).toEqual({ seq: 5 });
    await client.call("journal.append", { id, kind: "message", data: "after" });
    expect(await client.described("journal.read", { id, from_boundary: true })).toMatchObject({
      entries: [{ seq: 6, data: "after" }],
      archive: "before lunch",
      boundary: { seq: 5, archive_missing: true },
    });
    expect(await client.described("journal.archive.put", { name: "before lunch", text: "all of it\n" })).toEqual({});
    expect(await client.described("journal.archive.get", { name: "before lunch" })).toEqual({ name: "before lunch", text: "all of it\n" });
    expect(await client.described("journal.read", { id, from_boundary: true })).toMatchObject({
      boundary: { archive_missing: false, prefix: "all of it\n" },
    });
    expect(await client.described("journal.get", { id })).toMatchObject({
      id,
      agent: null,
      last_seq: 6,
      boundary: { seq: 5, archive: "before lunch" },
    });
    expect(await client.described("journal.remove", { id: "jrnl_2" })).toEqual({ removed: true });
    expect(await client.refusal("journal.get", { id: "jrnl_9" })).toMatchObject({ name: "NOT_FOUND" });
  });

  it("an answer of a journal is bounded in bytes, and goes on where it stopped", async () => {
    const id = await session();
    const journal = { head: await fixture.supervisor.keeping.journals.get(id) };
    for (let seq = 1; seq <= 300; seq++) await fixture.supervisor.keeping.journals.append(id, { kind: "note", data: "x".repeat(50_000) });
    const seen: number[] = [];
    for (let since = 1, more = true; more;) {
      const page = await client.call("journal.read", { id, since });
      const entries = page["entries"] as { seq: number }[];
      expect(entries.length).toBeLessThan(90);
      seen.push(...entries.map(({ seq }) => seq));
      since = page["next"] as number;
      more = page["more"] as boolean;
    }
    expect(seen).toEqual(Array.from({ length: journal.head.last_seq }, (_, index) => index + 1));
  });

  it("publishes thoughts by watermark, and gives them back", async () => {
    const id = await session({ name: "build" });
    expect(await client.described("thought.get", { id })).toEqual({ id, thought: null });
    expect(
      await client.described("thought.publish", { id: "build", text: "reading tests", stream_instance_id: "s", emission_seq: 3 }),
    ).toEqual({
      accepted: true,
    });
    expect(
      await client.described("thought.publish", { id, text: "old", watermark: { stream_instance_id: "s", emission_seq: 3 } }),
    ).toMatchObject({
      accepted: false,
      reason: expect.stringContaining("3") as string,
    });
    expect(
      await client.described("thought.publish", {
        id,
        text: "writing tests",
        state: "holding",
        source: "llm",
        rest_state: "drowsy",
        commit_candidate: true,
        action_cues: ["commit"],
        objective_fingerprint: null,
        token_count: 5,
        context_limit: null,
        updated_at: 1_700_000_000_000,
        watermark: { stream_instance_id: "s", emission_seq: 4 },
      }),
    ).toEqual({ accepted: true });
    expect(await client.described("thought.list")).toMatchObject({
      thoughts: [{ id, thought: { text: "writing tests", watermark: { emission_seq: 4 } } }],
    });
    for (const wrong of [
      { text: "a\nb" },
      { text: "" },
      { text: "x".repeat(121) },
      { text: "x", state: "asleep" },
      { text: "x", stream_instance_id: "s" },
      { text: "x", emission_seq: 1 },
      { text: "x", emission_seq: -1, stream_instance_id: "s" },
      { text: "x", stream_instance_id: "s", emission_seq: 9, watermark: { stream_instance_id: "s", emission_seq: 9 } },
      { text: "x", action_cues: Array(17).fill("a") },
    ])
      expect(await client.refusal("thought.publish", { id, ...wrong })).toMatchObject({ name: "INVALID_PARAMS" });
  });

  it("says how the store is, and prunes", async () => {
    const { keeping } = fixture.supervisor;
    expect(await client.described("store.status")).toMatchObject({ ok: true, queue: { items: 1, oldest_ms: 3 }, damaged: [] });
    keeping.damaged.push({
      path: "sessions/sess_1/record.4",
      kind: "session",
      reason: "its checksum is wrong",
      quarantined_to: "quarantine/1-record.4",
      at: 5,
    });
    expect(await client.described("store.verify")).toMatchObject({
      checked: 7,
      damaged: [{ reason: "its checksum is wrong" }],
      foreign: ["readme"],
    });
    expect(await client.described("daemon.status")).toMatchObject({
      queue: { items: 1, bytes: 2, coalesced: 4, refused: 5 },
      store: { ok: false, damaged: 1 },
    });
    expect(await client.described("store.prune", { older_than_ms: 0, dry_run: true })).toMatchObject({
      bytes: 9,
      removed: [{ kind: "session" }],
    });
    await client.call("store.prune");
    expect(keeping.pruned).toEqual([
      { olderThanMs: 0, dryRun: true },
      { olderThanMs: undefined, dryRun: false },
    ]);
  });

  it("announces what its events say", async () => {
    const id = await session();
    await client.call("events.subscribe", { kinds: ["checkpoint.saved"] });
    const saved = await client.call("checkpoint.save", { id, label: "a" });
    const event = await client.notification("event");
    expect(event).toMatchObject({ kind: "checkpoint.saved", session: id, checkpoint: saved["checkpoint"], reason: "manual" });
    const { boot: _1, seq: _2, at: _3, kind: _4, session: _5, ...fields } = event;
    expect(EVENTS["checkpoint.saved"]?.fields.strict().safeParse(fields).error).toBeUndefined();
  });

  const bad: [string, Record<string, unknown>, RegExp, string?][] = [
    ["checkpoint.save", { id: "x", token_count: 1.5 }, /number of tokens/, "token_count"],
    ["checkpoint.save", { id: "x", tasks_completed: -1 }, /number of tasks/, "tasks_completed"],
    ["checkpoint.save", { id: "x", kind: "periodic" }, /unknown parameter "kind"/, "kind"],
    ["checkpoint.list", { limit: 1 }, /unknown parameter/, "limit"],
    ["checkpoint.get", { checkpoint: "FFFFFFFF-0000-0000-0000-000000000000" }, /UUID in lower case/, "checkpoint"],
    ["checkpoint.get", {}, /checkpoint is missing/, "checkpoint"],
    ["checkpoint.fork", { checkpoint: "ffffffff-0000-0000-0000-000000000000", cwd: "relative" }, /absolute path/, "cwd"],
    ["fork.update", { fork: "ffffffff-0000-0000-0000-000000000000", status: "done" }, /"active"/, "status"],
    ["journal.append", { id: "x", kind: "note" }, /data is missing/, "data"],
    ["journal.append", { id: "x", kind: "compact", data: 1 }, /"message"/, "kind"],
    ["journal.append", { id: "x", kind: "note", data: 1, from: 0 }, /entry's number/, "from"],
    ["journal.append", { id: "x", kind: "note", data: 1, key: "" }, /idempotency key/, "key"],
    ["journal.read", { id: "x", limit: 0 }, /at least 1/, "limit"],
    ["journal.read", { id: "x", limit: 100_001 }, /at most 100000/, "limit"],
    ["journal.read", { id: "x", since: -1 }, /entry's number/, "since"],
    ["journal.create", { agent: "a" }, /created_by is missing/, "created_by"],
    ["journal.create", { agent: "a", created_by: "b", title: "x".repeat(513) }, /at most 512/, "title"],
    ["journal.archive.put", { name: "a" }, /text is missing/, "text"],
    ["store.prune", { older_than_ms: -1 }, /from 0/, "older_than_ms"],
  ];
  it.each(bad)("refuses %s %o by name", async (method, params, message, field) => {
    const error = await client.refusal(method, params);
    expect(error).toMatchObject({ name: "INVALID_PARAMS", message: expect.stringMatching(message) as string });
    if (name === "json" && field !== undefined) expect(error.data["field"]).toBe(field);
  });

  it("refuses a state that JSON would change silently", async () => {
    const id = await session();
    const never: unknown[] =
      name === "json" ? [] : [{ a: Buffer.from([1]) }, [Number.NaN], { deep: { er: 2n ** 63n } }, Number.POSITIVE_INFINITY];
    for (const state of never) {
      expect(await client.refusal("checkpoint.save", { id, state })).toMatchObject({
        name: "INVALID_PARAMS",
        message: expect.stringContaining("JSON value") as string,
      });
      expect(await client.refusal("checkpoint.save", { id, extra: state })).toMatchObject({ name: "INVALID_PARAMS" });
      expect(await client.refusal("journal.append", { id, kind: "note", data: state })).toMatchObject({ name: "INVALID_PARAMS" });
    }
    const odd: unknown = JSON.parse('{"": 0, "__proto__": {"polluted": true}, "constructor": "x", "_b64": "y"}');
    const saved = await client.call("checkpoint.save", { id, state: odd, extra: false });
    expect(await client.call("checkpoint.get", { checkpoint: saved["checkpoint"] })).toMatchObject({
      extra: false,
      state: { "": 0, constructor: "x" },
    });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("refuses hostile ids, names, labels and branches on every method that takes one", async () => {
    const id = await session();
    const { checkpoint } = (await client.call("checkpoint.save", { id })) as { checkpoint: string };
    await client.call("journal.create", { agent: "a", created_by: "b" });
    const made = fixture.supervisor.created;
    const journalsKept = fixture.supervisor.keeping.kept.size;
    const asId: [string, string, Record<string, unknown>][] = [
      ["checkpoint.save", "id", {}],
      ["checkpoint.list", "id", {}],
      ["checkpoint.latest", "id", {}],
      ["checkpoint.get", "checkpoint", {}],
      ["checkpoint.restore", "checkpoint", {}],
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
    for (const [method, field, rest] of asId)
      for (const hostile of HOSTILE_IDS) {
        const error = await client.refusal(method, { ...rest, [field]: hostile });
        expect({ method, hostile, error: error.name }).toEqual({
          method,
          hostile,
          error: expect.stringMatching(/^(INVALID_PARAMS|NOT_FOUND)$/) as string,
        });
      }
    const asName: [string, string, Record<string, unknown>][] = [
      ["checkpoint.save", "label", { id }],
      ["checkpoint.fork", "name", { checkpoint }],
      ["journal.append", "branch", { id, kind: "note", data: 1 }],
      ["journal.read", "branch", { id }],
      ["journal.compact", "archive", { id }],
      ["journal.archive.put", "name", { text: "t" }],
      ["journal.archive.get", "name", {}],
    ];
    for (const [method, field, rest] of asName)
      for (const hostile of HOSTILE) {
        const error = await client.refusal(method, { ...rest, [field]: hostile });
        expect({ method, hostile, error: error.name }).toEqual({ method, hostile, error: "INVALID_PARAMS" });
      }
    expect(fixture.supervisor.created).toBe(made);
    expect(fixture.supervisor.keeping.kept.size).toBe(journalsKept);
    expect(fixture.supervisor.keeping.checkpoints).toHaveLength(1);
  });
});
