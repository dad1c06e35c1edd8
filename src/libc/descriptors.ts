/** File descriptors: duplicates, flags, reading and writing without a stream, waiting for input, locks. */
import koffi from "koffi";
import { lazy, must } from "./binding.js";
import { platform as P } from "./platform.js";

const c_fcntl = lazy("int fcntl(int fd, int op, ...)");
const c_close = lazy("int close(int fd)");
const c_read = lazy("intptr_t read(int fd, void *buf, size_t n)");
const c_write = lazy("intptr_t write(int fd, const void *buf, size_t n)");
const c_flock = lazy("int flock(int fd, int op)");

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
