/** One daemon per state directory: an flock that the kernel frees when the daemon dies, however it dies. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { LifeguardError } from "../errors.js";
import { tryLock } from "../libc/descriptors.js";

export interface DaemonLock {
  release(): void;
}

/** @throws ALREADY_EXISTS naming the live daemon's pid */
export function lockState(state: string): DaemonLock {
  const path = join(state, "lock");
  const fd = openSync(path, "a+", 0o600);
  if (!tryLock(fd)) {
    const pid = readFileSync(path, "utf8").trim();
    closeSync(fd);
    throw new LifeguardError(
      "ALREADY_EXISTS",
      `a daemon with pid ${pid} runs on ${state}: use it, stop it with 'lifeguard daemon stop', or set LIFEGUARD_HOME for a second one; when it does not answer, 'lifeguard doctor' says what to do`,
      { pid: Number(pid) },
    );
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`);
  return { release: () => closeSync(fd) };
}
