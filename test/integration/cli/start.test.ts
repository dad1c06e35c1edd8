/** Who starts a daemon, who does not, and what happens when several do at once. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { holderOf } from "../../../src/cli/doctor/processes.js";
import { TestDaemon } from "../../support/daemon.js";
import { waitUntil, within } from "../../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../../bin/lifeguard", import.meta.url));

/** A home in which nothing runs, gone afterwards with all that was started in it. */
async function inEmptyHome(body: (home: TestDaemon) => Promise<void>): Promise<void> {
  const home = new TestDaemon({});
  try {
    await body(home);
  } finally {
    await home.end();
  }
}

test("looking never starts a daemon: exit 5, with what to do", async () => {
  await inEmptyHome(async (home) => {
    for (const args of [["ls"], ["status"], ["show", "x"], ["events"], ["top", "--once"]]) {
      expect(await home.run(args)).toEqual({
        code: 5,
        stdout: "",
        stderr: expect.stringMatching(/^lifeguard: no daemon answers at .*lifeguard daemon --background\n$/) as string,
      });
    }
    for (const args of [
      ["daemon", "stop"],
      ["daemon", "stop", "--all"],
    ])
      expect(await home.run(args)).toEqual({
        code: 5,
        stdout: "",
        stderr: `lifeguard: no daemon runs: nobody answers at ${home.socket}\n`,
      });
    expect((await home.run(["completion", "bash"])).code).toBe(0);
    expect((await home.run(["complete", "--", "show", ""])).code).toBe(0);
    expect(home.processes()).toEqual([]);
  });
});

test("nothing is started with --no-start, nor from inside a session", async () => {
  await inEmptyHome(async (home) => {
    expect((await home.run(["new", "--no-start", "--", "true"])).code).toBe(5);
    expect((await home.run(["--no-start", "new", "--", "true"])).code).toBe(5);
    expect(await home.run(["new", "--", "true"], { env: { LIFEGUARD_SESSION: "sess_1" } })).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("from inside a session") as string,
    });
    expect(home.processes()).toEqual([]);
  });
});

test("in a directory that has been deleted: new says so and starts nothing; with --cwd it goes on", async () => {
  await inEmptyHome(async (home) => {
    const fromDeleted = (words: string): { code: number | null; stderr: string } => {
      const { status, stderr } = spawnSync(
        "sh",
        ["-c", `mkdir "$HOME/gone" && cd "$HOME/gone" && rmdir "$HOME/gone" && "$0" "$1" ${words}`, process.execPath, LIFEGUARD],
        { env: home.env, encoding: "utf8" },
      );
      return { code: status, stderr };
    };
    expect(fromDeleted("new -- true")).toEqual({
      code: 1,
      stderr: "lifeguard: the directory you are in has been deleted: cd into one that exists\n",
    });
    expect(home.processes()).toEqual([]);
    expect(fromDeleted("new --cwd / -- true")).toEqual({ code: 0, stderr: "" });
  });
});

test("the first use starts one; six at once start one, and all six sessions are there", async () => {
  await inEmptyHome(async (home) => {
    const results = await Promise.all(Array.from({ length: 6 }, (_, index) => home.run(["new", "--name", `n${index}`, "--", "cat"])));
    for (const { code, stderr } of results) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(6);
    const { sessions } = JSON.parse((await home.run(["ls", "--json"])).stdout) as { sessions: { name: string }[] };
    expect(sessions.map(({ name }) => name).sort()).toEqual(["n0", "n1", "n2", "n3", "n4", "n5"]);
    const daemons = home.processes().filter(({ command }) => / daemon /.test(`${command} `) && command.includes("--ready-fd"));
    expect(daemons).toHaveLength(1);
    expect(await home.run(["daemon", "stop"])).toMatchObject({
      code: 0,
      stdout: "the daemon has ended; 6 sessions go on under the keeper\n",
    });
    // The next use finds them again.
    expect((await home.run(["send", "n3", "hello", "--enter"])).code).toBe(0);
    expect(await home.run(["daemon", "stop", "--all"])).toMatchObject({
      code: 0,
      stdout: "the daemon and all its sessions have ended\n",
    });
  });
});

test("stop answers when the daemon has ended: its lock is free, and nobody writes in its directory any more", async () => {
  await inEmptyHome(async (home) => {
    for (let turn = 0; turn < 3; turn++) {
      expect((await home.run(["new", "--", "sleep", "1000"])).code).toBe(0);
      expect((await home.run(["daemon", "stop"])).code).toBe(0);
      expect(holderOf(join(home.home, "lock"))).toBeNull();
    }
    expect((await home.run(["daemon", "stop", "--all"])).code).toBe(0);
    rmSync(join(home.home, "store"), { recursive: true });
    expect(existsSync(join(home.home, "store"))).toBe(false);
  });
});

