/** Sessions from outside: a real daemon, real programs, through the client. */
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { LifeguardError, SessionState, SessionSummary } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { isAlive } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

const daemon = await startDaemon({ config: "[session]\nrestart_backoff_ms = 10\nrestart_backoff_max_ms = 20\nkill_grace_ms = 300\n" });
const client = await daemon.client();

async function create(params: Record<string, unknown>): Promise<SessionSummary> {
  return (await client.callAny("session.create", params)) as SessionSummary;
}

async function until(id: string, ...states: SessionState[]): Promise<string> {
  const reached = (await client.call("session.wait", { id, until: states, timeout_ms: 20_000 })) as { state: string };
  return reached.state;
}

async function outputOf(id: string): Promise<string> {
  const { data } = (await client.call("session.read", { id, since: 0 })) as { data: Uint8Array };
  return Buffer.from(data).toString("utf8");
}

async function screenText(id: string): Promise<string> {
  return ((await client.call("session.screen", { id, format: "text" })) as { text: string }).text;
}

const refusal = (name: string, words: RegExp) => expect.objectContaining({ name, message: expect.stringMatching(words) });

describe("create", () => {
  test("a shell runs, takes input, shows it, and ends with its own code", async () => {
    const session = await create({ name: "shell", command: "/bin/sh", env: { PS1: "ready> " } });
    expect(session).toMatchObject({ name: "shell", cols: 120, rows: 40, epoch: 1, exit: null, backend: "pty" });
    expect(isAlive(session.pid ?? 0)).toBe(true);
    await client.call("session.input", { id: "shell", data: "echo $((6 * 7)) is the answer; tty; stty size\r" });
    await waitUntil("the answer on the screen", async () => (await screenText("shell")).includes("42 is the answer"));
    await waitUntil("the size on the screen", async () => (await screenText("shell")).includes("40 120"));
    await client.call("session.input", { id: "shell", data: "exit 7\r" });
    expect(await until(session.id, "exited")).toBe("exited");
    expect(await client.call("session.get", { id: session.id })).toMatchObject({
      state: "exited",
      pid: null,
      exit: { code: 7, signal: null, reason: "process_exit" },
    });
    expect(await screenText(session.id)).toContain("42 is the answer");
  });

  test("a program that dies at once is answered for, with its status, its output and its screen", async () => {
    const session = await create({ command: "/bin/sh", args: ["-c", "printf 'last words'; kill -9 $$"] });
    await until(session.id, "exited");
    expect(await client.call("session.get", { id: session.id })).toMatchObject({ exit: { code: null, signal: "SIGKILL" } });
    expect(await outputOf(session.id)).toBe("last words");
    expect(await screenText(session.id)).toContain("last words");
  });

  test("what the process gets: the session's words, not the daemon's", async () => {
    const session = await create({ command: "/usr/bin/env", env: { GREETING: "grüß dich", TMUX: "no" }, cwd: "/usr" });
    await until(session.id, "exited");
    const lines = (await outputOf(session.id)).split("\r\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        `LIFEGUARD_SESSION=${session.id}`,
        `LIFEGUARD_SOCKET=${daemon.socket}`,
        "TERM=xterm-256color",
        "COLORTERM=truecolor",
        "TERM_PROGRAM=lifeguard",
        "GREETING=grüß dich",
      ]),
    );
    expect(lines.filter((line) => /^(TMUX|LIFEGUARD_HOME|UV_THREADPOOL_SIZE|COLUMNS|LINES)/.test(line))).toEqual([]);
  });

  test("an agent's own descriptors are 0, 1 and 2", async () => {
    const session = await create({ command: "/bin/sh", args: ["-c", "ls /proc/$$/fd"] });
    await until(session.id, "exited");
    expect((await outputOf(session.id)).trim().split(/\s+/)).toEqual(["0", "1", "2"]);
  });

  test("what cannot be is refused before anything is made, in words one can act on", async () => {
    const before = (await client.call("session.list", { all: true })) as { sessions: unknown[] };
    await expect(create({ command: "no-such-program" })).rejects.toEqual(refusal("INVALID_PARAMS", /was not found in PATH/));
    await expect(create({ cwd: "/nowhere" })).rejects.toEqual(refusal("INVALID_PARAMS", /cwd \/nowhere/));
    await expect(create({ cols: 1 })).rejects.toEqual(refusal("INVALID_PARAMS", /cols/));
    await expect(create({ name: "../x" })).rejects.toEqual(refusal("INVALID_PARAMS", /name/));
    await expect(create({ name: "sess_4" })).rejects.toEqual(refusal("INVALID_PARAMS", /look like an id/));
    await expect(create({ colour: "blue" })).rejects.toEqual(refusal("INVALID_PARAMS", /colour/));
    await expect(create({ command: "/bin/true", env: { BIG: "x".repeat(70_000) } })).rejects.toEqual(refusal("LIMIT", /65536/));
    expect(((await client.call("session.list", { all: true })) as { sessions: unknown[] }).sessions).toHaveLength(before.sessions.length);
  });

  test("a name is unique among live sessions, and free again when its session has ended", async () => {
    const first = await create({ name: "only", command: "/bin/cat" });
    await expect(create({ name: " only ", command: "/bin/cat" })).rejects.toEqual(refusal("ALREADY_EXISTS", new RegExp(first.id)));
    await client.call("session.kill", { id: "only" });
    const second = await create({ name: "only", command: "/bin/cat" });
    expect(await client.call("session.get", { id: "only" })).toMatchObject({ id: second.id });
    await client.call("session.kill", { id: second.id });
  });

  test("the same key makes one session, however often it is asked", async () => {
    const [one, two] = await Promise.all([create({ command: "/bin/cat", key: "k1" }), create({ command: "/bin/cat", key: "k1" })]);
    expect(two.id).toBe(one.id);
    await client.call("session.kill", { id: one.id });
  });
});

