/** Real keepers in temporary directories, with daemons of the test's own beside them. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { silentLog } from "../../dist/log.js";
import { Custody } from "../../dist/reaper/custody.js";
import type { KeptExit, KeptSession, SpawnOrder } from "../../dist/reaper/custody.js";
import { InflightFile } from "../../dist/spool/inflight.js";
import { Intake } from "../../dist/spool/intake.js";
import { childrenOf, isAlive, killEach } from "./processes.js";
import { waitUntil } from "./wait.js";

export const SPOOL = { bytes: 1 << 20, busyBytes: 1 << 20 };
export const EXIT_7 = ["/bin/sh", "-c", "exit 7"];
export const STAY = ["/bin/sleep", "1000000"];

export let root: string;
export let runtime: string;
export let state: string;
export let open: Custody[];
export let daemons: ChildProcess[];
export let keepers: Set<number>;
export let exits: Map<number, KeptExit>;
export let lost: number[][];
export let replaced: number[];

/** Each test gets directories of its own; keepers, daemons and agents end with it. Call at the top of a file. */
export function useKeeperRig(): void {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "lifeguard-keeper-"));
    runtime = join(root, "run");
    state = join(root, "state");
    for (const directory of [runtime, state]) mkdirSync(directory, { mode: 0o700 });
    open = [];
    daemons = [];
    keepers = new Set();
    exits = new Map();
    lost = [];
    replaced = [];
  });

  afterEach(async () => {
    noteKeepers();
    const pids = [...keepers].filter(isAlive);
    const agents = pids.flatMap(childrenOf);
    for (const custody of open) custody.close();
    for (const daemon of daemons) {
      daemon.kill("SIGKILL");
      if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, "exit");
    }
    killEach([...agents, ...pids]);
    await waitUntil("keepers to be gone", () => pids.every((pid) => !isAlive(pid)));
    rmSync(root, { recursive: true, force: true });
  });
}

export function noteKeepers(): void {
  for (const name of readdirSync(runtime)) {
    const pid = /^keeper-(\d+)\.sock$/.exec(name)?.[1];
    if (pid !== undefined) keepers.add(Number(pid));
  }
}

export function newCustody(version = "test", spawner: "auto" | "posix" | "node-pty" = "auto"): Custody {
  const custody = new Custody({
    runtime,
    state,
    version,
    spawner,
    log: silentLog,
    listener: {
      exited: (session, exit) => exits.set(session, exit),
      bornTooLate: () => undefined,
      keeperLost: (sessions) => lost.push(sessions),
      keeperReplaced: (pid) => replaced.push(pid),
    },
  });
  open.push(custody);
  return custody;
}

export async function opened(
  version?: string,
  spawner?: "auto" | "posix" | "node-pty",
): Promise<{ custody: Custody; kept: KeptSession[] }> {
  const custody = newCustody(version, spawner);
  const kept = await custody.open();
  noteKeepers();
  return { custody, kept };
}

export function keeperPid(custody: Custody): number {
  const pid = custody.keeperPids()[0];
  if (pid === undefined) throw new Error("no keeper");
  return pid;
}

export function order(session: number, argv: string[]): SpawnOrder {
  const directory = join(state, "sessions", `sess_${session}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const env = ["PATH=/usr/bin:/bin", `LIFEGUARD_SESSION=sess_${session}`, `LIFEGUARD_SOCKET=${join(runtime, "lifeguard.sock")}`];
  return {
    session,
    slot: session,
    record: Buffer.from(`record ${session}`),
    directory,
    spool: SPOOL,
    file: argv[0] ?? "",
    argv,
    env,
    cwd: "/",
    size: { cols: 80, rows: 24 },
    nofileSoft: 1024,
    umask: 0o022,
  };
}

export function intakeOf(inflight: InflightFile, session: number): Intake {
  return Intake.open(join(state, "sessions", `sess_${session}`), inflight.slot(session), SPOOL);
}

/** What a session's spool holds from its first byte on. */
export function spooled(session: number): string {
  const inflight = InflightFile.open(join(runtime, "inflight"));
  const intake = intakeOf(inflight, session);
  try {
    const { offset, data } = intake.spool.read(0, SPOOL.bytes);
    expect(offset, `start of what session ${session}'s spool holds`).toBe(0);
    return Buffer.from(data).toString("latin1");
  } finally {
    intake.close();
    inflight.close();
  }
}

export async function startDaemon(count: number, linesPerSecond: number): Promise<ChildProcess> {
  const daemon = spawn(
    process.execPath,
    [join(import.meta.dirname, "./custody-daemon.mjs"), runtime, state, String(count), String(linesPerSecond)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  daemons.push(daemon);
  let said = "";
  daemon.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await waitUntil("the daemon to read", () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error("the daemon ended");
    return said.includes(`reading ${count}`);
  });
  noteKeepers();
  return daemon;
}
