/** A table of text cells: aligned, and cut to the terminal's width where there is one. Pure. */
import { cellWidth, fit, truncate } from "./cells.js";

export interface Column {
  title: string;
  align?: "left" | "right";
  /** Never narrower than this when there is not enough room. Without it the column is never cut. */
  least?: number;
}

const SPACING = "  ";

/**
 * @param rows printable text, one string a column
 * @param width cells of a line; undefined = no limit
 * @param paint the last word on a cell's text, for colours: it must not change its width
 * @returns lines, the titles first, without spaces at their ends
 */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
  paint: (text: string, row: number, column: number) => string = (text) => text,
): string[] {
  const wanted = columns.map((column, index) => Math.max(cellWidth(column.title), ...rows.map((row) => cellWidth(row[index] ?? ""))));
  const widths = width === undefined ? wanted : narrow(columns, wanted, width);
  const line = (cells: readonly string[], row: number): string => {
    const parts: string[] = [];
    cells.forEach((cell, index) => {
      const size = widths[index] ?? 0;
      if (size === 0) return;
      const last = widths.slice(index + 1).every((other) => other === 0);
      const text = last && columns[index]?.align !== "right" ? truncate(cell, size) : fit(cell, size, columns[index]?.align);
      parts.push(row < 0 ? text : paint(text, row, index));
    });
    return parts.join(SPACING).trimEnd();
  };
  return [
    line(
      columns.map((column) => column.title),
      -1,
    ),
    ...rows.map((row, index) => line(row, index)),
  ];
}

/** Takes cells from the widest column that may shrink until the line fits; then drops columns from the right. */
function narrow(columns: readonly Column[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  const total = (): number => {
    const shown = widths.filter((size) => size > 0);
    return shown.reduce((sum, size) => sum + size, 0) + SPACING.length * Math.max(0, shown.length - 1);
  };
  while (total() > width) {
    let widest = -1;
    columns.forEach((column, index) => {
      const size = widths[index] ?? 0;
      if (column.least !== undefined && size > column.least && size > (widths[widest] ?? 0)) widest = index;
    });
    if (widest >= 0) {
      widths[widest] = (widths[widest] ?? 1) - 1;
      continue;
    }
    const last = widths.findLastIndex((size) => size > 0);
    if (last <= 0) break;
    widths[last] = 0;
  }
  return widths;
}
