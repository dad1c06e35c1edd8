/**
 * attach and top as a person sees them: each runs in a session of its own, whose screen and keys are the person's terminal.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Client, SessionSummary } from "../../../src/rpc/client.js";
import type { TestDaemon } from "../../support/daemon.js";
import { startDaemon } from "../../support/daemon.js";
import { waitForScreen, waitUntil } from "../../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../../bin/lifeguard", import.meta.url));
const DETACH = "\u001c";

let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = await startDaemon();
  client = await daemon.client({ reconnect: true });
});

async function start(script: string, size = { cols: 80, rows: 24 }): Promise<SessionSummary> {
  return await client.call("session.create", { command: "/bin/sh", args: ["-c", script], cwd: daemon.home, ...size });
}

/** A person's terminal: a shell prompt before, `lifeguard …`, and a shell that goes on after it. */
async function terminal(words: string, size = { cols: 80, rows: 24 }): Promise<SessionSummary> {
  return await start(`printf 'before\\n'; '${process.execPath}' '${LIFEGUARD}' ${words}; echo "code $?"; exec cat`, size);
}

async function typed(id: string, data: string): Promise<void> {
  await client.call("session.input", { id, data });
}

async function textOf(id: string): Promise<string> {
  return (await client.call("session.screen", { id, format: "text" })).text ?? "";
}

async function gone(...sessions: SessionSummary[]): Promise<void> {
  for (const { id } of sessions) await client.call("session.kill", { id, grace_ms: 1_000 }).catch(() => undefined);
}

async function sameScreen(person: string, inner: string): Promise<void> {
  await waitUntil("the same screen in the terminal and in the session", async () => {
    const [outside, inside] = await Promise.all([
      client.call("session.screen", { id: person, format: "ansi" }),
      client.call("session.screen", { id: inner, format: "ansi" }),
    ]);
    return outside.ansi === inside.ansi && JSON.stringify(outside.cursor) === JSON.stringify(inside.cursor);
  });
}

