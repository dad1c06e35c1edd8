/**
 * `lifeguard hook` as an agent runs it, against sockets that answer, hang, refuse and are not there; and `hook install`, `uninstall`,
 * `status` on settings as people have them. Nothing of it may ever be felt by the agent: exit 0, not a byte on stdout or stderr.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { startDaemon } from "../../support/daemon.js";

const LIFEGUARD = fileURLToPath(new URL("../../../bin/lifeguard", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "lifeguard-hook-"));
const servers: { server: Server; sockets: Set<Socket> }[] = [];
afterAll(async () => {
  for (const { server, sockets } of servers) {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
/** A daemon's socket that hears requests and answers as it is told. */
async function listening(answer: (socket: Socket) => void): Promise<{ path: string; heard: unknown[] }> {
  const path = join(root, `${++count}.sock`);
  const heard: unknown[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (data: string) => {
      text += data;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        heard.push(JSON.parse(text.slice(0, end)));
        text = text.slice(end + 1);
        answer(socket);
      }
    });
  }).listen(path);
  servers.push({ server, sockets });
  await once(server, "listening");
  return { path, heard };
}

interface Ran {
  code: number | null;
  said: string;
}

/** @param stdin null: it is left open, and nothing is written */
async function hook(
  words: string[],
  socket: string | null,
  stdin: string | Buffer | null = "",
  env: Record<string, string> = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [LIFEGUARD, "hook", ...words], {
    env: {
      PATH: "/usr/bin:/bin",
      HOME: root,
      ...(socket === null ? {} : { LIFEGUARD_SOCKET: socket, LIFEGUARD_SESSION: "sess_1" }),
      ...env,
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  let broken: Error | null = null;
  child.stdin.on("error", (error) => (broken = error));
  if (stdin !== null) child.stdin.end(stdin);
  const [code] = (await once(child, "close")) as [number | null];
  child.stdin.destroy();
  if (broken !== null) said += `the agent's pipe broke: ${String(broken)}`;
  return { code, said };
}

const SILENT: Ran = { code: 0, said: "" };
const PAYLOAD = JSON.stringify({
  session_id: "abc",
  cwd: "/w",
  hook_event_name: "PreToolUse",
  tool_name: "Bash",
  tool_input: { command: "x" },
});

describe("lifeguard hook", () => {
  test("one report, for the session it runs in", async () => {
    const { path, heard } = await listening((socket) => socket.write('{"id":1,"result":{"accepted":true}}\n'));
    expect(await hook(["claude"], path, PAYLOAD)).toEqual(SILENT);
    expect(heard).toEqual([
      {
        id: 1,
        method: "session.report",
        params: {
          id: "sess_1",
          source: "claude-hook",
          event: "PreToolUse",
          tool: "claude",
          at: expect.any(Number) as number,
          detail: "Bash",
          conversation_id: "abc",
          cwd: "/w",
        },
      },
    ]);
  });

  test("a real daemon, whatever it answers", async () => {
    const daemon = await startDaemon();
    const client = await daemon.client();
    const { id } = await client.call("session.create", { command: "cat", args: [] });
    expect(await hook(["claude"], daemon.socket, PAYLOAD, { LIFEGUARD_SESSION: id })).toEqual(SILENT);
    expect(await hook(["claude"], daemon.socket, PAYLOAD, { LIFEGUARD_SESSION: "sess_999" })).toEqual(SILENT);
    expect(await client.call("session.get", { id })).toMatchObject({ id });
    await daemon.kill9();
    expect(await hook(["claude"], daemon.socket, PAYLOAD, { LIFEGUARD_SESSION: id })).toEqual(SILENT);
    await daemon.start();
  });

  test("a daemon that hangs, closes, talks rubbish, is no socket, is not there", async () => {
    const hung = await listening(() => {});
    const closing = await listening((socket) => socket.destroy());
    const rubbish = await listening((socket) => socket.write(Buffer.alloc(1 << 20, 0xff)));
    const file = join(root, "file");
    writeFileSync(file, "");
    for (const path of [hung.path, closing.path, rubbish.path, file, join(root, "nowhere"), "/", "x".repeat(300)])
      expect([path, await hook(["claude"], path, PAYLOAD)]).toEqual([path, SILENT]);
    expect(hung.heard).toHaveLength(1);
  });

  test("stdin that is huge, rubbish, empty, left open, cut off", async () => {
    const { path, heard } = await listening((socket) => socket.write("{}\n"));
    const huge = `${PAYLOAD.slice(0, -1)},"tool_response":"${"x".repeat(8 << 20)}"}`;
    for (const stdin of [huge, Buffer.alloc(2 << 20, 0), "rubbish", "", "[]", null, PAYLOAD.slice(0, -9)])
      expect([String(stdin).slice(0, 20), await hook(["claude"], path, stdin)]).toEqual([String(stdin).slice(0, 20), SILENT]);
    expect(heard).toHaveLength(2);
  });

  test("outside a session, for tools it does not know, with words it does not know", async () => {
    expect(await hook(["claude"], null, PAYLOAD)).toEqual(SILENT);
    expect(await hook(["claude"], null, "x".repeat(4 << 20))).toEqual(SILENT);
    const { path, heard } = await listening((socket) => socket.write("{}\n"));
    expect(await hook(["nobody"], path, PAYLOAD)).toEqual(SILENT);
    expect(await hook(["claude", "--what", "ever"], path, PAYLOAD)).toEqual(SILENT);
    expect(heard).toHaveLength(1);
  });

  test("Codex's notify: a finished turn of this conversation, not of threads of Codex's own; and the notify that was there before", async () => {
    const { path, heard } = await listening((socket) => socket.write("{}\n"));
    const id = "019a1fca-6b4b-7193-8031-2b36f03f9b82";
    const day = new Date(Number.parseInt(id.replace("-", "").slice(0, 12), 16));
    const parts = [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0"));
    const directory = join(root, "codex", "sessions", ...parts);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `rollout-x-${id}.jsonl`), "");
    const env = { CODEX_HOME: join(root, "codex") };
    const payload = (thread: string): string => JSON.stringify({ type: "agent-turn-complete", "thread-id": thread, cwd: "/w" });
    const mark = join(root, "mark");
    expect(
      await hook(["codex", "--then", "sh", "-c", `printf %s "$1" > ${mark}.new; mv ${mark}.new ${mark}`, "sh", payload(id)], path, "", env),
    ).toEqual(SILENT);
    await expect.poll(() => existsSync(mark) && readFileSync(mark, "utf8"), { timeout: 20_000 }).toBe(payload(id));
    expect(heard).toMatchObject([
      {
        params: {
          source: "codex-notify",
          event: "agent-turn-complete",
          conversation_id: id,
          transcript: join(directory, `rollout-x-${id}.jsonl`),
        },
      },
    ]);
    expect(await hook(["codex", payload(`${id.slice(0, -1)}3`)], path, "", env)).toEqual(SILENT);
    expect(heard).toHaveLength(1);
  });
});

describe("hook install", () => {
  const daemonless = (home: string, words: string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [LIFEGUARD, "hook", ...words], {
        env: { PATH: `${home}/bin:/usr/bin:/bin`, HOME: home, NO_COLOR: "1" },
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
      child.once("close", (code) => resolve({ code, said }));
    });
  /** @returns a home with programs that say of themselves what the real ones do */
  function person(): string {
    const home = join(root, `home${++count}`);
    mkdirSync(join(home, "bin"), { recursive: true });
    writeFileSync(join(home, "bin", "claude"), "#!/bin/sh\necho '2.1.197 (Claude Code)'\n");
    writeFileSync(join(home, "bin", "codex"), "#!/bin/sh\necho 'hooks   stable   true'\n");
    for (const name of ["claude", "codex"]) chmodSync(join(home, "bin", name), 0o755);
    return home;
  }
  const MINE = '{\n\t"model": "opus",\n\t"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}]}\n}\n';

  test("Claude Code: shown as a diff, twice is once, out again byte for byte; link, mode and neighbours stay", async () => {
    const home = person();
    mkdirSync(join(home, ".claude"));
    mkdirSync(join(home, "dotfiles"));
    const target = join(home, "dotfiles", "claude.json");
    const link = join(home, ".claude", "settings.json");
    writeFileSync(target, MINE);
    chmodSync(target, 0o640);
    symlinkSync("../dotfiles/claude.json", link);
    const dry = await daemonless(home, ["install", "claude", "--dry-run"]);
    expect(dry).toMatchObject({
      code: 0,
      said: expect.stringMatching(
        /^--- ~\/\.claude\/settings\.json\n\+\+\+ [\s\S]*\n\+[^\n]*hook claude[\s\S]*nothing was written/,
      ) as string,
    });
    expect(readFileSync(target, "utf8")).toBe(MINE);
    expect(await daemonless(home, ["install", "claude"])).toMatchObject({
      code: 0,
      said: expect.stringContaining("installed the hooks") as string,
    });
    const installed = readFileSync(target, "utf8");
    expect(Object.keys((JSON.parse(installed) as { hooks: object }).hooks)).toEqual(
      expect.arrayContaining(["Stop", "PermissionRequest", "StopFailure"]),
    );
    expect(installed).toContain("say done");
    expect(await daemonless(home, ["install", "claude"])).toMatchObject({
      code: 0,
      said: expect.stringContaining("nothing to do") as string,
    });
    expect(await daemonless(home, ["status"])).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^claude +installed \(.*\ncodex +not installed/) as string,
    });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(home, "dotfiles"))).toEqual(["claude.json"]);
    expect(await daemonless(home, ["uninstall", "claude"])).toMatchObject({ code: 0 });
    expect(readFileSync(target, "utf8")).toBe(MINE);
    expect(statSync(target).mode & 0o777).toBe(0o640);
  });

  test("what Claude Code would run says nothing and exits with 0, also when lifeguard is gone", async () => {
    const home = person();
    await daemonless(home, ["install", "claude"]);
    const settings = readFileSync(join(home, ".claude", "settings.json"), "utf8");
    const { command } = (JSON.parse(settings) as { hooks: { Stop: { hooks: { command: string }[] }[] } }).hooks.Stop[0]?.hooks[0] ?? {
      command: "",
    };
    const run = async (text: string): Promise<unknown> => {
      const child = spawn("/bin/sh", ["-c", text], { stdio: ["ignore", "pipe", "ignore"], env: { PATH: "/usr/bin:/bin" } });
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (more: string) => (said += more));
      return [((await once(child, "close")) as [number])[0], said];
    };
    expect(await run(command)).toEqual([0, ""]);
    expect(await run(command.replaceAll(LIFEGUARD, "/nowhere/lifeguard"))).toEqual([0, ""]);
    await daemonless(home, ["uninstall", "claude"]);
    // It was made for the settings alone.
    expect(existsSync(join(home, ".claude"))).toBe(false);
  });

  test("Codex: config.toml and hooks.json, comments and a notify of one's own kept", async () => {
    const home = person();
    mkdirSync(join(home, ".codex"));
    const config = join(home, ".codex", "config.toml");
    const mine = '# mine\nmodel = "gpt-5" # best\nnotify = ["say", "done"]\n\n[tui]\nnotifications = true\n';
    writeFileSync(config, mine, { mode: 0o600 });
    expect(await daemonless(home, ["install", "codex"])).toMatchObject({
      code: 0,
      said: expect.stringContaining("Hooks need review") as string,
    });
    expect(readFileSync(config, "utf8")).toMatch(
      /^# mine\nmodel = "gpt-5" # best\nnotify = \[.*"hook", "codex", "--then", "say", "done"\]\n/,
    );
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(existsSync(join(home, ".codex", "hooks.json"))).toBe(true);
    expect(await daemonless(home, ["uninstall", "codex"])).toMatchObject({ code: 0 });
    expect(readFileSync(config, "utf8")).toBe(mine);
    expect(existsSync(join(home, ".codex", "hooks.json"))).toBe(false);
  });

  test.each([
    ["claude", ".claude/settings.json", '{\n  "model": "x", // mine\n}\n', /settings\.json:2:\d+: it is no JSON/],
    ["codex", ".codex/config.toml", "model = \n", /config\.toml:\d+:\d+: it is no TOML/],
    ["codex", ".codex/hooks.json", "[]", /hooks\.json:1:1: the file is no object/],
  ])("%s: a broken %s is refused with its place, and nothing is touched", async (tool, file, text, words) => {
    const home = person();
    const path = join(home, file);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
    const before = readdirSync(join(path, ".."));
    const ran = await daemonless(home, ["install", tool]);
    expect(ran.code).not.toBe(0);
    expect(ran.said).toMatch(words);
    expect(readFileSync(path, "utf8")).toBe(text);
    expect(readdirSync(join(path, ".."))).toEqual(before);
  });
});
