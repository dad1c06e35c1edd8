import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { commandName, isInteractiveShell, nameOf, processCwd, readForeground } from "../../../src/actors/foreground.js";
import { closeDescriptor, openPty } from "../../../src/libc/libc.js";

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

  it("is null for a terminal that nobody has", () => {
    const { master } = openPty(80, 24);
    expect(readForeground(master, 1)).toBe(null);
    closeDescriptor(master);
  });
});
