import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { commandName, isInteractiveShell, nameOf, processCwd, readForeground } from "../../../src/actors/foreground.js";
import { closeDescriptor, writeDescriptor } from "../../../src/libc/descriptors.js";
import { reap, spawnOnTerminal } from "../../../src/libc/processes.js";
import { openPty, openSlave } from "../../../src/libc/terminals.js";

/** Resolves when it is so; the test's own deadline bounds it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the name of a program", () => {
  it.each([
    [["/usr/bin/vim", "file"], "vim"],
    [["-bash"], "bash"],
    [["bash"], "bash"],
    [["bash", "-c", "sleep 1"], "bash"],
    [["node", "/usr/lib/node_modules/@openai/codex/bin/codex.js", "--help"], "codex"],
    [["/usr/bin/python3.11", "/opt/aider/aider.py"], "aider"],
    [["python3", "-m", "http.server"], "python3"],
    [["claude"], "claude"],
    [["claude --resume x"], "claude"],
    [["\u001b]0;x\u0007evil"], "]0;xevil"],
  ])("%j is %s", (args, name) => {
    expect(nameOf(args)).toBe(name);
  });
  it("is null for nothing", () => {
    expect(nameOf([])).toBe(null);
    expect(nameOf([""])).toBe(null);
  });
});

describe("an interactive shell", () => {
  it.each([
    ["bash", []],
    ["/bin/zsh", ["-l"]],
    ["-sh", []],
    ["bash", ["--rcfile", "/tmp/rc", "-i"]],
    ["bash", ["--norc", "-o", "vi"]],
    ["bash", ["-ic", "exec fish"]],
  ])("%s %j", (command, args) => {
    expect(isInteractiveShell(command, args)).toBe(true);
  });
  it.each([
    ["sh", ["-c", "make"]],
    ["bash", ["-lc", "make"]],
    ["bash", ["script.sh"]],
    ["vim", []],
    ["claude", []],
  ])("%s %j is none", (command, args) => {
    expect(isInteractiveShell(command, args)).toBe(false);
  });
});

describe.runIf(process.platform === "linux")("processes", () => {
  it("tells the name and directory of a live one, and null of one that is gone", async () => {
    const child = spawn("sleep", ["60"], { cwd: tmpdir() });
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    expect(commandName(pid)).toBe("sleep");
    expect(processCwd(pid)).toBe(realpathSync(tmpdir()));
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(commandName(pid)).toBe(null);
    expect(processCwd(pid)).toBe(null);
  });

  it("tells the shell in front from what it runs", async () => {
    const { master, slavePath } = openPty(80, 24);
    const slave = openSlave(slavePath);
    const shell = spawnOnTerminal({ file: "/bin/sh", argv: ["sh"], env: ["PS1=ready> ", "PATH=/usr/bin:/bin"], cwd: "/", slavePath });
    let group = 0;
    try {
      await until(() => readForeground(master, shell)?.isLeader === true);
      expect(readForeground(master, shell)).toEqual({ group: shell, isLeader: true, command: "sh" });
      writeDescriptor(master, Buffer.from("cd /usr; sleep 60\n"));
      await until(() => readForeground(master, shell)?.command === "sleep");
      const front = readForeground(master, shell);
      group = front?.group ?? 0;
      expect(front).toEqual({ group, isLeader: false, command: "sleep" });
      expect(processCwd(group)).toBe("/usr");
    } finally {
      if (group > 0) process.kill(group, "SIGKILL");
      process.kill(shell, "SIGKILL");
      await until(() => reap(shell) !== null);
      closeDescriptor(slave);
      closeDescriptor(master);
    }
  });

  it("is null for a terminal that nobody has", () => {
    const { master } = openPty(80, 24);
    expect(readForeground(master, 1)).toBe(null);
    closeDescriptor(master);
  });
});
