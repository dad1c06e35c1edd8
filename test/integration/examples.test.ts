/** Every file of examples/ as somebody who copied it would run it, against a real daemon. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { run } from "../contract/run.js";
import { askingTool, installAskingTool, notedBy } from "../support/asking-tool.js";
import type { TestDaemon } from "../support/daemon.js";
import { startDaemon } from "../support/daemon.js";
import { comingEvent, waitForScreen, waitUntil, within } from "../support/wait.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = join(ROOT, "examples");
const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

let daemon: TestDaemon;
let client: Client;
let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 200\n" });
  installAskingTool(daemon.home);
  await daemon.restart();
  client = await daemon.client();
  directory = mkdtempSync(join(tmpdir(), "lifeguard-examples-"));
  symlinkSync(join(ROOT, "bin", "lifeguard"), join(directory, "lifeguard"));
  symlinkSync(process.execPath, join(directory, "node"));
  env = { ...daemon.env, LIFEGUARD_SOCKET: daemon.socket, PATH: `${directory}:${process.env["PATH"] ?? ""}` };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Where the daemon is found as the command line finds it: by LIFEGUARD_HOME alone. */
const byHome = (): Record<string, string> => ({ ...env, LIFEGUARD_SOCKET: "", XDG_RUNTIME_DIR: "" });

/** Runs what goes on for ever until it has printed `text`, then interrupts it with all it started, as Ctrl-C does. */
async function follow(command: string, args: string[], text: string, provoke: (stdout: string) => Promise<void>): Promise<string> {
  const child = spawn(command, args, { env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "close");
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (stdout += more));
  try {
    await waitUntil(`${text} from ${args.join(" ")}`, async () => {
      if (stdout.includes(text)) return true;
      await provoke(stdout);
      return false;
    });
    return stdout;
  } finally {
    process.kill(-(child.pid ?? 0), "SIGINT");
    await within(`${command} to end`, exit);
  }
}

test("each one has a test here", () => {
  const files = readdirSync(EXAMPLES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  expect(files.toSorted()).toEqual(["client.py", "lifeguard.lua", "needs-me.sh", "turn.ts"]);
});

test("turn.ts: compiles strictly against the package's types, and prompts, waits and prints", async () => {
  const project = join(directory, "project");
  mkdirSync(join(project, "node_modules", "@types"), { recursive: true });
  symlinkSync(ROOT, join(project, "node_modules", "lifeguard"));
  for (const name of ["@types/node", "undici-types"]) symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
  symlinkSync(join(EXAMPLES, "turn.ts"), join(project, "turn.ts"));
  writeFileSync(join(project, "package.json"), '{"type": "module"}\n');
  const options = ["--module", "nodenext", "--target", "es2023", "--strict", "--preserveSymlinks", "--types", "node"];
  const tsc = spawnSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), ...options, "turn.ts"], { cwd: project });
  expect(tsc.stdout.toString()).toBe("");
  const { code, stdout, stderr } = await run(process.execPath, ["--preserve-symlinks", join(project, "turn.js")], byHome());
  expect(stderr).toMatch(/^\nsess_\d+: submitted\n$/);
  expect(code).toBe(0);
  expect(stdout).toMatch(/42\r\n/);
});

describe.skipIf(!has("python3"))("client.py", () => {
  const python = async (...args: string[]): ReturnType<typeof run> => await run("python3", [join(EXAMPLES, "client.py"), ...args], env);

  test("runs a command to its end, with all it printed and its exit code", async () => {
    const { code, stdout, stderr } = await python(
      "run",
      "sh",
      "-c",
      "printf 'räd\\n'; awk 'BEGIN { for (i = 0; i < 20000; i++) print i }'; exit 7",
    );
    expect(stderr).toBe("");
    const lines = stdout.split("\r\n");
    expect([lines[0], lines.length, lines.at(-2)]).toEqual(["räd", 20_002, "19999"]);
    expect(code).toBe(7);
  });

  test("lists, and says what was refused", async () => {
    const { id } = await client.call("session.create", { name: "listed", command: "cat", cwd: "/" });
    expect((await python("ls")).stdout).toMatch(new RegExp(`^${id}\tlisted\t\\w+$`, "m"));
    const elsewhere = await run("python3", [join(EXAMPLES, "client.py"), "ls"], byHome());
    expect(elsewhere.stdout).toContain(`${id}\tlisted\t`);
    const refused = await python("run", "no-such-program-at-all");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^client\.py: INVALID_PARAMS: .*no-such-program-at-all/);
    expect(await python("swim")).toMatchObject({ code: 2, stderr: expect.stringContaining("client.py ls") as string });
    await client.call("session.kill", { id });
  });

  test("follows events", async () => {
    const rename = async (): Promise<void> => {
      const { id } = await client.call("session.create", { command: "true", cwd: "/" });
      await client.call("session.update", { id, labels: { seen: "yes" }, name: `renamed-${id}` });
    };
    const args = [join(EXAMPLES, "client.py"), "events", "session.renamed"];
    const [line = ""] = (await follow("python3", args, "renamed-sess_", rename)).split("\n");
    expect(JSON.parse(line)).toMatchObject({ kind: "session.renamed", to: expect.stringMatching(/^renamed-sess_/) as string });
  });
});

