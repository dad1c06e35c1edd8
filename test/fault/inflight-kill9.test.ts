/**
 * SIGKILL of the process that reads, in the middle of everything.
 *
 * What users would see: after a crash of the daemon a session's output has holes, or a line twice, and its screen is wrong for
 * ever after. Cause: what read(2) had given to a process dies with it. What bounds it now: output is read into a mapped page and
 * salvaged by whoever comes next. The fault: 20 sessions print numbered lines as fast as they can, their reader is killed again
 * and again, and the numbers are then read back from the spools by offset.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { closeDescriptor } from "../../src/libc/descriptors.js";
import { reap, spawnOnTerminal } from "../../src/libc/processes.js";
import { openPty, openSlave } from "../../src/libc/terminals.js";
import { InflightFile } from "../../src/spool/inflight.js";
import { Intake } from "../../src/spool/intake.js";
import { figure, sample } from "../support/figures.js";

const SESSIONS = 20;
const OPTIONS = { bytes: 33_554_432, busyBytes: 33_554_432 };
const READER = new URL("inflight-reader.mjs", import.meta.url).pathname;
const NUMBERED = `stty -opost -echo; exec awk 'BEGIN { for (n = 0; ; n++) printf "%015d\\n", n }'`;

interface Flood {
  master: number;
  slave: number;
  pid: number;
  directory: string;
  offset: number;
  /** The number that must come next, and the beginning of its line. */
  next: number;
  partial: string;
}

let root: string;
let floods: Flood[] = [];
let reader: ChildProcess | null = null;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lifeguard-kill9-"));
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  for (let n = 0; n < SESSIONS; n++) {
    const directory = join(root, `sess_${n + 1}`);
    mkdirSync(directory);
    const { master, slavePath } = openPty(80, 24);
    const slave = openSlave(slavePath);
    const pid = spawnOnTerminal({ file: "/bin/sh", argv: ["sh", "-c", NUMBERED], env, cwd: root, slavePath });
    floods.push({ master, slave, pid, directory, offset: 0, next: 0, partial: "" });
  }
});

afterEach(async () => {
  reader?.kill("SIGKILL");
  for (const { pid, master, slave } of floods) {
    process.kill(pid, "SIGKILL");
    while (reap(pid) === null) await new Promise((resolve) => setTimeout(resolve, 5));
    closeDescriptor(master);
    closeDescriptor(slave);
  }
  floods = [];
  rmSync(root, { recursive: true });
});

it("loses and repeats no byte", async () => {
  const kills = sample("kills of the reading process", 100, 10);
  const inflight = InflightFile.open(join(root, "inflight"));
  let salvaged = 0;
  const wrong: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    await killReader();
    floods.forEach((flood, n) => {
      const intake = Intake.open(flood.directory, inflight.slot(n), OPTIONS);
      salvaged += intake.salvaged;
      checkNumbers(flood, intake, wrong);
      intake.close();
    });
  }
  inflight.close();
  expect(wrong).toEqual([]);
  const bytes = floods.reduce((sum, flood) => sum + flood.offset, 0);
  expect(Math.min(...floods.map((flood) => flood.offset))).toBeGreaterThan(0);
  figure("read back by offset", bytes / 1e6, "MB");
  figure("salvaged from pages", salvaged, "bytes");
  figure("holes", wrong.length);
});

/** Starts the reader and kills it, each time after more output: whatever it does then is what it is killed in. */
async function killReader(): Promise<void> {
  reader = spawn(process.execPath, [READER, root, String(SESSIONS)], {
    stdio: ["ignore", "pipe", "inherit", "ignore", ...floods.map((flood) => flood.master)],
  });
  const exited = once(reader, "exit");
  if (reader.stdout === null) throw new Error("the reader has no stdout");
  const reading = await Promise.race([once(reader.stdout, "data"), exited.then(() => null)]);
  if (reading === null) throw new Error("the reader ended before it read anything");
  await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
  reader.kill("SIGKILL");
  await exited;
  reader = null;
}

function checkNumbers(flood: Flood, intake: Intake, wrong: string[]): void {
  while (flood.offset < intake.end) {
    const read = intake.spool.read(flood.offset, 1_048_576);
    if (read.gap > 0) wrong.push(`${flood.directory}: gap of ${read.gap} at ${flood.offset}`);
    const lines = (flood.partial + read.data.toString("latin1")).split("\n");
    flood.partial = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== String(flood.next).padStart(15, "0")) wrong.push(`${flood.directory}: ${line} in place of ${flood.next}`);
      flood.next = Number(line) + 1;
    }
    flood.offset = read.next;
  }
}
