/** A session's own terminal, by its master. */
import { writeDescriptor } from "../libc/descriptors.js";
import { readsLines, setWindowSize } from "../libc/terminals.js";
import type { TerminalSize } from "../session.js";
import type { Line, LineListener } from "./line.js";
import { Nudge } from "./nudge.js";
import { sessionProcesses, type SessionProcesses } from "./session-processes.js";
import { TtyReader } from "./tty-reader.js";

export class PtyLine implements Line {
  readonly processes: SessionProcesses;
  readonly answersQueries = false;
  readonly #reader: TtyReader;
  readonly #nudge: Nudge;

  /**
   * Takes over `master`, also when it throws.
   * @param size what the terminal's size is meant to be
   */
  constructor(master: number, pid: number, page: Buffer, size: () => TerminalSize, listener: Pick<LineListener, "chunk" | "failed">) {
    this.#reader = new TtyReader(master, page, listener);
    this.#nudge = new Nudge(() => this.#reader.fd, size);
    this.processes = sessionProcesses(() => this.#reader.fd, pid);
  }

  resume(): void {
    this.#reader.resume();
  }

  pause(): void {
    this.#reader.pause();
  }

  drain(limit: number): void {
    this.#reader.drain(limit);
  }

  takePending(limit: number): void {
    this.#reader.takePending(limit);
  }

  get readsLines(): boolean {
    return readsLines(this.#reader.fd);
  }

  write(slice: Uint8Array): number {
    return writeDescriptor(this.#reader.fd, slice);
  }

  paste(): null {
    return null;
  }

  resize(size: TerminalSize): undefined {
    setWindowSize(this.#reader.fd, size.cols, size.rows);
  }

  redraw(): void {
    this.#nudge.begin();
  }

  async close(): Promise<void> {
    this.#nudge.end();
    await this.#reader.close();
  }
}