describe("attach", () => {
  test("shows the session as it is, types into it, follows its size, and leaves the terminal as it was", async () => {
    const inner = await start("printf '\\033[31mred\\033[0m 日本 é\\n'; exec cat", { cols: 60, rows: 10 });
    await waitForScreen(client, inner.id, "red");
    const person = await terminal(`attach ${inner.name}`);
    await sameScreen(person.id, inner.id);
    // The picture comes first, the watch after it.
    await waitUntil("the watch", async () => (await client.call("session.get", { id: inner.id })).watchers === 1);
    expect(await client.call("session.get", { id: inner.id })).toMatchObject({ cols: 80, rows: 24 });
    await typed(person.id, "typed here\r");
    await waitForScreen(client, inner.id, /typed here\s+typed here/);
    await sameScreen(person.id, inner.id);
    await client.call("session.resize", { id: person.id, cols: 100, rows: 30 });
    await waitUntil("the session to take the size", async () => (await client.call("session.get", { id: inner.id })).cols === 100);
    await sameScreen(person.id, inner.id);
    await typed(person.id, DETACH);
    const after = await waitForScreen(client, person.id, "code 0");
    expect(after).toContain("before");
    expect(after).toContain(`[detached from ${inner.name}]`);
    expect(after).not.toContain("typed here");
    await waitUntil("the watch to end", async () => (await client.call("session.get", { id: inner.id })).watchers === 0);
    await gone(inner, person);
  });

  test("a program that leaves its alternate screen uncovers the session's own screen, not the user's", async () => {
    const inner = await start(
      "printf 'shell line\\n'; read a; printf '\\033[?1049h\\033[Hfull screen'; read b; printf '\\033[?1049l'; printf 'back\\n'; exec cat",
    );
    await waitForScreen(client, inner.id, "shell line");
    const person = await terminal(`attach ${inner.id}`);
    await waitForScreen(client, person.id, "shell line");
    await typed(person.id, "\r");
    await waitForScreen(client, person.id, "full screen");
    expect(await textOf(person.id)).not.toContain("shell line");
    await typed(person.id, "\r");
    const back = await waitForScreen(client, person.id, "back");
    expect(back).toContain("shell line");
    expect(back).not.toContain("before");
    await sameScreen(person.id, inner.id);
    await typed(person.id, DETACH);
    expect(await waitForScreen(client, person.id, "code 0")).toContain("before");
    await gone(inner, person);
  });

  test("modes that the program set are off afterwards", async () => {
    const inner = await start(
      "printf '\\033[?1000h\\033[?1006h\\033[?2004h\\033[?1h\\033[?25l\\033[3;5r\\033]0;inner title\\007modes on'; exec cat",
    );
    await waitForScreen(client, inner.id, "modes on");
    const person = await terminal(`attach ${inner.id}`);
    await waitForScreen(client, person.id, "modes on");
    await typed(person.id, DETACH);
    await waitForScreen(client, person.id, "code 0");
    const { cursor } = await client.call("session.screen", { id: person.id, format: "text" });
    expect(cursor.visible).toBe(true);
    // Bracketed paste is off again: what is pasted comes as it is.
    await client.call("session.paste", { id: person.id, text: "pasted" });
    await waitForScreen(client, person.id, /^pasted/m);
    await client.call("session.keys", { id: person.id, keys: ["Enter", "Up", "Enter"] });
    await waitForScreen(client, person.id, /\^\[\[A/);
    await gone(inner, person);
  });

  test("read-only types nothing and changes no size", async () => {
    const inner = await start("printf 'look\\n'; exec cat", { cols: 60, rows: 10 });
    const person = await terminal(`attach --read-only ${inner.id}`);
    await waitForScreen(client, person.id, "look");
    await typed(person.id, "not this\r");
    await typed(inner.id, "but this\r");
    await waitForScreen(client, person.id, "but this");
    expect(await textOf(inner.id)).not.toContain("not this");
    expect(await client.call("session.get", { id: inner.id })).toMatchObject({ cols: 60, rows: 10, writer: null });
    await typed(person.id, DETACH);
    await waitForScreen(client, person.id, "code 0");
    await gone(inner, person);
  });

  test("the pen: --take takes it, and who loses it is told", async () => {
    const inner = await start("printf 'pen\\n'; exec cat");
    const first = await terminal(`attach --write ${inner.id}`);
    await waitUntil("the first to hold the pen", async () => (await client.call("session.get", { id: inner.id })).writer !== null);
    const refused = await terminal(`attach --write ${inner.id}`);
    expect(await waitForScreen(client, refused.id, "code 1")).toContain("lifeguard:");
    const second = await terminal(`attach --take ${inner.id}`);
    await waitForScreen(client, first.id, "somebody else took the pen");
    await typed(second.id, "from the second\r");
    await waitForScreen(client, first.id, "from the second");
    await typed(first.id, "from the first\r");
    await waitForScreen(client, first.id, "goes nowhere");
    expect(await textOf(inner.id)).not.toContain("from the first");
    await gone(inner, first, second, refused);
  });

  test("the session's end is said with its status", async () => {
    const inner = await start("echo here; read x; exit 7");
    const person = await terminal(`attach ${inner.id}`);
    await waitForScreen(client, person.id, "here");
    await typed(person.id, "\r");
    expect(await waitForScreen(client, person.id, "code 0")).toContain("has ended: exit 7]");
    const late = await terminal(`attach ${inner.id}`);
    expect(await waitForScreen(client, late.id, "code 1")).toContain("has ended (exit 7)");
    await gone(person, late);
  });

  test("goes on when the daemon is killed and comes back: nothing twice, nothing missing", async () => {
    const inner = await start("echo alive; exec cat");
    const person = await terminal(`attach ${inner.id}`);
    await waitForScreen(client, person.id, "alive");
    await daemon.kill9();
    await daemon.start();
    await waitUntil("the test's own connection", () => client.connected);
    await waitUntil("attach to be back", async () => (await client.call("session.get", { id: inner.id })).watchers === 1);
    await typed(person.id, "still here\r");
    await waitForScreen(client, inner.id, /still here\s+still here/);
    await sameScreen(person.id, inner.id);
    await typed(person.id, DETACH);
    await waitForScreen(client, person.id, "code 0");
    await gone(inner, person);
  });

  test("leaves at once while the daemon is away, also after something was typed", async () => {
    const inner = await start("echo alive; exec cat");
    // Its own terminal outlives the daemon that it is attached to.
    const other = await startDaemon();
    const outside = await other.client();
    const { id } = await outside.call("session.create", {
      command: "/bin/sh",
      args: ["-c", `'${process.execPath}' '${LIFEGUARD}' --socket '${daemon.socket}' attach ${inner.id}; echo "code $?"; exec cat`],
      env: { LIFEGUARD_HOME: daemon.home, LIFEGUARD_SESSION: "" },
    });
    await waitForScreen(outside, id, "alive");
    await daemon.stop();
    await outside.call("session.input", { id, data: "lost" });
    await outside.call("session.input", { id, data: DETACH });
    await waitForScreen(outside, id, "code 0");
    await daemon.start();
    await waitUntil("the test's own connection", () => client.connected);
    await gone(inner);
  });

  test("a configuration that is wrong keeps nobody out: the default key, and a line that says so", async () => {
    const config = join(daemon.home, "wrong.toml");
    writeFileSync(config, "[session]\ncolz = 3\n");
    const inner = await start("echo here; exec cat");
    const person = await start(
      `LIFEGUARD_CONFIG='${config}' '${process.execPath}' '${LIFEGUARD}' attach ${inner.id}; echo "code $?"; exec cat`,
    );
    await waitForScreen(client, person.id, "here");
    await typed(person.id, DETACH);
    expect((await waitForScreen(client, person.id, "code 0")).replaceAll("\n", "")).toMatch(/session\.colz.*is the key to leave/);
    await gone(inner, person);
  });

  test("not to itself", async () => {
    const own = await start(`'${process.execPath}' '${LIFEGUARD}' attach "$LIFEGUARD_SESSION"; echo "code $?"; exec cat`);
    expect(await waitForScreen(client, own.id, "code 2")).toContain("itself");
    await gone(own);
  });
});

describe("top", () => {
  test("shows sessions as they come and go; keys peek, attach, kill and leave", async () => {
    const one = await start("echo first output; exec cat");
    await client.call("session.update", { id: one.id, name: "victim" });
    const person = await terminal("top", { cols: 100, rows: 30 });
    const id = person.id;
    await waitForScreen(client, id, /victim/);
    const two = await start("exec cat");
    await client.call("session.update", { id: two.id, name: "latecomer" });
    await waitForScreen(client, id, /latecomer/);
    await typed(id, "/victim\r");
    await waitUntil("only the victim", async () => !(await textOf(id)).includes("latecomer"));
    await typed(id, "o");
    await waitForScreen(client, id, "first output");
    await typed(id, "q");
    await waitForScreen(client, id, /STATE +NAME/);
    await typed(id, "\r");
    await waitUntil("attached", async () => (await client.call("session.get", { id: one.id })).watchers === 1);
    await typed(id, DETACH);
    await waitForScreen(client, id, /STATE +NAME/);
    await typed(id, "x");
    await waitForScreen(client, id, /kill victim .*y\/n/);
    await typed(id, "y");
    await waitUntil("the victim's end", async () => (await client.call("session.get", { id: one.id })).state === "exited");
    await waitForScreen(client, id, "nothing matches");
    await client.call("session.resize", { id, cols: 80, rows: 24 });
    await waitUntil("the frame in its new size", async () => (await textOf(id)).trimEnd().split("\n").length === 24);
    await typed(id, "q");
    expect(await waitForScreen(client, id, "code 0")).toContain("before");
    await gone(two, person);
  });
});
