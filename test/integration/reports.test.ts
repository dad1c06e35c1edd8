/** Reports from outside: a real daemon, a tool of ours with hooks; whose word counts, what comes of it, and how its session comes back. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SessionSummary } from "../../src/rpc/client.js";
import { startReportingTool } from "../support/reporting-tool.js";
import { comingEvent, waitForScreen, waitUntil } from "../support/wait.js";

const { daemon, params, books, journal } = await startReportingTool("[session]\nrestart_backoff_ms = 10\nkill_grace_ms = 300\n");
const client = await daemon.client();
const created = await waitUntil("the profile", async () => client.call("session.create", { ...params, name: "first" }).catch(() => null));
const first = created.id;

const type = (id: string, text: string): Promise<unknown> => client.call("session.input", { id, data: `${text}\r` });
const get = (id: string): Promise<SessionSummary> => client.call("session.get", { id });

/** What the daemon has answered to the newest report of the tool's hooks. */
async function hook(
  id: string,
  line: string,
): Promise<{ result?: { accepted: boolean; reason?: string }; error?: { name: string; message: string } }> {
  const said = (): string[] => readFileSync(journal, "utf8").trim().split("\n").filter(Boolean);
  const before = said().length;
  await type(id, line);
  await waitUntil(`the answer to ${line}`, () => said().length > before);
  return (JSON.parse(said().at(-1) ?? "") as { answer: object }).answer;
}
async function reach(id: string, state: "busy" | "idle" | "attention"): Promise<string> {
  return (await client.call("session.wait", { id, until: [state], timeout_ms: 20_000 })).evidence.source;
}
async function another(name: string, more: object = {}): Promise<string> {
  const { id } = await client.call("session.create", { ...params, name, ...more });
  expect(await reach(id, "idle")).toBe("title");
  return id;
}
const conversation = (name: string): string => {
  writeFileSync(join(books, name), "");
  return name;
};
const assistant = (id: string, tokens: number, cwd = params.cwd): string =>
  `${JSON.stringify({ type: "assistant", sessionId: id, cwd, message: { model: "m-1", usage: { input_tokens: tokens }, content: [] } })}\n`;

test("a tool's own word is its state, until its screen says otherwise, and explain shows it", async () => {
  expect(await reach(first, "idle")).toBe("title");
  expect(await hook(first, "hook Work")).toEqual({ id: 1, result: { accepted: true } });
  expect(await reach(first, "busy")).toBe("report");
  expect(await client.call("session.explain", { id: first })).toMatchObject({
    evidence: { source: "report", rule: "Work", confidence: "medium", detail: "mytool-hook says Work" },
    report: { source: "mytool-hook", event: "Work", state: "busy", reliable: true, outcome: "won" },
    candidates: expect.arrayContaining([
      expect.objectContaining({ source: "report", outcome: "won" }),
      expect.objectContaining({ rule: "rests", outcome: "outranked" }),
    ]),
  });
  const shown = await daemon.run(["explain", "first"]);
  expect(shown.stdout).toContain("because report Work (medium): mytool-hook says Work");
  expect(shown.stdout).toMatch(/last report: mytool-hook Work \(busy\), \d+ ms ago, won/);
  // No work ever shows.
  expect(await reach(first, "idle")).toBe("title");
  expect((await client.call("session.explain", { id: first })).report).toMatchObject({ outcome: "contradicted" });
  expect((await hook(first, "hook Ask")).result).toEqual({ accepted: true });
  expect((await client.call("session.explain", { id: first })).report).toMatchObject({
    event: "Ask",
    reliable: false,
    outcome: "evidence",
  });
  expect((await get(first)).state).toBe("idle");
});

test("its conversation is known at once, its tokens and model from its transcript; a new conversation starts without them", async () => {
  const changed = await comingEvent(client, { session: first, kinds: ["session.conversation"] });
  const transcript = join(params.cwd, "c1.jsonl");
  writeFileSync(transcript, assistant("conversation-1", 1_234));
  expect((await hook(first, `hook Begin ${conversation("conversation-1")} ${transcript}`)).result).toEqual({ accepted: true });
  expect(await changed.event).toMatchObject({ from: null, to: "conversation-1" });
  await waitUntil("its tokens", async () => (await get(first)).token_count === 1_234);
  expect(await get(first)).toMatchObject({ conversation_id: "conversation-1", model: "m-1", context_limit: 77_000 });
  writeFileSync(transcript, assistant("conversation-1", 2_345), { flag: "a" });
  expect((await hook(first, "hook Rest")).result).toEqual({ accepted: true });
  expect((await hook(first, `hook Begin ${conversation("conversation-2")}`)).result).toEqual({ accepted: true });
  expect(await get(first)).toMatchObject({ conversation_id: "conversation-2", token_count: null, model: null });
  await hook(first, "hook Begin conversation-1");
});

