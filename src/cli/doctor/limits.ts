/** What the system lets the daemon have: descriptors, terminals, processes, file watches. Node itself. */
import { readdirSync, statSync } from "node:fs";
import { asRoot, ok, problem, warning } from "./finding.js";
import type { Finding } from "./finding.js";
import type { Answer } from "./daemon.js";
import { limitOf, openDescriptorsOf, read } from "./processes.js";

/** package.json, engines. */
const NODE = [20, 19] as const;

export function checkNode(): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return [ok("node", `${process.version}, ${process.execPath}`)];
  return [
    problem(
      "node",
      `${process.version} is too old: ${NODE.join(".")} or newer is needed`,
      "npm install --global n && n 22",
      "or as your system installs Node",
    ),
  ];
}

/** Of the daemon and of each keeper; a session takes about six of the daemon's. */
const FEW_DESCRIPTORS = 1_024;
const ENOUGH_DESCRIPTORS = 65_536;
const PER_SESSION = 6;
const FEW_TERMINALS = 64;
const FEW_PROCESSES = 256;
const FEW_WATCHERS = 16;

/** @param answer of the daemon, when one answers: its limits count; else those of the shell that would start one */
export function checkLimits(answer: Answer | null): Finding[] {
  return [...descriptors(answer), ...terminals(), ...processes(), ...watchers()];
}

function descriptors(answer: Answer | null): Finding[] {
  const check = "open files";
  if (answer === null) {
    const own = limitOf("self", "Max open files");
    if (own === null) return [];
    if (own.hard >= FEW_DESCRIPTORS) return [ok(check, `up to ${own.hard} for a daemon that is started from here`)];
    return [
      problem(
        check,
        `a daemon that is started from here may have ${own.hard} files open: enough for some ${Math.floor(own.hard / PER_SESSION)} sessions`,
        raised("$$", own.hard),
        "for this shell; /etc/security/limits.conf holds it for the next log-in",
      ),
    ];
  }
  const { status } = answer;
  const live = Object.entries(status.sessions).reduce((sum, [state, count]) => (state === "exited" ? sum : sum + count), 0);
  const short: string[] = [];
  const raise: string[] = [];
  let hard = Number.POSITIVE_INFINITY;
  for (const [name, pid] of [
    ["the daemon", status.pid],
    ...status.keepers.map(({ pid: keeper }) => ["the keeper", keeper] as const),
  ] as const) {
    const limit = limitOf(pid, "Max open files");
    if (limit === null) continue;
    hard = Math.min(hard, limit.soft);
    const open = openDescriptorsOf(pid);
    if (limit.soft >= Math.max(FEW_DESCRIPTORS, live * PER_SESSION) && open < limit.soft * 0.8) continue;
    short.push(`${name} (pid ${pid}) may have ${limit.soft}, and has ${open}`);
    raise.push(raised(String(pid), limit.hard));
  }
  if (short.length === 0) return hard === Number.POSITIVE_INFINITY ? [] : [ok(check, `up to ${hard}`)];
  return [
    problem(
      check,
      short.join("; "),
      raise.join(" && "),
      "at once and for their lives; ulimit -n before the start, /etc/security/limits.conf, or LimitNOFILE= of the unit for the next",
    ),
  ];
}

/** Up to its hard limit anybody may raise their own; beyond it only root. */
function raised(pid: string, hard: number): string {
  if (hard >= 4 * FEW_DESCRIPTORS) return `prlimit --pid ${pid} --nofile=${Math.min(hard, ENOUGH_DESCRIPTORS)}:`;
  return asRoot(`prlimit --pid ${pid} --nofile=${ENOUGH_DESCRIPTORS}:${ENOUGH_DESCRIPTORS}`);
}

function terminals(): Finding[] {
  const most = Number(read("/proc/sys/kernel/pty/max"));
  const open = Number(read("/proc/sys/kernel/pty/nr"));
  if (!(most > 0)) return [];
  if (most - open >= FEW_TERMINALS) return [ok("terminals", `${open} of ${most} in use`)];
  return [
    warning(
      "terminals",
      `${open} of ${most} in use: each session takes one`,
      asRoot(`sysctl -w kernel.pty.max=${most + 4_096}`),
      "until the next start of the machine; /etc/sysctl.d keeps it",
    ),
  ];
}

function processes(): Finding[] {
  const limit = limitOf("self", "Max processes");
  if (limit === null || limit.soft === Number.POSITIVE_INFINITY) return [];
  const uid = process.getuid?.() ?? 0;
  let own = 0;
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      if (statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid === uid) own += readdirSync(`/proc/${name}/task`).length;
    }
  } catch {
    // Processes come and go while they are counted.
  }
  // The kernel does not hold root to it.
  if (uid === 0 || limit.soft - own >= FEW_PROCESSES) return [ok("processes", `${own} threads of yours, up to ${limit.soft}`)];
  return [
    warning(
      "processes",
      `you have ${own} threads, and may have ${limit.soft}: agents start many`,
      asRoot(`prlimit --pid $$ --nproc=${limit.soft + 8_192}:${Math.max(limit.hard, limit.soft + 8_192)}`),
      "for this shell; /etc/security/limits.conf holds it for the next log-in",
    ),
  ];
}

function watchers(): Finding[] {
  const instances = Number(read("/proc/sys/fs/inotify/max_user_instances"));
  if (!(instances > 0) || instances >= FEW_WATCHERS) return [];
  return [
    warning(
      "file watches",
      `a user may have ${instances} inotify instances: changed profiles may not be noticed`,
      asRoot("sysctl -w fs.inotify.max_user_instances=128"),
    ),
  ];
}
