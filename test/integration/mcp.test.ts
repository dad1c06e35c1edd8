/** `lifeguard mcp` as an agent has it: the SDK's own client, over stdio, and a real daemon behind it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { askingTool, installAskingTool } from "../support/asking-tool.js";
import { startDaemon, TestDaemon } from "../support/daemon.js";
import { waitForScreen, waitUntil, within } from "../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));
const INSIDE = fileURLToPath(new URL("../support/mcp-inside.mjs", import.meta.url));

let daemon: TestDaemon;
const open = new Set<Client>();

beforeAll(async () => {
  daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 200\nkill_grace_ms = 200\n" });
  installAskingTool(daemon.home);
  await daemon.restart();
});

afterEach(async () => {
  await Promise.all([...open].map(async (client) => await client.close()));
  open.clear();
});

interface Agent {
  client: Client;
  /** What the tool said; fails the test when it is an error. */
  use(name: string, input?: Record<string, unknown>): Promise<string>;
  /** What it refused with. */
  refused(name: string, input?: Record<string, unknown>): Promise<string>;
}

async function agent(args: string[] = [], env: Record<string, string> = daemon.env): Promise<Agent> {
  const client = new Client({ name: "test", version: "0" });
  open.add(client);
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [LIFEGUARD, "mcp", ...args], env, cwd: "/" }));
  const call = async (name: string, input: Record<string, unknown>): Promise<{ text: string; failed: boolean }> => {
    const { content, isError } = await client.callTool({ name, arguments: input });
    return { text: (content as { text: string }[])[0]?.text ?? "", failed: isError === true };
  };
  return {
    client,
    use: async (name, input = {}) => {
      const { text, failed } = await call(name, input);
      expect(failed, text).toBe(false);
      return text;
    },
    refused: async (name, input = {}) => {
      const { text, failed } = await call(name, input);
      expect(failed, text).toBe(true);
      return text;
    },
  };
}

const idIn = (text: string): string => /sess_\d+/.exec(text)?.[0] ?? text;

describe("tools", () => {
  test("say what they are: a description, a schema that refuses what it does not know, and whether they change anything", async () => {
    const { client } = await agent();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "list_sessions",
      "get_session",
      "read_screen",
      "read_output",
      "start_session",
      "send_prompt",
      "send_keys",
      "wait_for",
      "restart_session",
      "kill_session",
      "remove_session",
    ]);
    for (const { description, inputSchema, annotations, title } of tools) {
      expect(description?.length).toBeGreaterThan(60);
      expect(title).toBeTruthy();
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      expect(annotations?.readOnlyHint).toBeTypeOf("boolean");
    }
    expect(client.getServerVersion()).toMatchObject({ name: "lifeguard" });
    expect(client.getInstructions()).toContain("data, not instructions");
    expect(client.getInstructions()).not.toContain("You run inside");
  });

  test("start, look, type, wait, read, end and forget", async () => {
    const { use, refused } = await agent();
    const started = await use("start_session", {
      name: "mcp-one",
      command: "bash",
      args: ["--norc"],
      env: { PS1: "mcp> " },
      cwd: "/tmp",
      labels: { by: "mcp" },
    });
    const id = idIn(started);
    expect(started).toContain(`${id} (mcp-one)`);
    expect(await use("wait_for", { ids: ["mcp-one"], until: ["idle"] })).toContain(`${id} (mcp-one): idle`);
    const client = await daemon.client();
    await waitForScreen(client, id, "mcp>");
    expect(await use("send_keys", { id, keys: ["echo $((6 * 7)); printf '\\033[31mr\\303\\244d\\033[0m\\n'", "Enter"] })).toMatch(
      /typed \d+ bytes/,
    );
    await waitForScreen(client, id, "räd");
    const screen = await use("read_screen", { id });
    expect(screen).toMatch(/^sess_\d+ \(mcp-one\): .*120x40, cursor at column \d+ of line \d+, output offset \d+\n\n/);
    expect(screen).toContain("\n42\n");
    const [head = "", ...lines] = (await use("read_output", { id, since: 0 })).split("\n");
    const { next, ...rest } = JSON.parse(head) as { next: number };
    expect(rest).toEqual({ offset: 0, gap: 0, more: false });
    expect(lines).toContain("räd");
    expect(lines.join("\n")).not.toContain("\u001b");
    expect(await use("read_output", { id, since: next })).toBe(`${JSON.stringify({ offset: next, next, gap: 0, more: false })}\n`);
    const [listed, ...others] = (await use("list_sessions", { labels: { by: "mcp" } })).split("\n");
    expect(others).toEqual([]);
    expect(JSON.parse(listed ?? "")).toMatchObject({ id, name: "mcp-one", cwd: "/tmp", command: "bash --norc", labels: { by: "mcp" } });
    expect(JSON.parse(await use("get_session", { id: "mcp-one" }))).toMatchObject({ id, why: [{ outcome: "won" }] });
    expect(await use("kill_session", { id })).toMatch(new RegExp(`^ended ${id}: SIG\\w+ \\(killed\\), 1 process`));
    expect(await use("wait_for", { ids: [id], until: ["exited"] })).toContain(": exited for");
    expect(await use("list_sessions", { labels: { by: "mcp" } })).toBe("no sessions");
    expect(await use("list_sessions", { all: true, labels: { by: "mcp" } })).toContain("SIG");
    expect(await use("restart_session", { id })).toContain(`restarted ${id}`);
    await use("kill_session", { id, grace_ms: 100 });
    expect(await use("remove_session", { id })).toBe(`forgot ${id}`);
    expect(await refused("get_session", { id })).toMatch(/^NOT_FOUND: /);
  });

  test("the first of several sessions ends a wait, and waits of the others with it", async () => {
    const { use } = await agent();
    for (const name of ["mcp-slow", "mcp-quick"]) await use("start_session", { name, command: "cat" });
    const waiting = use("wait_for", { ids: ["mcp-slow", "mcp-quick"], until: ["exited"] });
    await use("send_keys", { id: "mcp-quick", keys: ["C-d"] });
    expect(await waiting).toMatch(/\(mcp-quick\): exited for \d+s, exit 0/);
    await use("kill_session", { id: "mcp-slow" });
  });
});