describe("whose word counts", () => {
  test("a process inside a session may not report about another one, and takes nobody's conversation", async () => {
    const second = await another("second");
    expect((await hook(second, `about ${first} Rest`)).error).toMatchObject({
      name: "FORBIDDEN",
      message: expect.stringMatching(new RegExp(`runs inside ${second} and may report about that session, not about ${first}`)),
    });
    expect((await hook(second, "hook Begin conversation-1")).result).toEqual({
      accepted: true,
      reason: `conversation conversation-1 is that of ${first} (first)`,
    });
    expect((await get(second)).conversation_id).toBeNull();
    expect((await client.call("session.explain", { id: first })).report?.event).not.toBe("Rest");
    await client.call("session.kill", { id: second });
  });

  test("somebody from outside is believed in a state, and in a conversation with a transcript that proves it", async () => {
    const id = await another("watched");
    const say = (more: object) => client.call("session.report", { id, source: "engine", event: "Rest", ...more });
    expect(await say({})).toEqual({ accepted: true });
    expect(await say({ conversation_id: "c-9" })).toMatchObject({ accepted: false, reason: expect.stringMatching(/is not proven/) });
    expect(await say({ token_count: 5 })).toMatchObject({ accepted: false });
    const transcript = join(params.cwd, "c9.jsonl");
    const claim = { conversation_id: "c-9", transcript };
    expect((await say(claim)).reason).toMatch(/cannot be opened \(ENOENT\)$/);
    writeFileSync(transcript, assistant("c-8", 10));
    expect((await say(claim)).reason).toMatch(/is not of conversation c-9$/);
    writeFileSync(transcript, assistant("c-9", 10, "/elsewhere"));
    expect((await say(claim)).reason).toMatch(/is of work in \/elsewhere/);
    expect((await get(id)).conversation_id).toBeNull();
    writeFileSync(transcript, assistant("c-9", 10));
    expect(await say(claim)).toEqual({ accepted: true });
    expect((await get(id)).conversation_id).toBe("c-9");
    expect((await say({ pid: process.pid })).reason).toMatch(/does not run in this session$/);
    expect((await say({ tool: "codex" })).reason).toBe("it is about codex, and mytool is in front");
    await client.call("session.kill", { id });
    expect(await say({})).toEqual({ accepted: false, reason: "the session is not running" });
  });

  test("a field that is wrong is named", async () => {
    const say = (more: object) => client.callAny("session.report", { id: first, source: "engine", event: "Rest", ...more });
    for (const [field, value] of Object.entries({
      source: "two words",
      event: "",
      state: "exited",
      at: -1,
      conversation_id: "--dangerous",
      transcript: "relative",
      model: "two\nlines",
      token_count: 1.5,
      pid: 0,
      surprise: 1,
    }))
      await expect(say({ [field]: value }), field).rejects.toMatchObject({
        name: "INVALID_PARAMS",
        message: expect.stringContaining(field),
      });
  });
});

describe("a session comes back into its conversation", () => {
  test("when it is restarted, with its own options and what was known; once fresh when that is refused", async () => {
    const id = await another("returns", { args: ["--quiet", "a prompt of its own"] });
    const transcript = join(params.cwd, "r1.jsonl");
    writeFileSync(transcript, assistant("r-1", 77));
    await hook(id, `hook Begin ${conversation("r-1")} ${transcript}`);
    await waitUntil("its tokens", async () => (await get(id)).token_count === 77);
    expect(await client.call("session.restart", { id })).toMatchObject({ epoch: 2, conversation_id: "r-1", token_count: 77, model: "m-1" });
    await waitForScreen(client, id, "made with: --resume r-1 --quiet");
    expect((await get(id)).args).toEqual(["--quiet", "a prompt of its own"]);
    rmSync(join(books, "r-1"));
    const gone = await comingEvent(client, { session: id, kinds: ["session.conversation"] });
    await client.call("session.restart", { id });
    expect(await gone.event).toMatchObject({ from: "r-1", to: null });
    await waitForScreen(client, id, "made with: --quiet a prompt of its own");
    expect(await get(id)).toMatchObject({ epoch: 4, conversation_id: null, token_count: null });
    expect(await reach(id, "idle")).toBe("title");
    await client.call("session.kill", { id });
  });

  test("when its policy starts it again", async () => {
    const id = await another("crashes", { restart: "on-failure" });
    await hook(id, `hook Work ${conversation("p-1")}`);
    await type(id, "fail");
    await waitForScreen(client, id, "resumed p-1");
    expect(await get(id)).toMatchObject({ epoch: 2, conversation_id: "p-1" });
    // It works in that conversation: what ends it now is no refusal.
    await hook(id, "hook Work p-1");
    await type(id, "fail");
    await waitUntil("another start", async () => (await get(id)).epoch === 3);
    expect((await get(id)).conversation_id).toBe("p-1");
    await client.call("session.kill", { id });
  });

  test("but never a second one in the same", async () => {
    const [one, two] = [await another("one"), await another("two")];
    await hook(one, `hook Begin ${conversation("shared")}`);
    await client.call("session.kill", { id: one });
    expect((await hook(two, "hook Begin shared")).result).toEqual({ accepted: true });
    await client.call("session.restart", { id: one });
    expect(await get(one)).toMatchObject({ conversation_id: null });
    await waitForScreen(client, one, /made with: *$/m);
    await client.call("session.kill", { id: two });
    // Both are free again, and asked for at once.
    await client.call("session.kill", { id: one });
    await client.call("session.restart", { id: two });
    expect(await get(two)).toMatchObject({ conversation_id: "shared" });
    await Promise.all([one, two].map((id) => client.call("session.kill", { id })));
  });
});
