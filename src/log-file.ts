/** A log file that does not grow for ever: full, it becomes `<name>.1`, and what was that `<name>.2`, until the oldest is forgotten. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { BOUNDS } from "./bounds.js";

export interface LogFileBounds {
  /** A file that has so many bytes is full. */
  bytes: number;
  /** Full ones kept beside it. */
  kept: number;
}

/** A disk that took nothing is asked again after so long. */
const RETRY_MS = 1_000;

/**
 * A destination for pino. Lines are written at once, so that a crash loses none. Several processes may write to one file: whichever
 * finds it full moves it away, and the others follow it. A disk that takes nothing loses lines, and never the process.
 */
export class LogFile {
  readonly #path: string;
  readonly #bounds: LogFileBounds;
  #fd = -1;
  #size = 0;
  #deafUntil = 0;
  /** Lines that were not written, since the start. */
  lost = 0;

  /** @throws the error of the disk when the file cannot be opened at all */
  constructor(path: string, bounds: LogFileBounds = { bytes: BOUNDS.logBytes, kept: BOUNDS.logFiles }) {
    this.#path = path;
    this.#bounds = bounds;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#open();
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#deafUntil > performance.now()) {
      this.lost++;
      return;
    }
    try {
      if (this.#fd < 0) this.#open();
      if (this.#size > 0 && this.#size + bytes.length > this.#bounds.bytes) this.#rotate();
      this.#size += writeSync(this.#fd, bytes);
    } catch {
      this.lost++;
      this.#deafUntil = performance.now() + RETRY_MS;
    }
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #open(): void {
    this.#fd = openSync(this.#path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  #rotate(): void {
    // Another process may have moved it away already: then its successor is the one to write to.
    if (this.#isCurrent()) {
      for (let number = this.#bounds.kept - 1; number >= 1; number--) moveIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
      moveIfThere(this.#path, `${this.#path}.1`);
    }
    this.close();
    this.#open();
  }

  #isCurrent(): boolean {
    try {
      const ours = fstatSync(this.#fd);
      const named = statSync(this.#path);
      return ours.ino === named.ino && ours.dev === named.dev;
    } catch {
      return false;
    }
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
