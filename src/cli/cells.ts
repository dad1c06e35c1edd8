/**
 * Text in terminal cells: CJK and emoji take two. Only text that is not plain ASCII pays for the table of widths, and only then is
 * it loaded: it costs more than all the rest of `lifeguard ls`.
 */
import { createRequire } from "node:module";

const ASCII = /^[\u0020-\u007e]*$/;
const require = createRequire(import.meta.url);
let widthOf: ((text: string) => number) | undefined;
let segmenter: Intl.Segmenter | undefined;
/** Widths of single characters: looking one up in the table of emoji is slow, and a frame of `top` asks for thousands. */
const known = new Map<string, number>();
/** More than one language needs. At the bound it begins anew. */
const KNOWN_CHARACTERS = 10_000;

/** Cells that `text`, which holds no control characters, takes. */
export function cellWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments(text)) width += characterWidth(segment);
  return width;
}

function segments(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}

function characterWidth(character: string): number {
  let width = known.get(character);
  if (width === undefined) {
    widthOf ??= (require("string-width") as { default: (text: string) => number }).default;
    if (known.size >= KNOWN_CHARACTERS) known.clear();
    width = widthOf(character);
    known.set(character, width);
  }
  return width;
}

/** `text` in at most `cells` cells, the cut shown by `…`; never half a character. */
export function truncate(text: string, cells: number): string {
  if (cells <= 0) return "";
  if (ASCII.test(text)) return text.length <= cells ? text : `${text.slice(0, cells - 1)}…`;
  // As far as fits with the mark of a cut, in case there is one.
  let kept = "";
  let width = 0;
  for (const { segment, index } of segments(text)) {
    const wider = width + characterWidth(segment);
    if (wider > cells) return `${kept}…`;
    if (wider <= cells - 1) kept = text.slice(0, index + segment.length);
    width = wider;
  }
  return text;
}

/** Exactly `cells` cells: cut, or filled with spaces. */
export function fit(text: string, cells: number, align: "left" | "right" = "left"): string {
  const cut = truncate(text, cells);
  const space = " ".repeat(Math.max(0, cells - cellWidth(cut)));
  return align === "left" ? cut + space : space + cut;
}
