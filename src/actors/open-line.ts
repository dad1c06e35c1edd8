/** Which line an actor gets. */
import type { TerminalSize } from "../session.js";
import type { Line, LineListener } from "./line.js";
import type { ActorStart } from "./messages.js";
import { PtyLine } from "./pty-line.js";
import { TmuxLine } from "./tmux-line.js";

/**
 * Takes over `start.master`, also when it throws.
 * @param page where output is put before it is told
 * @param size what the terminal's size is meant to be
 */
export function openLine(start: ActorStart, page: Buffer, size: () => TerminalSize, listener: LineListener): Line {
  if (start.tmux !== null) return new TmuxLine(start, start.tmux, page, listener);
  return new PtyLine(start.master, start.pid, page, size, listener);
}
