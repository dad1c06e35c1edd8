/** The client library against the server: types, streams, loss and return. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLog } from "../../src/log.js";
import { Client } from "../../src/rpc/client.js";
import type { EventStream, EventStreamItem, OutputItem } from "../../src/rpc/client.js";
import { RpcServer } from "../../src/rpc/server.js";
import { checkLeaks } from "../support/leaks.js";
import { waitUntil, within } from "../support/wait.js";
import { startServer } from "./rpc-fixture.js";
import type { Fixture } from "./rpc-fixture.js";

checkLeaks();

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startServer();
});
afterEach(async () => {
  await fixture.end();
});

it("calls, and throws the daemon's errors as such", async () => {
  const client = await Client.connect({ socket: fixture.socket, client: "test" });
  expect(client.hello.protocol).toBe(1);
  const { id } = await client.call("session.create", { name: "a" });
  expect((await client.call("session.list")).sessions).toHaveLength(1);
  fixture.supervisor.print(id, Buffer.from([1, 255]));
  const { data, next } = await client.call("session.read", { id });
  expect([Buffer.from(data), next]).toEqual([Buffer.from([1, 255]), 2]);
  await expect(client.call("session.get", { id: "nobody" })).rejects.toMatchObject({ name: "NOT_FOUND", code: 2 });
  await expect(client.callAny("no.such")).rejects.toMatchObject({ name: "UNKNOWN_METHOD" });
  await client.close();
  await expect(client.call("session.list")).rejects.toMatchObject({ name: "UNAVAILABLE" });
});

it("says UNAVAILABLE where nobody answers", async () => {
  await expect(Client.connect({ socket: `${fixture.socket}.none` })).rejects.toMatchObject({
    name: "UNAVAILABLE",
    message: expect.stringContaining("ENOENT") as string,
  });
});

it("ends a call by signal or deadline, and the daemon's wait with it", async () => {
  const client = await Client.connect({ socket: fixture.socket });
  const { id } = await client.call("session.create", {});
  const ending = new AbortController();
  const waiting = client.call("session.wait", { id, until: ["busy"] }, { signal: ending.signal });
  await waitUntil("the wait to begin", () => fixture.supervisor.waiting === 1);
  ending.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  await waitUntil("the wait to end", () => fixture.supervisor.waiting === 0);
  await expect(client.call("session.wait", { id, until: ["busy"] }, { deadlineMs: 5 })).rejects.toMatchObject({ name: "TIMEOUT" });
  await waitUntil("the wait to end", () => fixture.supervisor.waiting === 0);
  await expect(client.call("session.get", { id }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  await client.close();
});

it("iterates over output from an offset, with a window, to the end", async () => {
  const client = await Client.connect({ socket: fixture.socket });
  const { id } = await client.call("session.create", {});
  const bytes = Buffer.alloc(3 << 20, "0123456789abcdef");
  fixture.supervisor.print(id, bytes.subarray(0, 1 << 20));
  const output = client.output(id, { since: 0, window: 64 * 1024 });
  const got: Buffer[] = [];
  const kinds: OutputItem["type"][] = [];
  const reading = (async () => {
    for await (const item of output) {
      if (item.type === "output") got.push(Buffer.from(item.data));
      else kinds.push(item.type);
    }
  })();
  await waitUntil("the first part", () => Buffer.concat(got).length === 1 << 20);
  await client.call("session.resize", { id, cols: 80, rows: 24 });
  fixture.supervisor.print(id, bytes.subarray(1 << 20));
  await waitUntil("all of it", () => Buffer.concat(got).length === bytes.length);
  await client.call("session.kill", { id });
  await within("the end of the output", reading);
  expect(Buffer.concat(got).equals(bytes)).toBe(true);
  expect(kinds).toEqual(["resized", "closed"]);
  await client.close();
});

it("leaves a stream without a trace, and a handler that holds back holds the flow", async () => {
  const client = await Client.connect({ socket: fixture.socket });
  const { id } = await client.call("session.create", {});
  fixture.supervisor.print(id, Buffer.alloc(100_000, "x"));
  for await (const item of client.output(id, { since: 0 })) {
    expect(item.type).toBe("output");
    break;
  }
  const watches = fixture.supervisor.sessions.get(id)?.watches;
  await waitUntil("the watch to end", () => watches?.size === 0);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let got = 0;
  const watch = await client.watch(
    id,
    { since: 0, window: 20_000 },
    {
      output: (data) => {
        got += data.length;
        return held;
      },
    },
  );
  await client.call("daemon.hello");
  expect(got).toBe(20_000);
  release();
  await waitUntil("the rest", () => got === 100_000);
  expect(watch.position).toBe(100_000);
  await watch.end();
  expect(watches?.size).toBe(0);
  await client.close();
});

it("iterates over events, each subscription its own, with nothing missed after ready", async () => {
  const client = await Client.connect({ socket: fixture.socket });
  const bells = client.events({ kinds: ["session.bell"] });
  const all: EventStream = client.events();
  const cursor = await bells.ready;
  await all.ready;
  expect(cursor).toEqual({ boot: "boot-fake", seq: 0 });
  for (const kind of ["session.bell", "session.title", "session.bell"]) fixture.supervisor.emit(kind, "sess_1");
  const seen = async (stream: AsyncIterable<EventStreamItem>, count: number): Promise<string[]> => {
    const kinds: string[] = [];
    for await (const event of stream) if (kinds.push(event.kind) === count) break;
    return kinds;
  };
  expect(await seen(bells, 2)).toEqual(["session.bell", "session.bell"]);
  expect(await seen(all, 3)).toEqual(["session.bell", "session.title", "session.bell"]);
  await waitUntil("both subscriptions to end", () => fixture.supervisor.subscribers === 0);
  const missing = client.events({ session: "nobody" });
  await expect(missing.next()).rejects.toMatchObject({ name: "NOT_FOUND" });
  await client.close();
});

it("rejects everything pending when the daemon goes, comes back by itself, and streams go on at their place", async () => {
  const client = await Client.connect({ socket: fixture.socket, reconnect: true });
  const plain = await Client.connect({ socket: fixture.socket });
  const { id } = await client.call("session.create", {});
  fixture.supervisor.print(id, Buffer.from("one "));
  const got: string[] = [];
  const watch = await client.watch(id, { since: 0 }, { output: (data) => void got.push(Buffer.from(data).toString()) });
  const events = client.events({ kinds: ["session.bell"] });
  await events.ready;
  fixture.supervisor.emit("session.bell", id);
  expect((await events.next()).value).toMatchObject({ seq: 2 });
  const lost: string[] = [];
  client.onConnection("disconnected", (error) => void lost.push(error.name));
  const back = new Promise<void>((resolve) => void client.onConnection("connected", () => resolve()));
  const waiting = client.call("session.wait", { id, until: ["busy"] });
  waiting.catch(() => undefined);
  await waitUntil("the wait to begin", () => fixture.supervisor.waiting === 1);

  await fixture.server.close();
  await expect(waiting).rejects.toMatchObject({ name: "UNAVAILABLE" });
  await waitUntil("the loss to be noticed", () => lost.length === 1 && plain.closed);
  await expect(client.call("session.list")).rejects.toMatchObject({ name: "UNAVAILABLE" });
  fixture.supervisor.print(id, Buffer.from("two "));
  fixture.supervisor.emit("session.bell", id);

  const server = new RpcServer({ config: fixture.config, version: "0", supervisor: fixture.supervisor, log: silentLog });
  await server.listen();
  await within("the client to come back", back);
  expect((await events.next()).value).toMatchObject({ kind: "session.bell", seq: 3 });
  fixture.supervisor.print(id, Buffer.from("three"));
  await waitUntil("all output", () => got.join("") === "one two three");
  expect(watch.position).toBe(13);
  await client.close();
  expect((await events.next()).done).toBe(true);
  await server.close();
  rmSync(fixture.socket, { force: true });
});

it("leaves out what an older daemon does not know", async () => {
  const { METHODS } = await import("../../src/rpc/methods/table.js");
  const hello = METHODS.get("daemon.hello");
  if (hello === undefined) throw new Error("no hello");
  const handler = hello.handler.bind(hello);
  Object.assign(hello, { handler: (...args: Parameters<typeof handler>) => ({ ...(handler(...args) as object), revision: "0.9" }) });
  try {
    const client = await Client.connect({ socket: fixture.socket });
    expect(await client.callAny("session.create", { name: "a", from_the_future: true })).toMatchObject({ name: "a" });
    await client.close();
  } finally {
    Object.assign(hello, { handler });
  }
});
