/**
 * The libc calls that Node lacks, through koffi. Every function here is one system call or a straight line of them; no policy.
 *
 * Two shapes of failure: a call whose failure is a fault throws {@link LibcError} with the call's name and errno; a call on a
 * hot path, where EAGAIN and EIO are ordinary answers, returns the count or `-errno`.
 */
import { getSystemErrorName } from "node:util";
import koffi from "koffi";
import { platform as P } from "./platform.js";

const libc = koffi.load(null);

type KoffiFunction = ReturnType<typeof libc.func>;

/** A libc call that failed. `code` is the errno's name (`ENOENT`), `syscall` the call. */
export class LibcError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}`);
    this.name = "LibcError";
    this.errno = errno;
    this.code = code;
    this.syscall = syscall;
  }
}

export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}

/** Binds on first use: some symbols exist on one platform only, and a missing one must not stop the process from loading. */
function lazy(definition: string): (...args: unknown[]) => number {
  let bound: KoffiFunction | undefined;
  return (...args) => {
    bound ??= libc.func(definition);
    return Number(bound(...args));
  };
}

function must(syscall: string, result: number): number {
  if (result < 0) throw new LibcError(syscall, koffi.errno());
  return result;
}

// ---- file descriptors -------------------------------------------------------------------------------------------------

const c_fcntl = lazy("int fcntl(int fd, int op, ...)");
const c_close = lazy("int close(int fd)");
const c_read = lazy("intptr_t read(int fd, void *buf, size_t n)");
const c_write = lazy("intptr_t write(int fd, const void *buf, size_t n)");
const c_flock = lazy("int flock(int fd, int op)");
const c_open = lazy("int open(const char *path, int flags, ...)");

/** A close-on-exec duplicate of `fd`. Both share one open file description: its offset and O_NONBLOCK too. */
export function duplicate(fd: number): number {
  return must("fcntl(F_DUPFD_CLOEXEC)", c_fcntl(fd, P.F_DUPFD_CLOEXEC, "int", 3));
}

export function setCloseOnExec(fd: number): void {
  must("fcntl(F_SETFD)", c_fcntl(fd, P.F_SETFD, "int", P.FD_CLOEXEC));
}

export function isCloseOnExec(fd: number): boolean {
  return (must("fcntl(F_GETFD)", c_fcntl(fd, 1, "int", 0)) & P.FD_CLOEXEC) !== 0;
}

export function isNonblocking(fd: number): boolean {
  return (must("fcntl(F_GETFL)", c_fcntl(fd, P.F_GETFL, "int", 0)) & P.O_NONBLOCK) !== 0;
}

/** Closes a descriptor that no stream owns. Never call it under a live stream (facts: 99 % CPU for ever). */
export function closeDescriptor(fd: number): void {
  c_close(fd);
}

/** Bytes read (0 at end of file), or `-errno`. */
export function readDescriptor(fd: number, into: Uint8Array): number {
  const n = c_read(fd, into, into.byteLength);
  return n < 0 ? -koffi.errno() : n;
}

/** Bytes written, or `-errno` (`-EAGAIN` when the other side does not read). */
export function writeDescriptor(fd: number, from: Uint8Array): number {
  const n = c_write(fd, from, from.byteLength);
  return n < 0 ? -koffi.errno() : n;
}

const c_poll = lazy("int poll(void *fds, unsigned long n, int timeout)");
const POLLIN = 1;

/**
 * Which of these descriptors a read would not wait on (input, end of file, hang-up; a pidfd once its process has ended), as
 * indices into `fds`. Does not wait itself.
 */
export function pollInput(fds: readonly number[]): number[] {
  const ready: number[] = [];
  if (fds.length === 0) return ready;
  const entries = Buffer.alloc(fds.length * 8);
  fds.forEach((fd, index) => {
    entries.writeInt32LE(fd, index * 8);
    entries.writeInt16LE(POLLIN, index * 8 + 4);
  });
  let left = c_poll(entries, fds.length, 0);
  for (let index = 0; left > 0 && index < fds.length; index++) {
    if (entries.readInt16LE(index * 8 + 6) === 0) continue;
    ready.push(index);
    left--;
  }
  return ready;
}

/** Takes an exclusive advisory lock without waiting. The kernel frees it when the last duplicate of `fd` closes, also at SIGKILL. */
export function tryLock(fd: number): boolean {
  return c_flock(fd, 2 | 4) === 0;
}

export const EAGAIN: number = P.EAGAIN;
export const EIO = 5;

// ---- terminals --------------------------------------------------------------------------------------------------------

const c_posix_openpt = lazy("int posix_openpt(int flags)");
const c_grantpt = lazy("int grantpt(int fd)");
const c_unlockpt = lazy("int unlockpt(int fd)");
const c_ptsname_r = lazy("int ptsname_r(int fd, void *buf, size_t n)");
const c_ioctl = lazy("int ioctl(int fd, unsigned long op, ...)");

/** A new pty: its master (non-blocking, close-on-exec) and the path of its slave. */
export function openPty(cols: number, rows: number): { master: number; slavePath: string } {
  const master = must("posix_openpt", c_posix_openpt(P.O_RDWR | P.O_NOCTTY | P.O_CLOEXEC | P.O_NONBLOCK));
  try {
    must("grantpt", c_grantpt(master));
    must("unlockpt", c_unlockpt(master));
    const slavePath = ptyPath(master);
    setWindowSize(master, cols, rows);
    return { master, slavePath };
  } catch (error) {
    c_close(master);
    throw error;
  }
}

/** The path of the slave side of a master. */
export function ptyPath(master: number): string {
  const name = Buffer.alloc(128);
  const failed = c_ptsname_r(master, name, name.length);
  if (failed !== 0) throw new LibcError("ptsname_r", failed > 0 ? failed : koffi.errno());
  return name.toString("latin1", 0, name.indexOf(0));
}

/** Opens the slave side without making it anybody's controlling terminal. Holding it keeps the master from ever seeing a hang-up. */
export function openSlave(path: string): number {
  return must("open(pty slave)", c_open(path, P.O_RDWR | P.O_NOCTTY | P.O_CLOEXEC));
}

export function setWindowSize(fd: number, cols: number, rows: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(cols, 2);
  must("ioctl(TIOCSWINSZ)", c_ioctl(fd, P.TIOCSWINSZ, "void *", size));
}

export function windowSize(fd: number): { cols: number; rows: number } {
  const size = Buffer.alloc(8);
  must("ioctl(TIOCGWINSZ)", c_ioctl(fd, P.TIOCGWINSZ, "void *", size));
  return { rows: size.readUInt16LE(0), cols: size.readUInt16LE(2) };
}

const c_tcgetattr = lazy("int tcgetattr(int fd, void *termios)");
const c_tcsetattr = lazy("int tcsetattr(int fd, int when, const void *termios)");
const IUTF8 = 0x4000;

/** Switches IUTF8 on, so that the line discipline erases whole characters. c_iflag comes first in `struct termios` everywhere. */
export function enableUtf8Input(slave: number): void {
  const termios = Buffer.alloc(128);
  must("tcgetattr", c_tcgetattr(slave, termios));
  termios.writeUInt32LE((termios.readUInt32LE(0) | IUTF8) >>> 0, 0);
  must("tcsetattr", c_tcsetattr(slave, 0, termios));
}

/** The foreground process group of a terminal, 0 when it has none. */
export function foregroundGroup(fd: number): number {
  const group = Buffer.alloc(4);
  if (c_ioctl(fd, P.TIOCGPGRP, "void *", group) < 0) return 0;
  return Math.max(0, group.readInt32LE(0));
}

// ---- processes --------------------------------------------------------------------------------------------------------

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

// ---- sockets ----------------------------------------------------------------------------------------------------------

const c_socket = lazy("int socket(int domain, int type, int protocol)");
const c_bind = lazy("int bind(int fd, const void *addr, unsigned int n)");
const c_listen = lazy("int listen(int fd, int backlog)");
const c_connect = lazy("int connect(int fd, const void *addr, unsigned int n)");
const c_accept = lazy("int accept(int fd, void *addr, void *n)");
const c_getsockopt = lazy("int getsockopt(int fd, int level, int name, void *value, void *n)");
const c_sendmsg = lazy("intptr_t sendmsg(int fd, const lifeguard_msghdr *msg, int flags)");
const c_recvmsg = lazy("intptr_t recvmsg(int fd, _Inout_ lifeguard_msghdr *msg, int flags)");

koffi.struct("lifeguard_iovec", { base: "void *", length: "size_t" });
// BSD's msghdr has 32-bit counts where glibc has size_t; the padding before `control` comes out the same in both.
koffi.struct(
  "lifeguard_msghdr",
  process.platform === "darwin"
    ? { name: "void *", namelen: "uint32", iov: "lifeguard_iovec *", iovlen: "int", control: "void *", controllen: "uint32", flags: "int" }
    : { name: "void *", namelen: "uint32", iov: "lifeguard_iovec *", iovlen: "size_t", control: "void *", controllen: "size_t", flags: "int" },
);

/** Longest socket path this system takes, in bytes. */
export const MAX_SOCKET_PATH: number = process.platform === "darwin" ? 103 : 107;

function socketAddress(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length > MAX_SOCKET_PATH) throw new RangeError(`socket path has ${bytes.length} bytes, this system takes ${MAX_SOCKET_PATH}: ${path}`);
  const address = Buffer.alloc(P.sockaddrUnBytes);
  if (P.sockaddrHasLength) {
    address.writeUInt8(P.sockaddrUnBytes, 0);
    address.writeUInt8(1, 1);
  } else {
    address.writeUInt16LE(1, 0);
  }
  bytes.copy(address, 2);
  return address;
}

function newSocket(): number {
  const fd = must("socket", c_socket(1, 1 | P.SOCK_CLOEXEC, 0));
  if (P.SOCK_CLOEXEC === 0) setCloseOnExec(fd);
  return fd;
}

/** A listening Unix stream socket that Node does not know of: descriptors travel over it (Node's own sockets drop them). */
export function listenUnix(path: string): number {
  const fd = newSocket();
  try {
    const address = socketAddress(path);
    must("bind", c_bind(fd, address, address.length));
    must("listen", c_listen(fd, 64));
    return fd;
  } catch (error) {
    c_close(fd);
    throw error;
  }
}

export function connectUnix(path: string): number {
  const fd = newSocket();
  const address = socketAddress(path);
  if (c_connect(fd, address, address.length) < 0) {
    const errno = koffi.errno();
    c_close(fd);
    throw new LibcError("connect", errno);
  }
  return fd;
}

/** Blocks until somebody connects: call it only when a connection is known to wait. */
export function acceptUnix(listener: number): number {
  const fd = must("accept", c_accept(listener, null, null));
  setCloseOnExec(fd);
  return fd;
}

/** Who is on the other end of a Unix socket. pid is 0 where the system does not say (macOS). */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  const size = Buffer.alloc(4);
  if (process.platform === "darwin") {
    // struct xucred { u_int version; uid_t uid; short ngroups; gid_t groups[16]; } through LOCAL_PEERCRED at SOL_LOCAL.
    const cred = Buffer.alloc(76);
    size.writeUInt32LE(cred.length);
    must("getsockopt(LOCAL_PEERCRED)", c_getsockopt(fd, 0, 1, cred, size));
    return { pid: 0, uid: cred.readUInt32LE(4), gid: cred.readUInt32LE(12) };
  }
  const cred = Buffer.alloc(12);
  size.writeUInt32LE(cred.length);
  must("getsockopt(SO_PEERCRED)", c_getsockopt(fd, P.SOL_SOCKET, 17, cred, size));
  return { pid: cred.readInt32LE(0), uid: cred.readUInt32LE(4), gid: cred.readUInt32LE(8) };
}

/** Bytes of the message that goes with each descriptor. Fixed, because a stream socket keeps no message bounds. */
export const DESCRIPTOR_MESSAGE_BYTES = 16;

function controlBuffer(): Buffer {
  return Buffer.alloc(P.cmsgHeaderBytes + 8);
}

/**
 * Sends one descriptor with its 16 bytes, without waiting.
 * @returns false when the socket's queue is full: try again once the other side has read
 */
export function sendDescriptor(socket: number, fd: number, message: Uint8Array): boolean {
  if (message.byteLength !== DESCRIPTOR_MESSAGE_BYTES) throw new RangeError(`a descriptor's message has ${DESCRIPTOR_MESSAGE_BYTES} bytes, not ${message.byteLength}`);
  const control = controlBuffer();
  const length = P.cmsgHeaderBytes + 4;
  if (P.cmsgLengthBytes === 8) control.writeBigUInt64LE(BigInt(length), 0);
  else control.writeUInt32LE(length, 0);
  control.writeInt32LE(P.SOL_SOCKET, P.cmsgLengthBytes);
  control.writeInt32LE(P.SCM_RIGHTS, P.cmsgLengthBytes + 4);
  control.writeInt32LE(fd, P.cmsgHeaderBytes);
  const header = { name: null, namelen: 0, iov: [{ base: message, length: message.byteLength }], iovlen: 1, control, controllen: control.length, flags: 0 };
  const sent = c_sendmsg(socket, header, P.MSG_DONTWAIT | P.MSG_NOSIGNAL);
  if (sent === DESCRIPTOR_MESSAGE_BYTES) return true;
  const errno = koffi.errno();
  if (sent < 0 && errno === P.EAGAIN) return false;
  throw new LibcError("sendmsg(SCM_RIGHTS)", sent < 0 ? errno : 5);
}

