import { describe, expect, test } from "vitest";
import { checkpointDetails, checkpointTable } from "../../../src/cli/checkpoint-table.js";
import { findCheckpoint, wholeCheckpoint } from "../../../src/cli/checkpoint-words.js";
import { coloursFor } from "../../../src/cli/colours.js";
import { parseAge, parseDuration } from "../../../src/cli/duration.js";
import { damageLine, entryLine, journalTable } from "../../../src/cli/journal-lines.js";
import { forJson } from "../../../src/cli/json.js";
import { briefBytes } from "../../../src/cli/sizes.js";
import { findingLines, pruneLines, queueWords } from "../../../src/cli/store-lines.js";
import { UsageError } from "../../../src/cli/verb.js";
import { parseJson } from "../../../src/cli/words.js";
import { LifeguardError } from "../../../src/errors.js";
import type { Checkpoint, Client } from "../../../src/rpc/client.js";
import { NOW } from "./summaries.js";

const plain = coloursFor({ isTTY: false }, {});
const UUID = "3b0c2f6e-8a51-4c0e-9d5f-2f1e7a90c4d8";

const checkpoint: Checkpoint = {
  checkpoint: UUID,
  session: "sess_1",
  generation: 12,
  kind: "manual",
  label: "half way",
  parent: null,
  created_at: NOW - 60_000,
  epoch: 1,
  offset: 10,
  tasks_completed: 2,
  token_count: 0,
  state_size_bytes: 9,
  context_bytes: 2_048,
  context_stored_bytes: 100,
  codec: "brotli",
  checksum: "ab",
  terminal_bytes: 500,
  bytes: 1_500_000,
  session_state: "idle",
  spec: {
    name: "s1",
    cwd: "/home/u/shop",
    tool: null,
    command: "sh",
    args: ["-c", "a b"],
    env_names: [],
    env_secret: [],
    cols: 80,
    rows: 24,
    restart: "never",
    isolation: "shared",
    backend: "pty",
    labels: {},
    allow_self: false,
  },
  state: { text: "\u001b[2J" },
  extra: null,
  context: Buffer.alloc(2_048),
};

describe("sizes and ages", () => {
  test.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [10_200, "10 KiB"],
    [1_048_575, "1.0 MiB"],
    [16 * 1_048_576, "16 MiB"],
  ])("%i bytes are %s", (bytes, words) => expect(briefBytes(bytes)).toBe(words));

  test("an age has no timer's bound, a duration has", () => {
    expect(parseAge("365d")).toBe(31_536_000_000);
    expect(() => parseDuration("365d")).toThrow(UsageError);
    expect(() => parseAge("9".repeat(20) + "d")).toThrow(UsageError);
    expect(() => parseAge("old")).toThrow(UsageError);
  });
});

describe("checkpoints", () => {
  test("are a table, and one is a page on which nothing acts on the terminal", () => {
    expect(checkpointTable([checkpoint], { now: NOW, width: undefined })[1]).toBe(`${UUID}  sess_1    12  manual   1m  1.4 MiB  half way`);
    const page = checkpointDetails(checkpoint, { now: NOW, home: "/home/u", colours: plain }).join("\n");
    expect(page).toMatch(/command +sh -c 'a b'\ncwd +~\/shop/);
    expect(page).toContain("2.0 KiB, stored as 100 B (brotli), SHA-256 ab");
    expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|tokens|extra|parent/);
  });

  const daemonOf = (ids: string[], latest?: string): Client =>
    ({
      call: (method: string) => {
        if (method === "checkpoint.list") return Promise.resolve({ checkpoints: ids.map((each) => ({ checkpoint: each })) });
        return latest === undefined
          ? Promise.reject(new LifeguardError("NOT_FOUND", "no session"))
          : Promise.resolve({ checkpoint: latest });
      },
    }) as unknown as Client;

  test("are meant in full, by a beginning, or by their session", async () => {
    expect(await findCheckpoint(daemonOf([]), UUID)).toBe(UUID);
    expect(await findCheckpoint(daemonOf([UUID]), "3b0c2f6e")).toBe(UUID);
    expect(await findCheckpoint(daemonOf([UUID], "its latest"), "work")).toBe("its latest");
    // A name may look like a beginning.
    expect(await findCheckpoint(daemonOf([UUID], "its latest"), "cafe")).toBe("its latest");
    await expect(findCheckpoint(daemonOf([UUID, UUID.replace("d8", "d9")]), "3b0c2f6e")).rejects.toThrow(UsageError);
    await expect(findCheckpoint(daemonOf([]), "3b0c2f6e")).rejects.toThrow("no checkpoint begins with 3b0c2f6e");
    expect(wholeCheckpoint(UUID)).toBe(UUID);
    for (const wrong of [UUID.slice(1), UUID.toUpperCase(), "work", "", "../x"]) expect(() => wholeCheckpoint(wrong)).toThrow(UsageError);
  });
});