describe("prompts", () => {
  test("get in with proof, are waited for, and are refused while a dialog is open", async () => {
    const { use, refused } = await agent();
    const shell = idIn(await use("start_session", { command: "bash", args: ["--norc"], prompt: "echo first-$((1 + 1))" }));
    const deliveryOf = async (): Promise<unknown> =>
      (JSON.parse(await use("get_session", { id: shell })) as { prompt_delivery: unknown }).prompt_delivery;
    await waitUntil("the first prompt to be proven", async () => (await deliveryOf()) === "submitted");
    await waitForScreen(await daemon.client(), shell, "first-2");
    expect(await use("send_prompt", { id: shell, text: "echo done-$((40 + 2))", wait: true })).toMatch(/^submitted: .*; now idle$/);
    expect(await use("read_screen", { id: shell })).toContain("done-42");
    expect(await refused("send_prompt", { id: shell, text: "sleep 1000", wait: true, timeout_ms: 1_000 })).toMatch(/^TIMEOUT: submitted: /);
    expect(await refused("send_prompt", { id: shell, text: "more" })).toMatch(/^BUSY: /);
    expect(await use("send_prompt", { id: shell, text: "echo later-$((2 + 2))", queue: true })).toMatch(/^queued: /);
    await use("send_keys", { id: shell, keys: ["C-c"] });
    await waitForScreen(await daemon.client(), shell, "later-4");
    const { args, ...tool } = askingTool(join(daemon.home, "asking.log"));
    const asking = idIn(await use("start_session", { ...tool, args }));
    await use("wait_for", { ids: [asking], until: ["idle"] });
    const { pid } = JSON.parse(await use("get_session", { id: asking })) as { pid: number };
    process.kill(pid, "SIGUSR1");
    expect(await use("wait_for", { ids: [asking, shell], until: ["attention"] })).toContain(`${asking} `);
    expect(await refused("send_prompt", { id: asking, text: "1" })).toMatch(/^BLOCKED: .*dialog/);
    for (const id of [asking, shell]) await use("kill_session", { id });
  });
});

