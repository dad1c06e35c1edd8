/**
 * The life of lifeguard as a service, inside a machine of its own (boot-systemd.sh): install, twenty sessions, and everything that a
 * service meets. Prints one line of JSON a step: {step, before, after, …}; the test that runs it says what must hold.
 *
 * usage: node systemd-scenario.mjs CHECKOUT HOME
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const [checkout, home] = process.argv.slice(2);
const { Client } = await import(join(checkout, "dist/rpc/client.js"));
const run = promisify(execFile);
const environment = { PATH: process.env.PATH, HOME: home, LANG: "C.UTF-8", SHELL: "/bin/bash" };
const lifeguard = async (...args) => (await run(process.execPath, [join(checkout, "bin/lifeguard"), ...args], { env: environment })).stdout;
const systemctl = async (...args) =>
  await run("systemctl", args).then(
    ({ stdout }) => stdout.trim(),
    (error) => error.stdout.trim(),
  );
const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8"));
const DAEMON = "lifeguard.service";
const KEEPER = `lifeguard-keeper@${version}.service`;
const socket = join(home, ".local/state/lifeguard/run/lifeguard.sock");
const SESSIONS = 20;

const property = async (unit, name) => await systemctl("show", unit, "--property", name, "--value");
const mainPid = async (unit) => Number(await property(unit, "MainPID"));
const connect = async () => await Client.connect({ socket, reconnect: true, client: "scenario" });

async function until(what, look) {
  const end = performance.now() + 60_000;
  for (;;) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

/** Live sessions with their pids and whether the pid is still the same process. */
async function fleet(client) {
  const { sessions } = await client.call("session.list", {});
  return Object.fromEntries(sessions.filter(({ state }) => state !== "exited").map(({ id, pid }) => [id, pid]));
}

/** Every session answers: what is typed into each shell comes back evaluated. */
async function answers(client, sessions, mark) {
  let good = 0;
  for (const id of sessions) {
    await client.call("session.input", { id, data: Buffer.from(`echo ${mark}-$((40+2))\r`) });
    await until(`${id} to answer`, async () => (await client.call("session.screen", { id })).text.includes(`${mark}-42`));
    good += 1;
  }
  return good;
}

const tell = (step, more) => process.stdout.write(`${JSON.stringify({ step, ...more })}\n`);

async function step(name, act) {
  const client = await connect();
  const before = await fleet(client);
  const daemonBefore = await mainPid(DAEMON);
  await client.close();
  const more = (await act(before)) ?? {};
  const next = await until("a daemon that serves", connect);
  const after = await until("the same sessions", async () => {
    const now = await fleet(next);
    return Object.keys(now).length >= Object.keys(before).length && now;
  }).catch(async () => await fleet(next));
  const answered = await answers(next, Object.keys(after).slice(0, 3), name.replaceAll(/[^a-z]/g, ""));
  await next.close();
  tell(name, { before, after, answered, daemonBefore, daemonAfter: await mainPid(DAEMON), ...more });
}

await systemctl("start", "systemd-journald.socket", "systemd-journald.service");

