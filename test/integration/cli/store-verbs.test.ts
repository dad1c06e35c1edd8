/** What the verbs about what is kept print, and their exit codes. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { CommandResult, TestDaemon } from "../../support/daemon.js";
import { startDaemon } from "../../support/daemon.js";

let daemon: TestDaemon;
const run = (...args: string[]): Promise<CommandResult> => daemon.run(args);

async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}
const json = async (...args: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await ok(...args, "--json")) as Record<string, unknown>;
const codeOf = async (...args: string[]): Promise<number | null> => (await run(...args)).code;

beforeAll(async () => {
  daemon = await startDaemon();
  await ok("new", "--name", "work", "--", "cat");
});

describe("checkpoint", () => {
  test("save prints the id; ls, show, fork, restore and rm take it", async () => {
    const file = join(daemon.home, "context");
    const context = Buffer.concat([randomBytes(500), Buffer.from([0, 10, 255])]);
    writeFileSync(file, context);
    const id = (
      await ok("checkpoint", "save", "work", "--label", "half way", "--context", file, "--state", '{"at":5}', "--tasks", "3")
    ).trim();
    expect(id).toMatch(/^[0-9a-f]{8}-/);
    expect(await ok("checkpoint", "ls", "work")).toMatch(new RegExp(`^CHECKPOINT.*\n${id} +sess_\\d+ +\\d+ +manual .*half way`));
    expect(await json("checkpoint", "ls")).toMatchObject({
      checkpoints: expect.arrayContaining([expect.objectContaining({ checkpoint: id })]) as unknown,
    });
    for (const word of [id, id.slice(0, 8)])
      expect(await ok("checkpoint", "show", word)).toMatch(/label +half way[^]*tasks +3 completed[^]*context +503 B/);
    // A number named `at` in somebody's own state is no moment of ours.
    expect(await json("checkpoint", "show", id)).toMatchObject({
      state: { at: 5 },
      context_b64: context.toString("base64"),
      created_at: expect.stringMatching(/T.*Z$/) as string,
    });
    const shown = await daemon.run(["checkpoint", "show", id, "--context"]);
    expect(shown.code).toBe(0);
    expect(await ok("show", "work")).toMatch(/saved +last checkpoint .* ago/);

    const forked = (await ok("checkpoint", "fork", id.slice(0, 12), "--name", "other")).trim();
    expect(forked).toMatch(/^sess_\d+$/);
    expect(await ok("ls")).toContain("other");
    const busy = await run("checkpoint", "rm", id);
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining("active fork") as string]);
    const { forks } = JSON.parse(await ok("api", "call", "fork.list", '{"id":"work"}')) as { forks: { fork: string }[] };
    await ok("api", "call", "fork.update", JSON.stringify({ fork: forks[0]?.fork, status: "merged" }));

    expect((await run("checkpoint", "restore", id)).code).toBe(1);
    expect(await ok("checkpoint", "restore", id, "--force")).toMatch(/^restored sess_\d+ \(work\): pid \d+, epoch 2\n$/);
    await ok("checkpoint", "rm", id);
    expect(await codeOf("checkpoint", "rm", id)).toBe(3);
    expect(await codeOf("checkpoint", "show", id)).toBe(3);
  });

  test("wrong words are usage, what is not there is 3", async () => {
    expect(await codeOf("checkpoint")).toBe(2);
    expect(await codeOf("checkpoint", "save", "nobody")).toBe(3);
    expect(await codeOf("checkpoint", "save", "work", "--state", "{")).toBe(2);
    expect(await codeOf("checkpoint", "save", "work", "--label", "../..")).toBe(2);
    expect(await codeOf("checkpoint", "restore", "work")).toBe(2);
    expect(await codeOf("checkpoint", "rm", "00000000")).toBe(2);
    expect(await codeOf("checkpoint", "show", "abcdef01")).toBe(3);
  });
});

describe("journal", () => {
  test("add prints the number; show prints a line an entry, and what replay begins with", async () => {
    expect(await ok("journal", "add", "work", "first \u001b[31mred", "--author", "me")).toBe("1\n");
    expect(await ok("journal", "add", "work", "--data", '{"role":"user"}', "--kind", "message", "--branch", "b", "--from", "1")).toBe(
      "2\n",
    );
    expect(await ok("journal", "add", "work", "--data", "null")).toBe("3\n");
    const piped = await daemon.run(["journal", "add", "work"], { input: "from stdin\nin lines\n" });
    expect(piped.stdout).toBe("4\n");
    const lines = (await ok("journal", "show", "work")).trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^1 \S+Z note me first \\e\[31mred$/);
    expect(lines[1]).toMatch(/^2 \S+Z message \[b ← 1\] {"role":"user"}$/);
    expect(lines[3]).toMatch(/from stdin\\nin lines\\n$/);
    expect(await ok("journal", "show", "work", "--since", "2", "--limit", "1")).toMatch(/^2 .*\n$/);
    expect(await json("journal", "show", "work", "--limit", "1")).toMatchObject({
      next: 2,
      more: true,
      entries: [{ seq: 1, author: "me" }],
    });

    const file = join(daemon.home, "summary");
    writeFileSync(file, "so far so good\n");
    expect(await ok("journal", "compact", "work", "--archive", "monday", "--file", file)).toBe("5\n");
    await ok("journal", "add", "work", "after");
    expect(await ok("journal", "show", "work", "--from-boundary")).toMatch(/^so far so good\n6 \S+ note after\n$/);
    expect((await ok("journal", "show", "work")).trimEnd().split("\n")).toHaveLength(6);
    expect(await codeOf("journal", "compact", "work")).toBe(2);
    expect(await codeOf("journal", "add", "jrnl_99", "x")).toBe(3);
    const { id } = JSON.parse(await ok("api", "call", "journal.open", '{"agent":"a","created_by":"b","title":"plan"}')) as { id: string };
    expect(await ok("journal", "ls")).toMatch(new RegExp(`${id} +a +b +0 +0 .*plan`));
  });
});

describe("the store", () => {
  test("status, verify and prune say how it is and what goes", async () => {
    expect(await ok("store", "status")).toMatch(/^store +ok\nqueue /);
    expect(await ok("store", "verify")).toMatch(/\d+ files read, nothing is damaged\n$/);
    expect(await ok("status")).toMatch(/store +ok\nqueue/);
    expect(await json("store", "status")).toMatchObject({ ok: true, damaged: [] });
    const dry = await ok("prune", "--older-than", "0s", "--dry-run");
    expect(dry).not.toContain("removed");
    expect(await ok("prune", "--older-than", "60d")).toContain("nothing is old enough");
    expect(await codeOf("prune", "--older-than", "soon")).toBe(2);
  });
});