describe("typing", () => {
  test("keys and pastes arrive as a terminal sends them", async () => {
    const session = await create({
      command: "/bin/sh",
      args: ["-c", "stty raw -echo; printf '\\033[?2004hready'; exec od -An -v -tx1 -w1"],
    });
    await waitUntil("od to be ready", async () => (await screenText(session.id)).includes("ready"));
    await client.call("session.keys", { id: session.id, keys: ["C-c", "Up", "Enter", "é"] });
    await client.call("session.paste", { id: session.id, text: "a\nb" });
    const expected = "03 1b 5b 41 0d c3 a9 1b 5b 32 30 30 7e 61";
    await waitUntil("the bytes", async () => (await outputOf(session.id)).replace(/\s+/g, " ").includes(expected));
    await client.call("session.kill", { id: session.id });
  });

  test("a program that never reads: what was taken is said, then BUSY, and nobody else is held up", async () => {
    const deaf = await create({ command: "/bin/sh", args: ["-c", "stty raw -echo; echo set; exec sleep 1000"] });
    const brisk = await create({ command: "/bin/cat" });
    await waitUntil("raw mode", async () => (await outputOf(deaf.id)).includes("set"));
    const much = Buffer.alloc(1_000_000, "x");
    const { accepted } = await client.call("session.input", { id: deaf.id, data: much });
    expect(accepted).toBeLessThan(much.length);
    expect(accepted).toBeGreaterThanOrEqual(262_144);
    // The kernel still moves a little from its own queue; once nothing moves any more, nothing is taken.
    const refused = async (): Promise<LifeguardError | null> =>
      client.call("session.input", { id: deaf.id, data: much }).then(
        () => null,
        (error: LifeguardError) => error,
      );
    expect(await waitUntil("the queue to be full", refused)).toEqual(refusal("BUSY", /none of 1000000 bytes were taken/));
    await client.call("session.input", { id: brisk.id, data: "hello\r" });
    await waitUntil("the echo", async () => (await outputOf(brisk.id)).includes("hello"));
    await Promise.all([deaf.id, brisk.id].map((id) => client.call("session.kill", { id })));
  });

  test("one pen: others are NOT_WRITER until it falls or is taken", async () => {
    const session = await create({ command: "/bin/cat" });
    const other = await daemon.client();
    const nothing = { output: () => undefined };
    const held = await client.watch(session.id, { write: true }, nothing);
    await expect(other.call("session.input", { id: session.id, data: "x" })).rejects.toEqual(refusal("NOT_WRITER", /take/));
    await expect(other.watch(session.id, { write: true }, nothing)).rejects.toEqual(refusal("NOT_WRITER", /take/));
    await other.watch(session.id, { write: true, take: true }, nothing);
    await expect(client.call("session.input", { id: session.id, data: "x" })).rejects.toEqual(refusal("NOT_WRITER", /take/));
    await other.close();
    await waitUntil(
      "the pen to fall with its connection",
      async () => (await client.call("session.get", { id: session.id })).writer === null,
    );
    await client.call("session.input", { id: session.id, data: "mine\r" });
    await held.end();
    await client.call("session.kill", { id: session.id });
  });

  test("a process inside a session may look at itself, but not type into or kill itself", async () => {
    const session = await create({ command: "/bin/bash", env: { PS1: "$ " } });
    const call = (method: string, params: string): string =>
      `${process.execPath} ${new URL("../../bin/lifeguard", import.meta.url).pathname} api call ${method} '${params}'; echo "code $?"\r`;
    await client.call("session.input", { id: session.id, data: call("session.input", `{"id":"${session.id}","data":"y"}`) });
    await waitUntil("the refusal", async () => /FORBIDDEN|may watch it but not type/.test(await outputOf(session.id)));
    await client.call("session.input", { id: session.id, data: call("daemon.stop", '{"all":true}') });
    await waitUntil("the second refusal", async () => (await outputOf(session.id)).includes("but not end it"));
    await client.call("session.input", { id: session.id, data: call("session.get", `{"id":"${session.id}"}`) });
    await waitUntil("the answer", async () => (await outputOf(session.id)).includes("code 0"));
    await client.call("session.kill", { id: session.id });
  });
});