/** The next descriptor (close-on-exec) and its 16 bytes; null when none has come; throws when the other side is gone. */
export function receiveDescriptor(socket: number): { fd: number; message: Buffer } | null {
  const message = Buffer.alloc(DESCRIPTOR_MESSAGE_BYTES);
  const control = controlBuffer();
  const header = { name: null, namelen: 0, iov: [{ base: message, length: message.length }], iovlen: 1, control, controllen: control.length, flags: 0 };
  const received = c_recvmsg(socket, header, P.MSG_DONTWAIT | P.MSG_CMSG_CLOEXEC);
  if (received < 0) {
    const errno = koffi.errno();
    if (errno === P.EAGAIN) return null;
    throw new LibcError("recvmsg(SCM_RIGHTS)", errno);
  }
  if (received === 0) throw new LibcError("recvmsg(SCM_RIGHTS)", 32);
  const fd = control.readInt32LE(P.cmsgHeaderBytes);
  const carries = control.readInt32LE(P.cmsgLengthBytes + 4) === P.SCM_RIGHTS;
  if (!carries || fd < 0 || received !== message.length) throw new LibcError("recvmsg(SCM_RIGHTS): no descriptor came with the message", 71);
  if (P.MSG_CMSG_CLOEXEC === 0) setCloseOnExec(fd);
  return { fd, message };
}

