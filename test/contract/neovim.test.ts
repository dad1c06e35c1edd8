/** A real Neovim: sockconnect, rpcrequest with Lua's tables, and events through `notify`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "./run.js";
import { startServer } from "./rpc-fixture.js";
import type { Fixture } from "./rpc-fixture.js";

const installed = spawnSync("nvim", ["--version"]).status === 0;

/** Prints one JSON line of everything it saw, then quits; an error is in it too. */
const SCRIPT = String.raw`
local out = { }
local ok, problem = pcall(function()
  local ch = vim.fn.sockconnect('pipe', vim.env.LIFEGUARD_TEST_SOCKET, { rpc = 1 })
  out.channel = ch > 0
  out.hello = vim.fn.rpcrequest(ch, 'daemon.hello', { client = 'nvim', protocol = 1, notify = { method = 'nvim_exec_lua', args = { 'lifeguard_notified(...)' } } })
  seen = {}
  function lifeguard_notified(name, params) table.insert(seen, { name = name, params = params }) end
  out.empty = vim.fn.rpcrequest(ch, 'session.list', {})
  out.none = vim.fn.rpcrequest(ch, 'session.list')
  out.events = vim.fn.rpcrequest(ch, 'events.subscribe', {})
  out.created = vim.fn.rpcrequest(ch, 'session.create', { name = 'vim', command = 'sh', args = { '-c', 'cat' }, labels = {}, env = {} })
  out.input = vim.fn.rpcrequest(ch, 'session.input', { id = 'vim', data = 'héllo\n' })
  out.keys = vim.fn.rpcrequest(ch, 'session.keys', { id = 'vim', keys = { 'Enter' } })
  out.screen = vim.fn.rpcrequest(ch, 'session.screen', { id = 'vim' })
  out.watch = vim.fn.rpcrequest(ch, 'session.watch', { id = 'vim', since = 0 })
  out.read = vim.fn.rpcrequest(ch, 'session.read', { id = 'vim' })
  local fine, why = pcall(vim.fn.rpcrequest, ch, 'session.get', { id = 'nobody' })
  out.refused = { fine = fine, why = tostring(why) }
  out.waited = vim.wait(5000, function()
    local kinds = {}
    for _, item in ipairs(seen) do kinds[item.name] = true end
    return kinds['event'] and kinds['session.output']
  end, 5)
  vim.fn.rpcnotify(ch, 'session.unwatch', { watch = out.watch.watch })
  out.after = vim.fn.rpcrequest(ch, 'session.kill', { id = 'vim' })
  out.alive = vim.fn.rpcrequest(ch, 'daemon.status', {}).connections
  out.seen = seen
end)
out.ok = ok
out.problem = tostring(problem)
io.stdout:write(vim.json.encode(out) .. '\n')
vim.cmd('qall!')
`;

let fixture: Fixture;
let directory: string;
beforeAll(async () => {
  fixture = await startServer();
  directory = mkdtempSync(join(tmpdir(), "lifeguard-nvim-"));
  writeFileSync(join(directory, "probe.lua"), SCRIPT);
});
afterAll(async () => {
  await fixture.end();
  rmSync(directory, { recursive: true, force: true });
});

it.skipIf(!installed)("calls methods and follows events from Neovim", async () => {
  // Output that is no text, so that Lua must get it as bytes.
  const create = fixture.supervisor.create.bind(fixture.supervisor);
  fixture.supervisor.create = async (request, caller) => {
    const summary = await create(request, caller);
    fixture.supervisor.print(summary.id, Buffer.from("output"));
    return summary;
  };
  const { stdout, stderr } = await run(
    "nvim",
    ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${join(directory, "probe.lua")}`],
    { LIFEGUARD_TEST_SOCKET: fixture.socket, HOME: directory },
  );
  const line = stdout.split("\n").find((text) => text.startsWith("{")) ?? "";
  expect(line, stderr).not.toBe("");
  const out = JSON.parse(line) as Record<string, Record<string, unknown>>;
  expect(out["problem"], stderr).toBe("nil");
  expect(out).toMatchObject({
    ok: true,
    hello: { protocol: 1, boot: "boot-fake" },
    events: { seq: 0, gap: false },
    created: { name: "vim", state: "idle", created_at: 1_700_000_000_000 },
    input: { accepted: 7 },
    keys: { accepted: 5 },
    screen: { text: "text é", offset: 2 ** 40 + 6 },
    watch: { offset: 0, gap: 0 },
    read: { data: "output", next: 6 },
    refused: { fine: false, why: expect.stringContaining('NOT_FOUND: no session "nobody"') as string },
    waited: true,
    after: { processes: 1 },
    alive: 1,
  });
  const seen = out["seen"] as unknown as { name: string; params: Record<string, unknown> }[];
  expect(seen.find((item) => item.name === "event")?.params).toMatchObject({ kind: "session.created", session: "sess_1" });
  expect(seen.find((item) => item.name === "session.output")?.params).toMatchObject({ data: "output", offset: 0 });
});
