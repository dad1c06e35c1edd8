/** What doctor advises where more than one thing is wrong, and where a wrong advice would do harm. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Finding } from "../../src/cli/doctor/finding.js";
import { TestDaemon } from "../support/daemon.js";
import { waitUntil } from "../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../bin/lifeguard", import.meta.url));

/** A home of its own, gone afterwards with all that was started in it. */
async function inHome(config: string, body: (home: TestDaemon) => Promise<void>): Promise<void> {
  const home = new TestDaemon({ config });
  try {
    await body(home);
  } finally {
    await home.end();
  }
}

async function wrongIn(home: TestDaemon): Promise<Finding[]> {
  const { stdout } = await home.run(["doctor", "--json"]);
  return wrongOf(stdout);
}

function wrongOf(report: string): Finding[] {
  return (JSON.parse(report) as { findings: Finding[] }).findings.filter(({ level }) => level !== "ok");
}

const type = (remedy: string, home: TestDaemon): void => void spawnSync("sh", ["-c", remedy], { env: home.env });

/**
 * What users saw: with every connection taken, doctor took the daemon's refusal for nobody listening and said to end the daemon,
 * which everybody who was connected was served by.
 */
test("a daemon at its limit of connections is well: its clients are named, and nothing ends it", async () => {
  await inHome("[rpc]\nmax_connections = 4\n", async (home) => {
    await home.start();
    const held: Socket[] = [];
    try {
      for (let number = 0; number < 6; number++) {
        const socket = connect(home.socket).on("error", () => undefined);
        held.push(socket);
        await once(socket, "connect");
      }
      const [found, ...others] = await wrongIn(home);
      expect(others).toEqual([]);
      expect(found).toMatchObject({ check: "daemon", level: "problem" });
      expect(found?.what).toContain(
        `it is well (pid ${home.pid}), and takes no more clients: 4 clients are connected, which is the limit (rpc.max_connections in config.toml); close one`,
      );
      expect(found?.note).toMatch(/^close what nobody needs, or set max_connections higher in \[rpc\] of .*config\.toml: /);
      expect(JSON.stringify(found)).not.toContain("kill ");
      // Where there is no ss(8), nobody can tell who they are.
      if (spawnSync("ss", ["-V"]).status === 0) {
        expect(found?.what).toMatch(new RegExp(`close one\\. pid ${process.pid} \\(.+\\) has [456]$`));
        expect(found?.remedy).toBe(`ps -o pid,ppid,lstart,args -p ${process.pid}`);
      }
    } finally {
      for (const socket of held) socket.destroy();
      // It hears of each when it comes to it; until then who would end it is refused too.
      await waitUntil("room for a client", async () => (await home.run(["status"])).code === 0);
    }
  });
});

test("a stopped keeper that a dead daemon has left is told before what it holds", async () => {
  await inHome("", async (home) => {
    await home.start();
    await (await home.client()).call("session.create", { command: "sleep", args: ["1000"] });
    await home.kill9();
    const [keeper = 0] = home.keeperPids();
    process.kill(keeper, "SIGSTOP");
    const wrong = await wrongIn(home);
    expect(wrong.map(({ check }) => check)).toEqual(["keepers", "daemon"]);
    expect(wrong[0]?.remedy).toBe(`kill -CONT ${keeper}`);
    type(wrong[0]?.remedy ?? "", home);
    expect((await wrongIn(home)).map(({ check }) => check)).toEqual(["daemon"]);
  });
});

test("several mistakes in config.toml: one command mends them all, and the file as it was is kept", async () => {
  const config = '[session]\ncolls = 100\nrows = "many"\n\n[metrics]\nlisten = "0.0.0.0:9"\n';
  await inHome(config, async (home) => {
    const file = join(home.home, "config.toml");
    writeFileSync(`${file}.aside`, "mine\n");
    const wrong = await wrongIn(home);
    expect(wrong.map(({ what }) => /config\.toml:(\d+)/.exec(what)?.[1])).toEqual(["2", "3", "6", "6"]);
    expect(wrong.map(({ remedy }) => remedy)).toEqual([
      null,
      null,
      null,
      `sed -i.aside1 -e 2s/colls/cols/ -e '3s/^/# /' -e '6s/^/# /' ${file}`,
    ]);
    type(wrong.at(-1)?.remedy ?? "", home);
    expect(await wrongIn(home)).toEqual([]);
    expect(readFileSync(file, "utf8")).toBe('[session]\ncols = 100\n# rows = "many"\n\n[metrics]\n# listen = "0.0.0.0:9"\n');
    expect(readFileSync(`${file}.aside`, "utf8")).toBe("mine\n");
    expect(readFileSync(`${file}.aside1`, "utf8")).toBe(config);
  });
});

test("what is not TOML hides other mistakes: the command mends those too", async () => {
  await inHome("[session]\ncols 100\nrowws = 50\n", async (home) => {
    const [found] = await wrongIn(home);
    type(found?.remedy ?? "", home);
    expect(await wrongIn(home)).toEqual([]);
    expect(readFileSync(join(home.home, "config.toml"), "utf8")).toBe("[session]\n# cols 100\nrows = 50\n");
  });
});

test("in a directory that has been deleted everything is looked at all the same, also what a relative path means", async () => {
  await inHome("", async (home) => {
    const below = join(home.home, "user", "below");
    mkdirSync(below);
    const { stdout } = spawnSync(
      "bash",
      ["-c", `cd "${below}" && rmdir "${below}" && "$0" "$1" doctor --json`, process.execPath, LIFEGUARD],
      { env: { ...home.env, LIFEGUARD_SOCKET: "run/lifeguard.sock" }, encoding: "utf8" },
    );
    expect(wrongOf(stdout).map(({ check, remedy }) => [check, remedy])).toEqual([
      ["environment", `cd ${join(home.home, "user")}`],
      ["environment", "export LIFEGUARD_SOCKET=/run/lifeguard.sock"],
    ]);
    const checks = (JSON.parse(stdout) as { findings: Finding[] }).findings.map(({ check }) => check);
    expect(checks).toEqual(expect.arrayContaining(["state directory", "configuration", "profiles", "daemon", "tmux"]));
  });
});
