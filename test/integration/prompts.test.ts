/** Prompts from outside: a shell, and a small agent of ours that opens dialogs when it likes, in real sessions. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { PromptResult, SessionSummary } from "../../src/rpc/client.js";
import { askingTool, installAskingTool, notedBy } from "../support/asking-tool.js";
import { startDaemon } from "../support/daemon.js";
import { figure, quantile, sample, seeded } from "../support/figures.js";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

const daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 200\nkill_grace_ms = 200\n" });
installAskingTool(daemon.home);
await daemon.restart();
const client = await daemon.client();

let number = 0;
const logFile = (): string => join(daemon.home, `asking-${++number}.log`);

async function shell(): Promise<SessionSummary> {
  const session = await client.call("session.create", { command: "/bin/bash", args: ["--norc"], cwd: daemon.home });
  await rests(session.id);
  return session;
}
async function asking(log: string, options: Parameters<typeof askingTool>[1] = {}): Promise<SessionSummary> {
  const session = await client.call("session.create", { ...askingTool(log, options), cwd: daemon.home });
  await waitUntil("the tool to be ready", () => notedBy(log).some(({ what }) => what === "ready"));
  return session;
}
const rests = (id: string): Promise<unknown> => client.call("session.wait", { id, until: ["idle"], timeout_ms: 20_000 });
const prompt = (id: string, text: string, more: Record<string, unknown> = {}): Promise<PromptResult> =>
  client.call("session.prompt", { id, text, ...more });
const waitIdle = { wait: { until: ["idle" as const], timeout_ms: 20_000 } };
const texts = (log: string): string[] => notedBy(log).flatMap(({ what, text }) => (what === "prompt" ? [text ?? ""] : []));
const delivery = async (id: string): Promise<string | null> => (await client.call("session.get", { id })).prompt_delivery;

describe("a shell", () => {
  test("a line is submitted with evidence, waited for in the same request, and said in summary and event", async () => {
    const { id } = await shell();
    const coming = await comingEvent(client, { kinds: ["session.prompt"], session: id });
    const answer = await prompt(id, "sleep 0.3; echo done-$((40 + 2))", waitIdle);
    expect(answer).toMatchObject({ delivery: "submitted", state: "idle" });
    expect(await coming.event).toMatchObject({ prompt: answer.prompt, delivery: "submitted", rule: answer.evidence.rule });
    expect((await client.call("session.screen", { id })).text).toContain("done-42");
    expect(await delivery(id)).toBe("submitted");
    // One that is over before anybody could see it does not hold the wait up.
    expect(await prompt(id, ":", waitIdle)).toMatchObject({ delivery: "submitted", state: "idle" });
  });

  test("any text arrives byte for byte", async () => {
    const { id } = await shell();
    const parts = [
      "x",
      "- item",
      "--help",
      "/help me",
      "a\tb\t\tc",
      "héllo 日本 👩‍💻 🎉 e\u0301",
      "back\\slash \\",
      "  indented\n\n\ttwo  ",
      "'$HOME' `id` !! ~",
      "y".repeat(3_000),
    ];
    const random = seeded("texts", 7);
    const count = sample("prompts to a shell", 200, 12);
    const pick = (all: readonly string[]): string => all[Math.floor(random() * all.length)] ?? "";
    let arrived = 0;
    for (let n = 0; n < count; n++) {
      const text = parts[n] ?? Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(parts)).join("\n");
      const file = join(daemon.home, `text-${n}`);
      const answer = await prompt(id, `cat > text-${n} <<'END OF IT'\n${text}\nEND OF IT`, waitIdle);
      expect(answer, `text ${n}: ${answer.evidence.detail}`).toMatchObject({ delivery: "submitted", state: "idle" });
      await waitUntil(`text ${n}`, () => existsSync(file) && readFileSync(file, "utf8") === `${text}\n`);
      arrived++;
    }
    figure("arrived byte for byte", `${arrived} of ${count}`);
  });

  test("what cannot arrive is refused by name, and nothing is typed", async () => {
    const { id } = await shell();
    const before = (await client.call("session.screen", { id })).text;
    const refused = async (text: string, words: RegExp): Promise<void> => {
      await expect(prompt(id, text)).rejects.toMatchObject({ name: "INVALID_PARAMS", message: expect.stringMatching(words) });
    };
    await refused("", /prompt is empty/);
    await refused(" \n\t ", /prompt is empty/);
    await refused("a\u001b[201~b", /control character U\+001B at 1/);
    await refused("a\u0003", /U\+0003/);
    await refused("one\r\ntwo", /CRLF at 3/);
    await refused("one\rtwo", /CR at 3/);
    await expect(prompt(id, "z".repeat(300_000))).rejects.toMatchObject({ name: "LIMIT" });
    expect((await client.call("session.screen", { id })).text).toBe(before);
    expect(await prompt(id, "echo one \\\r\ntwo", { lossy: true })).toMatchObject({ delivery: "submitted" });
    await waitForScreen(client, id, "one two");
  });

  test("of 100 KB, and of many lines", async () => {
    const log = logFile();
    const { id } = await asking(log);
    const large = "0123456789 abcdef\n".repeat(5_800).trim();
    expect(await prompt(id, large)).toMatchObject({ delivery: "submitted" });
    await waitUntil("it to arrive", () => texts(log).length === 1);
    expect(texts(log)[0] === large).toBe(true);
  });

  test("busy: refused, or queued and delivered in order when it rests; a queue has an end", async () => {
    const { id } = await shell();
    const gate = join(daemon.home, "gate");
    expect(await prompt(id, `mkfifo ${gate}; cat ${gate}`)).toMatchObject({ delivery: "submitted" });
    await client.call("session.wait", { id, until: ["busy"], timeout_ms: 20_000 });
    await expect(prompt(id, "echo never")).rejects.toMatchObject({ name: "BUSY" });
    const queued = [];
    for (let n = 0; n < 16; n++) queued.push(await prompt(id, `echo ${n} >> order`, { queue: true }));
    expect(queued.map((one) => one.delivery)).toEqual(queued.map(() => "queued"));
    expect(await delivery(id)).toBe("queued");
    await expect(prompt(id, "echo one too many", { queue: true })).rejects.toMatchObject({ name: "LIMIT" });
    await expect(prompt(id, "echo past the queue")).rejects.toMatchObject({ name: "BUSY" });
    writeFileSync(gate, "open\n");
    const order = Array.from({ length: 16 }, (_, n) => `${n}\n`).join("");
    await waitUntil(
      "all of them to have run",
      () => existsSync(join(daemon.home, "order")) && readFileSync(join(daemon.home, "order"), "utf8") === order,
      50_000,
    );
    await waitUntil("the last one to be said", async () => (await delivery(id)) === "submitted");
    expect((await client.call("session.screen", { id, scrollback: 200 })).text).not.toMatch(/never|too many|past the queue/);
  });

  test("the same key prompts once; two at once are not mixed", async () => {
    const { id } = await shell();
    const answers = await Promise.all([1, 2, 3].map(() => prompt(id, "echo once >> keyed", { key: "k1", ...waitIdle })));
    expect(new Set(answers.map((one) => one.prompt)).size).toBe(1);
    expect(await prompt(id, "echo once >> keyed", { key: "k1", ...waitIdle })).toEqual(answers[0]);
    const both = await Promise.allSettled([prompt(id, "echo a >> keyed"), prompt(id, "echo b >> keyed")]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    await waitUntil("the second line", () => readFileSync(join(daemon.home, "keyed"), "utf8").split("\n").length === 3);
    expect(readFileSync(join(daemon.home, "keyed"), "utf8")).toMatch(/^once\n[ab]\n$/);
  });

  test("a session that ends ends the wait; afterwards it is refused", async () => {
    const one = await shell();
    await expect(prompt(one.id, "exec false", waitIdle)).rejects.toMatchObject({
      name: "EXITED",
      message: expect.stringMatching(/^submitted: /),
    });
    await expect(prompt(one.id, "echo hello")).rejects.toMatchObject({ name: "EXITED" });
    await expect(prompt(one.id, "echo hello", { queue: true })).rejects.toMatchObject({ name: "EXITED" });
    expect(await delivery(one.id)).toBe("refused: exited");
    const two = await shell();
    expect(await prompt(two.id, "exit", { wait: { until: ["exited"], timeout_ms: 20_000 } })).toMatchObject({ state: "exited" });
    const three = await shell();
    await prompt(three.id, "sleep 60");
    await client.call("session.wait", { id: three.id, until: ["busy"], timeout_ms: 20_000 });
    const waiting = expect(prompt(three.id, "echo never", { queue: true, ...waitIdle })).rejects.toMatchObject({ name: "EXITED" });
    await waitUntil("it to be queued", async () => (await delivery(three.id)) === "queued");
    await client.call("session.kill", { id: three.id });
    await waiting;
    expect(await delivery(three.id)).toBe("refused: exited");
    await expect(prompt("sess_999", "x")).rejects.toMatchObject({ name: "NOT_FOUND" });
  });

  test("the pen keeps prompts of others out, unless they are forced", async () => {
    const { id } = await shell();
    const writer = await daemon.client();
    const watch = await writer.watch(id, { write: true }, { output: () => {} });
    await expect(prompt(id, "echo no")).rejects.toMatchObject({ name: "NOT_WRITER" });
    expect(await writer.call("session.prompt", { id, text: "echo mine" })).toMatchObject({ delivery: "submitted" });
    expect(await prompt(id, "echo forced", { force: true })).toMatchObject({ delivery: "submitted" });
    await watch.end();
  });
});

describe("dialogs", () => {
  test("an open one: blocked, nothing typed; a queued prompt waits until it is answered", async () => {
    const log = logFile();
    const session = await asking(log, { turnMs: 1_000 });
    const { id } = session;
    const pid = session.pid ?? 0;
    process.kill(pid, "SIGUSR1");
    await client.call("session.wait", { id, until: ["attention"], timeout_ms: 20_000 });
    await expect(prompt(id, "1")).rejects.toMatchObject({ name: "BLOCKED", message: expect.stringContaining("dialog") });
    await expect(prompt(id, "1", { queue: true })).rejects.toMatchObject({ name: "BLOCKED" });
    expect(await delivery(id)).toBe("refused: blocked");
    process.kill(pid, "SIGUSR2");
    await rests(id);
    await prompt(id, "first");
    const waiting = prompt(id, "second", { queue: true, ...waitIdle });
    await waitUntil("it to be queued", async () => (await delivery(id)) === "queued");
    process.kill(pid, "SIGUSR1");
    await client.call("session.wait", { id, until: ["attention"], timeout_ms: 20_000 });
    await expect(prompt(id, "third")).rejects.toMatchObject({ name: "BUSY" });
    process.kill(pid, "SIGUSR2");
    expect(await waiting).toMatchObject({ delivery: "submitted", state: "idle" });
    expect(texts(log)).toEqual(["first", "second"]);
    expect(notedBy(log).filter(({ what }) => what === "typed_into_dialog")).toEqual([]);
  });

  test("that open at random moments: nothing is typed into them", async () => {
    const log = logFile();
    const { id } = await asking(log, { dialogEveryMs: 500, turnMs: 30 });
    const tries = sample("prompts while dialogs open", 200, 40);
    const outcomes: Record<string, number> = {};
    const answers = ["1", "y", "Yes", "2\n1", "go on"];
    const sent: string[] = [];
    const random = seeded("moments", 11);
    const seen: number[] = [];
    const events = client.events({ session: id, kinds: ["session.state"] });
    await events.ready;
    const watching = (async () => {
      for await (const event of events) if (event.kind === "session.state" && event["to"] === "attention") seen.push(event.at);
    })();
    for (let n = 0; n < tries; n++) {
      await client.call("session.wait", { id, until: ["idle", "attention"], timeout_ms: 20_000 });
      await pause(random() * 100);
      const text = answers[n % answers.length] ?? "";
      let outcome: string;
      try {
        const { delivery: how, evidence } = await prompt(id, text);
        outcome = how === "submitted" ? how : `${how}: ${evidence.rule}`;
        if (how === "submitted") sent.push(text);
      } catch (error) {
        outcome = (error as Error).name;
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      // A person refuses the dialog, or takes back what stands in the box.
      if (outcome !== "submitted") await client.call("session.keys", { id, keys: ["Escape"] });
      // Another dialog may have swallowed the C-u: what is still there is said by BUSY, and taken back once more.
      if (outcome.startsWith("typed") || outcome === "BUSY") await client.call("session.keys", { id, keys: ["C-u"] });
    }
    // Our own Escape and C-u are no part of it.
    const typed = notedBy(log).filter(({ what, bytes }) => what === "typed_into_dialog" && bytes !== "1b" && bytes !== "15");
    figure("outcomes", JSON.stringify(outcomes));
    await events.return();
    await watching;
    const opened = notedBy(log).filter(({ what }) => what === "opened");
    figure("dialogs", opened.length);
    // Bytes already on their way when it opened are read by it: nobody can look into the future of another process. How long the way
    // is, this machine tells: from a dialog's opening to its being seen (half of them sooner), there and back twice.
    const ways = opened.flatMap(({ at }, n) =>
      seen
        .filter((when) => when >= at && when < (opened[n + 1]?.at ?? Number.POSITIVE_INFINITY))
        .slice(0, 1)
        .map((when) => when - at),
    );
    const way = Math.max(20, 4 * quantile(ways, 0.5));
    const inside = typed.filter(({ after = 0 }) => after >= way);
    figure("from a dialog's opening to its being seen, median", quantile(ways, 0.5), "ms");
    figure("typed into a dialog", inside.length);
    figure("crossed with a dialog on the way", typed.length - inside.length);
    expect(inside).toEqual([]);
    expect(outcomes["submitted"] ?? 0).toBeGreaterThan(0);
    // It writes down what it was given when it gets to it.
    await waitUntil("every prompt that was submitted to be noted", () => texts(log).length >= sent.length);
  });

  test("text that somebody has typed is neither overwritten nor submitted", async () => {
    const log = logFile();
    const { id } = await asking(log);
    await client.call("session.input", { id, data: "half a thought" });
    await waitForScreen(client, id, "half a thought");
    await expect(prompt(id, "mine")).rejects.toMatchObject({ name: "BUSY", message: expect.stringContaining("half a thought") });
    await client.call("session.keys", { id, keys: ["C-u"] });
    await waitUntil("the box to be empty", async () => !((await client.call("session.screen", { id })).text ?? "").includes("thought"));
    expect(await prompt(id, "mine", waitIdle)).toMatchObject({ delivery: "submitted", evidence: { rule: "turn_began" }, state: "idle" });
    expect(texts(log)).toEqual(["mine"]);
  });
});

describe("the command line", () => {
  test("prompt: its text from argument, stdin and file; what became of it, and the state", async () => {
    const log = logFile();
    const { id } = await asking(log, { turnMs: 400 });
    await rests(id);
    expect(await daemon.run(["prompt", id, "one", "--wait", "--timeout", "20s"])).toMatchObject({ code: 0, stdout: "submitted\nidle\n" });
    expect(await daemon.run(["prompt", id, "-", "--wait"], { input: "two\nlines\n" })).toMatchObject({
      code: 0,
      stdout: "submitted\nidle\n",
    });
    writeFileSync(join(daemon.home, "prompt.txt"), "- three\n");
    const filed = await daemon.run(["prompt", id, "--file", join(daemon.home, "prompt.txt"), "--json"]);
    expect(JSON.parse(filed.stdout)).toMatchObject({ delivery: "submitted", evidence: { rule: "turn_began" } });
    const busy = await daemon.run(["prompt", id, "--queue", "--", "--four"]);
    expect(["queued\n", "submitted\n"]).toContain(busy.stdout);
    await waitUntil("four to arrive", () => texts(log).length === 4);
    expect(texts(log)).toEqual(["one", "two\nlines", "- three", "--four"]);
    await rests(id);
    process.kill((await client.call("session.get", { id })).pid ?? 0, "SIGUSR1");
    await client.call("session.wait", { id, until: ["attention"], timeout_ms: 20_000 });
    expect(await daemon.run(["prompt", id, "five"])).toMatchObject({
      code: 1,
      stdout: "refused: blocked\n",
      stderr: expect.stringContaining("nothing was typed"),
    });
    expect((await daemon.run(["prompt", id, ""])).code).toBe(2);
    expect((await daemon.run(["prompt", "nobody", "x"])).code).toBe(3);
    expect((await daemon.run(["show", id])).stdout).toMatch(/prompt +refused: blocked/);
  });

  test("prompt --wait ends with its time, the prompt having got in", async () => {
    const { id } = await shell();
    expect(await daemon.run(["prompt", id, "sleep 30", "--wait", "--timeout", "1s"])).toMatchObject({ code: 4, stdout: "submitted\n" });
    await client.call("session.kill", { id });
    expect(await daemon.run(["prompt", id, "echo"])).toMatchObject({ code: 1, stdout: "refused: exited\n" });
  });

  test("new --prompt: delivered when it is ready, said in events", async () => {
    const log = logFile();
    const { tool, command, args } = askingTool(log);
    const { code, stdout } = await daemon.run(["new", "--tool", tool, "--prompt", "- begin\nhere", "--", command, ...args]);
    expect(code).toBe(0);
    await waitUntil("the prompt", () => texts(log).length === 1);
    expect(texts(log)).toEqual(["- begin\nhere"]);
    await waitUntil("it to be said", async () => (await delivery(stdout.trim())) === "submitted");
    await expect(client.call("session.create", { prompt: "a\u0007" })).rejects.toMatchObject({ name: "INVALID_PARAMS" });
  });

  test("a tool that takes its prompt as an argument gets it so, once", async () => {
    writeFileSync(
      join(daemon.home, "profiles", "argtool.toml"),
      'format = 1\nname = "argtool"\ntitle = "Arg Tool"\ncommand = ["/bin/sh", "-c", "echo \\"got $# [$1]\\"; sleep 1; cat", "argtool"]\nprocesses = ["argtool"]\nprompt = { pass = "argument" }\n',
    );
    const { id } = await waitUntil(
      "the new profile",
      async () => await client.call("session.create", { tool: "argtool", prompt: "do it\nnow" }).catch(() => null),
    );
    await waitForScreen(client, id, "got 1 [do it");
    await client.call("session.restart", { id });
    await waitForScreen(client, id, "got 0 []");
  });
});
