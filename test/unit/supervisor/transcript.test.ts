/** What agents' own transcripts say, and files that are none. */
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import { parseTranscript } from "../../../src/supervisor/transcript.js";
import { findRollout, readTail } from "../../../src/supervisor/transcript-file.js";

const lines = (...all: unknown[]): string => `${all.map((one) => JSON.stringify(one)).join("\n")}\n`;
const NOTHING = { conversation: null, cwd: null, tokens: null, contextLimit: null, model: null, skill: null };

describe("a transcript of Claude Code", () => {
  const common = { sessionId: "c-1", cwd: "/srv" };
  const answer = (usage: Record<string, number>, more: Record<string, unknown> = {}) => ({
    ...common,
    type: "assistant",
    message: { model: "m-1", usage, content: [] },
    ...more,
  });
  it("has the last answer's input, cached and not, as the tokens in use", () => {
    const text = lines(
      answer({ input_tokens: 1, cache_read_input_tokens: 900 }),
      answer({ input_tokens: 10, cache_read_input_tokens: 200, cache_creation_input_tokens: 3_000, output_tokens: 5 }),
    );
    expect(parseTranscript(text, true)).toEqual({ ...NOTHING, conversation: "c-1", cwd: "/srv", tokens: 3_210, model: "m-1" });
  });
  it("passes over subagents, what the program itself says, and answers without a count", () => {
    const text = lines(
      answer({ input_tokens: 70 }),
      answer({ input_tokens: 9_000 }, { isSidechain: true }),
      { ...common, type: "assistant", message: { model: "<synthetic>", usage: { input_tokens: 4 }, content: [] } },
      answer({ input_tokens: 0 }),
    );
    expect(parseTranscript(text, true)).toMatchObject({ tokens: 70, model: "m-1" });
  });
  it("has the last command or skill", () => {
    const command = { ...common, type: "user", message: { content: "<command-name>/review</command-name>" } };
    const skill = { ...common, type: "assistant", message: { content: [{ type: "tool_use", name: "Skill", input: { skill: "pdf" } }] } };
    expect(parseTranscript(lines(skill, command), true).skill).toBe("/review");
    expect(parseTranscript(lines(command, skill), true).skill).toBe("pdf");
  });
});

describe("a transcript of Codex", () => {
  const count = (total: number, running: number) => ({
    type: "event_msg",
    payload: {
      type: "token_count",
      info: { last_token_usage: { total_tokens: total }, total_token_usage: { total_tokens: running }, model_context_window: 258_400 },
    },
  });
  it("has the last turn's tokens, never the running total", () => {
    const text = lines(
      { type: "session_meta", payload: { id: "u-1", cwd: "/srv" } },
      { type: "turn_context", payload: { model: "gpt-5", cwd: "/srv/sub" } },
      count(100, 100),
      count(70, 170),
      { type: "event_msg", payload: { type: "token_count", info: null } },
    );
    expect(parseTranscript(text, true)).toEqual({
      conversation: "u-1",
      cwd: "/srv/sub",
      tokens: 70,
      contextLimit: 258_400,
      model: "gpt-5",
      skill: null,
    });
  });
});

describe("anything else", () => {
  it("says nothing, and is never trusted to have a shape", () => {
    expect(parseTranscript("", true)).toEqual(NOTHING);
    expect(parseTranscript('{"type":"assistant","message":[]}\n{"payload":7}\nnull\n{"a"', true)).toEqual(NOTHING);
    expect(parseTranscript('{"sessionId":"half"}\n', false)).toEqual(NOTHING);
    expect(parseTranscript(lines({ sessionId: "x".repeat(5_000), payload: { info: 1 } }), true)).toEqual(NOTHING);
    const wrong = { type: "assistant", sessionId: 4, message: { model: {}, usage: { input_tokens: "many" }, content: "no list" } };
    expect(parseTranscript(lines(wrong), true)).toEqual(NOTHING);
  });
  it("of any JSON lines parses", () => {
    fc.assert(fc.property(fc.array(fc.json()), fc.boolean(), (all, whole) => void parseTranscript(all.join("\n"), whole)));
  });
});

describe("a transcript's file", () => {
  const root = mkdtempSync(join(tmpdir(), "transcript-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const path = (name: string): string => join(root, name);

  it("is read from its end, a bounded piece of it", async () => {
    writeFileSync(path("small"), "one\ntwo\n");
    expect(await readTail(path("small"))).toMatchObject({ text: "one\ntwo\n", whole: true });
    const huge = openSync(path("huge"), "w");
    ftruncateSync(huge, 2 ** 40);
    writeSync(huge, "the end\n", 2 ** 40);
    closeSync(huge);
    const tail = await readTail(path("huge"));
    if ("problem" in tail) throw new Error(tail.problem);
    expect(tail.whole).toBe(false);
    expect(tail.text).toHaveLength(262_144);
    expect(tail.text.endsWith("\0the end\n")).toBe(true);
    expect(parseTranscript(tail.text, tail.whole)).toEqual(NOTHING);
  });

  it("that is not there, a fifo, a directory, a device or a link is named as such, and nobody waits", async () => {
    execFileSync("/usr/bin/mkfifo", [path("fifo")]);
    mkdirSync(path("directory"));
    symlinkSync(path("small"), path("link"));
    const problem = async (name: string): Promise<string> => {
      const tail = await readTail(name);
      return "problem" in tail ? tail.problem : "none";
    };
    expect(await problem(path("absent"))).toBe("cannot be opened (ENOENT)");
    expect(await problem(path("fifo"))).toBe("is no regular file");
    expect(await problem(path("directory"))).toBe("is no regular file");
    expect(await problem("/dev/zero")).toBe("is no regular file");
    expect(await problem(path("link"))).toBe("cannot be opened (ELOOP)");
  });

  it("of Codex is found by the day that its conversation's id says", async () => {
    const id = "01a1fcdb-2f3d-7702-a81d-920af9e5090a";
    const began = new Date(Number.parseInt("01a1fcdb2f3d", 16));
    const parts = [began.getFullYear(), began.getMonth() + 1, began.getDate()].map((part) => String(part).padStart(2, "0"));
    const directory = join(root, "sessions", ...parts);
    mkdirSync(directory, { recursive: true });
    const file = join(directory, `rollout-2026-11-21T06-46-25-${id}.jsonl`);
    writeFileSync(file, "");
    expect(await findRollout(id, { CODEX_HOME: root })).toBe(file);
    expect(await findRollout(id.replace("2f3d", "2f3e"), { CODEX_HOME: root })).toBeNull();
    expect(await findRollout("../../etc", { CODEX_HOME: root })).toBeNull();
    expect(await findRollout(id, {})).toBeNull();
  });
});
