/** Logs are pino, one line each. Keys that name the same thing everywhere: session, epoch, phase, thread, err. Output and prompts are never logged. */
import { pino } from "pino";
import type { Logger } from "pino";

export type Log = Logger;

/**
 * @param destination a file path, or undefined for stderr
 */
export function openLog(options: { level: string; destination?: string; name: string }): Log {
  const stream = pino.destination(
    options.destination === undefined
      ? { dest: 2, sync: true }
      : { dest: options.destination, append: true, mkdir: true, mode: 0o600, sync: true },
  );
  return pino({ level: options.level, base: { part: options.name, pid: process.pid } }, stream);
}

export const silentLog: Log = pino({ level: "silent" });
