/** Pseudo-terminals: opening, sizes, modes, the process group in front. */
import koffi from "koffi";
import { lazy, LibcError, must } from "./binding.js";
import { closeDescriptor } from "./descriptors.js";
import { platform as P } from "./platform.js";

const c_open = lazy("int open(const char *path, int flags, ...)");
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
    closeDescriptor(master);
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

/**
 * Whether a terminal's program is given whole lines (ICANON): the kernel echoes then, and a line has at most 4095 bytes. A master
 * answers for its slave. False where the system does not say.
 */
export function readsLines(fd: number): boolean {
  const termios = Buffer.alloc(128);
  if (c_tcgetattr(fd, termios) !== 0) return false;
  return (termios.readUInt32LE(P.localFlags) & P.ICANON) !== 0;
}
