/** Logs are pino, one line each. Keys that name the same thing everywhere: session, epoch, phase, thread, err. Output and prompts are never logged. */
import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";
import { LogFile } from "./log-file.js";

export type Log = Logger;

/**
 * @param destination a file path, or where else lines go; undefined for stderr
 */
export function openLog(options: { level: string; destination?: string | DestinationStream; name: string }): Log {
  const { destination } = options;
  const stream = typeof destination === "string" ? new LogFile(destination) : (destination ?? pino.destination({ dest: 2, sync: true }));
  return pino({ level: options.level, base: { part: options.name, pid: process.pid } }, stream);
}

export const silentLog: Log = pino({ level: "silent" });
