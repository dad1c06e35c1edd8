/** Thoughts in a real daemon: what the rules say by themselves, the verbs about it, and what it costs. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import type { CommandResult, TestDaemon } from "../support/daemon.js";
import { startDaemon } from "../support/daemon.js";
import { figure, sample } from "../support/figures.js";
import { waitUntil } from "../support/wait.js";

const ENGINE = fileURLToPath(new URL("../support/thought-engine.mjs", import.meta.url));

let daemon: TestDaemon;
let client: Client;
const run = (...args: string[]): Promise<CommandResult> => daemon.run(args);

async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}

/**
 * Looks like an agent at rest, and after a line of input like one at work: a title that says what it is about, a line that says what
 * it does. With `on` it goes on: its spinner turns four times a second, a new line each second.
 */
const AGENT = String.raw`#!/bin/sh
printf '\033]0;\342\234\263 Claude Code\007──────────\r\n❯ \r\n──────────\r\n'
read line
n=0
while n=$((n+1)); do
  printf '\342\227\217 Bash(step %d)\r\n  \342\216\277  Running\r\n' $n
  for glyph in 0 2 4 6; do
    printf '\033]0;\342\240\22'$glyph' Fix the parser\007'
    [ "$1" = on ] && sleep 0.25 || read line
  done
done
`;

/** A session of it, at rest. */
async function agent(name: string, ...args: string[]): Promise<string> {
  const { id } = await client.call("session.create", { name, tool: "claude", command: join(daemon.home, "claude"), args });
  await client.call("session.wait", { id, until: ["idle"], timeout_ms: 120_000 }, { deadlineMs: 130_000 });
  return id;
}

beforeAll(async () => {
  daemon = await startDaemon({ config: "[daemon]\nmax_sessions = 2000\n" });
  client = await daemon.client();
  // It has the name by which an agent is known in front.
  writeFileSync(join(daemon.home, "claude"), AGENT, { mode: 0o755 });
});

describe("the rules", () => {
  test("say by themselves what a shell runs; at its prompt the last of it stays, and ls shows the title again", async () => {
    const { id } = await client.call("session.create", { name: "shop", command: "/bin/bash", args: ["--norc"] });
    await client.call("session.wait", { id, until: ["idle"] });
    const said = client.events({ kinds: ["session.thought"], session: id });
    await said.ready;
    await client.call("session.input", { id, data: "sleep 1000\r" });
    const next = async (): Promise<unknown> => (await said.next()).value;
    expect(await next()).toMatchObject({ thought: { text: "sleep", state: "active", source: "rule" } });
    expect(await ok("ls")).toMatch(/shop +● busy .* sleep\n/);
    expect(await ok("thought", "show", "shop")).toMatch(/^session +sess_\d+\nthought +sleep\nstate +active, rest active\nsource +rule, /);
    await client.call("session.keys", { id, keys: ["C-c"] });
    expect(await next()).toMatchObject({ thought: { text: "sleep", state: "sleeping", source: "static_sleeping" } });
    expect(await ok("ls")).toMatch(/shop +○ idle .* \/bin\/bash --norc\n/);
    await said.return();
    await client.call("session.kill", { id });
  });

  test("of an agent's title and the last line in which it says what it does; what somebody says is shown instead", async () => {
    const id = await agent("agent");
    // This one's: what is said of another test's session, which ends meanwhile, is none of it.
    const said = client.events({ kinds: ["session.thought"], session: id });
    await said.ready;
    await client.call("session.input", { id, data: "go\r" });
    expect((await said.next()).value).toMatchObject({ session: id, thought: { text: "Fix the parser: Bash(step 1)", source: "rule" } });
    await ok("thought", "publish", "agent", "reads what it is told", "--cue", "tell it more", "--state", "holding");
    expect((await said.next()).value).toMatchObject({ session: id, thought: { text: "reads what it is told", state: "holding" } });
    expect(await ok("thought", "show", "agent")).toMatch(/cues +tell it more\nobjective +[0-9a-f]{16} for \d+s\n/);
    await said.return();
    await client.call("session.kill", { id });
  });
});

