/**
 * `lifeguard hook install` into real agents, and what they then report of a turn with a dialog. The reports go to a socket of the test's
 * own, so that what the agents say is looked at, and not what the daemon makes of it. Needs AGENTS_DIR.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { agentHome } from "../support/agent-homes.mjs";
import { startDaemon } from "../support/daemon.js";
import { startMockModel } from "../support/mock-llm.mjs";
import { waitForScreen, waitUntil } from "../support/wait.js";

const programs = process.env["AGENTS_DIR"];
const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));
const DEADLINE_MS = 90_000;

interface Report {
  id: string;
  source: string;
  event: string;
  tool: string;
  detail?: string;
  conversation_id?: string;
  transcript?: string;
}

async function lifeguard(words: string[], env: Record<string, string>): Promise<number | null> {
  const child = spawn(process.execPath, [LIFEGUARD, ...words], { env, stdio: "ignore" });
  return ((await once(child, "exit")) as [number | null])[0];
}

/** To whom the hooks report: a socket that writes down what they say, or the daemon that hosts the agent. */
const RUNS = [
  ["claude", "the test"],
  ["codex", "the test"],
  ["claude", "the daemon"],
  ["codex", "the daemon"],
] as const;

test.skipIf(programs === undefined).each(RUNS)("%s reports a whole turn to %s", async (tool, to) => {
  if (programs === undefined) return;
  const daemon = await startDaemon();
  const client = await daemon.client();
  const root = mkdtempSync(join(tmpdir(), "agent-"));
  const model = await startMockModel({ delayMs: 40, command: "sleep 1 && touch tool-ran && echo tool ran" });
  const { cwd, env } = agentHome(tool, { root, programs, port: model.port }) as { cwd: string; env: Record<string, string> };
  const reports: Report[] = [];
  const server = createServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (data: string) => {
      text += data;
      if (!text.endsWith("\n")) return;
      reports.push((JSON.parse(text) as { params: Report }).params);
      socket.end('{"id":1,"result":{"accepted":true}}\n');
    });
  }).listen(join(root, "reports.sock"));
  await once(server, "listening");
  expect(await lifeguard(["hook", "install", tool], env)).toBe(0);
  const { id } = await client.call("session.create", {
    tool,
    command: "sh",
    args: ["-c", `${to === "the test" ? `export LIFEGUARD_SOCKET=${join(root, "reports.sock")}; ` : ""}exec ${tool}`],
    cwd,
    env,
    env_base: "none",
    rows: 34,
    cols: 110,
  });
  const heard = (event: string, source = `${tool}-hook`): Promise<Report> =>
    waitUntil(`${tool}: ${event}`, () => reports.find((report) => report.event === event && report.source === source), DEADLINE_MS);
  const reach = (state: "idle" | "attention"): Promise<unknown> =>
    client.call("session.wait", { id, until: [state], timeout_ms: DEADLINE_MS });
  try {
    if (tool === "codex") {
      await waitForScreen(client, id, /Trust all and continue/, DEADLINE_MS);
      await client.call("session.keys", { id, keys: ["Down"] });
      await waitForScreen(client, id, /› 2\. Trust/, DEADLINE_MS);
      await client.call("session.keys", { id, keys: ["Enter"] });
      await waitForScreen(client, id, /^› (?!2)/m, DEADLINE_MS);
    }
    await reach("idle");
    await client.call("session.paste", { id, text: "please run the tool, hello 1" });
    await waitForScreen(client, id, "hello 1");
    // Agents take an Enter that comes with a paste for a part of it.
    await new Promise((resolve) => setTimeout(resolve, 700));
    await client.call("session.keys", { id, keys: ["Enter"] });
    if (to === "the test") await heard("PermissionRequest");
    await reach("attention");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await client.call("session.keys", { id, keys: ["Enter"] });
    if (to === "the daemon") {
      await reach("idle");
      const known = await waitUntil(
        "the conversation",
        async () => {
          const session = await client.call("session.get", { id });
          return session.conversation_id !== null && session.model !== null && session;
        },
        DEADLINE_MS,
      );
      expect(known.tool).toBe(tool);
      await waitUntil(
        "the end of the turn",
        async () => {
          const { report } = await client.call("session.explain", { id });
          return report !== null && /^(?:Stop|agent-turn-complete)$/.test(report.event) && report.source.startsWith(`${tool}-`);
        },
        DEADLINE_MS,
      );
      return;
    }
    const stop = await heard("Stop");
    const wanted = ["SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop"];
    expect(reports.filter(({ event }) => wanted.includes(event)).map(({ event }) => event)).toEqual(wanted);
    for (const report of reports) expect(report).toMatchObject({ id, tool, conversation_id: stop.conversation_id });
    expect(stop.transcript).toContain(stop.conversation_id);
    if (tool === "codex") expect(await heard("agent-turn-complete", "codex-notify")).toMatchObject({ transcript: stop.transcript });
    expect(JSON.stringify(reports)).not.toContain("hello 1");
    expect(await lifeguard(["hook", "uninstall", tool], env)).toBe(0);
  } finally {
    await client.call("session.kill", { id, grace_ms: 300 });
    server.close();
    model.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
});
