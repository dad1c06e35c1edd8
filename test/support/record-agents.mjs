// Records what real coding agents write to a terminal, as fixtures for test/unit/actors/recordings.test.ts. Run by hand, after a build:
//   npm install --prefix DIR @anthropic-ai/claude-code @openai/codex opencode-ai     (and their install scripts, where npm skips them)
//   AGENTS_DIR=DIR node test/support/record-agents.mjs [tool…] [--only name,name] [--as DIRECTORY] [--show]
// Each recording goes to test/recordings/<tool>/<name>.json (--as: another directory, for another version of the tool) with a DRAFT
// timeline: the moments at which the texts that the steps wait for were on the screen. Read its frames (read-frames.mjs), mend the
// timeline, then set `checked` to { "by": "frame reading", "on": DATE }. A recording that exists keeps nothing.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeDescriptor, readDescriptor, writeDescriptor } from "../../dist/libc/descriptors.js";
import { reap, spawnOnTerminal } from "../../dist/libc/processes.js";
import { openPty, setWindowSize } from "../../dist/libc/terminals.js";
import { Terminal } from "../../dist/actors/terminal/terminal.js";
import { readForeground } from "../../dist/actors/foreground.js";
import { agentHome, TOOLS } from "./agent-homes.mjs";
import { scenarios } from "./agent-scenarios.mjs";
import { startMockModel } from "./mock-llm.mjs";

const RECORDINGS = new URL("../recordings/", import.meta.url);
const MOST_BYTES = 300_000;
const STEP_MS = 45_000;
const STEADY_MS = 300;
const programs = process.env.AGENTS_DIR;
if (programs === undefined) throw new Error("AGENTS_DIR is not set: where the agents are installed");

function option(name) {
  return process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;
}

/** Codex leaves servers behind that outlive its terminal: whatever has the recording's own directory in its environment ends with it. */
function endLeftovers(root) {
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      if (Number(pid) !== process.pid && environment.includes(`=${root}/`)) process.kill(Number(pid), "SIGKILL");
    } catch {
      // Gone meanwhile, or not ours to read.
    }
  }
}

