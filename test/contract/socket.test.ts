/** The socket itself: its mode, whose it is, and what becomes of it at the end. */
import { statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { RpcServer } from "../../src/rpc/server.js";
import { checkLeaks } from "../support/leaks.js";
import { startServer } from "./rpc-fixture.js";

checkLeaks();

describe("the socket", () => {
  it("is 0600 in a directory of 0700", async () => {
    const fixture = await startServer();
    expect(statSync(fixture.socket).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(fixture.socket)).mode & 0o777).toBe(0o700);
    await fixture.end();
  });

  it("is not taken from a daemon that answers, is taken from one that is gone, and is left alone when it has become another's", async () => {
    const fixture = await startServer();
    const { config, supervisor } = fixture;
    const log = pino({ level: "silent" });
    const second = new RpcServer({ config, version: "0", supervisor, log });
    await expect(second.listen()).rejects.toThrow(/somebody answers/);
    await fixture.server.close();
    // A stale socket: bound, and its owner gone without a word.
    const { closeDescriptor } = await import("../../src/libc/descriptors.js");
    const { listenUnix } = await import("../../src/libc/sockets.js");
    closeDescriptor(listenUnix(fixture.socket));
    const third = new RpcServer({ config, version: "0", supervisor, log });
    await third.listen();
    const { unlinkSync } = await import("node:fs");
    unlinkSync(fixture.socket);
    const other = createServer().listen(fixture.socket);
    await new Promise((resolve) => other.once("listening", resolve));
    await third.close();
    expect(statSync(fixture.socket).isSocket()).toBe(true);
    await new Promise((resolve) => other.close(resolve));
    writeFileSync(fixture.socket, "a file");
    await expect(new RpcServer({ config, version: "0", supervisor, log }).listen()).rejects.toThrow(/is no socket/);
    await fixture.end();
  });

  it("says how long a path is that is too long", async () => {
    const fixture = await startServer();
    const socket = join(fixture.home, "x".repeat(120));
    const long = new RpcServer({
      config: { ...fixture.config, paths: { ...fixture.config.paths, socket } },
      version: "0",
      supervisor: fixture.supervisor,
      log: pino({ level: "silent" }),
    });
    await expect(long.listen()).rejects.toThrow(new RegExp(`has ${Buffer.byteLength(socket)} bytes, this system takes 10[37]`));
    await fixture.end();
  });
});
