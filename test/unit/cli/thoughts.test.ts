import { describe, expect, test } from "vitest";
import { coloursFor, restWords } from "../../../src/cli/colours.js";
import { titleOf } from "../../../src/cli/session-table.js";
import { configLines, testLines, thoughtDetails, thoughtTable } from "../../../src/cli/thought-lines.js";
import { givenSettings } from "../../../src/cli/thought-settings.js";
import { applied } from "../../../src/cli/top/top-events.js";
import { thoughtSettings } from "../../../src/config.js";
import type { Thought } from "../../../src/rpc/client.js";
import { quietStatus } from "../../../src/thoughts/engine.js";
import { NOW, summary } from "./summaries.js";

const plain = coloursFor({ isTTY: false }, {});
const thought: Thought = {
  text: "counts \u001b[2J",
  state: "holding",
  source: "llm",
  rest_state: "drowsy",
  commit_candidate: true,
  action_cues: ["go on", "stop"],
  objective_fingerprint: "abc",
  objective_changed_at: NOW - 120_000,
  token_count: 7,
  context_limit: 9,
  updated_at: NOW - 5_000,
  watermark: { stream_instance_id: "s", emission_seq: 4 },
};

describe("a thought", () => {
  test("is a line of a table, and a page on which nothing acts on the terminal", () => {
    const names = new Map([["sess_1", "shop"]]);
    const setting = { names, now: NOW, width: undefined };
    expect(thoughtTable([{ id: "sess_1", thought }], setting)[1]).toBe("sess_1  shop  holding  llm      5s  counts \\e[2J");
    const page = thoughtDetails("sess_1", thought, { now: NOW, colours: plain }).join("\n");
    expect(page).toMatch(
      /state +holding, rest drowsy\nsource +llm, 5s ago[^]*cues +go on; stop\ncommit [^]*objective abc for 2m\ntokens +7 of 9\nwatermark s 4$/,
    );
    expect(page).not.toContain("\u001b");
  });

  test("stands for the title, but for what a shell ran last", () => {
    const shown = { text: "npm test", state: "active", source: "rule", updated_at: NOW } as const;
    expect(titleOf(summary(1, { thought: shown, title: "bash" }))).toBe("npm test");
    expect(titleOf(summary(1, { thought: { ...shown, source: "static_sleeping" }, title: "bash" }))).toBe("bash");
    expect(titleOf(summary(1, { thought: { ...shown, source: "static_sleeping" }, title: "x", tool: "claude" }))).toBe("npm test");
  });

  test("comes to top with its event; a session that changes its state rests no longer", () => {
    const sessions = new Map([["sess_1", summary(1, { rest_state: "sleeping" })]]);
    const event = (fields: Record<string, unknown>) => ({ kind: "", session: "sess_1", at: NOW, ...fields });
    const said = applied(sessions, event({ kind: "session.thought", thought: { text: "x" } }));
    expect(said === "list" ? said : said.get("sess_1")).toMatchObject({ thought: { text: "x" }, rest_state: "sleeping" });
    const works = applied(sessions, event({ kind: "session.state", to: "busy", evidence: {} }));
    expect(works === "list" ? works : works.get("sess_1")?.rest_state).toBe("active");
  });
});

test("how deep it rests is said of idle sessions only", () => {
  expect(restWords("idle", "high", "active")).toBe("○ idle");
  expect(restWords("idle", "low", "deep_sleep")).toBe("○ idle? zzz");
  expect(restWords("exited", "high", "deep_sleep")).toBe("· exited");
});

describe("the engine", () => {
  test("what was given of it, and nothing else", () => {
    expect(givenSettings([], {})).toEqual({});
    expect(givenSettings(["think", "-x"], { tick: 500 })).toEqual({ engine: "command", command: ["think", "-x"], tick_ms: 500 });
    expect(givenSettings(["think"], { engine: "rules" })).toEqual({ engine: "rules", command: ["think"] });
  });

  test("as a page, and tried", () => {
    const config = thoughtSettings.parse({ engine: "command", command: ["think", "a b"] });
    const status = {
      ...quietStatus("none"),
      engine: "command" as const,
      healthy: false,
      detail: "it \u001b ended",
      failures: 3,
      starts: 4,
    };
    const page = configLines({ version: 2, source: "store", config, problem: null, status }, NOW, plain).join("\n");
    expect(page).toMatch(
      /^engine +command \(thought config said so, version 2\)\ncommand +think 'a b'\npaces .*\nhealth +not well: it \\e ended\nprocess +not running, 4 starts, 3 failures in a row\n/,
    );
    const trial = { ok: false, engine: "command", ms: 3, name: null, updates: [], ignored: 2, error: "no hello", stderr: "oops" } as const;
    expect(testLines({ ...trial, updates: [] })).toEqual([
      "does not work: command, 3 ms: no hello",
      "  2 of its updates are not understood",
      "  stderr: oops",
    ]);
  });
});
