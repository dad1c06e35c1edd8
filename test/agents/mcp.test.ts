/**
 * The real Claude Code in a session, with `lifeguard mcp` as its server: it says that it is connected, starts another session through
 * it, and is refused when it would type into its own. The model on loopback calls the tools. Needs AGENTS_DIR.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { agentHome } from "../support/agent-homes.mjs";
import { startDaemon } from "../support/daemon.js";
import { startMockModel } from "../support/mock-llm.mjs";
import { waitForScreen } from "../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));
const programs = process.env["AGENTS_DIR"];

test.skipIf(programs === undefined)("an agent sees and starts others, and does not type into itself", async () => {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const root = mkdtempSync(join(tmpdir(), "agent-"));
  const model = await startMockModel({ delayMs: 10 });
  try {
    const { cwd, env } = agentHome("claude", { root, programs: programs ?? "", port: model.port });
    const config = join(root, "mcp.json");
    writeFileSync(config, JSON.stringify({ mcpServers: { lifeguard: { command: process.execPath, args: [LIFEGUARD, "mcp"] } } }));
    const args = ["--mcp-config", config, "--strict-mcp-config", "--allowedTools", "mcp__lifeguard"];
    const { id } = await client.call("session.create", {
      name: "boss",
      tool: "claude",
      args,
      cwd,
      env,
      env_base: "none",
      cols: 110,
      rows: 40,
    });
    const turn = async (text: string): Promise<void> => {
      const { state } = await client.call("session.prompt", { id, text, wait: { until: ["idle"], timeout_ms: 60_000 } });
      expect(state).toBe("idle");
    };
    await client.call("session.wait", { id, until: ["idle"], timeout_ms: 60_000 });

    await turn("hello");
    await client.call("session.paste", { id, text: "/mcp" });
    await waitForScreen(client, id, "/mcp");
    await client.call("session.keys", { id, keys: ["Enter"] });
    await waitForScreen(client, id, /lifeguard\W+connected\W+11 tools/);
    await client.call("session.keys", { id, keys: ["Escape"] });
    await client.call("session.wait", { id, until: ["idle"], timeout_ms: 60_000 });

    model.settings.call = { name: "mcp__lifeguard__start_session", input: { name: "worker", command: "/bin/cat" } };
    await turn("please call the server");
    const worker = await client.call("session.get", { id: "worker" });
    expect(worker).toMatchObject({ command: "/bin/cat", cwd });
    expect(model.settings.results).toContain(`started ${worker.id} (worker)`);

    model.settings.call = { name: "mcp__lifeguard__send_keys", input: { id: "boss", keys: ["1", "Enter"] } };
    await turn("please call the server again");
    expect(model.settings.results).toContain(`FORBIDDEN: a process inside ${id} may watch it but not type into it`);

    for (const session of [worker.id, id]) await client.call("session.kill", { id: session, grace_ms: 300 });
  } finally {
    model.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
});
