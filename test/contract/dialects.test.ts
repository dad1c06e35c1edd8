/** One suite, both dialects: the same calls against the same server answer the same. */
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { summaryShape } from "../../src/rpc/shapes.js";
import { METHODS } from "../../src/rpc/methods/table.js";
import { checkLeaks } from "../support/leaks.js";
import { waitUntil } from "../support/wait.js";
import { DIALECTS, RawClient, servedEach, startServer } from "./rpc-fixture.js";
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

  it("says hello with what there is, and nothing of later issues", async () => {
    const hello = await client.call("daemon.hello", { client: "test", protocol: 1 });
    expect(hello).toMatchObject({ protocol: 1, version: "0.0.0-test", boot: "boot-fake", pid: process.pid });
    expect(hello["methods"]).toEqual([...METHODS.keys()]);
    expect(await client.refusal("daemon.hello", { protocol: 2 })).toMatchObject({
      code: 18,
      name: "PROTOCOL",
      message: expect.stringContaining("speaks protocol 1") as string,
    });
    expect(await client.refusal("session.later", { id: "x" })).toMatchObject({ code: 16, name: "UNKNOWN_METHOD" });
  });

  it("prompts, and waits in the same request; a key prompts once, also for who asks again", async () => {
    const { id } = await client.call("session.create", { name: "prompted" });
    const plain = await client.call("session.prompt", { id, text: "- go on\n\tplease" });
    expect(plain).toMatchObject({ delivery: "submitted", evidence: { rule: "fake", confidence: "high" } });
    const asked = { id, text: "keyed", key: "k-prompt", wait: { until: ["attention"], timeout_ms: 20_000 } };
    const waiting = [client.call("session.prompt", asked), client.call("session.prompt", asked)];
    await waitUntil("the wait", () => fixture.supervisor.waiting > 0);
    fixture.supervisor.enter(String(id), "attention");
    const [first, second] = await Promise.all(waiting);
    expect(first).toMatchObject({ delivery: "submitted", state: "attention" });
    expect(second).toEqual(first);
    expect(await client.refusal("session.prompt", { ...asked, text: "another" })).toMatchObject({ name: "INVALID_PARAMS" });
  });

  it("makes, lists, gets, changes and forgets sessions", async () => {
    const made = await client.call("session.create", { name: "build", command: "sh", args: ["-c", "true"], labels: { team: "a" } });
    expect(Object.keys(made).sort()).toEqual(Object.keys(summaryShape.shape).sort());
    expect(summaryShape.safeParse(made).error).toBeUndefined();
    const listed = await client.call("session.list");
    expect(listed).toEqual({ sessions: [made], cursor: { boot: "boot-fake", seq: 1 } });
    expect(await client.call("session.list", { fields: ["name"] })).toMatchObject({ sessions: [{ id: "sess_1", name: "build" }] });
    expect(await client.call("session.get", { id: "bui" })).toEqual(made);
    expect(await client.call("session.update", { id: "build", name: "other" })).toMatchObject({ name: "other" });
    expect(await client.refusal("session.kill", { id: "oth" })).toMatchObject({ name: "NOT_FOUND" });
    expect(await client.refusal("session.remove", { id: "other" })).toMatchObject({ name: "BUSY" });
    expect(await client.call("session.kill", { id: "other", signal: "SIGTERM", grace_ms: 10 })).toMatchObject({
      processes: 1,
      exit: { signal: "SIGHUP" },
    });
    expect(await client.call("session.remove", { id: "other" })).toEqual({});
    expect(await client.call("session.list", { all: true })).toMatchObject({ sessions: [] });
  });

  it("takes bytes and text, and gives bytes", async () => {
    const id = await session();
    const bytes = Buffer.from([0, 255, 27, 0xc3]);
    const answers = [
      await client.call("session.input", { id, data: "é" }),
      name === "json"
        ? await client.call("session.input", { id, data_b64: bytes.toString("base64") })
        : await client.call("session.input", { id, data: bytes }),
      await client.call("session.input", { id, data_b64: bytes.toString("base64") }),
      await client.call("session.keys", { id, keys: ["C-c", "Up"] }),
      await client.call("session.paste", { id, text: "two\nlines" }),
    ];
    expect(answers.map((answer) => answer["accepted"])).toEqual([2, 4, 4, 6, 9]);
    expect(Buffer.concat(fixture.supervisor.sessions.get(id)?.input ?? [])).toEqual(
      Buffer.concat([Buffer.from("é"), bytes, bytes, Buffer.from("C-c Up"), Buffer.from("two\nlines")]),
    );
    fixture.supervisor.print(id, bytes);
    const read = await client.call("session.read", { id });
    expect(RawClient.bytes(read)).toEqual(bytes);
    expect(Object.keys(read).sort()).toEqual(name === "json" ? ["data_b64", "gap", "next", "offset"] : ["data", "gap", "next", "offset"]);
    const screen = await client.call("session.screen", { id });
    expect(screen).toMatchObject({ offset: 2 ** 40 + 4, text: "text é", cursor: { x: 0, y: 0, visible: true } });
    const restored = await client.call("session.screen", { id, format: "restore" });
    expect(RawClient.bytes(restored, "restore").toString()).toBe("restore é");
    expect(await client.call("session.resize", { id, cols: 80, rows: 24 })).toEqual({ offset: 4 });
  });

  const bad: [string, Record<string, unknown>, RegExp, string?][] = [
    ["session.create", { nmae: "x" }, /unknown parameter "nmae"; it takes name, cwd/, "nmae"],
    ["session.create", { later: "x" }, /unknown parameter "later"/, "later"],
    ["session.prompt", { id: "sess_1" }, /text is missing/, "text"],
    ["session.prompt", { id: "sess_1", text: "x", wait: { until: [] } }, /names at least one state/, "wait.until"],
    ["session.create", { name: "sess_1" }, /must not look like an id/, "name"],
    ["session.create", { name: "../../etc/passwd" }, /a name has 1–64/, "name"],
    ["session.create", { cwd: "relative" }, /is an absolute path; got "relative"/, "cwd"],
    ["session.create", { cwd: "/a\0b" }, /NUL/, "cwd"],
    ["session.create", { cols: 1 }, /is 2…1000 columns; got 1/, "cols"],
    ["session.create", { cols: 1.5 }, /whole number of columns/, "cols"],
    ["session.create", { labels: { "": "x" } }, /is 1–64 of letters/],
    ["session.create", { labels: { "a/../..": "x" } }, /is 1–64 of letters.*"a\/\.\.\/\.\."/],
    ["session.create", { labels: { team: "a\nb" } }, /printable/],
    ["session.create", { name: "CON" }, /not that of a device/, "name"],
    ["session.create", { env: { "A=B": "secret-value" } }, /variable's name/],
    ["session.get", {}, /id is missing/, "id"],
    ["session.get", { id: "" }, /is a session's id or name/, "id"],
    ["session.get", { id: "x".repeat(200) }, /at most 128/, "id"],
    ["session.get", { id: 7 }, /got 7/, "id"],
    ["session.read", { id: "x", since: -1 }, /is a byte offset/, "since"],
    ["session.read", { id: "x", since: 2 ** 60 }, /is a byte offset/, "since"],
    ["session.read", { id: "x", max: 9_000_000 }, /at most 8388608/, "max"],
    ["session.input", { id: "x", data: "a", data_b64: "YQ==" }, /data and data_b64/, "data_b64"],
    ["session.input", { id: "x", data_b64: "*" }, /is base64/, "data_b64"],
    ["session.wait", { id: "x", until: ["asleep"] }, /got "asleep"/, "until.0"],
    ["session.kill", { id: "x", signal: "; rm -rf /" }, /signal's name/, "signal"],
    ["events.subscribe", { since: { boot: "x", seq: -1 } }, /event's number|expected/, "since.seq"],
    ["daemon.status", { optional: 7 }, /optional is a map/, "optional"],
  ];
  it.each(bad)("refuses %s %o by name", async (method, params, message, field) => {
    const error = await client.refusal(method, params);
    expect(error).toMatchObject({ code: 1, name: "INVALID_PARAMS" });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("secret-value");
    if (name === "json") {
      expect(error.data["protocol"]).toBe(1);
      if (field !== undefined) expect(error.data["field"]).toBe(field);
    }
  });

  it("ignores what is unknown inside optional, and takes what is known there", async () => {
    const made = await client.call("session.create", { name: "a", optional: { colour: "red", cols: 77 } });
    expect(made).toMatchObject({ name: "a", cols: 77 });
    expect(await client.refusal("session.create", { cols: 80, optional: { cols: 77 } })).toMatchObject({
      name: "INVALID_PARAMS",
      message: expect.stringContaining("given twice") as string,
    });
    expect(await client.call("daemon.status", { optional: [] as unknown as Record<string, unknown> })).toMatchObject({ connections: 1 });
  });

  it("keeps an idempotency key, also for two at once, and forgets it when the deed failed", async () => {
    let open = (): void => undefined;
    fixture.supervisor.gate = new Promise((resolve) => (open = resolve));
    const both = [client.call("session.create", { name: "once", key: "k1" }), client.call("session.create", { name: "once", key: "k1" })];
    open();
    const [first, second] = await Promise.all(both);
    expect(second).toEqual(first);
    expect(await client.call("session.create", { name: "once", key: "k1" })).toEqual(first);
    expect(fixture.supervisor.created).toBe(1);
    expect(await client.refusal("session.create", { name: "other", key: "k1" })).toMatchObject({
      name: "INVALID_PARAMS",
      message: expect.stringContaining("other parameters") as string,
    });
    fixture.supervisor.gate = Promise.reject(new Error("no terminal left"));
    fixture.supervisor.gate.catch(() => undefined);
    expect(await client.refusal("session.create", { key: "k2" })).toMatchObject({ name: "INTERNAL" });
    fixture.supervisor.gate = Promise.resolve();
    expect(await client.call("session.create", { key: "k2" })).toMatchObject({ id: "sess_2" });
  });

  it("answers out of order: a wait blocks nobody, and rpc.cancel ends it", async () => {
    const id = await session();
    const wait = client.send("session.wait", { id, until: ["busy"] });
    const other = client.send("session.wait", { id, until: ["attention"], timeout_ms: 60_000 });
    expect(await client.call("session.wait", { id, until: ["idle", "busy"] })).toMatchObject({ state: "idle" });
    expect(await client.call("session.get", { id })).toMatchObject({ id });
    expect(await client.call("rpc.cancel", { id: other })).toEqual({ cancelled: true });
    expect((await client.answer(other)).error).toMatchObject({ code: 5, name: "TIMEOUT" });
    expect(await client.call("rpc.cancel", { id: other })).toEqual({ cancelled: false });
    fixture.supervisor.enter(id, "busy");
    expect((await client.answer(wait)).result).toMatchObject({ state: "busy", evidence: { rule: "fake.idle" } });
    expect((await client.refusal("session.wait", { id, until: ["error"], timeout_ms: 1 })).name).toBe("TIMEOUT");
  });

  it("ends the waits, watches and subscriptions of a connection that is gone", async () => {
    const id = await session();
    const other = await RawClient.open(fixture.socket, name);
    await other.call("session.watch", { id });
    await other.call("events.subscribe");
    other.send("session.wait", { id, until: ["busy"] });
    await waitUntil("the wait to begin", () => fixture.supervisor.waiting === 1);
    await other.end();
    await waitUntil(
      "everything of it to end",
      () =>
        fixture.supervisor.waiting === 0 && fixture.supervisor.subscribers === 0 && fixture.supervisor.sessions.get(id)?.watches.size === 0,
    );
    expect(fixture.supervisor.closedConnections).toEqual([2]);
  });

  it("watches: the answer first, then all bytes by offset, sizes, and the end", async () => {
    const id = await session();
    fixture.supervisor.print(id, Buffer.from("before"));
    const request = client.send("session.watch", { id, since: 0 });
    const first = await client.take(() => true);
    expect(first).toMatchObject({ type: "response", id: request, result: { watch: "w_1", offset: 0, gap: 0 } });
    expect(await client.notification("session.output")).toMatchObject({ watch: "w_1", id, offset: 0, age_ms: 0 });
    fixture.supervisor.print(id, Buffer.from([1, 2, 255]));
    const output = await client.notification("session.output");
    expect(output).toMatchObject({ offset: 6 });
    expect(RawClient.bytes(output)).toEqual(Buffer.from([1, 2, 255]));
    await client.call("session.resize", { id, cols: 90, rows: 30 });
    expect(await client.notification("session.resized")).toEqual({ watch: "w_1", id, cols: 90, rows: 30, offset: 9 });
    const second = await client.call("session.watch", { id });
    expect(second).toEqual({ watch: "w_2", offset: 9, gap: 0 });
    expect(await client.call("session.unwatch", { watch: "w_2" })).toEqual({});
    expect(await client.refusal("session.unwatch", { watch: "w_2" })).toMatchObject({ name: "NOT_FOUND" });
    await client.call("session.kill", { id });
    expect(await client.notification("session.closed")).toEqual({ watch: "w_1", id, reason: "exited" });
    expect(await client.refusal("session.ack", { watch: "w_1", offset: 0 })).toMatchObject({ name: "NOT_FOUND" });
  });

  it("keeps to the window: no more than that is out until it is acknowledged", async () => {
    const id = await session();
    const { watch } = await client.call("session.watch", { id, window: 10 });
    fixture.supervisor.print(id, Buffer.alloc(25, "x"));
    expect(RawClient.bytes(await client.notification("session.output")).length).toBe(10);
    await client.call("daemon.hello");
    expect(client.arrived).toEqual([]);
    client.socket.write(client.dialect.notification("session.ack", { watch, offset: 10 }, null));
    expect(await client.notification("session.output")).toMatchObject({ offset: 10 });
    await client.call("session.ack", { watch, offset: 20 });
    expect(RawClient.bytes(await client.notification("session.output")).length).toBe(5);
  });

  it("sends events after their cursor and as they come; tells of a gap; several subscriptions are told apart", async () => {
    const { supervisor } = fixture;
    for (let n = 0; n < 3; n++) supervisor.emit("session.bell", "sess_1");
    const subscribed = await client.call("events.subscribe", { since: { boot: "boot-fake", seq: 1 }, kinds: ["session.bell"] });
    expect(subscribed).toEqual({ subscription: subscribed["subscription"], boot: "boot-fake", seq: 3, gap: false });
    const live = supervisor.emit("session.bell", "sess_1", { offset: 2 ** 41 });
    supervisor.emit("session.title", "sess_1", { title: "not asked for" });
    expect([(await client.notification("event"))["seq"], (await client.notification("event"))["seq"]]).toEqual([2, 3]);
    expect(await client.notification("event")).toEqual(live);
    expect(await client.call("events.subscribe", { since: { boot: "another", seq: 1 } })).toMatchObject({ gap: true, seq: 5 });
    supervisor.emit("session.bell", "sess_1");
    const copies = [await client.notification("event"), await client.notification("event")];
    expect(new Set(copies.map((copy) => copy["subscription"])).size).toBe(2);
    expect(await client.call("events.unsubscribe", { subscription: subscribed["subscription"] })).toEqual({});
    expect(supervisor.subscribers).toBe(1);
  });

  it("wraps notifications for a client that takes only calls it knows", async () => {
    await client.call("daemon.hello", { notify: { method: "nvim_exec_lua", args: ["code"] } });
    await client.call("events.subscribe");
    const event = fixture.supervisor.emit("session.bell", "sess_1");
    expect(await client.take((message) => message.type === "notification")).toMatchObject({
      method: "nvim_exec_lua",
      params: ["code", ["event", event]],
    });
    await client.call("daemon.hello", { notify: null });
    fixture.supervisor.emit("session.bell", "sess_1");
    expect(await client.notification("event")).toMatchObject({ kind: "session.bell" });
  });

  it("hides what is internal behind an id that the log repeats", async () => {
    const lines: string[] = [];
    const logged = await startServer({}, pino({ level: "error" }, { write: (line: string) => void lines.push(line) }));
    const other = await RawClient.open(logged.socket, name);
    await other.call("session.create", { name: "broken" });
    const { error } = await other.answer(other.send("session.screen", { id: "broken" }));
    expect(error).toMatchObject({ code: 15, name: "INTERNAL" });
    expect(error?.message).not.toContain("secret");
    const errorId = /err_[0-9a-f]{8}/.exec(error?.message ?? "")?.[0] ?? "none";
    expect(lines.join("")).toContain(errorId);
    expect(lines.join("")).toContain("a secret of the inside");
    await other.end();
    await logged.end();
  });

  it("answers BUSY beyond 1 024 requests under way, and lives on", async () => {
    const id = await session();
    const ids = Array.from({ length: 1_030 }, () => client.send("session.wait", { id, until: ["busy"] }));
    const last = await client.answer(ids.at(-1) ?? 0);
    expect(last.error).toMatchObject({ name: "BUSY" });
    expect(await client.call("rpc.cancel", { id: ids[0] })).toEqual({ cancelled: true });
    fixture.supervisor.enter(id, "busy");
    expect((await client.answer(ids[1] ?? 0)).error).toBeNull();
  });

  it("tells one client too many so, in its own dialect, and lets it in when there is room", async () => {
    const small = await startServer({ max_connections: 1 });
    const first = await RawClient.open(small.socket, name);
    await first.call("daemon.hello");
    const second = await RawClient.open(small.socket, name);
    const { error } = await second.answer(second.send("daemon.hello", {}));
    expect(error).toMatchObject({ code: 9, name: "LIMIT", message: expect.stringContaining("rpc.max_connections") as string });
    await second.closed;
    await first.end();
    await waitUntil("the first to be gone", () => small.server.connections === 0);
    const third = await RawClient.open(small.socket, name);
    await third.call("daemon.hello");
    await third.end();
    await small.end();
  });

  it("limits watches over all connections", async () => {
    const small = await startServer({ max_watchers: 2 });
    const other = await RawClient.open(small.socket, name);
    const { id } = await other.call("session.create");
    const { watch } = await other.call("session.watch", { id });
    await other.call("session.watch", { id });
    await expect(other.call("session.watch", { id })).rejects.toThrow(/LIMIT: 2 watches are open/);
    await other.call("session.unwatch", { watch });
    await other.call("session.watch", { id });
    await expect(other.call("session.watch", { id: "nobody" })).rejects.toThrow(/NOT_FOUND/);
    await other.end();
    await small.end();
  });

  it("closes a connection that sends what is not the protocol after one clear error; nobody else notices", async () => {
    const wrong = await RawClient.open(fixture.socket, name);
    wrong.socket.write(name === "json" ? "{nonsense}\n" : Buffer.from([0x94, 0, 1, 0xc1]));
    const { error } = await wrong.answer(null);
    expect(error).toMatchObject({ code: 18, name: "PROTOCOL" });
    await wrong.closed;
    expect(await client.call("daemon.hello")).toMatchObject({ protocol: 1 });
  });

  it("answers a client that has closed its sending side, then ends; a watcher of that kind is kept until it is gone", async () => {
    const half = await RawClient.open(fixture.socket, name);
    const asked = half.send("daemon.hello", {});
    half.socket.end();
    expect((await half.answer(asked)).error).toBeNull();
    await half.closed;
    const id = await session();
    const watcher = await RawClient.open(fixture.socket, name);
    watcher.socket.allowHalfOpen = true;
    const watch = watcher.send("session.watch", { id });
    watcher.socket.end();
    expect((await watcher.answer(watch)).error).toBeNull();
    fixture.supervisor.print(id, Buffer.from("x"));
    await watcher.notification("session.output");
    expect(fixture.server.connections).toBe(2);
    await watcher.end();
    await waitUntil("the abandoned watcher to be closed", () => fixture.server.connections === 1);
  });

  it("keeps a bounded amount for a client that does not read: watches wait, events become a gap, answers wait; nothing is lost to it that is still held", async () => {
    const small = await startServer({ outbound_bytes: 256 * 1024 });
    const slow = await RawClient.open(small.socket, name);
    const { id } = (await slow.call("session.create")) as { id: string };
    await slow.call("events.subscribe");
    const { watch } = await slow.call("session.watch", { id });
    slow.socket.pause();
    const bytes = Buffer.alloc(4 << 20, "0123456789abcdef");
    small.supervisor.print(id, bytes);
    const big = Array.from({ length: 40 }, () => slow.send("session.read", { id, since: 0, max: 1 << 20 }));
    for (let n = 0; n < 2_000; n++) small.supervisor.emit("session.title", id, { title: "t".repeat(500) });
    const other = await RawClient.open(small.socket, name);
    await other.call("daemon.hello");
    slow.socket.resume();
    let offset = 0;
    while (offset < bytes.length) {
      const output = await slow.notification("session.output");
      expect(output).toMatchObject({ watch, offset });
      offset += RawClient.bytes(output).length;
    }
    for (const asked of big) {
      const answer = await slow.answer(asked);
      expect(RawClient.bytes(answer.result as Record<string, unknown>).length).toBe(1 << 20);
    }
    const gap = await slow.notification("events.gap");
    expect(gap).toMatchObject({ boot: "boot-fake", to: 2_001 });
    small.supervisor.emit("session.bell", id);
    const live = await slow.take((message) => message.type === "notification" && JSON.stringify(message.params).includes("session.bell"));
    expect(live).toBeDefined();
    await other.end();
    await slow.end();
    await small.end();
  });

  it("ends politely: waits are told, what was asked is answered, new clients find nobody", async () => {
    const polite = await startServer();
    const other = await RawClient.open(polite.socket, name);
    const { id } = await other.call("session.create");
    const waiting = other.send("session.wait", { id, until: ["busy"] });
    const idle = await RawClient.open(polite.socket, name);
    await waitUntil("the wait to begin", () => polite.supervisor.waiting === 1);
    const closed = polite.server.close();
    expect((await other.answer(waiting)).error).toMatchObject({
      name: "UNAVAILABLE",
      message: expect.stringContaining("stopping") as string,
    });
    await Promise.all([closed, other.closed, idle.closed]);
    await expect(RawClient.open(polite.socket, name)).rejects.toThrow(/ENOENT/);
    await polite.end();
  });
});
