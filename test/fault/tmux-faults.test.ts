/**
 * tmux servers that die, hang or were never there; daemons and threads that die while tmux lives on. Nothing is concluded from
 * silence, nothing that lives is ended or forgotten, nobody else waits.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { hasEnded } from "../support/processes.js";
import { TestTmux } from "../support/tmux.js";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

const QUICK = "deadline_ms = 500\nbreaker_ms = 1000\n";

describe("a tmux server that is killed", () => {
  it("ends its sessions and no others, with their last screens, and they come back by name under their ids", async () => {
    const tmux = new TestTmux();
    const daemon = await startDaemon({ config: tmux.config(QUICK) });
    const client = await daemon.client();
    await tmux.make("one", "sh", "-c", "echo first; exec cat");
    await tmux.make("two");
    const [one, two] = [await client.call("tmux.adopt", { name: "one" }), await client.call("tmux.adopt", { name: "two" })];
    const own = await client.call("session.create", { command: "cat" });
    await waitForScreen(client, one.id, "first");
    const ends = await Promise.all([one, two].map(({ id }) => comingEvent(client, { kinds: ["session.exited"], session: id })));
    await tmux.kill9();
    for (const { event } of ends) expect(await event).toMatchObject({ code: null, reason: "lost" });
    expect((await client.call("session.screen", { id: one.id })).text).toContain("first");
    expect((await client.call("session.get", { id: own.id })).state).not.toBe("exited");
    expect(await client.call("tmux.list", {})).toEqual({ sessions: [] });
    await tmux.make("two");
    expect(await client.call("tmux.adopt", { name: "two" })).toMatchObject({ id: two.id, epoch: 2 });
  });
});

describe("a tmux server that hangs", () => {
  it("costs nobody else anything, ends nothing, and goes on where it stood", async () => {
    const tmux = new TestTmux();
    const daemon = await startDaemon({ config: tmux.config(QUICK) });
    const client = await daemon.client();
    await tmux.make("hung", "sh", "-c", "echo here; exec cat");
    await tmux.make("other");
    const { id } = await client.call("tmux.adopt", { name: "hung" });
    await waitForScreen(client, id, "here");
    const pid = await tmux.serverPid();
    process.kill(pid, "SIGSTOP");
    try {
      const degraded = await comingEvent(
        client,
        { kinds: ["session.health"], session: id },
        (event) => (event as { health?: string }).health === "degraded",
      );
      await expect(client.call("tmux.adopt", { name: "other" })).rejects.toMatchObject({ name: "TIMEOUT" });
      await degraded.event;
      // The breaker: the question is not even asked.
      await waitUntil("a refusal without waiting", async () => {
        const began = performance.now();
        await expect(client.call("tmux.list", {})).rejects.toMatchObject({ name: "TIMEOUT" });
        return performance.now() - began < 250;
      });
      await expect(client.call("session.kill", { id })).rejects.toMatchObject({ name: "TIMEOUT" });
      expect(await client.call("session.get", { id })).toMatchObject({ health: "degraded", exit: null });
      // What is typed waits, a pty session next to it works, a listing answers.
      await client.call("session.input", { id, data: Buffer.from("typed meanwhile\n") });
      const own = await client.call("session.create", { command: "cat" });
      await client.call("session.input", { id: own.id, data: Buffer.from("works\n") });
      await waitForScreen(client, own.id, "works");
      expect((await client.call("session.list", {})).sessions).toHaveLength(2);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await waitForScreen(client, id, /here\ntyped meanwhile\ntyped meanwhile/);
    await waitUntil("its health", async () => (await client.call("session.get", { id })).health === "ok");
  });

  it("does not hold up a daemon's start, and its sessions are taken over when it goes on", async () => {
    const tmux = new TestTmux();
    const daemon = await startDaemon({ config: tmux.config(QUICK) });
    let client = await daemon.client();
    await tmux.make("stays", "sh", "-c", "echo here; exec cat");
    const { id } = await client.call("tmux.adopt", { name: "stays" });
    await waitForScreen(client, id, "here");
    const pid = await tmux.serverPid();
    await daemon.stop();
    process.kill(pid, "SIGSTOP");
    try {
      await daemon.start();
      client = await daemon.client();
      expect(await client.call("session.get", { id })).toMatchObject({ id, exit: null });
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await client.call("session.input", { id, data: Buffer.from("and on\n") });
    await waitForScreen(client, id, /here\nand on\nand on/);
  });
});

describe("a daemon that is killed", () => {
  it("leaves tmux alone, no client behind, and finds its sessions again; what is missing is said to be", async () => {
    const tmux = new TestTmux();
    const daemon = await startDaemon({ config: tmux.config() });
    let client = await daemon.client();
    await tmux.make("found", "sh", "-c", "echo here; exec cat");
    await tmux.make("missing");
    const found = await client.call("tmux.adopt", { name: "found" });
    const missing = await client.call("tmux.adopt", { name: "missing" });
    await tmux.make("left");
    const left = await client.call("tmux.adopt", { name: "left" });
    await client.call("session.remove", { id: left.id, mode: "detach" });
    await waitForScreen(client, found.id, "here");
    const clients = (await tmux.clients()).map(({ pid }) => pid);
    expect(clients).toHaveLength(2);
    await daemon.kill9();
    const stays = async (): Promise<string> => JSON.stringify([await tmux.clients(), clients.filter((pid) => !hasEnded(pid))]);
    await waitUntil("no client left behind", async () => (await stays()) === "[[],[]]").catch(async (error: unknown) => {
      throw new Error(`left: ${await stays()}`, { cause: error });
    });
    await tmux.do("rename-session", "-t", "=found", "renamed");
    await tmux.do("kill-session", "-t", "=missing");
    await daemon.start();
    client = await daemon.client();
    await client.call("session.input", { id: found.id, data: Buffer.from("and on\n") });
    await waitForScreen(client, found.id, /here\nand on\nand on/);
    await waitUntil("its name", async () => (await client.call("session.get", { id: found.id })).name === "renamed");
    const gone = await waitUntil("the missing one to be announced", async () => {
      const session = await client.call("session.get", { id: missing.id });
      return session.state === "exited" && session;
    });
    expect(gone.exit).toMatchObject({ code: null, reason: "startup_missing" });
    const all = await client.call("session.list", { all: true });
    expect(all.sessions.map(({ id }) => id)).toEqual([found.id, missing.id]);
    expect((await client.call("session.list", {})).sessions.map(({ id }) => id)).toEqual([found.id]);
    expect(await tmux.names()).toEqual(["left", "renamed"]);
  });
});

describe("an actor thread that dies", () => {
  it("costs a tmux session nothing but a new client", async () => {
    const tmux = new TestTmux();
    const daemon = await startDaemon({ config: tmux.config("[daemon]\nthreads = 1\n") });
    const client = await daemon.client();
    await tmux.make("thread", "sh", "-c", "echo here; exec cat");
    const { id } = await client.call("tmux.adopt", { name: "thread" });
    await waitForScreen(client, id, "here");
    const recovered = await comingEvent(client, { kinds: ["session.recovered"], session: id });
    writeFileSync(join(daemon.home, "run", "fault"), JSON.stringify({ id, kind: "throw" }));
    process.kill(daemon.pid, "SIGUSR2");
    await recovered.event;
    await client.call("session.input", { id, data: Buffer.from("and on\n") });
    await waitForScreen(client, id, /here\nand on\nand on/);
    await waitUntil("one client", async () => (await tmux.clients()).length === 1);
  });
});

describe("discovery", () => {
  it("adopts what it finds, except what was detached, until that is asked for", async () => {
    const tmux = new TestTmux();
    const daemon = await startDaemon({ config: tmux.config("discover = true\n") });
    const client = await daemon.client();
    await tmux.make("a:b c");
    await tmux.make("12");
    const both = await waitUntil("both to be found", async () => {
      const { sessions } = await client.call("session.list", {});
      return sessions.length === 2 && sessions;
    });
    expect(both.map(({ name }) => name).toSorted()).toEqual(["12", "a_b-c"]);
    // A number used as a name moves the counter on.
    expect(Number((await client.call("session.create", { command: "cat" })).name)).toBeGreaterThan(12);
    const id = both.find(({ name }) => name === "12")?.id ?? "";
    await client.call("session.remove", { id, mode: "detach" });
    await tmux.make("next");
    await waitUntil("the next look", async () => (await client.call("session.list", {})).sessions.some(({ name }) => name === "next"));
    expect((await client.call("session.list", {})).sessions.map(({ name }) => name)).not.toContain("12");
    await daemon.restart();
    const again = await daemon.client();
    await tmux.make("last");
    await waitUntil("another look", async () => (await again.call("session.list", {})).sessions.some(({ name }) => name === "last"));
    expect((await again.call("session.list", {})).sessions.map(({ name }) => name)).not.toContain("12");
    expect((await again.call("tmux.adopt", { name: "12" })).name).toBe("12");
  });
});
