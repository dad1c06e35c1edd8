import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callerEnvironment } from "../../../src/cli/caller-environment.js";
import { cellWidth, fit, truncate } from "../../../src/cli/cells.js";
import { layOut } from "../../../src/cli/columns.js";
import { forJson } from "../../../src/cli/json.js";
import { homely, printable, shellWords } from "../../../src/cli/printable.js";

describe("printable", () => {
  test("nothing that a terminal acts on gets through", () => {
    expect(printable("a\u001b]0;owned\u0007b\nc\td\u009b2Je\u202ef")).toBe("a\\e]0;owned\\x07b\\nc\\td\\x9b2Je\\u202ef");
    expect(printable("日本 👩‍👩‍👧 é ⠋ ┌─")).toBe("日本 👩‍👩‍👧 é ⠋ ┌─");
    expect(printable("\ud83d!\ude00")).toBe("\\ud83d!\\ude00");
  });

  test("never a control character, whatever comes", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(printable(text))));
  });

  test("homes and words", () => {
    expect(homely("/home/u/x", "/home/u")).toBe("~/x");
    expect(homely("/home/u", "/home/u/")).toBe("~");
    expect(homely("/home/user2", "/home/u")).toBe("/home/user2");
    expect(homely("/x", "/")).toBe("/x");
    expect(homely("/x", undefined)).toBe("/x");
    expect(shellWords(["sh", "-c", "echo 'a' b", ""])).toBe("sh -c 'echo '\\''a'\\'' b' ''");
  });
});

describe("cells", () => {
  test("wide characters take two, marks none", () => {
    expect(cellWidth("日本")).toBe(4);
    expect(cellWidth("é")).toBe(1);
    expect(cellWidth("👩‍👩‍👧")).toBe(2);
  });

  test("a cut never takes half a character, and fit is exact", () => {
    expect(truncate("日本語", 4)).toBe("日…");
    expect(truncate("abc", 3)).toBe("abc");
    expect(truncate("abcd", 3)).toBe("ab…");
    expect(truncate("abcd", 0)).toBe("");
    expect(fit("日本語", 4)).toBe("日… ");
    expect(fit("7s", 5, "right")).toBe("   7s");
  });

  test("fit gives the cells asked for, whatever the text", () => {
    const text = fc.array(fc.constantFrom("a", "日", "é", "👍", "✖", "…", "ｱ", " ")).map((parts) => parts.join(""));
    fc.assert(fc.property(text, fc.integer({ min: 1, max: 30 }), (words, cells) => cellWidth(fit(words, cells)) === cells));
  });
});

describe("columns", () => {
  const columns = [{ title: "ID" }, { title: "NAME", least: 4 }, { title: "FOR", align: "right" as const }, { title: "CWD", least: 5 }];
  const rows = [
    ["sess_1", "a-long-name", "5s", "~/a/very/long/path"],
    ["sess_20", "b", "3h12", "/"],
  ];

  test("without a width nothing is cut and columns line up", () => {
    expect(layOut(columns, rows, undefined)).toEqual([
      "ID       NAME          FOR  CWD",
      "sess_1   a-long-name    5s  ~/a/very/long/path",
      "sess_20  b            3h12  /",
    ]);
  });

  test.each([1, 5, 10, 20, 24, 30, 40, 80])("in %i cells no line is wider, and ids are whole while they fit", (width) => {
    const lines = layOut(columns, rows, width);
    if (width >= 7) for (const line of lines) expect(cellWidth(line)).toBeLessThanOrEqual(width);
    if (width >= 24) expect(lines[2]).toContain("sess_20");
  });

  test("paint sees the text of its cell only", () => {
    expect(layOut(columns, rows, 40, (text, row, column) => (row === 1 && column === 0 ? `<${text}>` : text))[2]).toMatch(
      /^<sess_20> {2}b/,
    );
  });
});

describe("json", () => {
  test("moments in RFC 3339, bytes in base64, durations as they are", () => {
    const at = Date.UTC(2026, 0, 31, 12);
    expect(
      forJson({
        created_at: at,
        state_since: at,
        at,
        uptime_ms: 7,
        started_at: null,
        exit: { at },
        data: Uint8Array.of(1, 2, 3),
        list: [{ at }],
      }),
    ).toEqual({
      created_at: "2026-01-31T12:00:00.000Z",
      state_since: "2026-01-31T12:00:00.000Z",
      at: "2026-01-31T12:00:00.000Z",
      uptime_ms: 7,
      started_at: null,
      exit: { at: "2026-01-31T12:00:00.000Z" },
      data_b64: "AQID",
      list: [{ at: "2026-01-31T12:00:00.000Z" }],
    });
  });
});

describe("the caller's environment", () => {
  test("goes whole, less what names another terminal; --env has the last word", () => {
    const env = {
      PATH: "/bin",
      TMUX: "x",
      TMUX_PANE: "%1",
      STY: "y",
      COLUMNS: "80",
      LINES: "24",
      LIFEGUARD_HOME: "/h",
      LIFEGUARD_SESSION: "sess_1",
      CLAUDECODE: "1",
      CLAUDE_CODE_ENTRYPOINT: "cli",
      CLAUDE_CONFIG_DIR: "/c",
      TERM: "screen",
      EMPTY: "",
      GONE: undefined,
    };
    expect(callerEnvironment(env, { LINES: "3", NEW: "n" })).toEqual({
      PATH: "/bin",
      CLAUDE_CONFIG_DIR: "/c",
      TERM: "screen",
      EMPTY: "",
      LINES: "3",
      NEW: "n",
    });
  });
});
