/**
 * lifeguard as a service, in a machine of its own that has just come up with systemd (test/support/boot-systemd.sh): what ran
 * before a step runs after it. What happens inside is test/support/systemd-scenario.mjs.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 240_000;
const possible = process.platform === "linux" && process.getuid?.() === 0 && existsSync("/lib/systemd/systemd");

interface Step {
  step: string;
  before: Record<string, number>;
  after: Record<string, number>;
  [more: string]: unknown;
}

/** Unattended: in CI a machine without systemd is a failure, elsewhere the reason is said. */
describe.skipIf(!possible && process.env["CI"] !== "true")("as a service of systemd (needs root and Debian's package systemd)", () => {
  const home = mkdtempSync(join(tmpdir(), "lifeguard-service-"));
  const steps = new Map<string, Step>();

  beforeAll(async () => {
    const child = spawn(
      join(checkout, "test/support/boot-systemd.sh"),
      [process.execPath, join(checkout, "test/support/systemd-scenario.mjs"), checkout, home],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const code = await new Promise((resolve) => child.once("close", resolve));
    for (const line of said.split("\n").filter((text) => text.startsWith("{"))) {
      const step = JSON.parse(line) as Step;
      steps.set(step.step, step);
    }
    expect(code, errors.slice(-4_000)).toBe(0);
  }, LIMIT_MS);

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  function step(name: string): Step {
    const found = steps.get(name);
    if (found === undefined) throw new Error(`the scenario has no step ${name}: it has ${[...steps.keys()].join(", ")}`);
    return found;
  }

  test("install writes the units, starts them, and is harmless again", () => {
    expect(step("install")["printed"]).toMatch(
      /wrote .*lifeguard\.service\n.*lifeguard\.socket\n.*lifeguard-keeper@\.service\nthe daemon runs under systemd/s,
    );
    expect(step("installed again")["printed"]).toMatch(/^unchanged .*\nunchanged .*\nunchanged .*\nthe daemon runs under systemd/);
  });

  test("agents live in the keeper's unit, and systemctl shows how many", () => {
    expect(step("twenty sessions")).toMatchObject({ inKeeper: 20, status: expect.stringMatching(/^20 sessions: /) });
  });

  test.each(["restart", "kill -9 of the daemon", "failed watchdog", "stop, and a program that connects", "daemon upgrade"])(
    "%s: another daemon, the same agents",
    (name) => {
      const { before, after, answered, daemonBefore, daemonAfter } = step(name);
      console.log(`  · ${name}: ran before ${Object.keys(before).length}, run after ${Object.keys(after).length}`);
      expect(Object.keys(before)).toHaveLength(20);
      expect(after).toEqual(before);
      expect(answered).toBe(3);
      expect(daemonAfter).not.toBe(daemonBefore);
    },
  );

  test("kill -9 of the keeper: the same agents under another one, the same daemon", () => {
    const { before, after, daemonBefore, daemonAfter, keeperBefore, keeperAfter } = step("kill -9 of the keeper");
    expect(after).toEqual(before);
    expect(daemonAfter).toBe(daemonBefore);
    expect(keeperAfter).not.toBe(keeperBefore);
  });

  test("stop of the daemon leaves the keeper; a connection starts the daemon again", () => {
    expect(step("stop, and a program that connects")).toMatchObject({ stopped: "inactive", keeper: "active" });
  });

  test("systemctl reload has the configuration read, by the same daemon", () => {
    const { before, after, daemonBefore, daemonAfter, again, state } = step("reload");
    expect({ after, daemonAfter, again, state }).toEqual({
      after: before,
      daemonAfter: daemonBefore,
      again: { changed: [], restart: [] },
      state: "active",
    });
  });

  test("doctor finds a unit of an installation that is gone, and what it says mends it", () => {
    const { before, after, found, left } = step("a stale unit, and what doctor says");
    expect(found).toMatchObject([{ level: "problem", what: expect.stringContaining("/gone/node, /gone/lifeguard") }]);
    expect({ left, after }).toEqual({ left: [], after: before });
  });

  test("an upgrade says that nothing is lost and how long nobody answered", () => {
    expect(step("daemon upgrade")["upgrade"]).toMatchObject({ sessions: 20, lost: [], behind: [], unanswered_ms: expect.any(Number) });
    console.log(`  · upgrade: nobody answered for ${(step("daemon upgrade")["upgrade"] as { unanswered_ms: number }).unanswered_ms} ms`);
  });

  test("an agent that eats its memory takes down itself alone", () => {
    const { before, after, exit, limits, keeper, daemon } = step("an agent that eats its memory");
    expect(limits).toEqual({ memory: String(100 * 2 ** 20), tasks: "20", weight: "50" });
    expect(exit).toMatchObject({ signal: "SIGKILL" });
    expect(after).toEqual(before);
    expect({ keeper, daemon }).toEqual({ keeper: "active", daemon: "active" });
  });

  test("stop of the keeper ends every agent, those in scopes of their own too, and the daemon", () => {
    const { said, ...stopped } = step("stop of the keeper");
    expect(stopped, String(said)).toMatchObject({ agents: 21, left: [], daemon: "inactive", keeper: "inactive" });
  });

  test("the journal has entries with priorities and fields", () => {
    const { priorities, phases, sessions } = step("journal");
    expect(priorities).toContain("6");
    expect(phases).toEqual(expect.arrayContaining(["start", "exit", "stop"]));
    expect(sessions).toBeGreaterThan(0);
  });

  test("uninstall removes what install wrote", () => {
    expect(step("uninstall")).toMatchObject({ printed: expect.stringMatching(/^removed .*\nremoved .*\nremoved /), state: "not-found" });
  });
});

describe("what service install would write", () => {
  const print = (...args: string[]): string =>
    spawnSync(process.execPath, [join(checkout, "bin/lifeguard"), "service", "print", ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "", HOME: tmpdir(), LIFEGUARD_HOME: join(tmpdir(), 'a "home" with 100% $blanks & <more>') },
    }).stdout;

  test("a property list that Apple's format takes, with every path as it is", () => {
    const parse = "import json,plistlib,sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    const parsed = spawnSync("python3", ["-c", parse], {
      input: print("--for", "launchd").replace(/^<!-- .* -->\n/, ""),
      encoding: "utf8",
    });
    expect(parsed.stderr).toBe("");
    expect(JSON.parse(parsed.stdout)).toMatchObject({
      Label: "io.lifeguard.daemon",
      ProgramArguments: [process.execPath, join(checkout, "bin/lifeguard"), "daemon"],
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      AbandonProcessGroup: true,
      EnvironmentVariables: { LIFEGUARD_SERVICE: "user", LIFEGUARD_STATE_DIR: join(tmpdir(), 'a "home" with 100% $blanks & <more>') },
    });
  });

  test.skipIf(!existsSync("/usr/bin/systemd-analyze"))("units that systemd takes, with every path as it is", () => {
    const directory = mkdtempSync(join(tmpdir(), "lifeguard-units-"));
    const script = `import re,sys,pathlib
for name, text in re.findall(r"^# (lifeguard\\S+)\\n(.*?)(?=^# lifeguard|\\Z)", sys.stdin.read(), re.S | re.M): pathlib.Path(sys.argv[1], name).write_text(text)`;
    spawnSync("python3", ["-c", script, directory], { input: print() });
    const said = spawnSync("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", join(directory, "lifeguard.service")], {
      encoding: "utf8",
    });
    rmSync(directory, { recursive: true });
    expect(said.stderr.split("\n").filter((line) => line.includes("lifeguard"))).toEqual([]);
  });
});
