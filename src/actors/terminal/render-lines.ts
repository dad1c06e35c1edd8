/** The lines a rendering shows: the screen, and as much history above it as was asked for. */
import { runs, type Run } from "./cells.js";
import type { TerminalState } from "./state.js";

export interface VisibleLines {
  cols: number;
  lines: VisibleLine[];
  /** Index in `lines` of the screen's first row. */
  screenStart: number;
  /** True when more history was asked for than there is. */
  truncated: boolean;
}

export interface VisibleLine {
  runs: Run[];
  /** True when this row continues the one above. */
  wrapped: boolean;
}

/** @param history rows above the screen, 0 or more */
export function visibleLines({ engine: { core } }: TerminalState, history: number): VisibleLines {
  const buffer = core._bufferService.buffers.active;
  const above = Math.max(0, Math.min(Math.floor(history), buffer.ybase));
  const lines: VisibleLine[] = [];
  for (let y = buffer.ybase - above; y < buffer.ybase + core.rows; y++) {
    const line = buffer.lines.get(y);
    lines.push(line === undefined ? { runs: [], wrapped: false } : { runs: runs(line, core.cols), wrapped: line.isWrapped });
  }
  return { cols: core.cols, lines, screenStart: above, truncated: history > buffer.ybase };
}
