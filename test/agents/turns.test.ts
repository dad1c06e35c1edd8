/**
 * Real agents in real sessions, with a model of our own on loopback: whole turns through permission dialogs. Every state that the
 * daemon says is compared with what an independent terminal, fed by a watch, shows at that moment. Needs AGENTS_DIR, where the agents
 * are installed (test/support/record-agents.mjs says how); AGENT_TURNS turns each, 20 with LIFEGUARD_FULL=1.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Terminal } from "../../src/actors/terminal/terminal.js";
import type { Client, WireEvent } from "../../src/rpc/client.js";
import { agentHome } from "../support/agent-homes.mjs";
import { startDaemon } from "../support/daemon.js";
import { figure, FULL, quantile } from "../support/figures.js";
import { startMockModel } from "../support/mock-llm.mjs";
import { waitUntil } from "../support/wait.js";

const programs = process.env["AGENTS_DIR"];
const turns = Number(process.env["AGENT_TURNS"] ?? (FULL ? 20 : 2));
const SILENT = { reply: (): void => {}, title: (): void => {}, bell: (): void => {}, osc: (): void => {} };
const SIZE = { cols: 110, rows: 34 };
const DEADLINE_MS = 60_000;

/** What a person goes by, written down without looking at the profiles. */
const SHOWS: Record<string, { asks: RegExp; works(title: string, screen: string): boolean }> = {
  claude: { asks: /Do you want to proceed\?/, works: (title) => /^[⠀-⣿◐-◓]/u.test(title) },
  codex: { asks: /Press enter to confirm or esc to cancel/, works: (title) => /^[⠀-⣿]/u.test(title) },
  opencode: { asks: /Permission required/, works: (_, screen) => /[■⬝]{6}/u.test(screen) },
};

async function drive(client: Client, tool: string, delays: Record<string, number[]>): Promise<string[]> {
  const shows = SHOWS[tool];
  if (programs === undefined || shows === undefined) throw new Error(`AGENTS_DIR is not set, or ${tool} is not known here`);
  const root = mkdtempSync(join(tmpdir(), "agent-"));
  const model = await startMockModel({ delayMs: 40, command: "sleep 2 && touch tool-ran && echo tool ran" });
  const { cwd, env } = agentHome(tool, { root, programs, port: model.port });
  const session = await client.call("session.create", { tool, cwd, env, env_base: "none", ...SIZE });
  const states: { state: string; at: number }[] = [];
  const events = client.events({ session: session.id, kinds: ["session.state"] });
  await events.ready;
  const reading = (async () => {
    for await (const event of events) {
      const { to, at } = event as WireEvent & { to: string };
      states.push({ state: to, at });
    }
  })();
  const terminal = new Terminal(SIZE, { historyLines: 0 }, SILENT);
  const shown: { state: string; at: number }[] = [{ state: "starting", at: 0 }];
  let up = false;
  const watch = await client.watch(
    session.id,
    { since: 0 },
    {
      output: (data, { ageMs }) => {
        terminal.feed(data);
        const screen = terminal.screenText().join("\n");
        const state = shows.asks.test(screen) ? "attention" : shows.works(terminal.title, screen) ? "busy" : "idle";
        if (up && shown.at(-1)?.state !== state) shown.push({ state, at: Date.now() - ageMs });
      },
    },
  );
  const reach = (state: string, count: number): Promise<unknown> =>
    waitUntil(`${tool}: ${count} times ${state}`, () => states.filter((one) => one.state === state).length >= count, DEADLINE_MS);
  try {
    await waitUntil(`${tool} is up`, () => ["idle", "attention"].includes(states.at(-1)?.state ?? ""), DEADLINE_MS);
    // Newer versions of Claude Code begin with an offer.
    const offered = states.at(-1)?.state === "attention" ? 1 : 0;
    if (offered > 0) await client.call("session.keys", { id: session.id, keys: ["Escape"] });
    await reach("idle", 1);
    up = true;
    for (let turn = 1; turn <= turns; turn++) {
      await client.call("session.paste", { id: session.id, text: `please run the tool, hello ${turn}` });
      await new Promise((resolve) => setTimeout(resolve, 700));
      await client.call("session.keys", { id: session.id, keys: ["Enter"] });
      await reach("attention", offered + turn);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await client.call("session.keys", { id: session.id, keys: ["Enter"] });
      await reach("idle", turn + 1);
    }
    for (const { state, at } of states) {
      // The newest moment at which the screen began to show it.
      const seen = shown.findLast((one) => one.state === state && one.at <= at + 50);
      if (seen !== undefined && seen.at > 0) (delays[`${tool} ${state}`] ??= []).push(at - seen.at);
    }
    return states.slice(offered).map(({ state }) => state);
  } finally {
    await events.return();
    await reading;
    await watch.end();
    await client.call("session.kill", { id: session.id, grace_ms: 300 });
    terminal.dispose();
    model.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function compare(tools: readonly string[]): Promise<void> {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const delays: Record<string, number[]> = {};
  const wanted = ["idle", ...Array.from({ length: turns }, () => ["busy", "attention", "busy", "idle"]).flat()];
  const told = await Promise.all(tools.map(async (tool) => await drive(client, tool, delays)));
  figure("turns", `${turns} of ${tools.join(", ")}${tools.length > 1 ? " at once" : ""}`);
  for (const [what, all] of Object.entries(delays))
    figure(what, `p50 ${quantile(all, 0.5)} ms, p95 ${quantile(all, 0.95)} ms (${all.length})`);
  for (const [index, tool] of tools.entries()) expect(told[index], tool).toEqual(wanted);
}

const known = (process.env["AGENTS"] ?? Object.keys(SHOWS).join(",")).split(",");

describe.skipIf(programs === undefined)("every state of every turn, in order, none missed, none extra", () => {
  it.each(known)("%s", async (tool) => await compare([tool]));

  it("four agents at once", async () => await compare(Array.from({ length: 4 }, (_, index) => known[index % known.length] ?? "")));
});
