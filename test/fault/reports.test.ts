/**
 * Reports that come in storms, are too large, lie, or name transcripts that are none; and what comes back when daemon and keeper are
 * killed together. Others must not notice, and nothing is believed that is not so.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Client, SessionSummary } from "../../src/rpc/client.js";
import { figure, quantile, sample } from "../support/figures.js";
import { startReportingTool } from "../support/reporting-tool.js";
import { waitForScreen, waitUntil } from "../support/wait.js";

const rig = await startReportingTool("[session]\nkill_grace_ms = 300\n");
const { daemon, params, books } = rig;
let client = await daemon.client();

const get = (id: string): Promise<SessionSummary> => client.call("session.get", { id });
async function create(name: string, more: object = {}): Promise<string> {
  const { id } = await waitUntil("the profile", async () => client.call("session.create", { ...params, name, ...more }).catch(() => null));
  await client.call("session.wait", { id, until: ["idle"], timeout_ms: 20_000 });
  return id;
}
const rss = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) / 1_024;
const assistant = (id: string, tokens: number): string =>
  `${JSON.stringify({ type: "assistant", sessionId: id, cwd: params.cwd, message: { model: "m", usage: { input_tokens: tokens } } })}\n`;

test("a storm of reports: the last one counts, events stay few, others answer, memory is flat", async () => {
  const id = await create("stormy");
  const storms = sample("reports in a storm", 100_000, 8_000);
  const others = await daemon.client();
  const states: string[] = [];
  const events = others.events({ session: id });
  await events.ready;
  const reading = (async () => {
    for await (const event of events) states.push(event.kind);
  })();
  const storm = async (from: Client, source: string, count: number): Promise<number> => {
    let taken = 0;
    for (let sent = 0; sent < count; sent += 100) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, async (_, n) =>
          from.call("session.report", { id, source, event: n % 2 === 0 ? "Work" : "Rest", state: n % 2 === 0 ? "busy" : "idle" }),
        ),
      );
      taken += answers.filter(({ accepted }) => accepted).length;
    }
    return taken;
  };
  await storm(client, "warm", 400);
  const before = rss();
  const waits: number[] = [];
  let over = false;
  const asking = (async () => {
    while (!over) {
      const began = performance.now();
      await others.call("session.list", {});
      waits.push(performance.now() - began);
    }
  })();
  const began = performance.now();
  const froms = await Promise.all([daemon.client(), daemon.client(), daemon.client(), daemon.client()]);
  const taken = await Promise.all(froms.map(async (from, n) => storm(from, `engine-${n}`, storms / 4)));
  const seconds = (performance.now() - began) / 1_000;
  over = true;
  await asking;
  await events.return();
  await reading;
  expect(taken.reduce((all, one) => all + one, 0)).toBe(storms);
  const last = await client.call("session.report", { id, source: "last", event: "Over", state: "attention", detail: "the storm is over" });
  expect(last).toEqual({ accepted: true });
  await client.call("session.wait", { id, until: ["attention"], timeout_ms: 20_000 });
  expect((await get(id)).evidence).toMatchObject({ source: "report", rule: "Over", detail: "last says Over: the storm is over" });
  figure("reports a second", Math.round(storms / seconds));
  figure("a listing meanwhile", `p50 ${quantile(waits, 0.5)} ms, p99 ${quantile(waits, 0.99)} ms`);
  figure("the daemon's memory, grown by", rss() - before, "MiB");
  expect(rss() - before).toBeLessThan(80);
  // Ten looks a second at most, and no event for a report as such: what else there is comes of the attention (a checkpoint, a thought).
  expect(states.filter((kind) => kind === "session.state").length).toBeLessThan(12 * (seconds + 2));
  expect(states.filter((kind) => kind !== "session.state").length, states.join(" ")).toBeLessThan(10);
  await client.call("session.kill", { id });
});

test("conversations that are made up by the hundred are not followed", async () => {
  const id = await create("restless");
  await client.call("session.report", { id, source: "engine", event: "Begin" });
  const journal = (): string[] => readFileSync(rig.journal, "utf8").split("\n").filter(Boolean);
  const count = 24;
  const before = journal().length;
  await client.call("session.paste", { id, text: Array.from({ length: count }, (_, n) => `hook Begin made-up-${n}\n`).join("") });
  await client.call("session.keys", { id, keys: ["Enter"] });
  await waitUntil("all of them", () => journal().length >= before + count, 60_000);
  const answers = journal()
    .slice(before, before + count)
    .map((line) => (JSON.parse(line) as { answer: { result: unknown } }).answer.result);
  expect(answers.at(-1)).toEqual({ accepted: true, reason: "its conversation has changed 20 times within a minute" });
  expect((await get(id)).conversation_id).toBe("made-up-19");
  await client.call("session.kill", { id });
});

test("fields of a megabyte are refused by name, on a connection that lives on", async () => {
  const id = await create("large");
  const large = "x".repeat(1 << 20);
  const fields = ["source", "event", "state", "detail", "tool", "conversation_id", "transcript", "model", "skill", "cwd"];
  for (const field of fields) {
    const value = field === "transcript" || field === "cwd" ? `/${large}` : large;
    const refused = client.callAny("session.report", { id, source: "engine", event: "Rest", [field]: value });
    const error = (await refused.catch((reason: unknown) => reason)) as { name: string; message: string };
    expect(error.name).toBe("INVALID_PARAMS");
    expect(error.message).toContain(field);
    expect(error.message.length).toBeLessThan(1_000);
  }
  expect((await client.call("session.explain", { id })).report).toBeNull();
  expect(await client.call("session.report", { id, source: "engine", event: "Rest", detail: "😀".repeat(250) })).toEqual({
    accepted: true,
  });
  await client.call("session.kill", { id });
});

test("a transcript that is a fifo, a device, a directory, huge, or gone is not waited for, and says nothing", async () => {
  const id = await create("reader");
  const at = (name: string): string => join(params.cwd, name);
  execFileSync("/usr/bin/mkfifo", [at("fifo")]);
  const huge = openSync(at("huge"), "w");
  ftruncateSync(huge, 2 ** 42);
  writeSync(huge, `\n${assistant("c-huge", 42)}`, 2 ** 42);
  closeSync(huge);
  const type = (line: string): Promise<unknown> => client.call("session.input", { id, data: `${line}\r` });
  const told = async (conversation: string): Promise<void> => {
    await waitUntil(conversation, async () => (await get(id)).conversation_id === conversation);
  };
  const before = rss();
  for (const [name, path] of Object.entries({ fifo: at("fifo"), device: "/dev/zero", directory: params.cwd, gone: at("gone") })) {
    // By a tool that is believed, and by somebody who has to prove it.
    const said = { id, source: "engine", event: "Begin", conversation_id: `c-${name}-2`, transcript: path };
    expect(await client.call("session.report", said)).toMatchObject({ accepted: false, reason: expect.stringContaining(path) });
    await type(`hook Begin c-${name} ${path}`);
    await told(`c-${name}`);
  }
  await type(`hook Begin c-huge ${at("huge")}`);
  await told("c-huge");
  await waitUntil("the end of the huge one", async () => (await get(id)).token_count === 42);
  rmSync(at("huge"));
  await type("hook Rest");
  await type(`hook Begin c-late ${at("late")}`);
  await told("c-late");
  appendFileSync(at("late"), assistant("c-other", 1));
  appendFileSync(at("late"), assistant("c-late", 7));
  await type("hook Rest");
  await waitUntil("the one that came late", async () => (await get(id)).token_count === 7);
  expect(rss() - before).toBeLessThan(80);
  await client.call("session.kill", { id });
});

test("daemon and keeper killed together: those with a conversation come back into it, the others stay ended", async () => {
  const names = ["early", "middle", "latest", "stranger", "homeless", "forgotten"];
  const ids = new Map<string, string>();
  for (const name of names) {
    const cwd = name === "homeless" ? join(daemon.home, "gone") : params.cwd;
    if (name === "homeless") execFileSync("mkdir", [cwd]);
    const id = await create(name, { cwd });
    ids.set(name, id);
    if (name === "stranger") continue;
    writeFileSync(join(books, name), "");
    await client.call("session.input", { id, data: `hook Begin ${name}\r` });
    await waitUntil("its conversation", async () => (await get(id)).conversation_id === name);
  }
  const of = (name: string): string => ids.get(name) ?? "";
  rmSync(join(books, "forgotten"));
  // The conversation is on the disk a moment after it was told, the last activity with the next checkpoint.
  for (const name of ["early", "middle", "latest"]) await client.call("checkpoint.save", { id: of(name) });
  await client.close();
  const keepers = daemon.keeperPids();
  const gone = daemon.kill9();
  for (const pid of keepers) process.kill(pid, "SIGKILL");
  await gone;
  await waitUntil("the tools to end with their terminals", () => daemon.processes().length === 0);
  rmSync(join(daemon.home, "gone"), { recursive: true });
  const began = performance.now();
  await daemon.start();
  client = await daemon.client();
  for (const name of ["early", "middle", "latest"]) await waitForScreen(client, of(name), `resumed ${name}`);
  figure("back in their conversations after the daemon's start", performance.now() - began, "ms");
  for (const name of ["early", "middle", "latest"])
    expect(await get(of(name))).toMatchObject({ epoch: 2, conversation_id: name, tool: "mytool", recovered_from: "checkpoint" });
  // Refused, and fresh once.
  await waitUntil("a fresh start", async () => (await get(of("forgotten"))).epoch === 3);
  await waitForScreen(client, of("forgotten"), /made with: *$/m);
  expect(await get(of("forgotten"))).toMatchObject({ conversation_id: null });
  for (const name of ["stranger", "homeless"]) expect(await get(of(name))).toMatchObject({ state: "exited", epoch: 1, pid: null });
  expect((await get(of("homeless"))).conversation_id).toBe("homeless");
  const started = [...daemon.log().matchAll(/"session":"(sess_\d+)"[^\n]*"epoch":2,[^\n]*started again/g)].map(([, id]) => id);
  expect(started.indexOf(of("early"))).toBeGreaterThan(started.indexOf(of("latest")));
});
