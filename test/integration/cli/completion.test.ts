/** Completion as the shells ask for it: the script is sourced, and its function called with the words a person has typed. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { TestDaemon } from "../../support/daemon.js";
import { startDaemon } from "../../support/daemon.js";

const LIFEGUARD = fileURLToPath(new URL("../../../bin/lifeguard", import.meta.url));

let daemon: TestDaemon;

beforeAll(async () => {
  daemon = await startDaemon();
  const client = await daemon.client();
  for (const name of ["build-one", "build-two", "other"]) await client.call("session.create", { name, command: "cat", cwd: "/" });
  const bin = join(daemon.home, "bin");
  mkdirSync(bin);
  symlinkSync(LIFEGUARD, join(bin, "lifeguard"));
});

async function offers(...typed: string[]): Promise<string[]> {
  const { stdout } = await daemon.run(["complete", "--", ...typed]);
  return stdout.split("\n").flatMap((line) => (line === "" || line.startsWith(":") ? [] : [line.split("\t")[0] ?? ""]));
}

describe("offers", () => {
  test("verbs, their second words, their options", async () => {
    expect(await offers("s")).toEqual(expect.arrayContaining(["show", "screen", "send", "status"]));
    expect(await offers("daemon", "")).toContain("stop");
    expect(await offers("api", "s")).toEqual(["schema"]);
    expect(await offers("screen", "--f")).toEqual(["--format"]);
    expect(await offers("screen", "--format", "")).toEqual(["text", "ansi", "html", "svg"]);
    expect(await offers("daemon", "--")).not.toContain("--ready-fd");
  });

  test("names and ids of sessions, where one belongs", async () => {
    expect(await offers("attach", "bu")).toEqual(["build-one", "build-two"]);
    expect(await offers("attach", "sess_")).toHaveLength(3);
    expect(await offers("rm", "bu")).toEqual([]);
    expect(await offers("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });
});

describe("bash", () => {
  /** What Tab offers after these words. The script is sourced twice, as a shell that reads its rc file again does. */
  function inBash(...words: string[]): string[] {
    const script = `
      PATH=${join(daemon.home, "bin")}:$PATH
      cd ${daemon.home}
      source <(lifeguard completion bash)
      source <(lifeguard completion bash)
      # Only within a completion does it do anything.
      compopt() { :; }
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
      COMP_POINT=\${#COMP_LINE}
      COMPREPLY=()
      $(complete -p lifeguard | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      printf '%s\\n' "\${COMPREPLY[@]}"
    `;
    return execFileSync("bash", ["-c", script, "bash", ...words], { env: daemon.env, encoding: "utf8" })
      .trim()
      .split("\n");
  }

  test("completes verbs and names of sessions", () => {
    expect(inBash("lifeguard", "att")).toEqual(["attach"]);
    expect(inBash("lifeguard", "attach", "build-t")).toEqual(["build-two"]);
    expect(inBash("lifeguard", "attach", "")).toEqual(expect.arrayContaining(["build-one", "build-two", "other"]));
    expect(inBash("lifeguard", "screen", "--format", "s")).toEqual(["svg"]);
  });

  test("runs nothing that stands on the line", () => {
    inBash("lifeguard", "logs", "other", ">", "emptied", "");
    inBash("lifeguard", "send", "other", "$(touch executed)", ";", "touch", "executed", "");
    expect(existsSync(join(daemon.home, "emptied"))).toBe(false);
    expect(existsSync(join(daemon.home, "executed"))).toBe(false);
  });
});

for (const shell of ["zsh", "fish"]) {
  const path = ["/bin", "/usr/bin"].map((folder) => join(folder, shell)).find((candidate) => existsSync(candidate));
  test.skipIf(path === undefined)(`${shell} takes its script`, async () => {
    const { stdout } = await daemon.run(["completion", shell]);
    // A file: what Node gives a child as standard input is a socket, which /dev/stdin cannot open.
    const script = join(daemon.home, `completion.${shell}`);
    writeFileSync(script, stdout);
    execFileSync(path ?? shell, ["-n", script], { env: daemon.env });
  });
}