tell("install", { printed: await lifeguard("service", "install", "--system") });
tell("installed again", { printed: await lifeguard("service", "install", "--system") });
{
  const client = await connect();
  for (let n = 0; n < SESSIONS; n++)
    await client.call("session.create", { name: `s${n}`, command: "bash", args: ["--norc"], cwd: home, env: { PS1: "$ " } });
  const sessions = await fleet(client);
  const groups = Object.values(sessions).map((pid) => readFileSync(`/proc/${pid}/cgroup`, "utf8"));
  tell("twenty sessions", {
    sessions,
    inKeeper: groups.filter((text) => text.includes(KEEPER)).length,
    status: await until("the status in systemctl", async () => {
      const said = await property(DAEMON, "StatusText");
      return said.startsWith(`${SESSIONS} sessions`) && said;
    }),
  });
  await client.close();
}
await step("restart", async () => void (await systemctl("restart", DAEMON)));
await step("kill -9 of the daemon", async () => {
  const pid = await mainPid(DAEMON);
  process.kill(pid, "SIGKILL");
  await until("another daemon", async () => ![0, pid].includes(await mainPid(DAEMON)));
});
await mkdir(`/etc/systemd/system/${DAEMON}.d`, { recursive: true });
await writeFile(`/etc/systemd/system/${DAEMON}.d/test.conf`, "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n");
await systemctl("daemon-reload");
await systemctl("restart", DAEMON);
await step("failed watchdog", async () => {
  const pid = await mainPid(DAEMON);
  const count = Number(await property(DAEMON, "NRestarts"));
  process.kill(pid, "SIGSTOP");
  await until("the watchdog's restart", async () => Number(await property(DAEMON, "NRestarts")) > count);
  await until("another daemon", async () => ![0, pid].includes(await mainPid(DAEMON)));
});
// A machine under load may be late by more than that, and what follows is not about it.
await rm(`/etc/systemd/system/${DAEMON}.d`, { recursive: true });
await systemctl("daemon-reload");
await systemctl("restart", DAEMON);
await step("kill -9 of the keeper", async () => {
  const pid = await mainPid(KEEPER);
  process.kill(pid, "SIGKILL");
  const keeper = await until("another keeper", async () => {
    const now = await mainPid(KEEPER);
    return now !== pid && now !== 0 && now;
  });
  return { keeperBefore: pid, keeperAfter: keeper };
});
await step("stop, and a program that connects", async () => {
  await systemctl("stop", DAEMON);
  return { stopped: await property(DAEMON, "ActiveState"), keeper: await property(KEEPER, "ActiveState") };
});
await step("reload", async () => {
  const config = /LIFEGUARD_CONFIG=(\S+)/.exec(await property(DAEMON, "Environment"))[1];
  await mkdir(dirname(config), { recursive: true });
  await writeFile(config, "[session]\ncols = 99\n");
  await systemctl("reload", DAEMON);
  // What has been read already is nothing new.
  const again = JSON.parse(await lifeguard("daemon", "reload", "--json"));
  await rm(config);
  await systemctl("reload", DAEMON);
  return { again, state: await property(DAEMON, "ActiveState") };
});
await step("a stale unit, and what doctor says", async () => {
  const unit = `/etc/systemd/system/${DAEMON}`;
  await writeFile(unit, readFileSync(unit, "utf8").replace(/^ExecStart=.*$/m, "ExecStart=/gone/node /gone/lifeguard daemon"));
  const examine = async () => JSON.parse(await lifeguard("doctor", "--json").catch((error) => error.stdout)).findings;
  const of = (findings) => findings.filter(({ check, level }) => check === "service" && level !== "ok");
  const found = of(await examine());
  const typed = (await run("sh", ["-c", found[0]?.remedy ?? "false"], { env: environment })).stdout;
  return { found, typed, left: of(await examine()) };
});
await step("daemon upgrade", async () => ({ upgrade: JSON.parse(await lifeguard("daemon", "upgrade", "--json")) }));
{
  const client = await connect();
  const before = await fleet(client);
  const { id, pid } = await client.call("session.create", {
    name: "greedy",
    command: "python3",
    args: ["-c", "input()\nx = bytearray(400 * 2**20)\ninput()"],
    cwd: home,
    limits: { memory_max: 100 * 2 ** 20, tasks_max: 20, cpu_weight: 50 },
  });
  const scope = await until("its scope", async () => /lifeguard-sess[^/]*\.scope/.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[0]);
  const limits = {
    memory: await property(scope, "MemoryMax"),
    tasks: await property(scope, "TasksMax"),
    weight: await property(scope, "CPUWeight"),
  };
  await until("python", async () => readFileSync(`/proc/${pid}/comm`, "latin1").startsWith("python"));
  await client.call("session.input", { id, data: Buffer.from("\r") });
  await client.call("session.wait", { id, until: ["exited"], timeout_ms: 60_000 });
  const { exit } = await client.call("session.get", { id });
  tell("an agent that eats its memory", {
    before,
    after: await fleet(client),
    exit,
    limits,
    keeper: await property(KEEPER, "ActiveState"),
    daemon: await property(DAEMON, "ActiveState"),
  });
  const other = await client.call("session.create", {
    name: "scoped",
    command: "sleep",
    args: ["1000"],
    cwd: home,
    limits: { tasks_max: 20 },
  });
  await until("its scope", async () => readFileSync(`/proc/${other.pid}/cgroup`, "utf8").includes("lifeguard-sess"));
  await client.close();
}
{
  const client = await connect();
  const pids = Object.values(await fleet(client));
  await client.close();
  await systemctl("stop", KEEPER);
  const left = pids.filter((pid) => {
    try {
      return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
      return false;
    }
  });
  const said = (await run("journalctl", ["--no-pager", "-o", "cat", "-u", DAEMON, "-n", "12"])).stdout.trim().split("\n");
  tell("stop of the keeper", {
    said,
    agents: pids.length,
    left,
    daemon: await property(DAEMON, "ActiveState"),
    keeper: await property(KEEPER, "ActiveState"),
  });
}
{
  const entries = (await run("journalctl", ["--no-pager", "-o", "json", "-t", "lifeguard"])).stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  tell("journal", {
    entries: entries.length,
    priorities: [...new Set(entries.map((entry) => entry.PRIORITY))],
    phases: [...new Set(entries.map((entry) => entry.LIFEGUARD_PHASE).filter(Boolean))],
    sessions: entries.filter((entry) => /^sess_\d+$/.test(entry.LIFEGUARD_SESSION ?? "")).length,
  });
}
tell("uninstall", { printed: await lifeguard("service", "uninstall", "--system"), state: await property(DAEMON, "LoadState") });
await systemctl("stop", "lifeguard-keeper@*");
