/**
 * Prompts to real agents, with a model of our own on loopback that tells what it was sent. Each text arrives byte for byte or is
 * refused by name; and while dialogs open at random moments, nothing is typed into one: the command that the dialog asks about
 * would have run. Needs AGENTS_DIR; AGENT_PROMPTS prompts to each, 200 with LIFEGUARD_FULL=1.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { agentHome } from "../support/agent-homes.mjs";
import { startDaemon } from "../support/daemon.js";
import { figure, FULL, seeded } from "../support/figures.js";
import { startMockModel, type MockModel } from "../support/mock-llm.mjs";
import { waitForScreen } from "../support/wait.js";

const programs = process.env["AGENTS_DIR"];
const count = Number(process.env["AGENT_PROMPTS"] ?? (FULL ? 200 : 16));
const tools = (process.env["AGENTS"] ?? "claude,codex").split(",").filter((tool) => tool !== "opencode");
const SIZE = { cols: 100, rows: 30 };
/** So many prompts to one conversation: long ones are compacted. */
const EACH = 25;
const DEADLINE_MS = 60_000;

/** What a person sends, and what nobody would. */
const TEXTS: readonly string[] = [
  "x",
  "hello",
  "- item",
  "--help",
  "/tmp/some path, not a command",
  "a\nb\n\nc",
  "  indented\n   more  \nx",
  Array.from({ length: 15 }, (_, n) => `line ${n} of a prompt`).join("\n"),
  "tabs\there\tand\n\tthere",
  "emoji 👩‍💻 🎉 ✅ and 日本語",
  "decomposed e\u0301 o\u0308",
  "🎉",
  "שלום, مرحبا and back",
  "a  b   c \u00a0 d\u200be",
  "back\\slash \\ and 'quotes' \"$HOME\" `x`",
  "ends with a backslash\\",
  "# note",
  "@foo bar",
  "?",
  "1",
  "y",
  "word ".repeat(200).trim(),
  "0123456789 abcdef\n".repeat(5_800).trim(),
  "0123456789 abcdef ".repeat(5_700).trim(),
  "one\r\ntwo\r\nthree",
  "one\rtwo",
  "",
  " \n ",
  "an arrow \u001b[A",
  "a bell \u0007",
  "the end of a paste \u001b[201~ and a key",
];

interface Agent {
  id: string;
  cwd: string;
  model: MockModel;
  heard: Set<string>;
  end(): Promise<void>;
}

