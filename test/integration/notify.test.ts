/**
 * [notify] in config.toml, with real commands: what they are told and when, and that nothing they do (hang, flood, fail, leave
 * children) is felt by anybody.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { Client } from "../../src/rpc/client.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { isAlive } from "../support/processes.js";
import { comingEvent, waitUntil } from "../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));
const place = mkdtempSync(join(tmpdir(), "lifeguard-notify-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Told {
  event: string;
  at: number;
  session: { id: string; name: string; state: string; title: string; evidence: { rule: string; detail: string } };
  coalesced: number;
  more: { id: string; event: string; name: string }[];
  more_count: number;
  environment: Record<string, string>;
  descriptors: string[];
}

let count = 0;

/** A script of the test's own, and the directory where it leaves what it was told. */
function script(text: string): { path: string; directory: string; told(): Told[] } {
  count++;
  const directory = join(place, String(count));
  mkdirSync(directory);
  const path = join(directory, "notify");
  writeFileSync(path, text.replaceAll("@DIR@", directory));
  chmodSync(path, 0o755);
  const told = (): Told[] =>
    readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Told)
      .sort((a, b) => a.at - b.at);
  return { path, directory, told };
}

/** Keeps what it reads, what it sees of its environment, and its descriptors. */
const KEEP = `#!/usr/bin/env python3
import json, os, sys
fds = [fd + " " + os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)]
said = json.loads(sys.stdin.buffer.read().decode("utf-8"))
said["environment"] = {k: v for k, v in os.environ.items() if k.startswith("LIFEGUARD")}
said["descriptors"] = sorted(fds)
name = "@DIR@/%d" % os.getpid()
with open(name + ".tmp", "w") as f: json.dump(said, f)
os.rename(name + ".tmp", name + ".json")
`;

const config = (path: string, more = ""): string => `[notify]\ncommand = [${JSON.stringify(path)}]\n${more}\n`;

/** A session whose program asks for a person by OSC 9. */
async function asking(client: Client, text: string): Promise<string> {
  const { id } = await client.call("session.create", {
    command: "python3",
    args: ["-c", `import sys,time; sys.stdout.write("\\x1b]9;${text}\\x07"); sys.stdout.flush(); time.sleep(1000)`],
  });
  return id;
}

/** The daemon's own log is the place where a failure is said. */
async function logged(daemon: TestDaemon, words: RegExp): Promise<string> {
  return waitUntil(`${String(words)} in the log`, () => words.exec(daemon.log())?.[0]);
}

test("attention, failed and finished, with the summary as JSON; a deliberate kill is none of them", async () => {
  const { path, told } = script(KEEP);
  const daemon = await startDaemon({ config: config(path, "finished_after_ms = 300") });
  const client = await daemon.client();
  const fails = await client.call("session.create", { name: "fails", command: "sh", args: ["-c", "exit 7"] });
  const ends = await client.call("session.create", { name: "ends", command: "sleep", args: ["0.5"] });
  const quick = await client.call("session.create", { command: "true" });
  const killed = await client.call("session.create", { command: "sleep", args: ["1000"] });
  await client.call("session.kill", { id: killed.id });
  const asks = await asking(client, "may I \\u202e go on?");
  const all = await waitUntil("three notices", () => told().length >= 3 && told());
  const by = new Map(all.map((one) => [one.session.id, one]));
  expect([...by.keys()].sort()).toEqual([fails.id, ends.id, asks].sort());
  expect(by.get(fails.id)).toMatchObject({
    event: "failed",
    coalesced: 0,
    more: [],
    more_count: 0,
    session: { name: "fails", exit: { code: 7 } },
  });
  expect(by.get(ends.id)).toMatchObject({ event: "finished", session: { name: "ends", exit: { code: 0 } } });
  const attention = by.get(asks);
  expect(attention).toMatchObject({ event: "attention", session: { state: "attention", evidence: { rule: "program_notified" } } });
  expect(attention?.session.evidence.detail).toMatch(/^may I .*go on\?$/);
  expect(attention?.session.evidence.detail).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  // It can call back, and is not taken for a part of any session; no descriptor of the daemon's comes with it.
  expect(attention?.environment).toEqual({ LIFEGUARD_SOCKET: daemon.socket });
  expect(attention?.descriptors.filter((fd) => /ptmx|socket:|anon_inode|lifeguard/.test(fd) && Number.parseInt(fd, 10) > 2)).toEqual([]);
  expect(told().some(({ session }) => session.id === quick.id || session.id === killed.id)).toBe(false);
  expect(daemon.log()).not.toContain("notify.command failed");
});

test("only what is asked for, and not while somebody watches", async () => {
  const { path, told } = script(KEEP);
  const daemon = await startDaemon({ config: config(path, 'on = ["attention"]\nwhen = "unwatched"') });
  const client = await daemon.client();
  await client.call("session.create", { command: "sh", args: ["-c", "exit 7"] });
  const { id: watched } = await client.call("session.create", { command: "sh", args: ["-c", "read x; printf '\\033]9;one\\007'; read x"] });
  const sees = await client.watch(watched, {}, { output: () => undefined, gap: () => undefined, closed: () => undefined });
  const attention = await comingEvent(client, { kinds: ["session.state"], session: watched }, (event) => event["to"] === "attention");
  await client.call("session.input", { id: watched, data: "\n" });
  await attention.event;
  await sees.end();
  const alone = await asking(client, "two");
  expect((await waitUntil("a notice", () => told().length > 0 && told())).map(({ session }) => session.id)).toEqual([alone]);
});

