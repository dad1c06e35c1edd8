/** What a service manager and a process it runs tell each other, without systemd's library: sd_notify(3), sd_listen_fds(3). */
import { fstatSync } from "node:fs";
import { closeDescriptor, setCloseOnExec, writeDescriptor } from "../libc/descriptors.js";
import { connectDatagram } from "../libc/sockets.js";

/** States for the manager: `{ READY: 1, STATUS: "3 sessions" }` becomes `READY=1\nSTATUS=3 sessions`. */
export type Notification = Record<string, string | number>;

/**
 * Tells the service manager.
 * @param socket what NOTIFY_SOCKET says: a path, or an abstract name that begins with `@`
 * @returns whether it was taken; a manager that does not listen is no reason to fail
 */
export function notifyManager(socket: string, states: Notification): boolean {
  const lines = Object.entries(states).map(([name, value]) => `${name}=${String(value).replaceAll("\n", " ")}`);
  let fd: number;
  try {
    fd = connectDatagram(socket);
  } catch {
    return false;
  }
  const message = Buffer.from(lines.join("\n"));
  const sent = writeDescriptor(fd, message);
  closeDescriptor(fd);
  return sent === message.length;
}

/** sd_listen_fds(3): the first of the descriptors that the manager hands over. */
const FIRST_LISTENER = 3;

/** The listening socket that the manager opened for this process (socket activation), or null. Close-on-exec from here on. */
export function inheritedListener(env: NodeJS.ProcessEnv): number | null {
  if (Number(env["LISTEN_PID"]) !== process.pid || !(Number(env["LISTEN_FDS"]) >= 1)) return null;
  if (!fstatSync(FIRST_LISTENER).isSocket()) return null;
  setCloseOnExec(FIRST_LISTENER);
  return FIRST_LISTENER;
}
