/**
 * A newer build takes over under sessions that never stop writing: the build is this one under another version's name, installed
 * elsewhere, so that daemon and keeper differ as they do after `npm install -g`.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { figure, sample } from "../support/figures.js";
import { endlessNumberedLines, LineChecker } from "../support/numbered-lines.js";
import { waitUntil } from "../support/wait.js";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const newer = mkdtempSync(join(tmpdir(), "lifeguard-newer-"));
afterAll(() => rmSync(newer, { recursive: true, force: true }));

for (const part of ["bin", "dist", "profiles"]) cpSync(join(checkout, part), join(newer, part), { recursive: true });
symlinkSync(join(checkout, "node_modules"), join(newer, "node_modules"));
const own = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { version: string };
const VERSION = "99.0.0-next.1";
writeFileSync(join(newer, "package.json"), JSON.stringify({ ...own, version: VERSION }));

const daemon = await startDaemon();

interface Upgrade {
  from: string;
  to: string;
  sessions: number;
  lost: string[];
  behind: string[];
  unanswered_ms: number;
  keepers: { version: string; sessions: number }[];
}

/** `daemon upgrade` by the newer build. */
async function upgrade(): Promise<Upgrade> {
  const child = spawn(process.execPath, [join(newer, "bin/lifeguard"), "daemon", "upgrade", "--json"], {
    env: daemon.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [said, wrong] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(wrong).toBe("");
  return JSON.parse(said) as Upgrade;
}

test("an upgrade under busy sessions: no byte lost, watchers go on at their offset", async () => {
  const sessions = sample("busy sessions", 50, 12);
  const client = await daemon.client({ reconnect: true });
  const watched: { id: string; checker: LineChecker; gaps: number }[] = [];
  for (let n = 0; n < sessions; n++) {
    const { id } = await client.call("session.create", endlessNumberedLines(1_000));
    const one = { id, checker: new LineChecker(), gaps: 0 };
    await client.watch(id, { since: 0 }, { output: (data, { offset }) => one.checker.take(data, offset), gap: () => void (one.gaps += 1) });
    watched.push(one);
  }
  const moved = async (): Promise<void> => {
    const before = watched.map(({ checker }) => checker.offset);
    await waitUntil("every watcher to have got more", () => watched.every(({ checker }, index) => checker.offset > (before[index] ?? 0)));
  };
  await moved();

  const result = await upgrade();
  figure("upgrade: nobody answered for", result.unanswered_ms, "ms");
  expect(result).toMatchObject({ from: own.version, to: VERSION, sessions, lost: [], behind: [] });
  // The old keeper keeps what it has; what is new goes to the new one.
  expect(result.keepers).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ version: own.version, sessions }),
      expect.objectContaining({ version: VERSION, sessions: 0 }),
    ]),
  );

  await moved();
  expect(watched.map(({ checker }) => checker.fault).filter((fault) => fault !== null)).toEqual([]);
  expect(watched.reduce((sum, { gaps }) => sum + gaps, 0)).toBe(0);

  await client.call("session.create", { command: "sleep", args: ["1000"] });
  await waitUntil("it to be the new keeper's", async () =>
    (await client.call("daemon.status", {})).keepers.some(({ version, sessions: held }) => version === VERSION && held === 1),
  );
  await client.call("daemon.stop", { all: true });
  await waitUntil("every agent to have ended", () => daemon.processes().every(({ command }) => !/perl|sleep/.test(command)));
});