describe("the verbs", () => {
  test("publish by watermark, list and show", async () => {
    await ok("new", "--name", "work", "--", "cat");
    expect(await ok("thought", "show", "work")).toMatch(/^nobody has said anything of sess_\d+ yet\n$/);
    expect(await ok("thought", "publish", "work", "counts", "--stream", "s", "--seq", "3", "--objective", "count")).toBe("");
    const late = await run("thought", "publish", "work", "late", "--stream", "s", "--seq", "3");
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining("not after 3") as string]);
    expect(JSON.parse(await ok("thought", "publish", "work", "further", "--stream", "s", "--seq", "4", "--json"))).toEqual({
      accepted: true,
    });
    expect(await ok("thought", "ls")).toMatch(/^ID +NAME +THINKS +SOURCE +AGE +THOUGHT\n[^]*work +active +rule +\d+s +further\n/);
    expect(await ok("thought", "show", "work")).toMatch(/objective +count for \d+s\nwatermark s 4\n/);
    expect(await ok("ls")).toMatch(/work .* further\n/);
    for (const [words, code] of [
      [["thought", "publish", "nobody", "x"], 3],
      [["thought", "publish", "work", "x".repeat(121)], 2],
      [["thought", "publish", "work", "x", "--seq", "1"], 2],
      [["thought", "publish", "work", "x", "--state", "asleep"], 2],
      [["thought", "show", "nobody"], 3],
      [["thought"], 2],
    ] as const)
      expect([words, (await run(...words)).code]).toEqual([words, code]);
  });

  test("try an engine, change to it, say how it is, and go back", async () => {
    const command = [process.execPath, ENGINE];
    expect(await ok("thought", "config")).toMatch(/^engine +rules \(as config\.toml says\)\nhealth +well\n$/);
    expect(await ok("thought", "test", "--", ...command, "good")).toMatch(
      /^works: command \(good\), \d+ ms\n {2}sess_1: good: .* \(llm\)\n$/,
    );
    const broken = await run("thought", "test", "--", ...command, "broken");
    expect([broken.code, broken.stdout]).toEqual([1, expect.stringMatching(/^does not work: command \(broken\), .*not JSON/) as string]);
    const documented = join(daemon.home, "think.py");
    writeFileSync(
      documented,
      /^```python\n([^]*?)^```$/m.exec(readFileSync(new URL("../../docs/thoughts.md", import.meta.url), "utf8"))?.[1] ?? "",
    );
    expect(await ok("thought", "test", "--", "python3", documented)).toMatch(/^works: command \(last line\), .*\n {2}sess_1: ✻ Working/);
    const wrong = await run("thought", "config", "--tick", "10ms");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("tick_ms: is 250…300000 ms") as string]);
    expect((await run("thought", "config", "--engine", "command")).stderr).toContain("command: names no program");
    expect((await run("thought", "config", "--reset", "--tick", "1s")).code).toBe(2);
    expect(await ok("thought", "config", "--tick", "250ms", "--hot", "250ms", "--", ...command, "good")).toMatch(
      /^engine +command \(thought config said so, version 1\)\ncommand .*good\npaces +tick 0\.25 s; hot 0\.25 s, warm 45 s, cold 120 s; an answer within 30 s\n/,
    );
    await waitUntil("its word on all sessions", async () =>
      /good, pid \d+, 1 starts.*\nanswers +answered/.test(await ok("thought", "config")),
    );
    expect(await ok("status")).toMatch(/thoughts +command\n/);
    expect(await ok("thought", "config", "--reset")).toMatch(/^engine +rules \(as config\.toml says\)\n/);
  });
});

test("what thoughts cost the daemon, for many busy sessions", async () => {
  const count = sample("busy sessions that are thought about", 200, 10);
  const turns = sample("titles of each", 60, 6);
  const ids = await Promise.all(Array.from({ length: count }, (_, n) => agent(`busy-${n}`, "on")));
  for (const id of ids) await client.call("session.input", { id, data: "go\r" });
  const lengths = async (): Promise<number[]> => {
    const { sessions } = await client.call("session.list", {});
    return sessions.filter(({ id }) => ids.includes(id)).map(({ offset }) => offset);
  };
  const perSecond = async (): Promise<number> => {
    const before = await lengths();
    const [began, cpu] = [performance.now(), cpuMs(daemon.pid)];
    // About 27 bytes a title: the time is the sessions' own.
    await waitUntil(
      "the sessions to go on",
      async () => (await lengths()).every((length, n) => length >= (before[n] ?? 0) + turns * 27),
      120_000,
    );
    return (cpuMs(daemon.pid) - cpu) / ((performance.now() - began) / 1_000);
  };
  const set = async (change: { engine: "none" | "rules" | "command"; command?: string[] }): Promise<void> => {
    const { version } = await client.call("thought.config.get");
    await client.call("thought.config.set", { version, ...change });
  };
  await Promise.all(ids.map((id) => client.call("session.wait", { id, until: ["busy"], timeout_ms: 60_000 }, { deadlineMs: 70_000 })));
  const found: Record<string, number> = {};
  const settings: [string, Parameters<typeof set>[0]][] = [
    ["none", { engine: "none" }],
    ["rules", { engine: "rules" }],
    ["command, every 15 s", { engine: "command", command: [process.execPath, ENGINE, "good"] }],
  ];
  for (const [name, change] of settings) {
    await set(change);
    found[name] = await perSecond();
    figure(`daemon's CPU with ${count} busy sessions, engine ${name}`, found[name], "ms a second");
  }
  const { thoughts } = await client.call("thought.list");
  expect(ids.every((id) => thoughts.some((one) => one.id === id))).toBe(true);
  await client.call("thought.config.set", { version: (await client.call("thought.config.get")).version, reset: true });
  await Promise.all(ids.map((id) => client.call("session.kill", { id, grace_ms: 0 }, { deadlineMs: 60_000 })));
}, 600_000);

/** What a process has used so far, user and system. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
