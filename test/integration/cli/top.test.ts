/** `top` as a person has it: in a real tmux pane of 80x24, with keys typed and what the pane shows read back. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client, SessionSummary } from "../../../src/rpc/client.js";
import { startDaemon } from "../../support/daemon.js";
import { waitUntil } from "../../support/wait.js";

const run = promisify(execFile);
const LIFEGUARD = fileURLToPath(new URL("../../../bin/lifeguard", import.meta.url));

// A failed command stays an error until the test is over.
const daemon = await startDaemon({ config: "[session]\nerror_linger_ms = 600000\n" });
const tmuxSocket = join(daemon.home, "tmux.sock");
const tmux = async (...args: string[]): Promise<string> =>
  (await run("tmux", ["-S", tmuxSocket, "-f", "/dev/null", ...args], { env: daemon.env })).stdout;
const keys = async (...names: string[]): Promise<void> => void (await tmux("send-keys", "-t", "top", ...names));
const pane = async (): Promise<string[]> => (await tmux("capture-pane", "-p", "-t", "top")).split("\n");
/** With colours, as SGR. */
const painted = async (): Promise<string[]> => (await tmux("capture-pane", "-p", "-e", "-t", "top")).split("\n");

async function shows(what: string | RegExp): Promise<string[]> {
  return await waitUntil(`the pane to show ${String(what)}`, async () => {
    const lines = await pane();
    return lines.some((line) => (typeof what === "string" ? line.includes(what) : what.test(line))) && lines;
  });
}

/** Programs tell their state as shells do, with OSC 133 marks, and ask for a person with a notification. */
const MARKS = { works: "133;C", fails: "133;C\\a\\033]133;D;1", asks: "777;notify;agent;needs you" };

let client: Client;
const fleet = new Map<string, SessionSummary>();

beforeAll(async () => {
  client = await daemon.client();
  const project = join(daemon.home, "project");
  mkdirSync(join(project, ".git"), { recursive: true });
  writeFileSync(join(project, ".git", "HEAD"), "ref: refs/heads/topic\n");
  const make = async (name: string, mark: string | null, cwd = daemon.home): Promise<void> => {
    const words = mark === null ? "" : `printf '\\033]${mark}\\a'; `;
    fleet.set(
      name,
      await client.call("session.create", { name, cwd, command: "/bin/sh", args: ["-c", `${words}echo this is ${name}; exec cat`] }),
    );
  };
  for (let n = 1; n <= 8; n++) await make(`calm-${n}`, n <= 4 ? MARKS.works : null, n % 2 === 0 ? project : daemon.home);
  await make("broken", MARKS.fails, project);
  await make("waiting", MARKS.asks);
  await waitUntil("one to fail and one to wait", async () => {
    const { sessions } = await client.call("session.list", {});
    const state = (name: string): string | undefined => sessions.find((session) => session.name === name)?.state;
    return state("broken") === "error" && state("waiting") === "attention";
  });
  await tmux("new-session", "-d", "-s", "top", "-x", "80", "-y", "24", `"${process.execPath}" "${LIFEGUARD}" top; echo over $?; exec cat`);
  await shows("lifeguard  10 sessions");
}, 120_000);

afterAll(async () => {
  await tmux("kill-server").catch(() => undefined);
});

test("ten sessions, one waits, one has failed: they are the first two rows, and blocks of colour", async () => {
  const lines = await shows(/◆ 1 attention +✖ 1 error/);
  expect(lines[3]).toMatch(/^>◆ attention +waiting/);
  expect(lines[4]).toMatch(/^ ✖ error +broken/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  await keys("j", "j");
  const colours = await waitUntil("the selection to have moved on twice", async () => {
    const now = await painted();
    return (now[5]?.includes(">") ?? false) && now;
  });
  const blocks = colours.flatMap((line, index) => (/\u001b\[[0-9;]*4[0-7]m/.test(line) && !line.includes(">") ? [index] : []));
  expect(blocks).toEqual([3, 4]);
});

test("n jumps to who needs a person, o peeks, and the peek follows the screen", async () => {
  await keys("n");
  await shows(/^>◆ attention +waiting/);
  await keys("o");
  await shows("this is waiting");
  await client.call("session.paste", { id: fleet.get("waiting")?.id ?? "", text: "written meanwhile\n" });
  await shows("written meanwhile");
});

test("y answers without leaving: keys reach the program until q", async () => {
  await keys("y");
  await shows("keys go to waiting");
  await keys("4", "2", "Enter");
  await shows(/^42$/);
  await keys("q");
  await shows("y answer");
  await keys("Escape");
  await shows("lifeguard  10 sessions");
});

test("b groups by repository, / filters, and what the filter leaves is counted", async () => {
  await keys("b");
  const lines = await shows(/project +5/);
  expect(lines.findIndex((line) => line.includes("no repository"))).toBeGreaterThan(-1);
  expect(lines.join("\n")).toContain("project ⎇ topic");
  await keys("b");
  await keys("/");
  await keys("-l", "calm-3");
  await shows("/calm-3");
  await keys("Enter");
  const left = await shows("1/1");
  expect(left.filter((line) => line.includes("calm-"))).toHaveLength(2);
  await keys("Escape");
  await shows(/^\d+\/10 /);
});

/** The one row of this name is the selected one; Escape shows the others again. */
async function only(name: string): Promise<void> {
  await keys("/");
  await keys("-l", name);
  await keys("Enter");
  await shows(new RegExp(`^1/1 +/${name}`));
}

test("Enter attaches, the detach key comes back to the table", async () => {
  await only("waiting");
  await keys("Enter");
  await shows("this is waiting");
  await keys("C-\\");
  await shows("lifeguard  10 sessions");
  await keys("Escape");
  await shows(/^\d+\/10 /);
});

test("x asks, y ends the whole tree, and the table says so", async () => {
  await only("waiting");
  await keys("x");
  await shows("kill waiting and everything it started? y/n");
  await keys("y");
  await shows("ended waiting");
  await keys("Escape");
  await shows("lifeguard  9 sessions");
  expect((await client.call("session.get", { id: fleet.get("waiting")?.id ?? "" })).state).toBe("exited");
});

test("a smaller and a larger pane are filled exactly", async () => {
  for (const [cols, rows] of [
    [40, 10],
    [160, 50],
    [80, 24],
  ] as const) {
    await tmux("resize-window", "-t", "top", "-x", String(cols), "-y", String(rows));
    const lines = await waitUntil(`a frame of ${cols}x${rows}`, async () => {
      const now = await pane();
      const footer = now[rows - 1] ?? "";
      return now.length === rows + 1 && /^\d+\/\d+ +n next/.test(footer) && now;
    });
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(cols);
  }
});

test("q ends it, and the terminal is as it was", async () => {
  await keys("q");
  await shows("over 0");
  expect((await tmux("list-panes", "-t", "top", "-F", "#{alternate_on} #{cursor_flag}")).trim()).toBe("0 1");
});
