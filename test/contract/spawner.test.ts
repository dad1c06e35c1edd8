/** What every spawner promises, asked of each. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isNonblocking, writeDescriptor } from "../../src/libc/descriptors.js";
import { openFileLimits } from "../../src/libc/processes.js";
import { openSpawner } from "../../src/reaper/spawner.js";
import type { Spawner } from "../../src/reaper/spawner.js";
import { PLAIN, Running, shell } from "../support/pty-run.js";
import { waitUntil } from "../support/wait.js";

const STAYING = { ...PLAIN, file: "/bin/cat", argv: ["/bin/cat"] };

function procField(pid: number, file: string, name: string): string {
  return new RegExp(`^${name}:?\\s+(.*)$`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "latin1"))?.[1]?.trim() ?? "";
}

describe.each(["posix", "node-pty"] as const)("%s spawner", (kind) => {
  let spawner: Spawner;
  let directory: string;
  let fdsBefore: number;

  beforeAll(async () => {
    spawner = await openSpawner(kind);
    directory = mkdtempSync(join(tmpdir(), "lifeguard-spawner-"));
    await run("exit 0");
    fdsBefore = readdirSync("/proc/self/fd").length;
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
    expect(readdirSync("/proc/self/fd").length, "open files of this process").toBe(fdsBefore);
  });

  async function run(script: string, ...args: string[]): Promise<{ text: string; code: number | null; signal: number | null }> {
    const running = new Running(spawner, shell(script, ...args));
    const status = await running.end();
    return { text: running.text(), ...status };
  }

  /** A program that stays until it is looked at from outside. */
  async function whileStaying(order: typeof STAYING, look: (pid: number) => void): Promise<void> {
    const running = new Running(spawner, order);
    try {
      // Its answer says that it runs; by its name in /proc alone, the loader may still have a library open.
      writeDescriptor(running.born.master, Buffer.from("up\n"));
      await waitUntil("its answer", () => {
        running.read();
        return running.text() === "up\nup\n";
      });
      look(running.born.pid);
    } finally {
      process.kill(running.born.pid, "SIGKILL");
      expect(await running.end()).toEqual({ code: null, signal: 9 });
    }
  }

  test("the child has fds 0, 1 and 2 and no other, all on its terminal", async () => {
    await whileStaying(STAYING, (pid) => expect(readdirSync(`/proc/${pid}/fd`).sort()).toEqual(["0", "1", "2"]));
    expect((await run("readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2; tty")).text).toMatch(/^(\/dev\/pts\/\d+\n)\1\1\1$/);
  });

  test("it leads a session of its own with the terminal as its own", async () => {
    await whileStaying(STAYING, (pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
      expect({ group: Number(stat[2]), session: Number(stat[3]), foreground: Number(stat[5]) }).toEqual({
        group: pid,
        session: pid,
        foreground: pid,
      });
      expect(Number(stat[4]), "controlling terminal").not.toBe(0);
    });
    expect((await run("echo through > /dev/tty")).text).toBe("through\n");
  });

  test("the terminal has the size asked for, and knows UTF-8", async () => {
    const running = new Running(spawner, { ...shell("stty size; stty -a"), size: { cols: 123, rows: 45 } });
    await running.end();
    expect(running.text()).toMatch(/^45 123\n/);
    expect(running.text()).toMatch(/ iutf8/);
  });

  test("it starts in its directory", async () => {
    const running = new Running(spawner, { ...shell("/bin/pwd"), cwd: directory, env: ["PATH=/usr/bin:/bin", `PWD=${directory}`] });
    await running.end();
    expect(running.text()).toBe(`${directory}\n`);
  });

  test("arguments arrive as they are: empty, with spaces, quotes, line ends, in every script", async () => {
    const args = ["", " ", "a b", `"'$x\\`, "zwei\nZeilen", "日本語 🦀", "-", "--", "*", ""];
    const { text } = await run('for a; do printf "<%s>" "$a"; done', "sh", ...args);
    expect(text).toBe(args.map((arg) => `<${arg}>`).join(""));
  });

  test("the environment is the one asked for and no other, also when it is large", async () => {
    const env = [
      "PATH=/bin",
      "PWD=/",
      "TERM=xterm-256color",
      "EMPTY=",
      "odd.name=1",
      "=nameless",
      "VIELE=日本語 🦀\nzweite",
      `BIG=${"x".repeat(100 * 1024)}`,
    ];
    const running = new Running(spawner, { ...PLAIN, file: "/bin/cat", argv: ["/bin/cat", "/proc/self/environ"], env });
    expect(await running.end()).toEqual({ code: 0, signal: null });
    expect(running.text().split("\0").filter(Boolean)).toEqual(env);
  });

  test.each([
    ["a program that is not there", { file: "/nowhere/at-all" }, "ENOENT"],
    ["a directory that is not there", { cwd: "/nowhere" }, "ENOENT"],
    ["a directory that is a file", { cwd: "/etc/passwd" }, "ENOTDIR"],
    ["a program that is a directory", { file: "/etc" }, "EACCES"],
    ["a program that may not be run", { file: "/etc/passwd" }, "EACCES"],
  ])("%s: refused with its errno, nothing started, nothing left open", (_what, change, code) => {
    const before = readdirSync("/proc/self/fd").length;
    expect(() => spawner.spawn({ ...PLAIN, ...change }, () => undefined)).toThrow(expect.objectContaining({ code }));
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  test("a script without #! is run by the shell", async () => {
    const script = join(directory, "plain");
    writeFileSync(script, 'echo "ran with $1"\n');
    chmodSync(script, 0o755);
    const running = new Running(spawner, { ...PLAIN, file: script, argv: [script, "an argument"] });
    expect(await running.end()).toEqual({ code: 0, signal: null });
    expect(running.text()).toBe("ran with an argument\n");
  });

  test("100 fast exits: each with its status and its last byte", async () => {
    const full = Array.from({ length: 200 }, (_unused, index) => `${index + 1}\n`).join("");
    for (let round = 0; round < 10; round++) {
      const ten = Array.from({ length: 10 }, () => new Running(spawner, shell("seq 1 200; exit 7")));
      for (const running of ten) {
        expect(await running.end()).toEqual({ code: 7, signal: null });
        expect(running.text()).toBe(full);
      }
    }
  });

  test("an end by signal has the signal's number", async () => {
    expect(await run("kill -TERM $$")).toMatchObject({ code: null, signal: 15 });
    expect(await run("exit 255")).toMatchObject({ code: 255, signal: null });
  });

  test("limits, umask and signals are the order's, and this process keeps its own", async () => {
    const limits = openFileLimits();
    const umask = process.umask();
    process.on("SIGUSR2", () => undefined);
    await whileStaying({ ...STAYING, nofileSoft: 777, umask: 0o027 }, (pid) => {
      expect(procField(pid, "limits", "Max open files").split(/\s+/).slice(0, 2)).toEqual(["777", String(limits.hard)]);
      expect(procField(pid, "status", "Umask")).toBe("0027");
      for (const set of ["SigBlk", "SigIgn", "SigCgt"]) expect(procField(pid, "status", set), set).toMatch(/^0+$/);
    });
    process.removeAllListeners("SIGUSR2");
    expect(openFileLimits()).toEqual(limits);
    expect(process.umask()).toBe(umask);
  });

  test("our end: non-blocking, not inherited by other programs", async () => {
    const running = new Running(spawner, shell("exit 0"));
    expect(isNonblocking(running.born.master)).toBe(true);
    for (const fd of [running.born.master, running.born.slave]) {
      expect(Number.parseInt(procField(process.pid, `fdinfo/${fd}`, "flags"), 8) & 0o2000000, "O_CLOEXEC").not.toBe(0);
    }
    await running.end();
  });
});
