/** Tools in real sessions: asked for, recognised, explained, and their profiles changed under them. The tool is a script of ours. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

const daemon = await startDaemon();
const client = await daemon.client();
const bin = join(daemon.home, "bin");
const own = join(daemon.home, "profiles");
mkdirSync(bin, { recursive: true });

/** Draws a title and a status line for each word it reads, and ends on `quit`. */
const TOOL = `#!/bin/bash
printf '\\033]2;mt: ready\\007'; echo 'mytool is ready'
while read -r word; do
  [ "$word" = quit ] && exit 0
  printf '\\033]2;mt: %s\\007\\033[2J\\033[H%s\\n' "$word" "$word"
done
`;
const PROFILE = `format = 1
name = "mytool"
title = "My Tool"
command = ["mytool"]
processes = ["mytool"]
context_limit = 77_000
[[rule]]
id = "works"
state = "busy"
region = "title"
match = '^mt: work'
[[rule]]
id = "asks"
state = "attention"
region = "title"
match = '^mt: ask'
[[rule]]
id = "rests"
state = "idle"
region = "title"
match = '^mt: ready'
`;
writeFileSync(join(bin, "mytool"), TOOL);
chmodSync(join(bin, "mytool"), 0o755);
const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const env = { PATH: `${bin}:${process.env["PATH"] ?? "/usr/bin:/bin"}` };

async function reach(id: string, state: "busy" | "idle" | "attention"): Promise<string> {
  return (await client.call("session.wait", { id, until: [state], timeout_ms: 20_000 })).evidence.rule;
}
const type = (id: string, text: string): Promise<unknown> => client.call("session.input", { id, data: `${text}\r` });

describe("tools", () => {
  test("one that nobody knows is refused, with those that are known", async () => {
    await expect(client.call("session.create", { tool: "nope" })).rejects.toMatchObject({
      name: "INVALID_PARAMS",
      message: expect.stringMatching(/no profile of a tool "nope".*claude, .*codex/),
    });
  });

  test("a profile that is written while the daemon runs is used at once: command, states, limit, explanation", async () => {
    writeFileSync(join(own, "mytool.toml"), PROFILE);
    const session = await waitUntil("the new profile", async () => {
      try {
        return await client.call("session.create", { name: "asked", tool: "mytool", env });
      } catch {
        return null;
      }
    });
    expect(session).toMatchObject({ tool: "mytool", command: "mytool" });
    expect(await reach("asked", "idle")).toBe("rests");
    expect(await client.call("session.get", { id: "asked" })).toMatchObject({ tool: "mytool", context_limit: 77_000 });
    await type("asked", "work");
    expect(await reach("asked", "busy")).toBe("works");
    await type("asked", "ask");
    expect(await reach("asked", "attention")).toBe("asks");
    const why = await client.call("session.explain", { id: "asked" });
    expect(why).toMatchObject({
      state: "attention",
      evidence: { rule: "asks", detail: "mt: ask" },
      tool: { name: "mytool", verified: null },
    });
    expect(why.candidates.find(({ outcome }) => outcome === "won")).toMatchObject({ rule: "asks", text: "mt: ask" });
    expect(why.candidates.find(({ rule }) => rule === "works")?.text).toMatch(/^lacks/);
    expect(why.would_change.length).toBeGreaterThan(2);
    const page = await daemon.run(["explain", "asked"]);
    expect(page.stdout).toMatch(/attention since .*\n +because title asks \(high\): mt: ask/);

    // What nothing matches is said to be just that, and a user mends it in the file.
    await type("asked", "pondering");
    expect(await reach("asked", "idle")).toBe("no_rule_matched");
    writeFileSync(join(own, "mytool.toml"), PROFILE.replace("'^mt: work'", "'^mt: (?:work|ponder)'"));
    expect(await reach("asked", "busy")).toBe("works");
    await client.call("session.kill", { id: "asked", grace_ms: 300 });
  });

  test("one that is started by hand in a shell is recognised, and forgotten when it ends", async () => {
    await client.call("session.create", { name: "shell", command: "/bin/bash", args: ["--norc", "-i"], env: { ...env, PS1: "ready> " } });
    await waitForScreen(client, "shell", "ready>");
    const came = await comingEvent(
      client,
      { kinds: ["session.tool"], session: "shell" },
      (event) => (event as { to?: unknown }).to === "mytool",
    );
    await type("shell", "mytool");
    expect(await came.event).toMatchObject({ from: null, to: "mytool" });
    expect(await reach("shell", "idle")).toBe("rests");
    await type("shell", "work");
    expect(await reach("shell", "busy")).toBe("works");
    const went = await comingEvent(client, { kinds: ["session.tool"], session: "shell" });
    await type("shell", "quit");
    expect(await went.event).toMatchObject({ from: "mytool", to: null });
    expect(await reach("shell", "idle")).toMatch(/shell/);
    expect(await client.call("session.get", { id: "shell" })).toMatchObject({ tool: null, context_limit: null });
    await client.call("session.kill", { id: "shell", grace_ms: 300 });
  });

  test("a bad file is named with its line, and the profile stays as it was", async () => {
    writeFileSync(join(own, "bad.toml"), 'format = 1\nname = "bad"\nwrong = 1\n');
    await waitUntil("the warning", () => daemon.log().includes("bad.toml:3: wrong: is no key"));
    const listed = await daemon.run(["profile", "list"]);
    expect(listed.code).toBe(1);
    expect(listed.stdout).toMatch(/claude +\d{4}-\d{2}-\d{2}/);
    expect(listed.stdout).toMatch(/gemini +unverified/);
    expect(listed.stderr).toContain("bad.toml:3: wrong: is no key");
  });

  test("a recording is replayed by the command line, without a daemon", async () => {
    const run = await daemon.run(["profile", "test", file("profiles/codex.toml"), file("test/recordings/codex/turn.json")]);
    expect(run.stdout).toMatch(/attention screen approval_dialog \(high\)/);
    const refused = await daemon.run(["profile", "test", file("profiles/codex.toml"), file("package.json")]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("neither a recording nor an asciicast");
  });
});