describe.skipIf(!has("jq"))("needs-me.sh", () => {
  test("names who waits for a person, with the last line of the screen", async () => {
    const log = join(directory, "asking.log");
    const asking = await client.call("session.create", { name: "asks", ...askingTool(log), cwd: "/" });
    await waitUntil("the tool to be ready", () => notedBy(log).some(({ what }) => what === "ready"));
    const quiet = await client.call("session.create", { name: "quiet", command: "cat", cwd: "/" });
    const attention = await comingEvent(
      client,
      { kinds: ["session.state"], session: asking.id },
      (event) => "to" in event && event.to === "attention",
    );
    process.kill(asking.pid ?? 0, "SIGUSR1");
    await attention.event;
    const { code, stdout, stderr } = await run("sh", [join(EXAMPLES, "needs-me.sh")], env);
    expect(stderr).toMatch(/^\d+ busy\n$/);
    const [line = "", ...others] = stdout.trimEnd().split("\n");
    expect(others).toEqual([]);
    const [id, name, state, age, last] = line.split("\t");
    expect([id, name, state, code]).toEqual([asking.id, "asks", "attention", 0]);
    expect(age).toMatch(/^\d+m$/);
    expect(last).not.toBe("");
    // What changes while the list is printed, before anything is followed, is told as well.
    const listing = `${asking.id}\tasks\tattention\t`;
    let changes = 0;
    const changeOnceListed = async (printed: string): Promise<void> => {
      if (changes > 0 || !printed.includes(listing)) return;
      changes += 1;
      for (const signal of ["SIGUSR2", "SIGUSR1"] as const) {
        const change = await comingEvent(client, { kinds: ["session.state"], session: asking.id });
        process.kill(asking.pid ?? 0, signal);
        await change.event;
      }
    };
    await follow("sh", [join(EXAMPLES, "needs-me.sh"), "--follow"], `${asking.id}\tattention\t`, changeOnceListed);
    for (const session of [asking, quiet]) await client.call("session.kill", { id: session.id, grace_ms: 200 });
  });
});

/** Loads the plugin, does what its user would, and prints one line of JSON of what there was to see. */
const DRIVER = String.raw`
local out = {}
local ok, problem = pcall(function()
  vim.cmd('source ' .. vim.env.PLUGIN)
  local said = {}
  vim.notify = function(text) table.insert(said, text) end
  local function lines() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end
  local function shows(pattern) return vim.wait(20000, function() return table.concat(lines(), '\n'):match(pattern) ~= nil end, 20) end
  vim.cmd('Lifeguard')
  out.name = vim.api.nvim_buf_get_name(0)
  out.listed = shows('sess_%d+ +idle +editor')
  vim.fn.search('editor')
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes('<CR>', true, false, true), 'xt', false)
  out.screen = vim.api.nvim_buf_get_name(0)
  vim.cmd('LifeguardPrompt editor echo $((6 * 7))')
  out.drawn = shows('\n42\n')
  out.unchanged_by_hand = not vim.api.nvim_buf_get_option(0, 'modifiable')
  vim.cmd('LifeguardPrompt editor sleep 1000')
  out.busy = vim.wait(20000, function() return lifeguard.status():match('busy') ~= nil end, 20)
  out.status = lifeguard.status()
  vim.cmd('LifeguardPrompt editor more')
  lifeguard.call('session.kill', { id = 'editor' })
  out.gone = vim.wait(20000, function() return lifeguard.status() == '' end, 20)
  out.kept = shows('\n42\n')
  vim.cmd('LifeguardOpen nobody')
  out.said = said
end)
out.problem = tostring(problem)
io.stdout:write(vim.json.encode(out) .. '\n')
vim.cmd('qall!')
`;

test.skipIf(!has("nvim"))("lifeguard.lua: lists, draws a screen as it changes, prompts, follows the state", async () => {
  const session = await client.call("session.create", { name: "editor", command: "bash", args: ["--norc"], env: { PS1: "$ " }, cwd: "/" });
  await client.call("session.wait", { id: session.id, until: ["idle"], timeout_ms: 20_000 });
  await waitForScreen(client, session.id, "$");
  const driver = join(directory, "driver.lua");
  writeFileSync(driver, DRIVER);
  const { stdout, stderr } = await run("nvim", ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${driver}`], {
    ...byHome(),
    PLUGIN: join(EXAMPLES, "neovim", "lifeguard.lua"),
    XDG_STATE_HOME: directory,
  });
  const line = stdout.split("\n").find((text) => text.startsWith("{")) ?? "{}";
  expect(JSON.parse(line), `${stdout}\n${stderr}`).toEqual({
    problem: "nil",
    name: "lifeguard://sessions",
    listed: true,
    screen: `lifeguard://${session.id}`,
    drawn: true,
    unchanged_by_hand: true,
    busy: true,
    status: "1 busy",
    gone: true,
    kept: true,
    said: [
      "lifeguard: editor: submitted",
      "lifeguard: editor: submitted",
      expect.stringMatching(/^lifeguard: BUSY: /) as string,
      expect.stringMatching(/^lifeguard: NOT_FOUND: no session "nobody"/) as string,
    ],
  });
});
