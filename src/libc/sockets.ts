/** Unix sockets that Node does not know of: descriptors travel over them, and who is on the other end can be asked. */
import koffi from "koffi";
import { checkSocketPath } from "../paths.js";
import { lazy, LibcError, must } from "./binding.js";
import { closeDescriptor, setCloseOnExec } from "./descriptors.js";
import { platform as P } from "./platform.js";

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
    : {
        name: "void *",
        namelen: "uint32",
        iov: "lifeguard_iovec *",
        iovlen: "size_t",
        control: "void *",
        controllen: "size_t",
        flags: "int",
      },
);

function socketAddress(path: string): Buffer {
  checkSocketPath(path);
  const bytes = Buffer.from(path);
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

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

function newSocket(type: number = SOCK_STREAM): number {
  const fd = must("socket", c_socket(1, type | P.SOCK_CLOEXEC, 0));
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
    closeDescriptor(fd);
    throw error;
  }
}

export function connectUnix(path: string): number {
  const fd = newSocket();
  const address = socketAddress(path);
  if (c_connect(fd, address, address.length) < 0) {
    const errno = koffi.errno();
    closeDescriptor(fd);
    throw new LibcError("connect", errno);
  }
  return fd;
}

/**
 * A non-blocking Unix datagram socket to `path`; a path that begins with `@` is a name in Linux's abstract namespace.
 * @throws LibcError when nobody listens there
 */
export function connectDatagram(path: string): number {
  const fd = newSocket(SOCK_DGRAM | P.SOCK_NONBLOCK);
  const abstract = path.startsWith("@");
  const address = socketAddress(path);
  if (abstract) address.writeUInt8(0, 2);
  // An abstract name ends with the address's length, a path with a NUL.
  if (c_connect(fd, address, abstract ? 2 + Buffer.byteLength(path) : address.length) < 0) {
    const errno = koffi.errno();
    closeDescriptor(fd);
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
  if (message.byteLength !== DESCRIPTOR_MESSAGE_BYTES)
    throw new RangeError(`a descriptor's message has ${DESCRIPTOR_MESSAGE_BYTES} bytes, not ${message.byteLength}`);
  const control = controlBuffer();
  const length = P.cmsgHeaderBytes + 4;
  if (P.cmsgLengthBytes === 8) control.writeBigUInt64LE(BigInt(length), 0);
  else control.writeUInt32LE(length, 0);
  control.writeInt32LE(P.SOL_SOCKET, P.cmsgLengthBytes);
  control.writeInt32LE(P.SCM_RIGHTS, P.cmsgLengthBytes + 4);
  control.writeInt32LE(fd, P.cmsgHeaderBytes);
  const header = {
    name: null,
    namelen: 0,
    iov: [{ base: message, length: message.byteLength }],
    iovlen: 1,
    control,
    controllen: control.length,
    flags: 0,
  };
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
  const header = {
    name: null,
    namelen: 0,
    iov: [{ base: message, length: message.length }],
    iovlen: 1,
    control,
    controllen: control.length,
    flags: 0,
  };
  const received = c_recvmsg(socket, header, P.MSG_DONTWAIT | P.MSG_CMSG_CLOEXEC);
  if (received < 0) {
    const errno = koffi.errno();
    if (errno === P.EAGAIN) return null;
    throw new LibcError("recvmsg(SCM_RIGHTS)", errno);
  }
  if (received === 0) throw new LibcError("recvmsg(SCM_RIGHTS)", 32);
  const fd = control.readInt32LE(P.cmsgHeaderBytes);
  const carries = control.readInt32LE(P.cmsgLengthBytes + 4) === P.SCM_RIGHTS;
  if (!carries || fd < 0 || received !== message.length)
    throw new LibcError("recvmsg(SCM_RIGHTS): no descriptor came with the message", 71);
  if (P.MSG_CMSG_CLOEXEC === 0) setCloseOnExec(fd);
  return { fd, message };
}

const c_socketpair = lazy("int socketpair(int domain, int type, int protocol, void *pair)");

/** Two Unix stream sockets that are connected to each other, both close-on-exec and blocking. */
export function socketPair(): [number, number] {
  const pair = Buffer.alloc(8);
  must("socketpair", c_socketpair(1, 1 | P.SOCK_CLOEXEC, 0, pair));
  const ends: [number, number] = [pair.readInt32LE(0), pair.readInt32LE(4)];
  if (P.SOCK_CLOEXEC === 0) for (const fd of ends) setCloseOnExec(fd);
  return ends;
}
