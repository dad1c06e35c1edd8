/** The journal as a place for logs: each line of pino becomes an entry with priority and fields. */
import { fstatSync } from "node:fs";
import { closeDescriptor, writeDescriptor } from "../libc/descriptors.js";
import { connectDatagram } from "../libc/sockets.js";

/** Whether standard error is the journal: JOURNAL_STREAM names the device and inode of the stream that systemd gave us. */
export function writesToJournal(env: NodeJS.ProcessEnv): boolean {
  const said = env["JOURNAL_STREAM"];
  if (said === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return said === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

const JOURNAL = "/run/systemd/journal/socket";
/** A datagram on a Unix socket holds about 200 KB by default; a longer field is cut. */
const MOST_FIELD_BYTES = 32 * 1024;

/** Entries for the journal, each a set of fields: names in capitals, values any text. */
export class Journal {
  #fd: number | null = null;
  /** Entries that were not taken, since the start. */
  lost = 0;

  /** Never waits and never throws: a journal that does not keep up loses entries, and their number is kept. */
  write(fields: Record<string, string>): void {
    const parts: Buffer[] = [];
    for (const [name, value] of Object.entries(fields)) parts.push(field(name, value));
    const entry = Buffer.concat(parts);
    if (!this.#send(entry)) {
      // A journal that was started again listens at the same path with another socket.
      this.close();
      if (!this.#send(entry)) this.lost++;
    }
  }

  #send(entry: Buffer): boolean {
    try {
      if (this.#fd === null) {
        this.#fd = connectDatagram(JOURNAL);
      }
      return writeDescriptor(this.#fd, entry) === entry.length;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#fd !== null) closeDescriptor(this.#fd);
    this.#fd = null;
  }
}

/** `NAME=value\n`, or with a length where the value has more than one line. */
function field(name: string, value: string): Buffer {
  const text = Buffer.from(value).subarray(0, MOST_FIELD_BYTES);
  if (!text.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), text, Buffer.from("\n")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, text, Buffer.from("\n")]);
}

/** Levels of pino as priorities of syslog(3). */
function priority(level: number): string {
  if (level >= 60) return "2";
  if (level >= 50) return "3";
  if (level >= 40) return "4";
  return level >= 30 ? "6" : "7";
}

/**
 * A destination for pino. `msg` is MESSAGE and the level PRIORITY; `session`, `epoch` and `phase` are LIFEGUARD_SESSION,
 * LIFEGUARD_EPOCH and LIFEGUARD_PHASE, and so is every other key. An error's stack is a field of its own.
 */
export function journalDestination(journal: Pick<Journal, "write">, identifier: string): { write(line: string): void } {
  return {
    write: (line) => {
      const { level, time: _time, msg, pid: _pid, part, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
      const fields: Record<string, string> = {
        MESSAGE: text(msg),
        PRIORITY: priority(Number(level)),
        SYSLOG_IDENTIFIER: identifier,
        LIFEGUARD_PART: text(part),
      };
      for (const [key, value] of Object.entries(rest)) fields[fieldName(key)] = text(value);
      if (typeof err === "object" && err !== null) {
        const { message, stack } = err as { message?: unknown; stack?: unknown };
        fields["LIFEGUARD_ERR"] = text(message);
        fields["LIFEGUARD_STACK"] = text(stack);
      } else if (err !== undefined) fields["LIFEGUARD_ERR"] = text(err);
      journal.write(fields);
    },
  };
}

/** The journal takes capitals, digits and underscores, at most 64 of them. */
function fieldName(key: string): string {
  return `LIFEGUARD_${key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_")}`.slice(0, 64);
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}
