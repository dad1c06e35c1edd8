/** Processes: spawning on a terminal, exit statuses, handles that name a process for good, limits. */
import koffi from "koffi";
import { lazy, libc, LibcError, must } from "./binding.js";
import { platform as P } from "./platform.js";

const c_spawn_fa_init = lazy("int posix_spawn_file_actions_init(void *fa)");
const c_spawn_fa_destroy = lazy("int posix_spawn_file_actions_destroy(void *fa)");
const c_spawn_fa_open = lazy("int posix_spawn_file_actions_addopen(void *fa, int fd, const char *path, int flags, unsigned int mode)");
const c_spawn_fa_dup2 = lazy("int posix_spawn_file_actions_adddup2(void *fa, int fd, int to)");
const c_spawn_fa_closefrom = lazy("int posix_spawn_file_actions_addclosefrom_np(void *fa, int from)");
const c_spawn_fa_chdir = lazy("int posix_spawn_file_actions_addchdir_np(void *fa, const char *path)");
const c_spawnattr_init = lazy("int posix_spawnattr_init(void *attr)");
const c_spawnattr_destroy = lazy("int posix_spawnattr_destroy(void *attr)");
const c_spawnattr_setflags = lazy("int posix_spawnattr_setflags(void *attr, short flags)");
const c_spawnattr_setsigdefault = lazy("int posix_spawnattr_setsigdefault(void *attr, const void *set)");
const c_spawnattr_setsigmask = lazy("int posix_spawnattr_setsigmask(void *attr, const void *set)");
const c_sigfillset = lazy("int sigfillset(void *set)");
const c_sigemptyset = lazy("int sigemptyset(void *set)");
const c_posix_spawn = lazy("int posix_spawn(_Out_ int *pid, const char *path, void *fa, void *attr, char **argv, char **envp)");
const c_waitid = lazy("int waitid(int idtype, unsigned int id, void *info, int options)");
const c_prctl = lazy("int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)");
const c_syscall2 = lazy("long syscall(long number, long a, long b)");
const c_syscall4 = lazy("long syscall(long number, long a, long b, void *c, long d)");
const c_getrlimit = lazy("int getrlimit(int what, void *limit)");
const c_setrlimit = lazy("int setrlimit(int what, const void *limit)");

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;

export interface SpawnRequest {
  /** Absolute path of the program: resolve against the agent's PATH first. */
  file: string;
  /** The whole argument vector, the program's own name first. */
  argv: string[];
  /** `NAME=value` strings: the whole environment. */
  env: string[];
  cwd: string;
  /** Path of the pty's slave: it becomes fds 0, 1, 2 and the controlling terminal. */
  slavePath: string;
}

/** glibc ≥ 2.34 has all that {@link spawnOnTerminal} needs; musl and macOS lack closefrom or SETSID here. */
export function canSpawnOnTerminal(): boolean {
  if (process.platform !== "linux") return false;
  try {
    libc.func("int posix_spawn_file_actions_addclosefrom_np(void *fa, int from)");
    libc.func("int posix_spawn_file_actions_addchdir_np(void *fa, const char *path)");
    return true;
  } catch {
    return false;
  }
}

/**
 * posix_spawn of a session leader on a terminal: no fork of our address space, no thread, true errno.
 * @throws LibcError with the errno of what failed (ENOENT, EACCES, ENOTDIR for a bad cwd, E2BIG, EAGAIN at a task limit)
 */