describe("restart policy", () => {
  test("always: the same session again, offsets go on, until the intensity is reached", async () => {
    const session = await create({ command: "/bin/sh", args: ["-c", "echo life; exit 3"], restart: "always" });
    await until(session.id, "exited");
    const ended = await client.call("session.get", { id: session.id });
    expect(ended).toMatchObject({ epoch: 4, restarts: 3, exit: { code: 3, reason: "restart_intensity" } });
    expect(await outputOf(session.id)).toBe("life\r\n".repeat(4));
  });

  test("on-failure: a clean end is an end", async () => {
    const session = await create({ command: "/bin/true", restart: "on-failure" });
    await until(session.id, "exited");
    expect(await client.call("session.get", { id: session.id })).toMatchObject({ epoch: 1, exit: { code: 0, reason: "process_exit" } });
  });

  test("a kill is never undone, also of one that waits to be started again", async () => {
    const session = await create({ command: "/bin/sleep", args: ["1000"], restart: "always" });
    expect(await client.call("session.kill", { id: session.id })).toMatchObject({ exit: { reason: "killed" } });
    expect(await client.call("session.get", { id: session.id })).toMatchObject({ state: "exited", epoch: 1 });
  });

  test("restart by hand: a new process, the same session", async () => {
    const session = await create({ name: "again", command: "/bin/sh", args: ["-c", "echo life $$; exec cat"] });
    await waitUntil("its first words", async () => (await outputOf(session.id)).includes("life"));
    const restarted = await client.call("session.restart", { id: "again" });
    expect(restarted).toMatchObject({ id: session.id, epoch: 2 });
    expect(restarted.pid).not.toBe(session.pid);
    await waitUntil("its second words", async () => (await outputOf(session.id)).split("life").length === 3);
    await client.call("session.kill", { id: "again" });
  });
});

test("a restart that cannot be is refused, and what runs goes on", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "lifeguard-gone-"));
  const { id, pid } = await create({ command: "/bin/cat", cwd });
  rmdirSync(cwd);
  await expect(client.call("session.restart", { id })).rejects.toEqual(refusal("INVALID_PARAMS", /cannot be entered \(ENOENT\)/));
  expect(await client.call("session.get", { id })).toMatchObject({ pid, epoch: 1, exit: null });
  expect(isAlive(pid ?? 0)).toBe(true);
  await client.call("session.kill", { id });
});

