/**
 * `lifeguard doctor`: each fault is made for real, doctor names it, what it says to type is typed into the shell that asked, and then
 * it has nothing to say of it any more. What is typed is taken from its answer as it stands.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { Finding } from "../../src/cli/doctor/finding.js";
import { VERBS } from "../../src/cli/verbs.js";
import { TestDaemon } from "../support/daemon.js";
import { canMount, MemoryDisk } from "../support/disks.js";
import { describeProcess } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const isRoot = process.getuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "lifeguard-doctor-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** CAP_SYS_RESOURCE, which root of a container may not have. */
function mayRaiseLimits(): boolean {
  const capabilities = /^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${capabilities}`) >> 24n) & 1n) === 1n;
}

interface Report {
  problems: number;
  warnings: number;
  findings: Finding[];
}

interface Visit {
  before: Report;
  found: Finding | undefined;
  typed: string;
  after: Report;
  codes: [before: number, after: number];
}

/** The first that says so decides what is typed; `.` types it into the same shell, so that an `export` holds. */
const PICK = `
const { readFileSync, writeFileSync } = require("node:fs");
const [, report, pattern, to] = process.argv;
const wrong = JSON.parse(readFileSync(report, "utf8")).findings.filter(({ level }) => level !== "ok");
const found = wrong.find(({ check, what }) => new RegExp(pattern).test(check + ": " + what));
writeFileSync(to, found?.remedy ?? "echo nothing to type >&2");
`;
const SCRIPT = `
lifeguard doctor --json > "$AT/before"; echo $? > "$AT/code-before"
node -e "$PICK" "$AT/before" "$PATTERN" "$AT/remedy"
. "$AT/remedy" > "$AT/typed" 2>&1 < /dev/null
lifeguard doctor --json > "$AT/after"; echo $? > "$AT/code-after"
`;

/** @param first typed before, into the same shell */
async function visit(daemon: TestDaemon, pattern: RegExp, options: { env?: Record<string, string>; first?: string } = {}): Promise<Visit> {
  const at = mkdtempSync(join(scratch, "visit-"));
  const child = spawn("bash", ["-c", `cd "$HOME"\n${options.first ?? ""}\n${SCRIPT}`], {
    env: {
      ...daemon.env,
      PATH: `${join(checkout, "bin")}:${daemon.env["PATH"] ?? ""}`,
      AT: at,
      PICK,
      PATTERN: pattern.source,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [, wrong] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const read = (name: string): string => readFileSync(join(at, name), "utf8");
  const report = (name: string): Report => {
    try {
      return JSON.parse(read(name)) as Report;
    } catch {
      throw new Error(`doctor said ${read(name)}${wrong}`);
    }
  };
  const before = report("before");
  return {
    before,
    found: matching(before, pattern)[0],
    typed: `$ ${read("remedy")}\n${read("typed")}`,
    after: report("after"),
    codes: [Number(read("code-before")), Number(read("code-after"))],
  };
}

function matching({ findings }: Report, pattern: RegExp): Finding[] {
  return findings.filter(({ level, check, what }) => level !== "ok" && pattern.test(`${check}: ${what}`));
}

interface Fault {
  name: string;
  level: "warning" | "problem";
  /** What doctor says of it. */
  pattern: RegExp;
  /** Started before the fault is made. */
  running?: boolean;
  disk?: MemoryDisk;
  config?: string;
  plant(daemon: TestDaemon): void | Promise<void>;
  env?(daemon: TestDaemon): Record<string, string>;
  first?: string;
  unless?: boolean;
}

const sleeper = { command: "sleep", args: ["1000"] };
const config = (daemon: TestDaemon, toml: string): void => writeFileSync(join(daemon.home, "config.toml"), toml);

function stopKeepers(daemon: TestDaemon): void {
  for (const pid of daemon.keeperPids()) process.kill(pid, "SIGSTOP");
}

/** An agent that ends when nobody but its keeper is there. */
async function endWithoutDaemon(daemon: TestDaemon): Promise<void> {
  const { pid } = await (await daemon.client()).call("session.create", sleeper);
  if (pid === null) throw new Error("the agent has no pid");
  await daemon.kill9();
  process.kill(pid, "SIGKILL");
  await waitUntil("the agent to be a zombie", () => describeProcess(pid)?.state === "Z");
}

const FAULTS: Fault[] = [
  {
    name: "a state directory that others may read",
    level: "problem",
    pattern: /state directory: .* has mode 0755/,
    plant: ({ home }) => chmodSync(home, 0o755),
  },
  {
    name: "a runtime directory that its owner cannot use",
    level: "problem",
    pattern: /runtime directory: .* has mode 0500/,
    plant: ({ home }) => mkdirSync(join(home, "run"), { mode: 0o500 }),
  },
  {
    name: "a socket that its daemon left behind",
    level: "warning",
    pattern: /socket: .* is left over from a daemon that died/,
    running: true,
    plant: async (daemon) => {
      const keepers = daemon.keeperPids();
      await daemon.kill9();
      for (const pid of keepers) process.kill(pid, "SIGKILL");
      await waitUntil("the keeper to have ended", () => daemon.keeperPids().length === 0);
    },
  },
  {
    name: "a file where the socket should be",
    level: "problem",
    pattern: /socket: .* is no socket/,
    plant: ({ home, socket }) => {
      mkdirSync(join(home, "run"), { mode: 0o700 });
      writeFileSync(socket, "");
    },
  },
  {
    name: "a socket that others may connect to",
    level: "problem",
    pattern: /socket: .* has mode 0666/,
    running: true,
    plant: ({ socket }) => chmodSync(socket, 0o666),
  },
  {
    name: "a key that nobody knows",
    level: "problem",
    pattern: /configuration: .*:3: session\.colls: unknown key; did you mean cols\?/,
    plant: (daemon) => config(daemon, "# mine\n[session]\ncolls = 100\n"),
  },
  {
    name: "a value that cannot be",
    level: "problem",
    pattern: /configuration: .*:2: session\.rows: /,
    plant: (daemon) => config(daemon, '[session]\nrows = "many"\ncols = 100\n'),
  },
  {
    name: "a configuration that is not TOML",
    level: "problem",
    pattern: /configuration: .*:2 is not TOML/,
    plant: (daemon) => config(daemon, "[session]\ncols 100\nrows = 50\n"),
  },
  {
    name: "a socket's path that is too long",
    level: "problem",
    pattern: /socket: its path has \d+ bytes, this system takes \d+/,
    plant: () => undefined,
    env: ({ home }) => ({ LIFEGUARD_SOCKET: join(home, "d".repeat(100), "lifeguard.sock") }),
  },
  {
    name: "a relative LIFEGUARD_SOCKET",
    level: "problem",
    pattern: /environment: LIFEGUARD_SOCKET is "run\/lifeguard\.sock"/,
    plant: () => undefined,
    env: () => ({ LIFEGUARD_SOCKET: "run/lifeguard.sock" }),
  },
  {
    name: "a directory that was deleted under the shell",
    level: "problem",
    pattern: /environment: the directory you are in has been deleted: no session can be started from it/,
    plant: () => undefined,
    first: "mkdir gone && cd gone && rmdir ../gone",
  },
  {
    name: "a dead daemon whose keeper holds agents",
    level: "problem",
    pattern: /daemon: none runs, and keeper \d+ holds 1 of its agents/,
    running: true,
    plant: async (daemon) => {
      await (await daemon.client()).call("session.create", sleeper);
      await daemon.kill9();
    },
  },
  {
    name: "a dead daemon of whose agents one has ended",
    level: "problem",
    pattern: /daemon: none runs, and keeper \d+ holds 1 of its agents: .*; and 1 that has ended: the next daemon tells of it/,
    running: true,
    plant: async (daemon) => {
      await (await daemon.client()).call("session.create", sleeper);
      await endWithoutDaemon(daemon);
    },
  },
  {
    name: "a dead daemon all of whose agents have ended",
    level: "warning",
    pattern: /daemon: none runs, and keeper \d+ holds of its agents 1 that has ended: the next daemon tells of it/,
    running: true,
    plant: endWithoutDaemon,
  },
  {
    name: "a keeper that is stopped",
    level: "problem",
    pattern: /keepers: pid \d+ is stopped by a signal/,
    running: true,
    plant: stopKeepers,
  },
  {
    name: "a daemon that is stopped",
    level: "problem",
    pattern: /daemon: .* is stopped by a signal/,
    running: true,
    plant: ({ pid }) => void process.kill(pid, "SIGSTOP"),
  },
  {
    name: "a daemon whose socket's file was removed",
    level: "problem",
    pattern: /daemon: .*nobody listens at/,
    running: true,
    plant: ({ socket }) => rmSync(socket),
  },
  {
    name: "a daemon of another version",
    level: "warning",
    pattern: /daemon: it is of version 0\.0\.9-other, this command is of/,
    plant: (daemon) => {
      const other = join(daemon.home, "user", "other");
      for (const part of ["bin", "dist", "profiles"]) cpSync(join(checkout, part), join(other, part), { recursive: true });
      symlinkSync(join(checkout, "node_modules"), join(other, "node_modules"));
      const own = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as object;
      writeFileSync(join(other, "package.json"), JSON.stringify({ ...own, version: "0.0.9-other" }));
      const { status, stderr } = spawnSync(process.execPath, [join(other, "bin/lifeguard"), "daemon", "--background"], {
        env: daemon.env,
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(stderr);
    },
  },
  {
    name: "a damaged file in the store",
    level: "problem",
    pattern: /store: 1 damaged: /,
    running: true,
    plant: async (daemon) => {
      const client = await daemon.client();
      const { id } = await client.call("session.create", sleeper);
      await client.call("checkpoint.save", { id, label: "here", context: "c".repeat(1_000) });
      await client.call("session.kill", { id });
      await daemon.stop();
      const names = readdirSync(join(daemon.home, "store"), { recursive: true, encoding: "utf8" });
      const file = names.find((name) => /checkpoints\/c\d+m\./.test(name));
      if (file === undefined) throw new Error(`no checkpoint among ${names.join(", ")}`);
      const path = join(daemon.home, "store", file);
      const bytes = readFileSync(path);
      bytes.fill(0x55, Math.floor(bytes.length / 2));
      writeFileSync(path, bytes);
      await daemon.start();
      await (await daemon.client()).call("store.verify");
    },
  },
  {
    name: "a full disk",
    level: "problem",
    pattern: /disk: /,
    running: true,
    disk: new MemoryDisk(80 * 1_048_576),
    config: "[session]\nspool_bytes = 33554432\nspool_busy_bytes = 33554432\n",
    unless: !isRoot || !canMount(new MemoryDisk(1_048_576)),
    plant: async (daemon) => {
      const client = await daemon.client();
      for (let number = 0; number < 2; number++) {
        const { id } = await client.call("session.create", { command: "sh", args: ["-c", "head -c 34000000 /dev/zero | tr '\\0' x"] });
        await client.call("session.wait", { id, until: ["exited"], timeout_ms: 60_000 });
      }
    },
  },
  {
    name: "a daemon that may have few files open",
    level: "problem",
    pattern: /open files: the daemon \(pid \d+\) may have 300/,
    running: true,
    plant: ({ pid }) => void spawnSync("prlimit", ["--pid", String(pid), "--nofile=300:"]),
  },
  {
    name: "a shell whose daemon might have few files open",
    level: "problem",
    pattern: /open files: a daemon that is started from here may have 300/,
    unless: !mayRaiseLimits(),
    plant: () => undefined,
    first: "ulimit -n 300",
  },
  {
    name: "a profile that is broken",
    level: "problem",
    pattern: /profiles: .*mine\.toml/,
    plant: ({ home }) => {
      mkdirSync(join(home, "profiles"));
      writeFileSync(join(home, "profiles", "mine.toml"), 'name = "mine"\nnonsense = 1\n');
    },
  },
  {
    name: "a unit file of an installation that is gone",
    level: "problem",
    pattern: /service: its files in .* start what is not there any more: \/gone\/node, \/gone\/bin\/lifeguard/,
    plant: ({ home }) => {
      const units = join(home, "user", ".config", "systemd", "user");
      mkdirSync(units, { recursive: true });
      writeFileSync(join(units, "lifeguard.service"), "[Service]\nExecStart=/gone/node /gone/bin/lifeguard daemon\n");
    },
  },
  {
    name: "a hook whose program is gone",
    level: "problem",
    pattern: /hooks: .*settings\.json runs what is not there: \/gone\/node, \/gone\/bin\/lifeguard/,
    unless: !("hook install" in VERBS),
    plant: ({ home }) => {
      const claude = join(home, "user", ".claude");
      mkdirSync(claude, { recursive: true });
      const hooks = [{ hooks: [{ type: "command", command: "'/gone/node' '/gone/bin/lifeguard' hook claude || true", timeout: 3 }] }];
      writeFileSync(join(claude, "settings.json"), JSON.stringify({ hooks: { Stop: hooks } }));
    },
  },
];

describe("each fault is found, and what doctor says mends it", () => {
  for (const fault of FAULTS) {
    test.skipIf(fault.unless === true)(
      fault.name,
      async () => {
        const { disk } = fault;
        const daemon = new TestDaemon({
          ...(disk === undefined ? {} : { disk: { at: "", disk } }),
          ...(fault.config === undefined ? {} : { config: fault.config }),
        });
        try {
          if (fault.running === true) await daemon.start();
          await fault.plant(daemon);
          const seen = await visit(daemon, fault.pattern, {
            ...(fault.env === undefined ? {} : { env: fault.env(daemon) }),
            ...(fault.first === undefined ? {} : { first: fault.first }),
          });
          const wrong = seen.before.findings.filter(({ level }) => level !== "ok");
          expect(seen.found, `found: ${JSON.stringify(wrong, null, 2)}`).toMatchObject({ level: fault.level });
          expect(seen.codes[0]).toBe(seen.before.problems > 0 ? 1 : 0);
          expect(matching(seen.after, fault.pattern), `after typing\n${seen.typed}`).toEqual([]);
          expect({ ...seen.after, findings: seen.after.findings.filter(({ level }) => level === "problem") }, seen.typed).toMatchObject({
            problems: 0,
            findings: [],
          });
          expect(seen.codes[1]).toBe(0);
        } finally {
          await daemon.end();
        }
      },
      120_000,
    );
  }
});

test("a healthy installation has no findings, with a daemon and without, and none is started", async () => {
  const daemon = new TestDaemon({});
  try {
    const without = await daemon.run(["doctor", "--json"]);
    expect({ code: without.code, problems: (JSON.parse(without.stdout) as Report).problems }).toEqual({ code: 0, problems: 0 });
    expect(daemon.processes()).toEqual([]);
    expect(readdirSync(daemon.home)).toEqual(["user"]);
    await daemon.start();
    const withOne = await daemon.run(["doctor"]);
    expect(withOne).toMatchObject({ code: 0, stderr: "" });
    expect(withOne.stdout).toMatch(/^ok +daemon +answers: pid \d+/m);
    expect(withOne.stdout).toMatch(/^0 problems, /m);
  } finally {
    await daemon.end();
  }
});
