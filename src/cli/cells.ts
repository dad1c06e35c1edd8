/**
 * Text in terminal cells: CJK and emoji take two. Only text that is not plain ASCII pays for the table of widths, and only then is
 * it loaded: it costs more than all the rest of `lifeguard ls`.
 */
import { createRequire } from "node:module";

const ASCII = /^[\u0020-\u007e]*$/;
const require = createRequire(import.meta.url);
let widthOf: ((text: string) => number) | undefined;
let segmenter: Intl.Segmenter | undefined;

/** Cells that `text`, which holds no control characters, takes. */
export function cellWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  widthOf ??= (require("string-width") as { default: (text: string) => number }).default;
  return widthOf(text);
}

/** `text` in at most `cells` cells, the cut shown by `…`; never half a character. */
export function truncate(text: string, cells: number): string {
  if (cells <= 0) return "";
  if (cellWidth(text) <= cells) return text;
  if (ASCII.test(text)) return `${text.slice(0, cells - 1)}…`;
  segmenter ??= new Intl.Segmenter();
  let kept = "";
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    const wider = width + cellWidth(segment);
    if (wider > cells - 1) break;
    kept += segment;
    width = wider;
  }
  return `${kept}…`;
}

/** Exactly `cells` cells: cut, or filled with spaces. */
export function fit(text: string, cells: number, align: "left" | "right" = "left"): string {
  const cut = truncate(text, cells);
  const space = " ".repeat(Math.max(0, cells - cellWidth(cut)));
  return align === "left" ? cut + space : space + cut;
}
