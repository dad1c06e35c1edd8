/**
 * Told to stop by a service manager, a keeper ends its agents: whoever stops its unit means them. They are what else is in the
 * unit's control group, and nothing is there that the keeper did not start.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../log.js";

/** From asking to killing. Within TimeoutStopSec of the unit. */
const GRACE_MS = 10_000;
/** After KILL; what hangs in the kernel is left. */
const KILLED_MS = 5_000;
const POLL_MS = 50;

/** File with the processes of our own control group: the unified hierarchy's, or systemd's own where there is none. */
function processesFile(): string | null {
  const lines = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  const named = lines.find((line) => /^\d+:name=systemd:/.test(line));
  const unified = lines.find((line) => line.startsWith("0::"));
  if (named !== undefined) return `/sys/fs/cgroup/systemd${named.split(":").slice(2).join(":")}/cgroup.procs`;
  if (unified !== undefined) return `/sys/fs/cgroup${unified.slice("0::".length)}/cgroup.procs`;
  return null;
}

/** Pids of the control group but our own. Empty where there is no such thing. */
function agents(file: string): number[] {
  return readFileSync(file, "latin1")
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone meanwhile.
    }
  }
}

/** HUP and TERM, a grace, KILL; resolves when they are gone, or cannot be ended. */
export async function endAgents(log: Log): Promise<void> {
  const file = processesFile();
  // Without a control group of our own, everything of the user's would be in it.
  if (file === null || !/lifeguard-keeper@/.test(file)) return;
  const first = agents(file);
  log.info({ processes: first.length }, "told to stop: ending the agents");
  signal(first, "SIGHUP");
  signal(first, "SIGTERM");
  signal(first, "SIGCONT");
  if (await gone(file, GRACE_MS)) return;
  const stubborn = agents(file);
  log.warn({ pids: stubborn }, "these did not end by themselves: KILL");
  const until = performance.now() + KILLED_MS;
  // A process may start another between the look and the signal.
  while (performance.now() < until) {
    signal(agents(file), "SIGKILL");
    if (await gone(file, POLL_MS)) return;
  }
  log.error({ pids: agents(file) }, "these are still there after KILL");
}

async function gone(file: string, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  for (;;) {
    // A zombie is the keeper's to collect and in the list until then.
    if (agents(file).every(isZombie)) return true;
    if (performance.now() > until) return false;
    await sleep(POLL_MS);
  }
}

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\)/s, ""));
  } catch {
    return true;
  }
}
