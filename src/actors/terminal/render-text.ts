/** A screen as plain text: what a person sees, one line a row, blanks at the ends of rows and empty rows at the end left out. */
import type { VisibleLines } from "./render-lines.js";

export function renderText({ lines }: VisibleLines): string {
  const rows = lines.map(({ runs }) =>
    runs
      .map(({ look, text, columns }) => (look.invisible ? " ".repeat(columns) : text))
      .join("")
      .replace(/ +$/, ""),
  );
  while (rows.length > 0 && rows.at(-1) === "") rows.pop();
  return rows.join("\n");
}