async function record(tool, name, scenario) {
  const { cols = 100, rows = 30, command: toolCommand = "sleep 3 && touch tool-ran && echo tool ran", inShell = false, steps } = scenario;
  const model = await startMockModel({ delayMs: scenario.delayMs ?? 50, command: toolCommand });
  const root = mkdtempSync("/tmp/agent-");
  const { cwd, env, command } = agentHome(tool, { root, programs, port: model.port, ...scenario.home });
  const argv = inShell ? ["/bin/bash", "--norc", "-i"] : [join(programs, "node_modules/.bin", command)];
  const { master, slavePath } = openPty(cols, rows);
  const pid = spawnOnTerminal({ file: argv[0], argv, env: Object.entries(env).map(([key, value]) => `${key}=${value}`), cwd, slavePath });
  const began = performance.now();
  const now = () => Math.round(performance.now() - began);
  const terminal = new Terminal(
    { cols, rows },
    { historyLines: 1000 },
    { reply: (answer) => writeDescriptor(master, answer), title() {}, bell() {}, osc() {} },
  );
  const output = [];
  const inputs = [];
  const resizes = [];
  const foreground = [];
  const timeline = [];
  let last = 0;
  let lookedAt = -1_000;
  const page = Buffer.alloc(65_536);
  const read = () => {
    for (let n = readDescriptor(master, page); n > 0; n = readDescriptor(master, page)) {
      last = now();
      const chunk = Buffer.from(page.subarray(0, n));
      output.push([last, chunk]);
      terminal.feed(chunk);
    }
    if (now() - lookedAt < 100) return;
    lookedAt = now();
    const seen = readForeground(master, pid);
    const before = foreground.at(-1);
    if (seen !== null && (before === undefined || before[2] !== seen.command || before[1] !== seen.isLeader))
      foreground.push([now(), seen.isLeader, seen.command]);
  };
  const shown = () => `${terminal.title}\n${terminal.screenText().join("\n")}`;
  const until = async (holds, what) => {
    for (const end = now() + STEP_MS; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
      read();
      if (holds()) return;
      if (now() > end) throw new Error(`${tool}/${name}: ${what} did not come; the screen is\n${shown()}`);
    }
  };
  try {
    for (const step of steps) {
      if (step.when !== undefined && !step.when.test(shown())) continue;
      if (step.until !== undefined) await until(() => step.until.test(shown()), String(step.until));
      let since = null;
      const gone = () => {
        since = step.gone.test(shown()) ? null : (since ?? now());
        // A frame that is drawn in parts after a resize lacks it for a moment.
        return since !== null && now() - since >= STEADY_MS;
      };
      if (step.gone !== undefined) await until(gone, `the end of ${step.gone}`);
      if (step.quiet !== undefined) await until(() => now() - last > step.quiet, "quiet");
      if (step.state !== undefined) {
        timeline.push([since ?? now(), step.state, step.why ?? String(step.until ?? step.gone ?? "")]);
        if (process.argv.includes("--show")) console.log(`---- ${tool}/${name} ${now()} ${step.state}\n${shown()}`);
      }
      const wait = async (ms) => {
        const end = now() + ms;
        await until(() => now() >= end, "time");
      };
      if (step.wait !== undefined) await wait(step.wait);
      if (step.size !== undefined) {
        setWindowSize(master, step.size[0], step.size[1]);
        terminal.resize({ cols: step.size[0], rows: step.size[1] });
        resizes.push([now(), ...step.size]);
      }
      if (step.type !== undefined) {
        for (const letter of step.type) {
          inputs.push([now(), letter]);
          writeDescriptor(master, Buffer.from(letter));
          await wait(30);
        }
        await wait(500);
      }
      if (step.send !== undefined) {
        inputs.push([now(), step.send]);
        writeDescriptor(master, Buffer.from(step.send));
      }
    }
  } finally {
    closeDescriptor(master);
    try {
      process.kill(-pid, "SIGKILL");
    } catch {}
    try {
      process.kill(pid, "SIGKILL");
    } catch {}
    while (reap(pid) === null) await new Promise((resolve) => setTimeout(resolve, 10));
    model.close();
    endLeftovers(root);
  }
  const version = execFileSync(join(programs, "node_modules/.bin", command), ["--version"], { env, cwd, encoding: "utf8" }).trim();
  await new Promise((resolve) => setTimeout(resolve, 300));
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  const bytes = output.reduce((sum, [, chunk]) => sum + chunk.length, 0);
  const text = `${JSON.stringify({ tool, version, date: new Date().toISOString().slice(0, 10), scenario: scenario.about, checked: false, cols, rows, shell: inShell, end: now() }, null, 1).slice(0, -2)},\n "timeline": [\n${timeline.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n ],\n "resizes": ${JSON.stringify(resizes)},\n "inputs": ${JSON.stringify(inputs)},\n "foreground": ${JSON.stringify(foreground)},\n "output": [\n${output.map(([at, chunk]) => `  ${JSON.stringify([at, chunk.toString("base64")])}`).join(",\n")}\n ]\n}\n`;
  if (text.length > MOST_BYTES) console.error(`${tool}/${name}: ${text.length} bytes make too large a fixture`);
  const raw = Buffer.concat(output.map(([, chunk]) => chunk)).toString("latin1");
  for (const word of [programs, process.cwd()]) if (raw.includes(word)) console.error(`${tool}/${name}: shows ${word} of this machine`);
  const directory = option("--as") ?? tool;
  mkdirSync(new URL(`${directory}/`, RECORDINGS), { recursive: true });
  writeFileSync(new URL(`${directory}/${name}.json`, RECORDINGS), text);
  console.log(`${tool}/${name}: ${bytes} bytes, ${output.length} reads, ${now()} ms`);
}

const only = option("--only")?.split(",") ?? null;
const wanted = TOOLS.filter((tool) => process.argv.includes(tool));
let failed = 0;
for (const tool of wanted.length === 0 ? TOOLS : wanted) {
  for (const [name, scenario] of Object.entries(scenarios[tool])) {
    if (only !== null && !only.includes(name)) continue;
    try {
      await record(tool, name, scenario);
    } catch (error) {
      failed++;
      console.error(String(error.message ?? error));
    }
  }
}
process.exit(failed === 0 ? 0 : 1);
