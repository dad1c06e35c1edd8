/** What a session's terminal (live-terminal.ts) is made of, and whom it tells. */
import type { SpoolIndex } from "../spool/index-file.js";
import type { Spool } from "../spool/spool.js";
import type { TerminalListener } from "./terminal/terminal.js";
import type { TurnQueue } from "./turn-queue.js";

export interface LiveTerminalOptions {
  id: string;
  directory: string;
  spool: Spool;
  index: SpoolIndex;
  turns: TurnQueue;
  historyLines: number;
  /** The spool holds so much while busy: behind by ¾ of it, reading must wait. */
  spoolBusyBytes: number;
  /** Whether what is shown tells what the session is doing: each output is looked at. */
  judged(): boolean;
  /** Notes whose code runs, before a slice of replay. */
  enter(): void;
  listener: TerminalListener & LiveTerminalListener;
}

export interface LiveTerminalListener {
  /** It has become current: title, modes and screen may all differ from what was last known. */
  current(lostBytes: number): void;
  /** True: the terminal is so far behind that the spool would overwrite what it has not seen. False: it has caught up. */
  lagging(is: boolean): void;
  /** It was packed away, and has now seen the output that came then. */
  back(): void;
  /** It is off now, for good. */
  gaveUp(detail: string): void;
}
