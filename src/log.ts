/** Logs are pino, one line each. Keys that name the same thing everywhere: session, epoch, phase, thread, err. Output and prompts are never logged. */
import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";

export type Log = Logger;

/**
 * @param destination a file path, or where else lines go; undefined for stderr
 */
export function openLog(options: { level: string; destination?: string | DestinationStream; name: string }): Log {
  const { destination } = options;
  const stream =
    typeof destination === "object"
      ? destination
      : pino.destination(
          destination === undefined ? { dest: 2, sync: true } : { dest: destination, append: true, mkdir: true, mode: 0o600, sync: true },
        );
  return pino({ level: options.level, base: { part: options.name, pid: process.pid } }, stream);
}

export const silentLog: Log = pino({ level: "silent" });
