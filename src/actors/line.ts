/**
 * What an actor is connected to: a pty master, or a tmux session's control client. The actor takes the bytes it brings and keeps
 * them; where they come from is the line's business alone.
 */
import type { TerminalSize } from "../session.js";
import type { TmuxNews } from "./messages.js";
import type { SessionProcesses } from "./session-processes.js";

export interface Line {
  readonly processes: SessionProcesses;
  /** Somebody else answers what programs ask of their terminal: tmux. */
  readonly answersQueries: boolean;
  resume(): void;
  /** Leaves what comes next where it is. */
  pause(): void;
  /** Takes what is left, at once, until there is nothing or `limit` bytes have come. The line must be paused. */
  drain(limit: number): void;
  /** Takes in what the program has written by now, at once; not from inside {@link LineListener.chunk}. */
  takePending(limit: number): void;
  /** The program is given whole lines, which the kernel echoes. False where nobody can say. */
  readonly readsLines: boolean;
  /** The descriptor is closed when this resolves. */
  close(): Promise<void>;
  /** Like write(2): the count, or `-errno`; `-EAGAIN` when there is no room now. */
  write(slice: Uint8Array): number;
  /** Takes a whole paste out of the actor's hands; null: the actor encodes it itself. */
  paste(text: string): { accepted: number } | null;
  /**
   * Undefined: the terminal has this size now. A promise: the size is somebody else's to decide, and comes as news.
   * @throws UNSUPPORTED, TIMEOUT
   */
  resize(size: TerminalSize): Promise<void> | undefined;
  /** Makes the program, or tmux, show everything again. */
  redraw(): void;
}

export interface LineListener {
  /** `length` bytes are in the page. */
  chunk(length: number): void;
  /** The line is broken in a way that another actor may mend. */
  failed(error: unknown): void;
  /** The terminal has another size from here on. */
  sized(size: TerminalSize): void;
  /** What tmux knows of the program. */
  place(cwd: string): void;
  title(title: string): void;
  news(news: TmuxNews): void;
}