export function spawnOnTerminal(request: SpawnRequest): number {
  const actions = Buffer.alloc(128);
  const attributes = Buffer.alloc(512);
  const every = Buffer.alloc(128);
  const none = Buffer.alloc(128);
  c_sigfillset(every);
  // glibc leaves its two internal signals (32, 33) out of a full set, and then ignores them in the child.
  if (process.platform === "linux") every.fill(0xff, 0, 8);
  c_sigemptyset(none);
  c_spawn_fa_init(actions);
  c_spawnattr_init(attributes);
  try {
    c_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    c_spawnattr_setsigdefault(attributes, every);
    c_spawnattr_setsigmask(attributes, none);
    c_spawn_fa_chdir(actions, request.cwd);
    // Everything is closed before the slave is opened: the child's soft NOFILE may be far below the number of fds the keeper
    // holds, and open(2) fails with EMFILE when the lowest free number lies above the limit.
    c_spawn_fa_closefrom(actions, 0);
    c_spawn_fa_open(actions, 0, request.slavePath, P.O_RDWR, 0);
    c_spawn_fa_dup2(actions, 0, 1);
    c_spawn_fa_dup2(actions, 0, 2);
    const pid = [0];
    const error = c_posix_spawn(pid, request.file, actions, attributes, [...request.argv, null], [...request.env, null]);
    if (error !== 0) throw new LibcError("posix_spawn", error);
    return pid[0] as number;
  } finally {
    c_spawn_fa_destroy(actions);
    c_spawnattr_destroy(attributes);
  }
}

/** How a child ended: an exit code, or the number of the signal that ended it. */
export interface WaitStatus {
  pid: number;
  code: number | null;
  signal: number | null;
}

const CLD_EXITED = 1;

function waitid(idtype: number, id: number, options: number): WaitStatus | null {
  const info = Buffer.alloc(128);
  if (c_waitid(idtype, id, info, options | P.WEXITED | P.WNOHANG) < 0) return null;
  const pid = info.readInt32LE(P.siginfo.pid);
  if (pid === 0) return null;
  const status = info.readInt32LE(P.siginfo.status);
  const exited = info.readInt32LE(P.siginfo.code) === CLD_EXITED;
  return { pid, code: exited ? status : null, signal: exited ? null : status };
}

/** The status of a child that has ended, which stays a zombie: its pid cannot be taken by another process until {@link reap}. */
export function peekExit(pid: number): WaitStatus | null {
  return waitid(1, pid, P.WNOWAIT);
}

/** Any child that has ended, left a zombie; null when none has. */
export function peekAnyExit(): WaitStatus | null {
  return waitid(0, 0, P.WNOWAIT);
}

/** Collects a child that has ended; null when it has not, or is not our child. */
export function reap(pid: number): WaitStatus | null {
  return waitid(1, pid, 0);
}

/** Descendants that lose their parent become ours (Linux; elsewhere a no-op). */
export function becomeSubreaper(): void {
  if (process.platform === "linux") must("prctl(PR_SET_CHILD_SUBREAPER)", c_prctl(36, 1, 0, 0, 0));
}

const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;

/** A descriptor that names this process and never another one that gets its number later; null where there is none to be had. */
export function openPidfd(pid: number): number | null {
  if (process.platform !== "linux") return null;
  const fd = c_syscall2(SYS_pidfd_open, pid, 0);
  return fd < 0 ? null : fd;
}

/** True when the signal was sent, false when the process is gone. Signal 0 asks only. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const result = c_syscall4(SYS_pidfd_send_signal, pidfd, signal, null, 0);
  if (result === 0) return true;
  const errno = koffi.errno();
  if (errno === 3) return false;
  throw new LibcError("pidfd_send_signal", errno);
}

/** Soft and hard limit of open files of this process. */
export function openFileLimits(): { soft: bigint; hard: bigint } {
  const limit = Buffer.alloc(16);
  must("getrlimit(NOFILE)", c_getrlimit(P.RLIMIT_NOFILE, limit));
  return { soft: limit.readBigUInt64LE(0), hard: limit.readBigUInt64LE(8) };
}

export function setOpenFileLimits(limits: { soft: bigint; hard: bigint }): void {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(limits.soft, 0);
  limit.writeBigUInt64LE(limits.hard, 8);
  must("setrlimit(NOFILE)", c_setrlimit(P.RLIMIT_NOFILE, limit));
}
