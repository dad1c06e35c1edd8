/** How a session is started again: in its conversation or as it was made, with which of its words, and when that was refused. */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../../src/profiles/profile.js";
import { loadProfiles, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import { planResume, resumeRefused } from "../../../src/supervisor/resume.js";

const { set } = loadProfiles([SHIPPED_PROFILES]);
const ID = "0f7c2d5e-1111-4222-8333-444455556666";

function plan(
  tool: string | null,
  args: string[],
  more: { conversation?: string | null; command?: string; taken?: boolean; gone?: boolean } = {},
): string[] | string {
  const spec = { tool, command: more.command ?? tool ?? "sh", args, cwd: "/srv" };
  const conversationId = more.conversation === undefined ? ID : more.conversation;
  const profile = tool === null ? undefined : findProfile(set, tool);
  const planned = planResume(
    { spec, conversationId },
    profile,
    () => more.taken === true,
    () => more.gone !== true,
  );
  return planned.how === "resume" ? planned.args : planned.why;
}

describe("a session comes back", () => {
  it("in its conversation, with its own options, by the tool's own words", () => {
    expect(plan("claude", [])).toEqual(["--resume", ID]);
    expect(plan("claude", ["--model", "opus"], { command: "/opt/bin/claude" })).toEqual(["--resume", ID, "--model", "opus"]);
    expect(plan("codex", ["-c", "model='x y'", "--search"])).toEqual(["resume", ID, "-c", "model='x y'", "--search"]);
    expect(plan("opencode", ["--model", "a/b"])).toEqual(["--session", ID, "--model", "a/b"]);
  });

  it("without the prompt it was made with, wherever that stands", () => {
    const back = ["--resume", ID];
    expect(plan("claude", ["Fix it"])).toEqual(back);
    expect(plan("claude", ["--model=opus", "fix it"])).toEqual([...back, "--model=opus"]);
    expect(plan("claude", ["--dangerously-skip-permissions", "fix it"])).toEqual([...back, "--dangerously-skip-permissions"]);
    expect(plan("claude", ["Fix it", "--model", "opus"])).toEqual([...back, "--model", "opus"]);
    expect(plan("claude", ["--verbose", "--", "--looks-like-an-option"])).toEqual([...back, "--verbose"]);
    expect(plan("codex", ["--yolo", "-i", "a.png", "look at this"])).toEqual(["resume", ID, "--yolo"]);
  });

  it("with every word of an option that is not known: what is forbidden stays forbidden", () => {
    const args = ["--disallowedTools", "Bash", "Edit", "--unheard-of", "a b"];
    expect(plan("claude", args)).toEqual(["--resume", ID, ...args]);
  });

  it("without an earlier wish for a conversation", () => {
    expect(plan("claude", ["--resume", "old", "--model", "opus"])).toEqual(["--resume", ID, "--model", "opus"]);
    expect(plan("claude", ["--continue", "fix it"])).toEqual(["--resume", ID]);
    expect(plan("claude", ["--session-id", ID, "-r", "other"])).toEqual(["--resume", ID]);
    expect(plan("codex", ["resume", "old", "--search"])).toEqual(["resume", ID, "--search"]);
    expect(plan("codex", ["resume", "--last"])).toEqual(["resume", ID]);
  });

  it("as it was made, and says why, where its conversation cannot be had", () => {
    expect(plan("claude", [], { conversation: null })).toBe("its conversation is not known");
    expect(plan(null, [])).toMatch(/^no profile/);
    expect(plan("aider", [])).toBe("the profile aider has no resume command");
    expect(plan("claude", ["-c", "claude"], { command: "/bin/bash" })).toMatch(/command of its own, \/bin\/bash/);
    expect(plan("claude", [], { gone: true })).toBe("its directory /srv is not there");
    expect(plan("claude", [], { taken: true })).toBe(`another session is in conversation ${ID}`);
    expect(plan("claude", ["--model", "opus", "-p", "Fix it"])).toMatch(/^it was made with -p/);
    expect(plan("codex", ["exec", "fix it"])).toMatch(/^it was made with exec/);
    expect(plan("claude", ["mcp", "serve"])).toMatch(/^it was made with mcp/);
  });
});

describe("a conversation was refused", () => {
  const refused = (
    ms: number,
    exit: { code?: number | null; reason?: "process_exit" | "killed" | "lost" } = {},
    resumed: string | null = ID,
  ) => resumeRefused({ resumed, startedAt: 1_000 }, { code: 1, signal: null, at: 1_000 + ms, reason: "process_exit", ...exit });

  it("when the process that was to go on with it fails soon", () => {
    expect(refused(300)).toBe(true);
    expect(refused(19_999)).toBe(true);
  });
  it("and not when it worked for a while, succeeded, was killed or lost, or was started as it was made", () => {
    expect(refused(20_000)).toBe(false);
    expect(refused(300, { code: 0 })).toBe(false);
    expect(refused(300, { code: null })).toBe(false);
    expect(refused(300, { reason: "killed" })).toBe(false);
    expect(refused(300, { reason: "lost" })).toBe(false);
    expect(refused(300, {}, null)).toBe(false);
  });
});
