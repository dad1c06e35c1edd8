import { MessageChannel } from "node:worker_threads";
import { expose, wrap } from "comlink";
import { describe, expect, it } from "vitest";
import { PackedPort, keepErrorsWhole } from "../../../src/actors/endpoint.js";
import { LifeguardError } from "../../../src/errors.js";

keepErrorsWhole();

interface Api {
  echo(value: unknown): unknown;
  fail(kind: "ours" | "theirs"): void;
}

function connect() {
  const { port1, port2 } = new MessageChannel();
  const events: unknown[] = [];
  const here = new PackedPort(port1, (event) => events.push(event));
  const there = new PackedPort(port2, () => {});
  const api: Api = {
    echo: (value) => value,
    fail: (kind) => {
      throw kind === "ours"
        ? new LifeguardError("BUSY", "the queue is full", { accepted: 7, deep: { list: [1, null] } })
        : new TypeError("a bug");
    },
  };
  expose(api, there.calls);
  return { here, there, remote: wrap<Api>(here.calls), events };
}

describe("packed port", () => {
  it("carries calls with bytes, large offsets, undefined and null", async () => {
    const { here, there, remote } = connect();
    expect(await remote.echo({ a: 2 ** 53 - 1, b: null, c: [1.5, "é"] })).toEqual({ a: 2 ** 53 - 1, b: null, c: [1.5, "é"] });
    expect(await remote.echo(undefined)).toBe(undefined);
    const bytes = (await remote.echo(new Uint8Array([0, 255, 10]))) as Uint8Array;
    expect([...bytes]).toEqual([0, 255, 10]);
    here.close();
    there.close();
  });

  it("brings errors over with name, message and data", async () => {
    const { here, there, remote } = connect();
    const error: unknown = await remote.fail("ours").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LifeguardError);
    expect(error).toMatchObject({ name: "BUSY", code: 4, message: "the queue is full", data: { accepted: 7, deep: { list: [1, null] } } });
    await expect(remote.fail("theirs")).rejects.toMatchObject({ name: "INTERNAL", message: "a bug" });
    here.close();
    there.close();
  });

  it("answers what goes past comlink: values, errors whole, and in the order of all messages", async () => {
    const { here, there, remote } = connect();
    const order: unknown[] = [];
    there.answer((method, args) => {
      order.push(args[0]);
      if (method === "ours") throw new LifeguardError("BUSY", "the queue is full", { accepted: 7 });
      if (method === "theirs") throw new TypeError("a bug");
      return method === "nothing" ? undefined : args;
    });
    const asked = here.ask("echo", ["a", new Uint8Array([0, 255])]);
    const called = remote.echo(1);
    expect(await asked).toEqual(["a", new Uint8Array([0, 255])]);
    expect(await called).toBe(1);
    expect(await here.ask("nothing", ["b"])).toBe(undefined);
    await expect(here.ask("ours", ["c"])).rejects.toMatchObject({ name: "BUSY", message: "the queue is full", data: { accepted: 7 } });
    await expect(here.ask("theirs", ["d"])).rejects.toMatchObject({ name: "INTERNAL", message: "a bug" });
    expect(order).toEqual(["a", "b", "c", "d"]);
    here.close();
    there.close();
  });

  it("keeps events apart, in order, and delivers them before it says that the other side is gone", async () => {
    const { here, there, events } = connect();
    const closed = new Promise<void>((resolve) => here.onClose(resolve));
    for (let i = 0; i < 100; i++) there.post({ type: "output", data: Buffer.alloc(10_000, i), i });
    there.close();
    await closed;
    expect(events.length).toBe(100);
    expect(events.map((event) => (event as { i: number }).i)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect((events[5] as { data: Uint8Array }).data.byteLength).toBe(10_000);
    here.post({ late: true });
    here.close();
    here.post({ late: true });
  });
});