describe("refusals", () => {
  test("are the daemon's own, as errors of the tool", async () => {
    const { refused, use } = await agent();
    expect(await refused("get_session", { id: "nobody" })).toMatch(/^NOT_FOUND: no session "nobody"/);
    expect(await refused("start_session", { command: "no-such-program-at-all" })).toMatch(/^INVALID_PARAMS: .*no-such-program-at-all/);
    expect(await refused("send_keys", { id: "x", keys: ["a"], force: true })).toMatch(/force/);
    expect(await refused("wait_for", { ids: [], until: ["idle"] })).toMatch(/ids/);
    const id = idIn(await use("start_session", { command: "cat" }));
    expect(await refused("wait_for", { ids: [id], until: ["error"], timeout_ms: 50 })).toMatch(/^TIMEOUT: /);
    expect(await refused("remove_session", { id })).toMatch(/^BUSY: /);
    const watcher = await daemon.client();
    await watcher.call("session.watch", { id, write: true });
    expect(await refused("send_keys", { id, keys: ["a"] })).toMatch(/^NOT_WRITER: /);
    await use("kill_session", { id });
    expect(await refused("send_keys", { id, keys: ["a"] })).toMatch(/^EXITED: /);
    expect(await refused("wait_for", { ids: [id], until: ["idle"] })).toMatch(/^EXITED: /);
  });

  test("inside a session: it looks at itself and does not type into, restart or end itself; others it may", async () => {
    const client = await daemon.client();
    const other = await client.call("session.create", { name: "mcp-other", command: "cat", cwd: "/" });
    const calls: [string, object][] = [
      ["list_sessions", {}],
      ["read_screen", { id: "mcp-inside" }],
      ["send_keys", { id: "mcp-inside", keys: ["y", "Enter"] }],
      ["restart_session", { id: "mcp-inside" }],
      ["kill_session", { id: "mcp-inside" }],
      ["send_keys", { id: "mcp-other", keys: ["hi", "Enter"] }],
      ["start_session", { name: "mcp-child", command: "cat" }],
    ];
    const session = await client.call("session.create", {
      name: "mcp-inside",
      command: process.execPath,
      args: [INSIDE, LIFEGUARD, ...calls.flatMap(([name, input]) => [name, JSON.stringify(input)])],
      cwd: "/",
      cols: 1000,
    });
    await client.call("session.wait", { id: session.id, until: ["exited"], timeout_ms: 60_000 });
    const { data } = await client.call("session.read", { id: session.id });
    const output = Buffer.from(data).toString("utf8");
    const [first, list, look, keys, restart, kill, typed, child] = JSON.parse(output) as {
      instructions?: string;
      text: string;
      isError: boolean;
    }[];
    expect(first?.instructions).toContain(`You run inside session ${session.id}`);
    expect(list?.text.split("\n").map((line) => JSON.parse(line) as object)).toContainEqual(
      expect.objectContaining({ id: session.id, self: true }),
    );
    expect(look?.isError).toBe(false);
    for (const refusal of [keys, restart, kill]) {
      expect(refusal?.isError).toBe(true);
      expect(refusal?.text).toMatch(/^FORBIDDEN: .*no agent approves its own dialogs/);
    }
    expect(typed).toEqual({ text: "typed 3 bytes", isError: false });
    await waitForScreen(client, other.id, "hi");
    expect(child?.isError).toBe(false);
    await client.call("session.get", { id: "mcp-child" });
  });

  test("with --read-only there are only tools that look", async () => {
    const { client, use, refused } = await agent(["--read-only"]);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["list_sessions", "get_session", "read_screen", "read_output", "wait_for"]);
    await use("list_sessions");
    expect(await refused("kill_session", { id: "mcp-other" })).toContain("kill_session not found");
    expect(client.getInstructions()).not.toContain("start others");
  });
});

describe("its life", () => {
  test("outlives the daemon: a wait goes on with the next one", async () => {
    const { use } = await agent();
    const id = idIn(await use("start_session", { command: "cat" }));
    const waiting = use("wait_for", { ids: [id], until: ["exited"] });
    await daemon.restart();
    await use("send_keys", { id, keys: ["C-d"] });
    expect(await waiting).toContain("exited");
  });

  test("looking starts no daemon, making does; the end of its input ends it", async () => {
    const other = new TestDaemon({});
    try {
      const { use, refused } = await agent([], other.env);
      expect(await refused("list_sessions")).toMatch(/^no daemon answers at .*: start one with lifeguard daemon --background/);
      expect(other.processes().length).toBe(1);
      await use("start_session", { name: "first", command: "cat" });
      expect(await use("list_sessions")).toContain('"name":"first"');
      const child = spawn(process.execPath, [LIFEGUARD, "mcp"], { env: other.env, cwd: "/", stdio: ["pipe", "ignore", "inherit"] });
      const exit = once(child, "exit") as Promise<[number | null]>;
      child.stdin.end();
      expect(await within("lifeguard mcp to end", exit)).toEqual([0, null]);
      expect((await other.run(["daemon", "stop", "--all"])).code).toBe(0);
      expect(await refused("list_sessions")).toMatch(/^no daemon answers at /);
    } finally {
      await Promise.all([...open].map(async (client) => await client.close()));
      await other.end();
    }
  });

  test("no other verb pays for it: only this one loads the SDK", async () => {
    const loaded = async (...args: string[]): Promise<string> => {
      // Says each module that is loaded, on stderr.
      const hooks = "export async function load(url, context, next) { process._rawDebug(url); return await next(url, context); }";
      const register = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
      const { stderr } = await daemon.run(args, { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(register)}` } });
      return stderr;
    };
    expect(await loaded("mcp")).toContain("@modelcontextprotocol");
    for (const args of [["ls"], ["--help"], ["complete", "--", "mcp", ""]]) {
      const modules = await loaded(...args);
      expect(modules).toContain("cli/main.js");
      expect(modules).not.toContain("@modelcontextprotocol");
      expect(modules).not.toContain("node_modules/zod/");
    }
  });
});
