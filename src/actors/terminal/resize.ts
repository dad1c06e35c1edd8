/**
 * Resizing both screens, around three faults of stock xterm:
 * - reflow into a full history writes before the start of the list of lines, which is its end once the ring has turned, so that old
 *   lines replace the bottom of the screen: the ring is laid out from its start first;
 * - reflow of wide characters can run out of lines and throw, halfway: then the size changes without reflow, from a copy;
 * - an alternate screen that is not shown keeps room for its former rows, and later scrolls into them.
 */
import type { TerminalSize } from "../../session.js";
import type { Engine, Line, ScreenBuffer } from "./engine-shapes.js";

export function resizeEngine(engine: Engine, size: TerminalSize): void {
  const { core, terminal } = engine;
  if (size.cols === core.cols && size.rows === core.rows) return;
  const { normal, alt } = core._bufferService.buffers;
  for (const { lines } of [normal, alt]) {
    // Setting another capacity lays the ring out anew.
    const { maxLength } = lines;
    lines.maxLength = maxLength + 1;
    lines.maxLength = maxLength;
  }
  const before = size.cols === core.cols ? null : copyOf(engine, normal);
  try {
    terminal.resize(size.cols, size.rows);
  } catch (error) {
    if (before === null) throw error;
    putBack(engine, normal, before);
    // The option's only effect here is that lines are cut and not reflowed.
    core.optionsService.options.windowsPty = { backend: "winpty", buildNumber: 1 };
    terminal.resize(size.cols, size.rows);
    core.optionsService.options.windowsPty = {};
  }
  if (alt.lines.length === 0) alt.lines.maxLength = core.rows;
}

interface Copy {
  cols: number;
  rows: number;
  maxLength: number;
  lines: (Line | undefined)[];
  scalars: Pick<ScreenBuffer, (typeof SCALARS)[number]>;
}

const SCALARS = ["x", "y", "ybase", "ydisp", "savedX", "savedY", "scrollTop", "scrollBottom"] as const;

function copyOf({ core }: Engine, buffer: ScreenBuffer): Copy {
  const { x, y, ybase, ydisp, savedX, savedY, scrollTop, scrollBottom } = buffer;
  return {
    cols: core.cols,
    rows: core.rows,
    maxLength: buffer.lines.maxLength,
    lines: Array.from({ length: buffer.lines.length }, (_, i) => buffer.lines.get(i)?.clone()),
    scalars: { x, y, ybase, ydisp, savedX, savedY, scrollTop, scrollBottom },
  };
}

function putBack({ core }: Engine, buffer: ScreenBuffer, copy: Copy): void {
  core._bufferService.cols = copy.cols;
  core._bufferService.rows = copy.rows;
  buffer.lines.maxLength = copy.maxLength;
  buffer.lines.length = copy.lines.length;
  copy.lines.forEach((line, i) => {
    if (line !== undefined) buffer.lines.set(i, line);
  });
  Object.assign(buffer, copy.scalars);
}
