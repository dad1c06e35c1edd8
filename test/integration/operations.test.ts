/** The daemon in operation: its configuration read again, its figures on the socket and over HTTP, what it says of itself in its log. */
import { createServer } from "node:http";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { waitUntil } from "../support/wait.js";

const daemon = await startDaemon();
const file = join(daemon.home, "config.toml");
const write = (toml: string): void => writeFileSync(file, toml);
let client: Client;
beforeAll(async () => {
  client = await daemon.client();
});

/** `name{label="value"}` → its figure. */
function figures(text: string): Map<string, number> {
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

describe("daemon reload", () => {
  afterAll(async () => {
    rmSync(file, { force: true });
    await client.call("daemon.reload", {});
  });

  test("what is read at use changes at once, the rest is named", async () => {
    write('[session]\ncols = 77\nrows = 22\n[daemon]\nthreads = 3\nlog_level = "error"\n[rpc]\nevent_history = 9\nmax_watchers = 1\n');
    expect(await client.call("daemon.reload", {})).toEqual({
      changed: ["daemon.log_level", "session.cols", "session.rows", "rpc.max_watchers"],
      restart: ["daemon.threads", "rpc.event_history"],
    });
    const session = await client.call("session.create", { command: "sleep", args: ["100"] });
    expect(session).toMatchObject({ cols: 77, rows: 22 });
    await client.call("session.watch", { id: session.id });
    await expect(client.call("session.watch", { id: session.id })).rejects.toMatchObject({
      name: "LIMIT",
      message: expect.stringContaining("1 watches") as string,
    });
    // The next look at the same file finds nothing new but what still waits.
    expect(await client.call("daemon.reload", {})).toEqual({ changed: [], restart: ["daemon.threads", "rpc.event_history"] });
    expect(daemon.log()).not.toContain("the configuration was read again");
    await client.call("session.kill", { id: session.id, signal: "KILL" });
  });

  test("a file that is wrong is refused with its line and key, and changes nothing", async () => {
    write("[session]\nrows = 33\ncolls = 99\n");
    await expect(client.call("daemon.reload", {})).rejects.toMatchObject({
      name: "INVALID_PARAMS",
      message: expect.stringMatching(/config\.toml:3: session\.colls: unknown key; did you mean cols\?; the daemon goes on with/) as string,
    });
    expect(await client.call("session.create", { command: "true" })).toMatchObject({ cols: 77, rows: 22 });
    const { code, stderr } = await daemon.run(["daemon", "reload"]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("session.colls") as string });
  });

  test("notifications heed it: a command that was not there is run from then on", async () => {
    const told = join(daemon.home, "told");
    write(`[notify]\ncommand = ["sh", "-c", "cat > '${told}'"]\non = ["failed"]\n[session]\ncols = 77\nrows = 22\n`);
    expect((await client.call("daemon.reload", {})).changed).toEqual(expect.arrayContaining(["notify.command", "notify.on"]));
    const { id } = await client.call("session.create", { command: "sh", args: ["-c", "sleep 0.1; exit 3"] });
    await waitUntil("the command to be told", () => existsSync(told) && readFileSync(told, "utf8").includes(id));
  });

  test("the verb says what changed; from inside a session it is refused", async () => {
    write("[session]\ncols = 81\n[daemon]\nthreads = 3\n");
    const { code, stdout } = await daemon.run(["daemon", "reload"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^changed: .*session\.cols, session\.rows/m);
    expect(daemon.log()).toContain("the configuration was read again");
    expect(stdout).toMatch(/^needs a restart \(lifeguard daemon upgrade\): daemon\.threads$/m);
    const lifeguard = new URL("../../bin/lifeguard", import.meta.url).pathname;
    const { id } = await client.call("session.create", {
      command: "sh",
      args: ["-c", `'${process.execPath}' '${lifeguard}' daemon reload`],
    });
    await client.call("session.wait", { id, until: ["exited"], timeout_ms: 30_000 });
    const { text } = await client.call("session.screen", { id });
    expect(text?.replaceAll("\n", "")).toContain(`a process inside ${id} may not have the configuration read again`);
  });
});

describe("metrics", () => {
  test("count what happened, under labels from short lists", async () => {
    const { id } = await client.call("session.create", { command: "cat" });
    await client.call("session.input", { id, data: "hello\n" });
    await waitUntil("the echo", async () => (await client.call("session.screen", { id })).text?.includes("hello"));
    await client.call("checkpoint.save", { id });
    await expect(client.call("session.get", { id: "nobody" })).rejects.toMatchObject({ name: "NOT_FOUND" });
    await client.call("session.restart", { id });
    await client.call("session.kill", { id, signal: "KILL" });
    // A thread's figures come with its heartbeat.
    const seen = await waitUntil("the thread's figures", async () => {
      const now = figures(await client.call("daemon.metrics", {}));
      return (now.get("lifeguard_output_bytes_total") ?? 0) >= 12 && (now.get("lifeguard_echo_seconds_count") ?? 0) >= 1 ? now : null;
    });
    const at = (name: string): number => seen.get(`lifeguard_${name}`) ?? -1;
    expect(at('rpc_calls_total{method="session.get",outcome="NOT_FOUND"}')).toBe(1);
    expect(at('rpc_calls_total{method="checkpoint.save",outcome="ok"}')).toBe(1);
    expect(at('sessions{state="exited"}')).toBeGreaterThanOrEqual(1);
    expect(at('events_total{kind="session.created"}')).toBeGreaterThanOrEqual(1);
    expect(at('exits_total{reason="killed"}')).toBeGreaterThanOrEqual(1);
    expect(at("checkpoint_seconds_count")).toBeGreaterThanOrEqual(1);
    expect(at("parse_seconds_count")).toBeGreaterThanOrEqual(1);
    expect(at('parse_seconds_bucket{le="+Inf"}')).toBe(at("parse_seconds_count"));
    expect(at("restarts_total")).toBeGreaterThanOrEqual(1);
    for (const name of [
      "open_descriptors",
      "ptys",
      "threads",
      "thread_heap_bytes",
      "daemon_resident_bytes",
      "keeper_resident_bytes",
      "store_queue_items",
      "store_coalesced_total",
      "store_errors_total",
      "mailbox_longest",
      "worker_losses_total",
      "checkpoint_age_seconds",
      "connections",
      "outbound_bytes",
    ])
      expect([name, at(name) >= 0]).toEqual([name, true]);
    // Names of clients, sessions and paths never become labels, whatever is asked for.
    await expect(client.call("no.such.method" as "daemon.status", {})).rejects.toMatchObject({ name: "UNKNOWN_METHOD" });
    const text = await client.call("daemon.metrics", {});
    expect(text).toContain('lifeguard_rpc_calls_total{method="unknown",outcome="UNKNOWN_METHOD"}');
    expect(text).not.toContain(id);
    expect(text).not.toContain("no.such.method");
    expect(text).not.toContain(daemon.home);
  });

  test("a thread that dies is counted, and what it counted is not forgotten", async () => {
    const { id } = await client.call("session.create", { command: "cat" });
    const before = figures(await client.call("daemon.metrics", {}));
    writeFileSync(join(daemon.home, "run", "fault"), JSON.stringify({ id, kind: "throw" }));
    process.kill(daemon.pid, "SIGUSR2");
    const after = await waitUntil("the loss to be counted", async () => {
      const now = figures(await client.call("daemon.metrics", {}));
      return (now.get("lifeguard_worker_losses_total") ?? 0) > 0 && (now.get('lifeguard_recoveries_total{from="worker"}') ?? 0) > 0
        ? now
        : null;
    });
    const name = "lifeguard_output_bytes_total";
    expect(after.get(name)).toBeGreaterThanOrEqual(before.get(name) ?? 0);
    await client.call("session.kill", { id, signal: "KILL" });
  });

  test("over HTTP with a token, on and off by a reload", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/metrics`;
    const token = join(daemon.home, "token");
    const ask = async (authorization?: string, path = url): Promise<Response> =>
      await fetch(path, authorization === undefined ? {} : { headers: { authorization } });
    writeFileSync(token, "a secret\n", { mode: 0o600 });
    write(`[metrics]\nlisten = "127.0.0.1:${port}"\ntoken_file = "${token}"\n`);
    expect((await client.call("daemon.reload", {})).changed).toEqual(["metrics.listen", "metrics.token_file"]);

    const answer = await ask("Bearer a secret");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("version=0.0.4");
    expect(figures(await answer.text()).get("lifeguard_uptime_seconds")).toBeGreaterThan(0);
    for (const wrong of [undefined, "Bearer", "Bearer a secre", "Bearer a secrets", "Basic a secret"])
      expect([wrong, (await ask(wrong)).status]).toEqual([wrong, 401]);
    expect((await ask(undefined, `http://127.0.0.1:${port}/`)).status).toBe(401);
    expect((await ask("Bearer a secret", `http://127.0.0.1:${port}/`)).status).toBe(404);

    write("");
    await client.call("daemon.reload", {});
    await expect(ask("Bearer a secret")).rejects.toThrow();
  });

  test("without a token, or where something else listens, no port is open: the log says why, and the daemon goes on", async () => {
    const empty = join(daemon.home, "empty");
    writeFileSync(empty, "\n");
    write(`[metrics]\nlisten = "127.0.0.1:${await freePort()}"\ntoken_file = "${empty}"\n`);
    await client.call("daemon.reload", {});
    expect(readFileSync(join(daemon.home, "daemon.log"), "utf8")).toMatch(/metrics\.token_file is empty.*metrics are not served over HTTP/);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    write(`[metrics]\nlisten = "127.0.0.1:${typeof address === "object" ? address?.port : 0}"\ntoken = "t"\n`);
    await client.call("daemon.reload", {});
    await new Promise((resolve) => taken.close(resolve));
    expect(readFileSync(join(daemon.home, "daemon.log"), "utf8")).toMatch(/EADDRINUSE.*metrics are not served over HTTP/);
    await client.call("daemon.status", {});
    write("");
    await client.call("daemon.reload", {});
  });
});