test("stop --all where no daemon runs: one is started to end what the keeper holds; without a keeper there is nothing to start", async () => {
  await inEmptyHome(async (home) => {
    expect((await home.run(["daemon", "stop", "--all"])).code).toBe(5);
    expect(home.processes()).toEqual([]);
    expect((await home.run(["new", "--", "sleep", "1000"])).code).toBe(0);
    expect((await home.run(["daemon", "stop"])).code).toBe(0);
    expect(home.processes().some(({ command }) => command.includes("sleep"))).toBe(true);
    expect(await home.run(["daemon", "stop", "--all"])).toEqual({
      code: 0,
      stdout: "the daemon and all its sessions have ended\n",
      stderr: "",
    });
    await waitUntil("the session to have ended", () => home.processes().every(({ command }) => !command.includes("sleep")));
  });
});

test("an upgrade with a configuration that no daemon starts with is refused, and the one that runs goes on", async () => {
  await inEmptyHome(async (home) => {
    expect((await home.run(["new", "--name", "web", "--", "cat"])).code).toBe(0);
    writeFileSync(join(home.home, "config.toml"), "[daemon]\nmax_sessions = -3\n");
    expect(await home.run(["daemon", "upgrade"])).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /config\.toml:2: daemon\.max_sessions: .*; nothing was replaced: the daemon \(pid \d+\) goes on\n$/,
      ) as string,
    });
    expect((await home.run(["show", "web"])).code).toBe(0);
  });
});

test("in the foreground it says where it is and what to try; Ctrl-C says what goes on; through a symlink", async () => {
  await inEmptyHome(async (home) => {
    const link = join(home.home, "lg");
    symlinkSync(LIFEGUARD, link);
    const child = spawn(link, ["daemon"], { env: home.env, cwd: home.home, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "exit");
    let output = "";
    const greeted = new Promise<void>((resolve) =>
      child.stdout.setEncoding("utf8").on("data", (words: string) => ((output += words), output.includes("Ctrl-C") && resolve())),
    );
    const complaints = text(child.stderr);
    await within("the greeting", greeted);
    expect(output).toContain(home.socket);
    expect(output).toContain(`state     ${home.home}`);
    expect(output.match(/new --name work -- bash|attach work|top\n/g)).toHaveLength(3);
    expect((await home.run(["new", "--", "cat"])).code).toBe(0);
    expect(await home.run(["daemon", "--background"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(String(child.pid)) as string,
    });
    expect(await home.run(["daemon"])).toMatchObject({ code: 1, stderr: expect.stringContaining(String(child.pid)) as string });
    child.kill("SIGINT");
    expect(await within("the daemon to end", exit)).toEqual([0, null]);
    expect(output).toContain("1 session goes on under the keeper");
    expect(output).toContain("daemon stop --all");
    expect(await complaints).toBe("");
    expect(existsSync(home.socket)).toBe(false);
  });
});

test("a socket's path that no system takes is refused with its length, and nothing is started", async () => {
  await inEmptyHome(async (home) => {
    const path = `/tmp/${"x".repeat(200)}.sock`;
    for (const args of [["new", "--", "true"], ["ls"]]) {
      const { code, stderr } = await home.run(args, { env: { LIFEGUARD_SOCKET: path } });
      expect(code).toBe(5);
      expect(stderr).toContain(`has ${path.length} bytes`);
      expect(stderr).toContain("set LIFEGUARD_SOCKET or LIFEGUARD_RUNTIME_DIR");
    }
    expect(home.processes()).toEqual([]);
  });
});

test("a daemon that cannot start says why, through the verb that wanted it", async () => {
  await inEmptyHome(async (home) => {
    const config = join(home.home, "broken.toml");
    writeFileSync(config, "[daemon]\nmax_sessions = -3\n");
    for (const args of [["new", "--", "true"], ["daemon", "--background"], ["daemon"]]) {
      const { code, stderr } = await home.run(args, { env: { LIFEGUARD_CONFIG: config } });
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toContain(config);
      expect(stderr).toContain("max_sessions");
    }
    await waitUntil("the daemon that could not start to be gone", () =>
      home.processes().every(({ command }) => !command.includes("bin/lifeguard")),
    );
  });
});

test("a daemon whose socket's file was removed is named, with who knows a way out: nobody is sent to start or to stop one", async () => {
  await inEmptyHome(async (home) => {
    await home.start();
    rmSync(home.socket);
    for (const args of [["ls"], ["daemon", "stop"]])
      expect(await home.run(args)).toEqual({
        code: 5,
        stdout: "",
        stderr: `lifeguard: no daemon answers at ${home.socket}, but one with pid ${home.pid} runs on ${home.home}: lifeguard doctor says what to do\n`,
      });
    expect(await home.run(["daemon", "--background"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/pid \d+ runs on .*; when it does not answer, 'lifeguard doctor' says what to do\n$/) as string,
    });
    await home.kill9();
  });
});

test("a daemon that is stopped by a signal: its pid, and who knows what to do", async () => {
  await inEmptyHome(async (home) => {
    await home.start();
    process.kill(home.pid, "SIGSTOP");
    try {
      expect(await home.run(["ls"])).toEqual({
        code: 4,
        stdout: "",
        stderr: `lifeguard: a daemon listens at ${home.socket} and does not answer (pid ${home.pid} holds the lock of ${home.home}): daemon.hello was not answered within 5000 ms; lifeguard doctor says what to do\n`,
      });
    } finally {
      process.kill(home.pid, "SIGCONT");
    }
  });
});
