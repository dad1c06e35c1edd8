// Records the payloads that real coding agents hand to their hooks, as fixtures for test/unit/cli/hook.test.ts. Run by hand, after a build:
//   AGENTS_DIR=DIR node test/support/record-hooks.mjs [tool…]
// Each goes to test/fixtures/hooks/<tool>.json: version, date, and the payloads in the order in which they came, with how they came
// (stdin, argument) and whether the session's environment came with them. Paths and ids of this machine are replaced.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeDescriptor, readDescriptor, writeDescriptor } from "../../dist/libc/descriptors.js";
import { reap, spawnOnTerminal } from "../../dist/libc/processes.js";
import { openPty } from "../../dist/libc/terminals.js";
import { Terminal } from "../../dist/actors/terminal/terminal.js";
import { agentHome } from "./agent-homes.mjs";
import { scenarios } from "./agent-scenarios.mjs";
import { startMockModel } from "./mock-llm.mjs";

const programs = process.env.AGENTS_DIR;
if (programs === undefined) throw new Error("AGENTS_DIR is not set: where the agents are installed");
const SIZE = { cols: 100, rows: 30 };
const STEP_MS = 45_000;

const EVENTS = {
  claude:
    "SessionStart UserPromptSubmit PreToolUse PermissionRequest PermissionDenied PostToolUse PostToolUseFailure Notification Elicitation SubagentStart SubagentStop Stop StopFailure PreCompact PostCompact SessionEnd",
  codex:
    "SessionStart UserPromptSubmit PreToolUse PermissionRequest PostToolUse SubagentStart SubagentStop Stop Interrupt PreCompact PostCompact SessionEnd",
};

function settings(tool, env, note) {
  const group = { hooks: [{ type: "command", command: `${note} stdin`, timeout: 3 }] };
  const hooks = Object.fromEntries(EVENTS[tool].split(" ").map((event) => [event, [group]]));
  if (process.env.UNKNOWN_EVENT !== undefined) hooks[process.env.UNKNOWN_EVENT] = [group];
  if (tool === "claude") return writeFileSync(join(env.CLAUDE_CONFIG_DIR, "settings.json"), JSON.stringify({ hooks }));
  writeFileSync(join(env.CODEX_HOME, "hooks.json"), JSON.stringify({ hooks }));
  const config = join(env.CODEX_HOME, "config.toml");
  writeFileSync(config, `notify = ["${note}", "argument"]\n${readFileSync(config, "utf8")}`);
}

function steps(tool) {
  const { turn, refused, escape, error, question } = scenarios[tool];
  // Each scenario begins with the same start-up, which happens once here.
  const begin = turn.steps.findIndex((step) => step.type !== undefined);
  const rest = (scenario) => (scenario === undefined ? [] : scenario.steps.slice(begin));
  const trust =
    tool === "codex"
      ? [{ until: /Trust all and continue/ }, { quiet: 500 }, { send: "\x1b[B" }, { until: /› 2\. Trust/ }, { send: "\r" }]
      : [];
  return [
    ...trust,
    ...turn.steps.slice(0, begin),
    { wait: 3_000 },
    ...rest(turn),
    ...rest(question),
    ...rest(refused),
    ...rest(escape),
    ...rest(error),
    { type: tool === "claude" ? "/exit" : "/quit" },
    { send: "\r" },
    { wait: 3_000 },
  ];
}

