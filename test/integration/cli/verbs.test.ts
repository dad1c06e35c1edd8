/** Every verb against a real daemon: what it prints, and its exit code. */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { existsSync, openSync, closeSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { VERBS } from "../../../src/cli/verbs.js";
import type { SessionSummary } from "../../../src/session.js";
import { runHere } from "../../support/command-line.js";
import type { CommandResult, TestDaemon } from "../../support/daemon.js";
import { startDaemon } from "../../support/daemon.js";
import { waitUntil, within } from "../../support/wait.js";

const LIFEGUARD = fileURLToPath(new URL("../../../bin/lifeguard", import.meta.url));

let daemon: TestDaemon;
const run = (...args: string[]): Promise<CommandResult> => daemon.run(args);

/** Runs, and is about what went wrong when something did. */
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}

async function summaryOf(id: string): Promise<SessionSummary> {
  return JSON.parse(await ok("show", id, "--json")) as SessionSummary;
}

async function shows(id: string, text: string): Promise<void> {
  await waitUntil(`${JSON.stringify(text)} on the screen of ${id}`, async () => (await run("screen", id)).stdout.includes(text));
}

beforeAll(async () => {
  daemon = await startDaemon({ config: "[session]\nrestart_backoff_ms = 600000\nrestart_backoff_max_ms = 600000\n" });
});

