/**
 * Real Claude Code and Codex with hooks: what they report is taken, the conversation, its tokens and model are known, and after daemon
 * and keeper are killed together (what a reboot does) they come back in the same conversation; a conversation that the tool refuses
 * gives way to a fresh one, once. Needs AGENTS_DIR, as turns.test.ts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { agentHome } from "../support/agent-homes.mjs";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { figure } from "../support/figures.js";
import { startMockModel } from "../support/mock-llm.mjs";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

const programs = process.env["AGENTS_DIR"];
const HOOK = fileURLToPath(new URL("../support/report-hook.mjs", import.meta.url));
const EVENTS = ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PermissionRequest", "Stop", "SubagentStop", "SessionEnd"];
const AGENTS = [
  // The model that it names by default has a large window: `[1m]`.
  { tool: "claude", args: [], limit: 1_000_000 },
  // Codex asks a person whether a hook may run.
  { tool: "codex", args: ["--dangerously-bypass-hook-trust"], limit: 258_400 },
] as const;

async function killBoth(daemon: TestDaemon): Promise<void> {
  const keepers = daemon.keeperPids();
  const gone = daemon.kill9();
  for (const pid of keepers) process.kill(pid, "SIGKILL");
  await gone;
  await waitUntil("the agents to end with their terminals", () => daemon.processes().length === 0);
}

async function say(client: Client, id: string, text: string): Promise<void> {
  await client.call("session.paste", { id, text });
  await waitForScreen(client, id, text);
  // Return in the same breath as a paste is part of it, to these tools.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await client.call("session.keys", { id, keys: ["Enter"] });
}

const reach = async (client: Client, id: string, state: "busy" | "idle" | "attention"): Promise<unknown> =>
  await client.call("session.wait", { id, until: [state], timeout_ms: 60_000 });

function hooked(tool: string, root: string, port: number): { cwd: string; env: Record<string, string>; journal: string } {
  const journal = join(root, "hooks.jsonl");
  const { cwd, env } = agentHome(tool, { root: join(root, "home"), programs: programs ?? "", port });
  const command = `${process.execPath} ${HOOK} ${tool}-hook ${journal}`;
  const hooks = Object.fromEntries(EVENTS.map((event) => [event, [{ hooks: [{ type: "command", command, timeout: 5 }] }]]));
  const file = tool === "claude" ? join(env["CLAUDE_CONFIG_DIR"] ?? "", "settings.json") : join(env["CODEX_HOME"] ?? "", "hooks.json");
  writeFileSync(file, JSON.stringify({ hooks }));
  return { cwd, env, journal };
}

test.skipIf(programs === undefined).each(AGENTS)("$tool with hooks", async ({ tool, args, limit }) => {
  const daemon = await startDaemon();
  let client = await daemon.client();
  const root = mkdtempSync(join(tmpdir(), "agent-"));
  const model = await startMockModel({ delayMs: 30, command: "sleep 1 && touch tool-ran && echo tool ran" });
  try {
    const { cwd, env, journal } = hooked(tool, root, model.port);
    const { id } = await client.call("session.create", { tool, args: [...args], cwd, env, env_base: "none", cols: 110, rows: 34 });
    await reach(client, id, "idle");
    await say(client, id, "hello there, remember the word pomegranate");
    await reach(client, id, "busy");
    await reach(client, id, "idle");
    await say(client, id, "please run the tool");
    await reach(client, id, "attention");
    await client.call("session.keys", { id, keys: ["Enter"] });
    await reach(client, id, "busy");
    await reach(client, id, "idle");
    const why = await client.call("session.explain", { id });
    expect(why.report).toMatchObject({ source: `${tool}-hook` });
    const known = await waitUntil("its tokens", async () => {
      const summary = await client.call("session.get", { id });
      return summary.token_count === null ? null : summary;
    });
    figure(`${tool}: tokens, limit, model`, `${known.token_count}, ${known.context_limit}, ${known.model}`);
    expect(known).toMatchObject({ tool, context_limit: limit, conversation_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(known.model).not.toBeNull();
    const said = readFileSync(journal, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { payload: Record<string, string>; answer: { result?: { accepted: boolean; reason?: string } } });
    figure(`${tool}: reports`, said.map(({ payload }) => payload["hook_event_name"]).join(" "));
    // Two at one moment may come in the wrong order: the older is not taken.
    const refused = said.flatMap(({ answer }) =>
      answer.result?.accepted === true ? [] : [answer.result?.reason ?? JSON.stringify(answer)],
    );
    for (const reason of refused) expect(reason).toMatch(/^it is older than/);
    expect(said.map(({ payload }) => payload["hook_event_name"])).toEqual(
      expect.arrayContaining(["SessionStart", "UserPromptSubmit", "PreToolUse", "Stop"]),
    );
    await client.close();

    await killBoth(daemon);
    await daemon.start();
    client = await daemon.client();
    const back = await waitUntil("it to be back", async () => {
      const now = await client.call("session.get", { id });
      return now.pid !== null && now.epoch === 2 ? now : null;
    });
    expect(back).toMatchObject({ conversation_id: known.conversation_id, args: [...args] });
    await reach(client, id, "idle");
    await waitForScreen(client, id, "pomegranate");
    await say(client, id, "and the word was what");
    await reach(client, id, "busy");
    await reach(client, id, "idle");
    const after = await waitUntil("its tokens", async () => {
      const now = await client.call("session.get", { id });
      return now.token_count === null ? null : now;
    });
    expect(after).toMatchObject({ conversation_id: known.conversation_id, tool, token_count: known.token_count });
    // On the way back Claude names its model without `[1m]`.
    expect(known.model).toContain(after.model);

    // The tool's own record of it is gone: it refuses, and is started once more, as it was made.
    const refusal = await comingEvent(client, { session: id, kinds: ["session.conversation"] });
    for (const place of tool === "claude"
      ? [join(env["CLAUDE_CONFIG_DIR"] ?? "", "projects")]
      : [join(env["CODEX_HOME"] ?? "", "sessions")])
      rmSync(place, { recursive: true, force: true });
    await client.call("session.restart", { id });
    expect(await refusal.event).toMatchObject({ from: known.conversation_id, to: null });
    await waitUntil("a fresh start", async () => (await client.call("session.get", { id })).epoch === 4);
    await reach(client, id, "idle");
    expect((await client.call("session.get", { id })).conversation_id).not.toBe(known.conversation_id);
    await client.call("session.kill", { id, grace_ms: 300 });
  } catch (error) {
    console.error(daemon.log(), (await client.call("session.screen", { id: "sess_1", format: "text" })).text);
    throw error;
  } finally {
    model.close();
    if (process.env["KEEP"] === undefined) rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    else console.error(root);
  }
});
