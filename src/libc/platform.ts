/**
 * What differs between the systems we call: constants and struct layouts, one table per platform.
 * Linux values hold for x86-64 and arm64 with glibc or musl; macOS values are from its headers and were not run
 * (no Mac was at hand), which README says too.
 */
export interface Platform {
  O_NOCTTY: number;
  O_CLOEXEC: number;
  O_NONBLOCK: number;
  O_RDWR: number;
  F_DUPFD_CLOEXEC: number;
  F_SETFD: number;
  F_GETFL: number;
  FD_CLOEXEC: number;
  TIOCSWINSZ: number;
  TIOCGWINSZ: number;
  TIOCGPGRP: number;
  /** Where `c_lflag` is in `struct termios`, and its bit of line mode. */
  localFlags: number;
  ICANON: number;
  RLIMIT_NOFILE: number;
  SOCK_CLOEXEC: number;
  SOCK_NONBLOCK: number;
  SOL_SOCKET: number;
  SCM_RIGHTS: number;
  MSG_DONTWAIT: number;
  MSG_NOSIGNAL: number;
  MSG_CMSG_CLOEXEC: number;
  /** Bytes of `struct sockaddr_un`, and whether it starts with a length byte (BSD) or a 16-bit family. */
  sockaddrUnBytes: number;
  sockaddrHasLength: boolean;
  /** `struct cmsghdr`: bytes of the header as aligned, and whether its length field has 8 bytes or 4. */
  cmsgHeaderBytes: number;
  cmsgLengthBytes: 4 | 8;
  /** Byte offsets in `siginfo_t`, as waitid(2) fills it. */
  siginfo: { code: number; pid: number; status: number };
  WNOHANG: number;
  WEXITED: number;
  WNOWAIT: number;
  /** MAP_SHARED is 1 and PROT_READ | PROT_WRITE is 3 everywhere. */
  EAGAIN: number;
}

const linux: Platform = {
  O_NOCTTY: 0o400,
  O_CLOEXEC: 0o2000000,
  O_NONBLOCK: 0o4000,
  O_RDWR: 2,
  F_DUPFD_CLOEXEC: 1030,
  F_SETFD: 2,
  F_GETFL: 3,
  FD_CLOEXEC: 1,
  TIOCSWINSZ: 0x5414,
  TIOCGWINSZ: 0x5413,
  TIOCGPGRP: 0x540f,
  localFlags: 12,
  ICANON: 0x2,
  RLIMIT_NOFILE: 7,
  SOCK_CLOEXEC: 0o2000000,
  SOCK_NONBLOCK: 0o4000,
  SOL_SOCKET: 1,
  SCM_RIGHTS: 1,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  MSG_CMSG_CLOEXEC: 0x40000000,
  sockaddrUnBytes: 110,
  sockaddrHasLength: false,
  cmsgHeaderBytes: 16,
  cmsgLengthBytes: 8,
  siginfo: { code: 8, pid: 16, status: 24 },
  WNOHANG: 1,
  WEXITED: 4,
  WNOWAIT: 0x01000000,
  EAGAIN: 11,
};

const darwin: Platform = {
  O_NOCTTY: 0x20000,
  O_CLOEXEC: 0x1000000,
  O_NONBLOCK: 4,
  O_RDWR: 2,
  F_DUPFD_CLOEXEC: 67,
  F_SETFD: 2,
  F_GETFL: 3,
  FD_CLOEXEC: 1,
  TIOCSWINSZ: 0x80087467,
  TIOCGWINSZ: 0x40087468,
  TIOCGPGRP: 0x40047477,
  localFlags: 24,
  ICANON: 0x100,
  RLIMIT_NOFILE: 8,
  SOCK_CLOEXEC: 0,
  SOCK_NONBLOCK: 0,
  SOL_SOCKET: 0xffff,
  SCM_RIGHTS: 1,
  MSG_DONTWAIT: 0x80,
  MSG_NOSIGNAL: 0x80000,
  MSG_CMSG_CLOEXEC: 0,
  sockaddrUnBytes: 106,
  sockaddrHasLength: true,
  cmsgHeaderBytes: 12,
  cmsgLengthBytes: 4,
  siginfo: { code: 8, pid: 12, status: 20 },
  WNOHANG: 1,
  WEXITED: 4,
  WNOWAIT: 0x20,
  EAGAIN: 35,
};

export const platform: Platform = process.platform === "darwin" ? darwin : linux;