describe("a session's life", () => {
  test("new prints the id; ls, show, screen, send, keys see and drive it; kill and rm end it", async () => {
    const id = (await ok("new", "--name", "life", "--label", "team=a", "--size", "90x20", "--", "cat")).trim();
    expect(id).toMatch(/^sess_\d+$/);
    expect(await summaryOf("life")).toMatchObject({
      id,
      name: "life",
      labels: { team: "a" },
      cols: 90,
      rows: 20,
      command: "cat",
      cwd: daemon.home,
    });
    expect(await ok("ls", "--label", "team=a")).toMatch(new RegExp(`${id} +life +. \\w+`));
    expect(await ok("ls", "--label", "team=b")).not.toContain(id);
    await ok("send", "life", "--enter", "--", "--dash first");
    await shows("life", "--dash first");
    await ok("keys", "life", "h", "i", "Space", "Enter");
    await shows("life", "hi");
    expect(await ok("screen", id, "--format", "svg")).toContain("<svg");
    expect(await ok("screen", id, "--format", "html")).toContain("<");
    expect(JSON.parse(await ok("screen", id, "--json"))).toMatchObject({ cols: 90, rows: 20 });
    expect((await run("rm", "life")).code).toBe(1);
    expect(await ok("kill", "life", "--grace", "1s")).toContain("ended life: SIGHUP");
    // It leaves the live table at the reaper's next tick.
    await waitUntil("ls without it", async () => !(await ok("ls")).includes(id));
    expect(await ok("ls", "--all")).toContain(id);
    await ok("rm", "life");
    expect((await run("show", id)).code).toBe(3);
  });

  test("the caller's environment and directory are the session's, less what names another terminal", async () => {
    const script =
      'printf \'MARK=%s TMUX=%s COLUMNS=%s PWD=%s EXTRA=%s SESSION=%s\\n\' "$MARK" "$TMUX" "$COLUMNS" "$PWD" "$EXTRA" "$LIFEGUARD_SESSION"; cat';
    const { stdout, code } = await daemon.run(["new", "--env", "EXTRA=a=b", "--size", "200x10", "--", "sh", "-c", script], {
      env: { MARK: "here", TMUX: "/x", COLUMNS: "7" },
    });
    expect(code).toBe(0);
    const id = stdout.trim();
    await shows(id, `MARK=here TMUX= COLUMNS= PWD=${daemon.home} EXTRA=a=b SESSION=${id}`);
    await ok("kill", id);
  });

  test("without a command it is the user's shell; restart starts it again under the same id", async () => {
    const before = JSON.parse(await ok("new", "--json")) as SessionSummary;
    expect(before.command).toContain("bash");
    expect(await ok("restart", before.id)).toContain("epoch 2");
    expect((await summaryOf(before.id)).pid).not.toBe(before.pid);
    await ok("kill", before.id);
  });

  test("paste brings half a megabyte through a program that reads slowly, in order and whole", async () => {
    const target = join(daemon.home, "pasted");
    const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index}`);
    const file = join(daemon.home, "to-paste");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const id = (
      await ok("new", "--", "sh", "-c", `stty raw -echo; echo ready; head -c ${lines.join("\r").length + 1} > ${target}; echo done`)
    ).trim();
    await shows(id, "ready");
    await ok("paste", id, file);
    await shows(id, "done");
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(target, "utf8").replaceAll("\r", "\n").trimEnd().split("\n")).toEqual(lines);
    const piped = (await ok("new", "--", "cat")).trim();
    expect((await daemon.run(["paste", piped], { input: "from stdin" })).code).toBe(0);
    await shows(piped, "from stdin");
    await ok("kill", piped);
  });
});

describe("output", () => {
  test("logs gives every byte, from any offset, and as a recording", async () => {
    const id = (await ok("new", "--size", "80x24", "--", "sh", "-c", "printf 'one\\ntwo\\n'; exit 3")).trim();
    expect(await ok("wait", id, "--until", "exited", "--timeout", "20s")).toBe("exited\n");
    expect(await ok("logs", id)).toBe("one\r\ntwo\r\n");
    expect(await ok("logs", id, "--since", "5")).toBe("two\r\n");
    expect(await ok("logs", id, "--follow")).toBe("one\r\ntwo\r\n");
    const [header = "", ...events] = (await ok("logs", id, "--cast")).trim().split("\n");
    expect(JSON.parse(header)).toMatchObject({ version: 2, width: 80, height: 24 });
    expect(events.map((line) => (JSON.parse(line) as [number, string, string])[2]).join("")).toBe("one\r\ntwo\r\n");
    expect(await ok("ls", "--state", "exited")).toContain("exit 3");
  });

  test("logs --follow goes on across a restart of the daemon, and ends with the session", async () => {
    const fifo = join(daemon.home, "go");
    // Until: opened again while the last writer is still about to close it, a fifo is at its end at once.
    const parts = `mkfifo ${fifo}; for i in 1 2 3; do until read x < ${fifo}; do :; done; seq 1 2000; done; echo end`;
    const id = (await ok("new", "--", "sh", "-c", parts)).trim();
    const child = spawn(process.execPath, [LIFEGUARD, "logs", id, "--follow"], { env: daemon.env, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "exit");
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    const go = async (): Promise<void> => writeFileSync(fifo, "go\n");
    await waitUntil("the fifo", async () => (await import("node:fs")).existsSync(fifo));
    await go();
    await waitUntil("the first part", () => output.split("2000\r\n").length === 2);
    await daemon.kill9();
    await go();
    await daemon.start();
    await waitUntil("the second part", () => output.split("2000\r\n").length === 3);
    await go();
    await within("logs to end", exit);
    const numbers = Array.from({ length: 2_000 }, (_, index) => `${index + 1}\r\n`).join("");
    expect(output).toBe(`${numbers.repeat(3)}end\r\n`);
    expect(complaints).toBe("");
  });

  test("a reader that goes away early is no error", async () => {
    const id = (await ok("new", "--", "sh", "-c", "seq 1 200000; exec cat")).trim();
    await shows(id, "200000");
    const child = spawn("sh", ["-c", `'${process.execPath}' '${LIFEGUARD}' logs ${id} | head -n 1`], {
      env: daemon.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr] = await Promise.all([
      import("node:stream/consumers").then(({ text }) => text(child.stdout)),
      import("node:stream/consumers").then(({ text }) => text(child.stderr)),
      once(child, "exit"),
    ]);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stderr).toBe("");
    await ok("kill", id);
  });

  test("events is one JSON line an event, from a cursor on, with RFC 3339 times", async () => {
    const { cursor } = JSON.parse(await ok("ls", "--json")) as { cursor: { boot: string; seq: number } };
    const id = (await ok("new", "--", "true")).trim();
    const child = spawn(
      process.execPath,
      [LIFEGUARD, "events", "--since", `${cursor.boot}:${cursor.seq}`, "--session", id, "--kinds", "session.created,session.exited"],
      { env: daemon.env, stdio: ["ignore", "pipe", "inherit"] },
    );
    const exit = once(child, "exit");
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    await waitUntil("created and exited", () => output.includes("session.exited"));
    child.kill("SIGINT");
    await within("events to end", exit);
    const events = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; session: string; at: string });
    expect(events.map(({ kind, session }) => [kind, session])).toEqual([
      ["session.created", id],
      ["session.exited", id],
    ]);
    expect(events[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test("events | head ends with its reader: at the first event that nobody reads any more, with 0 and without a word", async () => {
    const { cursor } = JSON.parse(await ok("ls", "--json")) as { cursor: { boot: string; seq: number } };
    const id = (await ok("new", "--", "cat")).trim();
    const script = `set -o pipefail; '${process.execPath}' '${LIFEGUARD}' events --since ${cursor.boot}:${cursor.seq} | head -n 1; echo "both: $?"`;
    const child = spawn("/bin/bash", ["-c", script], { env: daemon.env, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "exit");
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    await waitUntil("the reader to have its line", () => output.includes("\n"));
    await waitUntil("the pipe's end", async () => {
      await ok("api", "call", "session.update", JSON.stringify({ id, seen: true }));
      return child.exitCode !== null;
    });
    await within("the pipe to end", exit);
    expect(errors).toBe("");
    expect(output.trim().split("\n")[1]).toBe("both: 0");
    await ok("kill", id);
  });
});

describe("exit codes and words", () => {
  const live = async (): Promise<string> => (await ok("new", "--", "cat")).trim();

  test("3: no such session", async () => {
    for (const args of [
      ["show", "nobody"],
      ["screen", "nobody"],
      ["send", "nobody", "x"],
      ["keys", "nobody", "x"],
      ["logs", "nobody"],
      ["kill", "nobody"],
      ["restart", "nobody"],
      ["rm", "nobody"],
      ["wait", "nobody", "--until", "idle"],
    ]) {
      const { code, stderr } = await run(...args);
      expect({ args, code }).toEqual({ args, code: 3 });
      expect(stderr).toMatch(/^lifeguard: .*nobody/);
    }
  });

  test("4: the time is over; 1: it ended instead", async () => {
    const id = await live();
    expect(await run("wait", id, "--until", "error", "--timeout", "50ms")).toMatchObject({ code: 4, stdout: "" });
    const waiting = run("wait", id, "--until", "error", "--timeout", "20s");
    await ok("kill", id);
    expect((await waiting).code).toBe(1);
  });

  test("2: wrong words, and they are named", async () => {
    const wrong: [string[], string][] = [
      [["bogus"], "bogus"],
      [["new", "--tool", "no-such-tool"], "no-such-tool"],
      [["new", "--backend", "screen"], "pty, tmux"],
      [["new", "--size", "1x1"], "1x1"],
      [["new", "--restart", "sometimes"], "never, on-failure, always"],
      [["new", "--cwd", "/does/not/exist", "--", "true"], "/does/not/exist"],
      [["new", "--", "no-such-command-anywhere"], "no-such-command-anywhere"],
      [["new", "--name", "no such name", "--", "true"], "name"],
      [["ls", "--state", "done"], "starting, busy"],
      [["wait", "x"], "--until"],
      [["wait", "x", "--until", "idle", "--timeout", "5"], "did you mean 5s?"],
      [["logs", "x", "--since", "-1"], "-1"],
      [["api", "call", "session.list", "{"], "JSON"],
      [["api", "call", "session.list", '{"bogus":1}'], "bogus"],
      [["attach", "x"], "needs a terminal"],
      [["top"], "needs a terminal"],
      [["paste", "x", "/does/not/exist"], "/does/not/exist"],
    ];
    for (const [args, word] of wrong) {
      const { code, stderr, stdout } = await runHere(args, daemon.env);
      expect({ args, code, stdout, stderr }).toEqual({ args, code: 2, stdout: "", stderr: expect.stringContaining(word) as string });
      expect(stderr).toMatch(/^lifeguard: /);
    }
  });

  test("every verb has help with an example", async () => {
    const verbs = Object.keys(VERBS);
    const help = await ok("--help");
    for (const verb of verbs) expect(help).toContain(`\n  ${verb} `);
    expect(await ok("checkpoint", "--help")).toMatch(/^Usage: lifeguard checkpoint [^]*\n {2}checkpoint save <id> /);
    for (const verb of verbs) {
      const { code, stdout } = await runHere([...verb.split(" "), "--help"], daemon.env);
      expect({ verb, code, stdout }).toEqual({
        verb,
        code: 0,
        stdout: expect.stringMatching(/Usage: lifeguard [\s\S]*Example:\n {2}\S/) as string,
      });
    }
  });

  test("status, api schema, api call, top --once", async () => {
    const id = await live();
    expect(await ok("status")).toMatch(/daemon +version [\s\S]*sessions[\s\S]*memory/);
    const status = JSON.parse(await ok("status", "--json")) as { pid: number; started_at: string };
    expect(status.pid).toBe(daemon.pid);
    expect(Date.parse(status.started_at)).toBeGreaterThan(0);
    expect(Object.keys((JSON.parse(await ok("api", "schema")) as { methods: object }).methods)).toContain("session.create");
    expect(JSON.parse(await ok("api", "call", "session.get", JSON.stringify({ id })))).toMatchObject({ id });
    await ok("api", "call", "session.input", JSON.stringify({ id, data_b64: Buffer.from("typed\r").toString("base64") }));
    await shows(id, "typed");
    expect(JSON.parse(await ok("api", "call", "session.read", JSON.stringify({ id })))).toHaveProperty("data_b64");
    const frame = await ok("top", "--once", "--size", "80x10");
    expect(frame.trimEnd().split("\n")).toHaveLength(10);
    expect(frame).toContain((await summaryOf(id)).name);
    await ok("kill", id);
  });
});

describe("what waits and what cannot", () => {
  test("send and paste to a program that does not read say so, and end with the timeout: exit 4", async () => {
    await ok("new", "--name", "deaf", "--", "sh", "-c", "stty raw -echo; echo ready; sleep 100");
    await shows("deaf", "ready");
    const text = "x".repeat(100_000);
    // Two and a half fill the queue and the terminal's own.
    for (let sent = 0; sent < 2; sent++) await ok("send", "deaf", text);
    const left = join(daemon.home, "left");
    writeFileSync(left, text);
    for (const args of [
      ["send", "deaf", text, "--enter"],
      ["paste", "deaf", left],
    ]) {
      const { code, stderr } = await run(...args, "--timeout", "3s");
      expect({ args: args[0], code }).toEqual({ args: args[0], code: 4 });
      expect(stderr).toMatch(
        /^lifeguard: the program in deaf does not read: waiting for it with \d+ of 10000\d bytes left, until Ctrl-C or the timeout\nlifeguard: the program did not read in time: \d+ of 10000\d bytes were taken\n$/,
      );
    }
    await ok("kill", "deaf", "--grace", "100ms");
  });

  test("kill of a session that waits to be started again says that it is not", async () => {
    await ok("new", "--name", "again", "--restart", "on-failure", "--", "sh", "-c", "exit 7");
    await waitUntil("it to wait for its restart", async () => {
      const { state, pid, exit } = await summaryOf("again");
      return state === "starting" && pid === null && exit !== null;
    });
    expect(await ok("kill", "again")).toBe("again was waiting to be started again after exit 7, and is not\n");
    expect(await ok("kill", "again")).toBe("again had ended already: exit 7 (killed)\n");
  });

  test.skipIf(!existsSync("/dev/full"))("output that cannot be written is told, a reader that has gone is not", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [LIFEGUARD, "status"], { env: daemon.env, stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    const exit = once(child, "close");
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (words: string) => (stderr += words));
    expect(await within("lifeguard status to end", exit)).toEqual([1, null]);
    expect(stderr).toBe("lifeguard: cannot write: no space left on device\n");
  });
});

test("what was in vain is told", async () => {
  await ok("new", "--name", "vain", "--", "cat");
  await ok("new", "--name", "over", "--", "sh", "-c", "exit 3");
  await ok("wait", "over", "--until", "exited");
  expect(await ok("kill", "over")).toBe("over had ended already: exit 3\n");
  expect(await run("kill", "vai")).toMatchObject({ code: 3, stderr: expect.stringContaining("(vain) begins so") as string });
  expect(await run("events", "--kinds", "session.state,foo")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"foo" is no kind of event; there are session.created') as string,
  });
  expect(await run("logs", "vain", "--since", "99999999")).toEqual({
    code: 0,
    stdout: "",
    stderr: "lifeguard: its output ends at byte 0, and 99999999 lies beyond\n",
  });
  expect(await daemon.run(["journal", "add", "vain"], { input: "\n" })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("blank") as string,
  });
  expect(await run("explain", "vain", "--record", daemon.home)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is a directory") as string,
  });
  // The first failure is the exit code's; what can go goes.
  const { code, stderr } = await run("rm", "vain", "nope", "over");
  expect({ code, lines: stderr.trimEnd().split("\n") }).toEqual({
    code: 1,
    lines: [expect.stringContaining("(vain) is live") as string, expect.stringContaining('no session "nope"') as string],
  });
  expect((await run("show", "over")).code).toBe(3);
  await ok("rm", "vain", "--force");
});