describe("journals", () => {
  test("an entry is one line on which nothing acts on the terminal", () => {
    const entry = { seq: 3, at: NOW, kind: "message", author: "a\u009b", branch: "b", from: 1 } as const;
    expect(entryLine({ ...entry, data: "two\nlines\u001b]0;x\u0007" }, plain)).toBe(
      "3 2026-01-31T12:00:00.000Z message a\\x9b [b ← 1] two\\nlines\\e]0;x\\x07",
    );
    expect(entryLine({ seq: 1, at: NOW, kind: "note", data: Buffer.alloc(3) }, plain)).toMatch(/note \(3 B\)$/);
    expect(entryLine({ seq: 1, at: NOW, kind: "note", data: null }, plain)).toMatch(/note null$/);
    expect(damageLine({ seq: 4, offset: 9, segment: "seg.1", reason: "its checksum is wrong" })).toBe(
      "entry 4 is damaged (seg.1, byte 9): its checksum is wrong",
    );
    expect(damageLine({ offset: 9, segment: "seg.1", reason: "x" })).toContain("something is damaged");
  });

  test("are a table", () => {
    const journal = {
      id: "jrnl_1",
      agent: "claude",
      created_by: "me",
      title: "",
      summary: "",
      created_at: NOW,
      updated_at: NOW,
      message_count: 2,
      last_seq: 5,
      branches: [],
      boundary: null,
    };
    expect(journalTable([journal], { now: NOW, width: undefined })[1]).toMatch(/^jrnl_1 +claude +me +5 +2 +0s/);
  });
});

describe("the store", () => {
  test("what was found, what waits and what goes, each in a line", () => {
    expect(
      findingLines({
        damaged: [{ path: "a/b", kind: "session", reason: "its checksum is wrong", quarantined_to: "quarantine/1-b", at: NOW }],
        unsupported: [{ path: "c", reason: "version 9" }],
        foreign: ["readme\n"],
      }),
    ).toEqual(["damaged  a/b (session): its checksum is wrong; moved to quarantine/1-b", "newer    c: version 9", "not ours readme\\n"]);
    expect(queueWords({ items: 0, bytes: 0, oldest_ms: 0, coalesced: 1, refused: 0 })).toMatch(/^nothing waits/);
    expect(queueWords({ items: 2, bytes: 2_048, oldest_ms: 5_000, coalesced: 1, refused: 3 })).toMatch(
      /^2 writes wait, 2.0 KiB, the oldest for 5s.*3 refused$/,
    );
    const report = {
      removed: [{ kind: "checkpoint", id: UUID, session: "sess_1", reason: "old", bytes: 1_024 }],
      kept: [{ id: "sess_2", reason: "it is pinned" }],
      foreign: [],
      bytes: 1_024,
    } as const;
    expect(pruneLines({ ...report, removed: [...report.removed], kept: [...report.kept], foreign: [] }, true)).toEqual([
      `would remove checkpoint ${UUID} of sess_1, 1.0 KiB: old`,
      "kept sess_2: it is pinned",
      "would remove 1, 1.0 KiB",
    ]);
    expect(pruneLines({ removed: [], kept: [], foreign: [], bytes: 0 }, false)).toEqual(["nothing is old enough"]);
  });
});

test("a value of the user's own stays as it is in --json, bytes aside", () => {
  expect(
    forJson({ created_at: NOW, state: { created_at: 5 }, entries: [{ at: NOW, data: { at: 5 } }, { data: Buffer.from([1]) }] }, [
      "state",
      "data",
    ]),
  ).toEqual({
    created_at: "2026-01-31T12:00:00.000Z",
    state: { created_at: 5 },
    entries: [{ at: "2026-01-31T12:00:00.000Z", data: { at: 5 } }, { data_b64: "AQ==" }],
  });
  expect(parseJson("null")).toBeNull();
  expect(() => parseJson("{")).toThrow(UsageError);
});
