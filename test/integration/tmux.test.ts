/** Sessions that tmux has, through the daemon: a real tmux on a socket of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon } from "../support/daemon.js";
import { sample } from "../support/figures.js";
import { TestTmux } from "../support/tmux.js";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

const tmux = new TestTmux();
let client: Client;
let daemon: Awaited<ReturnType<typeof startDaemon>>;

async function state(id: string): Promise<string> {
  return (await client.call("session.get", { id })).state;
}

describe("tmux", () => {
  it("has no sessions where there is no server", async () => {
    daemon = await startDaemon({ config: tmux.config() });
    client = await daemon.client();
    expect(await client.call("tmux.list", {})).toEqual({ sessions: [] });
    await expect(client.call("tmux.adopt", { name: "nobody" })).rejects.toMatchObject({ name: "NOT_FOUND" });
  });

  it("lists and adopts what runs there, with what it showed before", async () => {
    await tmux.make("work", "sh", "-c", "seq 1 60; printf 'last \\033[31mred\\033[m line'; exec cat");
    await waitUntil("the program's output", async () => (await tmux.do("capture-pane", "-p", "-t", "=work:")).includes("last red line"));
    const { sessions } = await client.call("tmux.list", {});
    expect(sessions).toMatchObject([{ name: "work", session: "$0", id: null, windows: 1, attached: 0 }]);
    const session = await client.call("tmux.adopt", { name: "work" });
    expect(session).toMatchObject({ name: "work", backend: "tmux", cols: 100, rows: 30, tmux: { name: "work", session: "$0" } });
    const shown = await waitForScreen(client, session.id, "last red line");
    expect(shown).toBe((await tmux.do("capture-pane", "-p", "-t", "=work:")).trimEnd());
    const all = await client.call("session.screen", { id: session.id, format: "text", scrollback: 100 });
    expect((all.text ?? "").split("\n").slice(0, 3)).toEqual(["1", "2", "3"]);
    expect((await client.call("tmux.adopt", { name: "work" })).id).toBe(session.id);
    expect((await client.call("tmux.list", {})).sessions).toMatchObject([{ id: session.id, attached: 1 }]);
  });

  it("types, pastes and presses keys, every byte as given", async () => {
    await tmux.make("input", "sh", "-c", "stty raw -echo; printf '\\033[?2004h'; echo ready; exec cat -v");
    const { id } = await client.call("tmux.adopt", { name: "input" });
    await waitForScreen(client, id, "ready");
    await client.call("session.input", { id, data: Buffer.from([0x61, 0x00, 0x1b, 0x7f, 0xc3, 0xa9]) });
    await waitForScreen(client, id, "a^@^[^?M-CM-)");
    await client.call("session.keys", { id, keys: ["C-c", "Up"] });
    await waitForScreen(client, id, "^C^[[A");
    await client.call("session.paste", { id, text: "two\nlines; \"$HOME\" 'x' é\\" });
    await waitForScreen(client, id, /\^\[\[200~two\^Mlines; "\$HOME" 'x' M-CM-\)\\\^\[\[201~/);
  });

  it("reads output by offset, and waits for states", async () => {
    await tmux.make("offset", "sh", "-c", "read x; echo one; read x; echo two; exec cat");
    const { id } = await client.call("tmux.adopt", { name: "offset" });
    await waitUntil("the first capture", async () => (await client.call("session.get", { id })).offset > 0);
    const since = (await client.call("session.screen", { id })).offset;
    await client.call("session.input", { id, data: Buffer.from("\n\n") });
    await waitForScreen(client, id, "two");
    const read = await client.call("session.read", { id, since });
    expect(read.gap).toBe(0);
    expect(Buffer.from(read.data).toString()).toMatch(/one\r\n[^]*two\r\n/);
  });

  it("never changes the size that others see, and says so", async () => {
    await tmux.make("sized", "sh");
    const { id } = await client.call("tmux.adopt", { name: "sized" });
    await waitUntil("the first capture", async () => (await client.call("session.get", { id })).offset > 0);
    expect(await tmux.ask("=sized:", "#{window_width}x#{window_height}")).toBe("100x30");
    const resized = await comingEvent(client, { kinds: ["session.resized"], session: id });
    await client.call("session.resize", { id, cols: 90, rows: 25 });
    await resized.event;
    expect(await tmux.ask("=sized:", "#{window_width}x#{window_height} #{window-size}")).toBe("90x25 latest");
    expect(await client.call("session.get", { id })).toMatchObject({ cols: 90, rows: 25 });
    await tmux.person("sized", 70, 20);
    await waitUntil("their size", async () => (await client.call("session.get", { id })).cols === 70);
    await expect(client.call("session.resize", { id, cols: 100, rows: 40 })).rejects.toMatchObject({ name: "UNSUPPORTED" });
    // One line is their status line.
    expect(await tmux.ask("=sized:", "#{window_width}x#{window_height}")).toBe("70x19");
  });

  it("knows state, place, command and title from tmux and the screen", async () => {
    await tmux.make("shell", "bash", "--norc", "--noprofile");
    const { id } = await client.call("tmux.adopt", { name: "shell" });
    await client.call("session.wait", { id, until: ["idle"], timeout_ms: 20_000 });
    await client.call("session.input", { id, data: Buffer.from("cd /usr; printf '\\033]2;a title\\033\\\\'\r") });
    await waitUntil("title and place", async () => {
      const { title, cwd } = await client.call("session.get", { id });
      return title === "a title" && cwd === "/usr";
    });
    await client.call("session.input", { id, data: Buffer.from("sleep 1000\r") });
    await client.call("session.wait", { id, until: ["busy"], timeout_ms: 20_000 });
    await waitUntil("the command", async () => (await client.call("session.get", { id })).current_command === "sleep");
    await client.call("session.kill", { id, signal: "INT" });
    await client.call("session.wait", { id, until: ["idle", "error"], timeout_ms: 20_000 });
  });

  it("keeps its id when it is renamed, and follows the name", async () => {
    await tmux.make("before");
    const { id } = await client.call("tmux.adopt", { name: "before" });
    await tmux.do("rename-session", "-t", "=before", "after  ünder: way");
    const renamed = await waitUntil("the new name", async () => {
      const session = await client.call("session.get", { id });
      return session.name !== "before" && session;
    });
    expect(renamed).toMatchObject({ id, name: "after-nder_-way", tmux: { name: "after  ünder_ way" } });
  });

  it("is not ended by somebody who detaches it, and goes on", async () => {
    await tmux.make("detached", "sh", "-c", "echo here; exec cat");
    const { id } = await client.call("tmux.adopt", { name: "detached" });
    await waitForScreen(client, id, "here");
    const [before] = (await tmux.clients()).filter(({ session }) => session === "detached");
    await tmux.do("detach-client", "-s", "=detached");
    await waitUntil("another client", async () => {
      const [now] = (await tmux.clients()).filter(({ session }) => session === "detached");
      return now !== undefined && now.pid !== before?.pid;
    });
    await client.call("session.input", { id, data: Buffer.from("still there\n") });
    await waitForScreen(client, id, /here\nstill there\nstill there/);
    expect(await state(id)).not.toBe("exited");
  });

  it("ends when its tmux session does, and comes back under its id", async () => {
    await tmux.make("again");
    const { id } = await client.call("tmux.adopt", { name: "again" });
    const exited = await comingEvent(client, { kinds: ["session.exited"], session: id });
    await tmux.do("kill-session", "-t", "=again");
    expect(await exited.event).toMatchObject({ code: null, reason: "lost" });
    await tmux.make("again");
    const session = await client.call("tmux.adopt", { name: "again" });
    expect(session).toMatchObject({ id, epoch: 2, exit: null });
  });

  it("is removed in two ways: left to tmux, or ended there", async () => {
    await tmux.make("kept");
    await tmux.make("ended");
    const kept = await client.call("tmux.adopt", { name: "kept" });
    const ended = await client.call("tmux.adopt", { name: "ended" });
    await expect(client.call("session.remove", { id: kept.id })).rejects.toMatchObject({ name: "BUSY" });
    const removed = await comingEvent(client, { kinds: ["session.removed"], session: kept.id });
    await client.call("session.remove", { id: kept.id, mode: "detach" });
    expect(await removed.event).toMatchObject({ mode: "detach", backend_alive: true });
    await client.call("session.remove", { id: ended.id, mode: "kill" });
    expect(await tmux.names()).toContain("kept");
    expect(await tmux.names()).not.toContain("ended");
    await waitUntil("no client of ours on it", async () => (await tmux.clients()).every(({ session }) => session !== "kept"));
    await expect(client.call("session.get", { id: kept.id })).rejects.toMatchObject({ name: "NOT_FOUND" });
  });

  it("says by name what it cannot do", async () => {
    await tmux.make("limits");
    const { id } = await client.call("tmux.adopt", { name: "limits" });
    await expect(client.call("session.restart", { id })).rejects.toMatchObject({ name: "UNSUPPORTED" });
    await expect(
      client.call("session.create", { backend: "tmux", command: "cat", env: { A: "b" }, env_secret: ["A"] }),
    ).rejects.toMatchObject({ name: "UNSUPPORTED" });
    const { checkpoint } = await client.call("checkpoint.save", { id, label: "now" });
    await expect(client.call("checkpoint.fork", { checkpoint })).rejects.toMatchObject({ name: "UNSUPPORTED" });
  });
});

describe("new --backend tmux", () => {
  it("runs a program in tmux with the session's own environment, and tells its exit status", async () => {
    const session = await client.call("session.create", {
      name: "made.here",
      backend: "tmux",
      cwd: "/usr",
      command: "sh",
      args: ["-c", 'echo "$ODD|$LIFEGUARD_SESSION|$HOME|$(pwd)|$TMUX_PANE"; read x; exit 7'],
      env: { ODD: 'it\'s "odd" $HOME\nline', HOME: "/nowhere", PATH: "/usr/bin:/bin" },
      env_base: "none",
      cols: 80,
      rows: 24,
    });
    expect(session).toMatchObject({ backend: "tmux", name: "made.here", cols: 80, rows: 24, tmux: { name: "made_here" } });
    await waitForScreen(client, session.id, `it's "odd" $HOME\nline|${session.id}|/nowhere|/usr|%`);
    expect(await tmux.names()).toContain("made_here");
    const exited = await comingEvent(client, { kinds: ["session.exited"], session: session.id });
    await client.call("session.input", { id: session.id, data: Buffer.from("\n") });
    expect(await exited.event).toMatchObject({ code: 7, reason: "process_exit" });
    await waitUntil("tmux to let go of it", async () => !(await tmux.names()).includes("made_here"));
  });

  it("waits for the status of a program that has closed its terminal, and ends later", async () => {
    const end = join(tmux.directory, "end");
    const { id } = await client.call("session.create", {
      name: "closed",
      backend: "tmux",
      command: "sh",
      args: ["-c", `trap '' HUP; echo up; read x; exec <&- >&- 2>&-; until [ -e ${end} ]; do sleep 0.05; done; exit 7`],
      cols: 80,
      rows: 24,
    });
    await waitForScreen(client, id, "up");
    const exited = await comingEvent(client, { kinds: ["session.exited"], session: id });
    await client.call("session.input", { id, data: Buffer.from("\n") });
    await waitUntil("tmux to call the pane dead", async () => (await tmux.ask("=closed:", "#{pane_dead}")) === "1");
    // Answered when the pane has been looked at.
    await client.call("session.resize", { id, cols: 90, rows: 24 });
    expect(await state(id)).not.toBe("exited");
    writeFileSync(end, "");
    expect(await exited.event).toMatchObject({ code: 7, reason: "process_exit" });
  });

  it("knows the status of each of many that end one after the other, also where tmux has missed the end", async () => {
    const statuses: unknown[] = [];
    const wanted = Array.from({ length: sample("programs that end in tmux", 40, 6) }, (_, n) => n);
    for (const n of wanted) {
      const { id } = await client.call("session.create", { backend: "tmux", command: "sh", args: ["-c", `echo up; read x; exit ${n}`] });
      await waitForScreen(client, id, "up");
      const exited = await comingEvent(client, { kinds: ["session.exited"], session: id });
      await client.call("session.input", { id, data: Buffer.from("\n") });
      statuses.push(await exited.event);
    }
    expect(statuses).toMatchObject(wanted.map((code) => ({ code, reason: "process_exit" })));
  });

  it("is killed whole, and starts again under its id", async () => {
    const { id } = await client.call("session.create", {
      name: "again-and",
      backend: "tmux",
      command: "sh",
      args: ["-c", "trap '' HUP; echo up; exec cat"],
    });
    await waitForScreen(client, id, "up");
    const { pid } = await client.call("session.get", { id });
    const restarted = await client.call("session.restart", { id });
    expect(restarted).toMatchObject({ id, epoch: 2 });
    expect(restarted.pid).not.toBe(pid);
    await waitForScreen(client, id, "up");
    const { exit } = await client.call("session.kill", { id });
    expect(exit).toMatchObject({ reason: "killed" });
    expect(await tmux.names()).not.toContain("again-and");
  });
});