test("a session that flaps is told of once, with the count; too many sessions are told of together", async () => {
  const { path, told } = script(KEEP);
  const daemon = await startDaemon({
    config: `${config(path, "per_minute = 2\nsession_every_ms = 100")}\n[session]\nattention_after_ms = 300000\n`,
  });
  const client = await daemon.client();
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push((await client.call("session.create", { command: "sh", args: ["-c", "exit 1"] })).id);
  await logged(daemon, /notices wait: notify.per_minute \(2\)[^"]*/);
  expect(told().length).toBeLessThanOrEqual(2);
  // The minute is the unit test's to wait for; here nothing more may come out while it lasts.
  await waitUntil("two notices", () => told().length === 2);
  for (const id of ids) await client.call("session.remove", { id });
});

test("a command that hangs is killed with its children, one that floods or does not read is nobody's trouble, one that fails is logged", async () => {
  const { path, directory } = script(`#!/bin/sh
kind=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["session"]["name"])')
case $kind in
hang) echo $$ > @DIR@/hang.pid; sleep 1000 & echo $! > @DIR@/child.pid; wait ;;
flood) yes flood; ;;
leave) sleep 1000 & echo $! > @DIR@/left.pid; exit 0 ;;
fail) printf 'no such \\033[31mtopic' >&2; exit 9 ;;
esac
`);
  const daemon = await startDaemon({ config: config(path, "timeout_ms = 1500") });
  const client = await daemon.client();
  for (const name of ["hang", "flood", "leave", "fail"])
    await client.call("session.create", { name, command: "sh", args: ["-c", "exit 1"] });
  const pid = (name: string): Promise<number> =>
    waitUntil(name, () => existsSync(join(directory, name)) && Number(readFileSync(join(directory, name), "utf8")));
  const [hang, child, left] = await Promise.all([pid("hang.pid"), pid("child.pid"), pid("left.pid")]);
  // The daemon answers meanwhile.
  expect((await client.call("session.list", { all: true })).sessions).toHaveLength(4);
  await logged(daemon, /"err":"ended with 9; it said: no such {2}\[31mtopic","msg":"notify.command failed"/);
  await waitUntil("two killed", () => (daemon.log().match(/took longer than 1500 ms and was killed/g)?.length ?? 0) === 2);
  await waitUntil("all of them to be gone", () => ![hang, child, left].some(isAlive));
});

test("one that never reads its stdin, and one that is not there", async () => {
  const { path } = script("#!/bin/sh\nexec 0<&-\nexit 0\n");
  const daemon = await startDaemon({ config: config(path) });
  const client = await daemon.client();
  const { id } = await client.call("session.create", { command: "sh", args: ["-c", "exit 1"] });
  await client.call("session.wait", { id, until: ["exited"] });
  await daemon.stop();
  expect(daemon.log()).not.toContain("notify.command failed");
  writeFileSync(join(daemon.home, "config.toml"), config("/nowhere/notify"));
  await daemon.start();
  await logged(daemon, /notify.command is not there/);
  const again = await daemon.client();
  await again.call("session.create", { command: "sh", args: ["-c", "exit 1"] });
  await logged(daemon, /"err":"cannot be run: spawn \/nowhere\/notify ENOENT","msg":"notify.command failed"/);
});

test("the daemon's stop does not wait for a run, and leaves none", async () => {
  const { path, directory } = script("#!/bin/sh\ntrap '' TERM HUP INT\necho $$ > @DIR@/pid\nsleep 1000 & wait\nsleep 1000\n");
  const daemon = await startDaemon({ config: config(path, "timeout_ms = 600000") });
  const client = await daemon.client();
  await client.call("session.create", { command: "sh", args: ["-c", "exit 1"] });
  const pid = await waitUntil("the run", () => existsSync(join(directory, "pid")) && Number(readFileSync(join(directory, "pid"), "utf8")));
  expect(await daemon.stop(), daemon.log()).toBe(0);
  await waitUntil("the run to be gone", () => !isAlive(pid));
});

test("the desktop by notify-send, markup escaped; without one the log says so", async () => {
  const { directory } = script("");
  const fake = join(directory, "notify-send");
  writeFileSync(
    fake,
    `#!/bin/sh\nfor word; do printf '%s\\n' "$word"; done > ${directory}/args.tmp; mv ${directory}/args.tmp ${directory}/args\n`,
  );
  chmodSync(fake, 0o755);
  const daemon = await startDaemon({
    config: "[notify]\ndesktop = true\n",
    env: { PATH: `${directory}:${process.env["PATH"] ?? ""}`, DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" },
  });
  const client = await daemon.client();
  const id = await asking(client, "<b>may</b> I & you?");
  await client.call("session.update", { id, name: "asks" });
  const args = await waitUntil("notify-send", () => existsSync(join(directory, "args")) && readFileSync(join(directory, "args"), "utf8"));
  expect(args.split("\n").slice(0, 3)).toEqual(["--app-name=lifeguard", "--urgency=critical", "--"]);
  expect(args).toContain("waits for you\n&lt;b&gt;may&lt;/b&gt; I &amp; you?\n");
  const without = await startDaemon({ config: "[notify]\ndesktop = true\n" });
  await logged(without, /notify.desktop shows nothing: (?:notify-send is not|the daemon was started without)/);
});

test("events --bell rings on stderr, for what a person is told of alone", async () => {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const child = spawn(process.execPath, [LIFEGUARD, "events", "--bell", "--kinds", "session.exited"], { env: daemon.env });
  let [lines, rung] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (lines += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (rung += text));
  const gone = once(child, "exit");
  // It may not listen yet: sessions end until it has heard of one.
  await waitUntil("an event", async () => {
    await client.call("session.create", { command: "true", args: [] });
    return lines !== "";
  });
  expect(rung).toBe("");
  await client.call("session.create", { command: "sh", args: ["-c", "exit 3"] });
  await waitUntil("the bell", () => rung === "\u0007");
  child.kill();
  await gone;
});
