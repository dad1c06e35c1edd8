import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { colourOf, repositoryAround } from "../../../src/supervisor/repositories.js";

const home = realpathSync(mkdtempSync(join(tmpdir(), "lifeguard-repository-")));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const root = join(home, "project");
const git = (...args: string[]): void =>
  void execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", ...args], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", HOME: home },
    stdio: "ignore",
  });
mkdirSync(join(root, "deep", "er"), { recursive: true });
git("init");
git("commit", "--allow-empty", "-m", "first");

test("root, branch and colour, from anywhere inside", async () => {
  expect(await repositoryAround(join(root, "deep", "er"))).toEqual({ root, branch: "main", colour: colourOf(root) });
  git("switch", "-c", "topic/one");
  expect(await repositoryAround(root)).toMatchObject({ branch: "topic/one" });
  git("checkout", "--detach");
  expect(await repositoryAround(root)).toMatchObject({ root, branch: null });
});

test("a worktree has a root and a branch of its own", async () => {
  git("worktree", "add", "-b", "beside", join(home, "beside"));
  expect(await repositoryAround(join(home, "beside"))).toMatchObject({ root: join(home, "beside"), branch: "beside" });
});

test("the repository may choose its colour; what is no colour is not one", async () => {
  mkdirSync(join(root, ".lifeguard"));
  writeFileSync(join(root, ".lifeguard", "colour"), "#FF8800\n");
  expect(await repositoryAround(root)).toMatchObject({ colour: "#ff8800" });
  writeFileSync(join(root, ".lifeguard", "colour"), "\u001b[31mred");
  expect(await repositoryAround(root)).toMatchObject({ colour: colourOf(root) });
});

test("outside of one, in what is not there, and for another host's path: none", async () => {
  for (const directory of [home, join(home, "gone", "for", "ever"), "elsewhere:/srv", ""])
    expect(await repositoryAround(directory)).toBeNull();
});

test("a colour is stable and can be read on black and on white", () => {
  expect(colourOf("/srv/one")).toBe(colourOf("/srv/one"));
  const colours = Array.from({ length: 200 }, (_, n) => colourOf(`/srv/${n}`));
  expect(new Set(colours).size).toBeGreaterThan(150);
  for (const colour of colours) {
    expect(colour).toMatch(/^#[0-9a-f]{6}$/);
    const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    expect(Math.max(...channels)).toBeGreaterThan(100);
    expect(Math.min(...channels)).toBeLessThan(180);
  }
});
