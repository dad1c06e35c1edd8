/**
 * The daemon's name in the file system. A socket that somebody answers at is never touched; a stale one is removed only after a
 * connect was refused; at the end only our own is removed.
 *
 * The listening socket is made by libc and given to Node as a descriptor, because libuv unlinks the *path* it bound when it
 * closes, and by then another daemon may have bound the same path.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { LifeguardError, messageOf } from "../errors.js";
import { listenUnix } from "../libc/sockets.js";
import { checkSocketPath } from "../paths.js";

export interface BoundSocket {
  /** A listening descriptor; the caller owns it. */
  fd: number;
  /** Removes the path if it is still this socket. */
  unlink(): void;
}

/** @throws LifeguardError INVALID_PARAMS (too long, not a socket), ALREADY_EXISTS (somebody answers), UNAVAILABLE (the system refuses) */
export async function bindSocket(path: string): Promise<BoundSocket> {
  checkSocketPath(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await removeStale(path);
  // 0077 rather than 0177: it holds for a moment in all threads, and directories they make must stay searchable.
  const umask = process.umask(0o077);
  let fd: number;
  try {
    fd = listenUnix(path);
  } catch (error) {
    throw new LifeguardError("UNAVAILABLE", `cannot listen at ${path}: ${messageOf(error)}`, { path }, { cause: error });
  } finally {
    process.umask(umask);
  }
  chmodSync(path, 0o600);
  const { dev, ino } = lstatSync(path);
  return {
    fd,
    unlink: () => {
      const now = lstatSync(path, { throwIfNoEntry: false });
      if (now?.dev === dev && now.ino === ino) unlinkSync(path);
    },
  };
}

/** A socket that a service manager listens at and hands over: the path is the manager's, before us and after us. */
export function inheritedSocket(fd: number): BoundSocket {
  return { fd, unlink: () => undefined };
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new LifeguardError("INVALID_PARAMS", `${path} is there and is no socket: remove it, or set LIFEGUARD_SOCKET`, {
      field: "socket",
    });
  const outcome = await tryConnect(path);
  if (outcome === "answered")
    throw new LifeguardError("ALREADY_EXISTS", `somebody answers at ${path}: a daemon runs there already`, { path });
  if (outcome !== "ECONNREFUSED") {
    if (outcome === "ENOENT") return;
    throw new LifeguardError("UNAVAILABLE", `cannot tell whether ${path} is in use: ${outcome}`, { path });
  }
  const now = lstatSync(path, { throwIfNoEntry: false });
  if (now?.ino === found.ino && now.dev === found.dev) unlinkSync(path);
}

/** "answered", or the system's word for why not. A full backlog (EAGAIN) is an answer too: somebody listens. */
function tryConnect(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve("answered");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EAGAIN" ? "answered" : (error.code ?? error.message)));
  });
}