describe("kill and remove", () => {
  test("the whole tree, also what ignores HUP and TERM and what left the session", async () => {
    const session = await create({
      command: "/bin/bash",
      args: ["-c", "trap '' HUP TERM; setsid sleep 1001 & sleep 1002 & (trap '' HUP TERM; echo up; while :; do sleep 0.1; done)"],
    });
    await waitUntil("the tree", async () => (await outputOf(session.id)).includes("up"));
    const result = (await client.call("session.kill", { id: session.id, grace_ms: 50 })) as { processes: number; exit: unknown };
    expect(result.processes).toBeGreaterThanOrEqual(4);
    expect(daemon.processes().filter(({ command }) => /sleep 100[12]/.test(command))).toEqual([]);
  });

  test("one signal, once, to what is in front", async () => {
    const session = await create({ command: "/bin/sh", args: ["-c", "trap 'echo got INT' INT; echo set; while :; do sleep 0.05; done"] });
    await waitUntil("the trap", async () => (await outputOf(session.id)).includes("set"));
    await client.call("session.kill", { id: session.id, signal: "INT" });
    await waitUntil("the trap's words", async () => (await outputOf(session.id)).includes("got INT"));
    expect(isAlive(session.pid ?? 0)).toBe(true);
    await client.call("session.kill", { id: session.id });
  });

  test("a live session is not removed by accident; a removed one is gone, its id for ever", async () => {
    const session = await create({ command: "/bin/cat" });
    await expect(client.call("session.remove", { id: session.id })).rejects.toEqual(refusal("BUSY", /force/));
    await client.call("session.remove", { id: session.id, force: true });
    await expect(client.call("session.get", { id: session.id })).rejects.toEqual(refusal("NOT_FOUND", /no session/));
    expect((await create({ command: "/bin/true" })).id).not.toBe(session.id);
  });
});

describe("watching", () => {
  test("a screen and the bytes after it are the whole, to the byte", async () => {
    const session = await create({
      command: "/bin/sh",
      args: ["-c", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exec cat"],
    });
    const seen: Uint8Array[] = [];
    let next = 0;
    const watch = await client.watch(
      session.id,
      { since: 0 },
      {
        output: (data, { offset }) => {
          expect(offset).toBe(next);
          next = offset + data.byteLength;
          seen.push(data);
        },
      },
    );
    await waitUntil("the last line", () => Buffer.concat(seen).includes("line 1999"));
    expect(Buffer.concat(seen).toString()).toBe(await outputOf(session.id));
    await watch.end();
    await client.call("session.kill", { id: session.id });
  });

  test("resize reaches the program, the table, the watchers and the events", async () => {
    const session = await create({ command: "/bin/bash", args: ["-c", "trap 'stty size' WINCH; echo set; while :; do sleep 0.05; done"] });
    await waitUntil("the trap", async () => (await outputOf(session.id)).includes("set"));
    await client.call("session.resize", { id: session.id, cols: 91, rows: 33 });
    await waitUntil("the new size", async () => (await outputOf(session.id)).includes("33 91"));
    expect(await client.call("session.get", { id: session.id })).toMatchObject({ cols: 91, rows: 33 });
    await client.call("session.kill", { id: session.id });
  });

  test("events are numbered without holes and tell the whole story of a session", async () => {
    const { cursor } = (await client.call("session.list", {})) as { cursor: { boot: string; seq: number } };
    const session = await create({ command: "/bin/sh", args: ["-c", "printf '\\033]2;a title\\007\\007'; exit 5"] });
    await until(session.id, "exited");
    await client.call("session.remove", { id: session.id });
    const story: string[] = [];
    const stream = client.events({ since: cursor });
    let seq = cursor.seq;
    for await (const item of stream) {
      if (!("seq" in item)) continue;
      expect(item.seq).toBe(++seq);
      if (item.session === session.id) story.push(item.kind);
      if (item.kind === "session.removed" && item.session === session.id) break;
    }
    expect(story).toEqual(
      expect.arrayContaining(["session.created", "session.title", "session.bell", "session.exited", "session.state", "session.removed"]),
    );
    expect(story.indexOf("session.exited")).toBeLessThan(story.indexOf("session.removed"));
  });
});

test("what a user's words mean: id, name, prefix; kill takes no prefix", async () => {
  const session = await create({ name: "prefix-one", command: "/bin/cat" });
  expect(await client.call("session.get", { id: "prefix-o" })).toMatchObject({ id: session.id });
  await expect(client.call("session.kill", { id: "prefix-o" })).rejects.toEqual(refusal("NOT_FOUND", /prefix-o/));
  await client.call("session.kill", { id: "prefix-one" });
});