async function start(client: Client, tool: string): Promise<Agent> {
  if (programs === undefined) throw new Error("AGENTS_DIR is not set");
  const root = mkdtempSync(join(tmpdir(), "prompted-"));
  const heard = new Set<string>();
  const model = await startMockModel({ delayMs: 2, command: "touch tool-ran", heard: (texts) => texts.forEach((text) => heard.add(text)) });
  const { cwd, env } = agentHome(tool, { root, programs, port: model.port });
  const { id } = await client.call("session.create", { tool, cwd, env, env_base: "none", ...SIZE });
  await client.call("session.wait", { id, until: ["idle"], timeout_ms: DEADLINE_MS });
  return {
    id,
    cwd,
    model,
    heard,
    end: async () => {
      await client.call("session.kill", { id, grace_ms: 300 });
      model.close();
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

interface Tally {
  arrived: number;
  refused: Record<string, number>;
  wrong: string[];
}

async function promptAll(client: Client, tool: string): Promise<Tally> {
  const tally: Tally = { arrived: 0, refused: {}, wrong: [] };
  for (let done = 0; done < count; done += EACH) {
    const agent = await start(client, tool);
    try {
      for (let n = done; n < Math.min(count, done + EACH); n++) await promptOne(client, agent, textOf(n), tally);
    } finally {
      await agent.end();
    }
  }
  return tally;
}

/** In a sample, a sample of the texts. */
function textOf(n: number): string {
  const base = TEXTS[count < TEXTS.length ? Math.floor((n * TEXTS.length) / count) : n % TEXTS.length] ?? "";
  // The same text twice would be taken for the first one.
  if (n < TEXTS.length || base.trim() === "") return base;
  return base.endsWith("\\") ? `${n} ${base}` : `${base} ${n}`;
}

async function promptOne(client: Client, { id, heard }: Agent, text: string, tally: Tally): Promise<void> {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}… ${text.length}` : text);
  try {
    const answer = await client.call("session.prompt", { id, text, wait: { until: ["idle", "attention"], timeout_ms: DEADLINE_MS } });
    if (answer.delivery === "submitted" && answer.state === "idle" && heard.has(text.trim())) tally.arrived++;
    else tally.wrong.push(`${shown}: ${JSON.stringify(answer)}, ${heard.has(text.trim()) ? "arrived" : "did not arrive"}`);
  } catch (error) {
    const { name, message } = error as Error;
    if (name === "INVALID_PARAMS" || name === "UNSUPPORTED") tally.refused[name] = (tally.refused[name] ?? 0) + 1;
    else tally.wrong.push(`${shown}: ${name}: ${message}`);
  }
}

test.skipIf(programs === undefined)("any text arrives byte for byte or is refused by name", async () => {
  const daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 400\n" });
  const client = await daemon.client();
  const tallies = await Promise.all(tools.map(async (tool) => ({ tool, ...(await promptAll(client, tool)) })));
  for (const { tool, arrived, refused, wrong } of tallies) {
    figure(`${tool}: prompts`, `${count}: ${arrived} arrived byte for byte, refused ${JSON.stringify(refused)}, wrong ${wrong.length}`);
  }
  for (const { tool, wrong } of tallies) expect(wrong, tool).toEqual([]);
  await daemon.end();
});

/** Somebody else gets the agent to open a dialog, and the prompt comes at a random moment of that. */
async function amongDialogs(
  client: Client,
  tool: string,
  random: () => number,
): Promise<{ outcomes: Record<string, number>; dialogs: number; ran: number }> {
  const outcomes: Record<string, number> = {};
  const texts = ["1", "y", "Yes, go on", "2\n1", "hello there"];
  let dialogs = 0;
  let ran = 0;
  let agent: Agent | null = null;
  try {
    for (let n = 0; n < count; n++) {
      if (n % EACH === 0) {
        await agent?.end();
        agent = await start(client, tool);
      }
      const { id, cwd } = agent as Agent;
      await client.call("session.paste", { id, text: `please run the tool, hello ${n}` });
      await waitForScreen(client, id, `hello ${n}`);
      await pause(300);
      const trying = (async (): Promise<string> => {
        await pause(random() * 1_500);
        try {
          const { delivery, evidence } = await client.call("session.prompt", { id, text: texts[n % texts.length] ?? "" });
          return delivery === "submitted" ? delivery : `${delivery}: ${evidence.rule}`;
        } catch (error) {
          return (error as Error).name;
        }
      })();
      await pause(random() * 600);
      // A turn that begins late is tidied up after, too.
      const began = client.call("session.wait", { id, until: ["busy", "attention"], timeout_ms: 10_000 }).catch(() => undefined);
      await client.call("session.keys", { id, keys: ["Enter"] });
      const outcome = await trying;
      await began;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const { state } = await client.call("session.wait", { id, until: ["attention", "idle"], timeout_ms: DEADLINE_MS });
      if (state === "attention") dialogs++;
      // Approved by nobody: what ran, ran because something was typed.
      if (existsSync(join(cwd, "tool-ran"))) {
        ran++;
        rmSync(join(cwd, "tool-ran"));
      }
      await tidy(client, id);
    }
  } finally {
    await agent?.end();
  }
  return { outcomes, dialogs, ran };
}

/** What a person would do: refuse the dialog, let the turn end, empty the box. Two Escapes would be one too many: they open a menu. */
async function tidy(client: Client, id: string): Promise<void> {
  // A prompt that was typed into a working agent may be a turn of its own.
  for (let clean = 0; clean < 2;) {
    const { state } = await client.call("session.wait", { id, until: ["attention", "idle"], timeout_ms: DEADLINE_MS });
    await client.call("session.keys", { id, keys: state === "idle" ? ["C-u", "C-u", "C-u"] : ["Escape"] });
    clean = state === "idle" ? clean + 1 : 0;
    if (state === "idle") await pause(300);
    else await client.call("session.wait", { id, until: ["idle"], timeout_ms: 5_000 }).catch(() => undefined);
  }
}

test.skipIf(programs === undefined)("while dialogs open at random moments, nothing is typed into one", async () => {
  const daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 400\n" });
  const client = await daemon.client();
  const random = seeded("moments", 3);
  const told = await Promise.all(tools.map(async (tool) => ({ tool, ...(await amongDialogs(client, tool, random)) })));
  for (const { tool, outcomes, dialogs, ran } of told) {
    figure(
      `${tool}: tries among dialogs`,
      `${count}, ${dialogs} dialogs open after them, ${JSON.stringify(outcomes)}, typed into a dialog ${ran}`,
    );
  }
  for (const { tool, ran } of told) expect(ran, tool).toBe(0);
  await daemon.end();
});
