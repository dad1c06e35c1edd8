/** What doctor advises where more than one thing is wrong, and where a wrong advice would do harm. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Finding } from "../../src/cli/doctor/finding.js";
import { TestDaemon } from "../support/daemon.js";

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

function wrongOf(report: string): Finding[] {
  return (JSON.parse(report) as { findings: Finding[] }).findings.filter(({ level }) => level !== "ok");
}

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