// ---- memory -----------------------------------------------------------------------------------------------------------

let c_mmap: KoffiFunction | undefined;
let c_malloc_trim: KoffiFunction | undefined;

/**
 * Maps `length` bytes of an open file from `offset` (a multiple of the system's page), shared: what is stored there outlives this
 * thread and this process. The file must be at least that long, with its blocks written (a hole on a full disk is SIGBUS).
 * Never unmapped.
 */
export function mapShared(fd: number, length: number, offset = 0): Buffer {
  c_mmap ??= libc.func("void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64 offset)");
  const address: unknown = c_mmap(null, length, 3, 1, fd, offset);
  if (address === null || koffi.address(address) === 0xffffffffffffffffn) throw new LibcError("mmap", koffi.errno());
  return Buffer.from(koffi.view(address, length));
}

const c_fallocate = lazy("int fallocate(int fd, int mode, int64 offset, int64 length)");
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

/** Gives a range of a file back to the disk; it reads as zeros then. False where the system or the file system cannot. */
export function punchHole(fd: number, offset: number, length: number): boolean {
  if (process.platform !== "linux") return false;
  return c_fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length) === 0;
}

/** Gives freed heap back to the system, on a thread of libuv's pool (30–40 ms); a no-op where libc has no malloc_trim. */
export async function trimHeap(): Promise<void> {
  if (process.platform !== "linux") return;
  try {
    c_malloc_trim ??= libc.func("int malloc_trim(size_t pad)");
  } catch {
    return;
  }
  const trim = c_malloc_trim;
  await new Promise<void>((resolve) => {
    trim.async(0, () => resolve());
  });
}