async function record(tool) {
  const model = await startMockModel({ delayMs: 50, command: "sleep 1 && touch tool-ran && echo tool ran" });
  const root = mkdtempSync("/tmp/agent-");
  const { cwd, env, command } = agentHome(tool, { root, programs, port: model.port });
  const payloads = join(root, "payloads");
  mkdirSync(payloads);
  const note = join(root, "note");
  writeFileSync(
    note,
    `#!/bin/sh
at=$(date +%s%N)
case $1 in stdin) cat > ${payloads}/$at.stdin ;; *) printf %s "$2" > ${payloads}/$at.argument ;; esac
printf %s "$LIFEGUARD_SESSION" > ${payloads}/$at.session
readlink /proc/$$/fd/0 > ${payloads}/$at.fd0
`,
    { mode: 0o755 },
  );
  settings(tool, env, note);
  env.LIFEGUARD_SESSION = "sess_7";
  const { master, slavePath } = openPty(SIZE.cols, SIZE.rows);
  const file = join(programs, "node_modules/.bin", command);
  const pid = spawnOnTerminal({ file, argv: [file], env: Object.entries(env).map(([key, value]) => `${key}=${value}`), cwd, slavePath });
  const terminal = new Terminal(
    SIZE,
    { historyLines: 0 },
    { reply: (answer) => writeDescriptor(master, answer), title() {}, bell() {}, osc() {} },
  );
  let last = performance.now();
  const page = Buffer.alloc(65_536);
  const read = () => {
    for (let n = readDescriptor(master, page); n > 0; n = readDescriptor(master, page)) {
      last = performance.now();
      terminal.feed(Buffer.from(page.subarray(0, n)));
    }
  };
  const shown = () => `${terminal.title}\n${terminal.screenText().join("\n")}`;
  const until = async (holds, what) => {
    for (const end = performance.now() + STEP_MS; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
      read();
      if (holds()) return;
      if (performance.now() > end) throw new Error(`${tool}: ${what} did not come; the screen is\n${shown()}`);
    }
  };
  const wait = async (ms) => {
    const end = performance.now() + ms;
    await until(() => performance.now() >= end, "time");
  };
  try {
    for (const step of steps(tool)) {
      if (process.env.SHOW !== undefined && step.quiet !== undefined) await wait(2_000).then(() => console.log(shown()));
      if (step.until !== undefined) await until(() => step.until.test(shown()), String(step.until));
      if (step.gone !== undefined) await until(() => !step.gone.test(shown()), `the end of ${step.gone}`);
      if (step.quiet !== undefined) await until(() => performance.now() - last > step.quiet, "quiet");
      if (step.wait !== undefined) await wait(step.wait);
      if (step.type !== undefined) {
        for (const letter of step.type) {
          writeDescriptor(master, Buffer.from(letter));
          await wait(30);
        }
        await wait(500);
      }
      if (step.send !== undefined) writeDescriptor(master, Buffer.from(step.send));
    }
  } finally {
    closeDescriptor(master);
    try {
      process.kill(-pid, "SIGKILL");
    } catch {}
    for (const leftover of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
      try {
        const environment = readFileSync(`/proc/${leftover}/environ`, "utf8");
        if (Number(leftover) !== process.pid && environment.includes(`=${root}/`)) process.kill(Number(leftover), "SIGKILL");
      } catch {}
    }
    while (reap(pid) === null) await new Promise((resolve) => setTimeout(resolve, 10));
    model.close();
  }
  const version = execFileSync(file, ["--version"], { env, cwd, encoding: "utf8" }).trim();
  const neutral = (text) => text.replaceAll(realpathSync(root), "/home/ada").replaceAll(root.replaceAll(/[^a-zA-Z0-9]/g, "-"), "-home-ada");
  const read1 = (name) => readFileSync(join(payloads, name), "utf8");
  const came = readdirSync(payloads)
    .filter((name) => /\.(stdin|argument)$/.test(name))
    .sort()
    .map((name) => {
      const [at, by] = name.split(".");
      const session = read1(`${at}.session`);
      return { by, session, stdin: read1(`${at}.fd0`).trim().replace(/\d+/, "N"), payload: JSON.parse(neutral(read1(name)), brief) };
    });
  const directory = new URL("../fixtures/hooks/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    new URL(`${tool}.json`, directory),
    `${JSON.stringify({ tool, version, date: new Date().toISOString().slice(0, 10), payloads: came }, null, 1)}\n`,
  );
  if (process.env.KEEP !== undefined) console.log(root);
  else rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  console.log(`${tool}: ${came.map(({ payload }) => payload.hook_event_name ?? payload.type).join(" ")}`);
}

/** What an agent has said at length is not what hooks are for. */
function brief(_, value) {
  return typeof value === "string" && value.length > 400 ? `${value.slice(0, 400)}…` : value;
}

const wanted = ["claude", "codex"].filter((tool) => process.argv.includes(tool));
for (const tool of wanted.length === 0 ? ["claude", "codex"] : wanted) await record(tool);
