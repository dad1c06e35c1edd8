/**
 * A screen as one self-contained SVG: a window with a title bar, characters on their grid. Text runs are stretched to their columns
 * (`textLength`), because the viewer's font has other widths than ours; wide characters are placed one by one; frames are geometry.
 */
import { boxElements, STRETCHABLE } from "./box-drawing.js";
import type { Run } from "./cells.js";
import { BACKGROUND, CURSOR, FOREGROUND, hex, mix, type Rgb } from "./colours.js";
import { escapeMarkup, lookColours } from "./markup.js";
import type { VisibleLines } from "./render-lines.js";
import type { TerminalState } from "./state.js";

export interface SvgOptions {
  /** Position on the screen, from 0. */
  cursor: { x: number; y: number; visible: boolean };
  /** Shown in the bar. */
  title: string;
}

const FONT = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";
const FONT_SIZE = 14;
/** 0.6 em, the advance of nearly every monospace font. */
const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
/** From a row's top to its text's base line. */
const BASE_LINE = 13.5;
const PADDING = 14;
const BAR_HEIGHT = 34;
const CORNER = 9;
const LIGHTS = ["#f2675f", "#f5bd4f", "#5fc454"];
const MOST_TITLE = 200;
/** Zigzag of a curly underline, a column wide. */
const CURL = CELL_WIDTH / 4;

export function renderSvg({ cols, lines, screenStart }: VisibleLines, state: TerminalState, { cursor, title }: SvgOptions): string {
  const { colours } = state;
  const width = round(cols * CELL_WIDTH + 2 * PADDING);
  const height = BAR_HEIGHT + lines.length * CELL_HEIGHT + 2 * PADDING;
  const background = colours.get(BACKGROUND);
  const foreground = colours.get(FOREGROUND);
  const edge = hex(mix(foreground, background, 0.18));
  const under: string[] = [];
  const over: string[] = [];
  lines.forEach(({ runs }, row) => {
    for (const run of runs) drawRun(run, PADDING, BAR_HEIGHT + PADDING + row * CELL_HEIGHT, state, under, over);
  });
  if (cursor.visible) {
    const at = `x="${round(PADDING + cursor.x * CELL_WIDTH)}" y="${BAR_HEIGHT + PADDING + (screenStart + cursor.y) * CELL_HEIGHT}"`;
    over.push(`<rect ${at} width="${CELL_WIDTH}" height="${CELL_HEIGHT}" fill="${hex(colours.get(CURSOR))}" fill-opacity="0.6"/>`);
  }
  const lights = LIGHTS.map((colour, i) => `<circle cx="${20 + i * 19}" cy="${BAR_HEIGHT / 2}" r="5.5" fill="${colour}"/>`).join("");
  const label = escapeMarkup([...title].slice(0, MOST_TITLE).join(""));
  const room = Math.max(0, Math.floor((width - 170) / 7));
  const shown = escapeMarkup([...title].length > room ? `${[...title].slice(0, Math.max(0, room - 1)).join("")}…` : title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label === "" ? "terminal" : label}" font-family="${FONT}" font-size="${FONT_SIZE}">`,
    "<style>text{white-space:pre}.b{font-weight:700}.i{font-style:italic}</style>",
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="${CORNER}" fill="${hex(background)}" stroke="${edge}"/>`,
    `<path d="M0.5 ${BAR_HEIGHT}V${CORNER + 0.5}a${CORNER} ${CORNER} 0 0 1 ${CORNER} -${CORNER}H${width - CORNER - 0.5}a${CORNER} ${CORNER} 0 0 1 ${CORNER} ${CORNER}V${BAR_HEIGHT}z" fill="${hex(mix(foreground, background, 0.07))}" stroke="${edge}"/>`,
    lights,
    room < 4
      ? ""
      : `<text x="${round(width / 2)}" y="${BAR_HEIGHT / 2 + 4.5}" text-anchor="middle" font-size="12" fill="${hex(mix(foreground, background, 0.7))}">${shown}</text>`,
    `<g shape-rendering="crispEdges">${under.join("")}</g>`,
    `<g xml:space="preserve">${over.join("\n")}</g>`,
    "</svg>",
  ].join("\n");
}

function drawRun(run: Run, left: number, top: number, state: TerminalState, under: string[], over: string[]): void {
  const { look } = run;
  const colours = lookColours(look, state.colours);
  const colour = hex(colours.foreground ?? state.colours.get(FOREGROUND));
  const x = left + run.x * CELL_WIDTH;
  if (colours.background !== null) {
    under.push(
      `<rect x="${round(x)}" y="${top}" width="${round(run.columns * CELL_WIDTH)}" height="${CELL_HEIGHT}" fill="${hex(colours.background)}"/>`,
    );
  }
  if (look.invisible) return;
  const style = `${look.bold || look.italic ? ` class="${[look.bold ? "b" : "", look.italic ? "i" : ""].join(" ").trim()}"` : ""} fill="${colour}"`;
  for (const piece of pieces(run)) {
    const at = x + piece.column * CELL_WIDTH;
    const drawn = boxElements(piece.text, { x: at, y: top, width: piece.columns * CELL_WIDTH, height: CELL_HEIGHT }, colour);
    if (drawn !== null) over.push(drawn);
    else if (piece.columns === 2)
      over.push(
        `<text x="${round(at + CELL_WIDTH)}" y="${top + BASE_LINE}" text-anchor="middle"${style}>${escapeMarkup(piece.text)}</text>`,
      );
    else
      over.push(
        `<text x="${round(at)}" y="${top + BASE_LINE}"${piece.columns > 2 ? ` textLength="${round(piece.columns * CELL_WIDTH)}" lengthAdjust="spacingAndGlyphs"` : ""}${style}>${escapeMarkup(piece.text)}</text>`,
      );
  }
  drawLines(run, x, top, colours.foreground ?? state.colours.get(FOREGROUND), state, over);
}

/** ASCII words as one piece, everything else a piece a cell; blanks are not drawn. */
function pieces({ cells }: Run): { text: string; column: number; columns: number }[] {
  const found: { text: string; column: number; columns: number }[] = [];
  let column = 0;
  let word: { text: string; column: number; columns: number } | undefined;
  for (const { text, columns } of cells) {
    const ascii = text.length === 1 && text > " " && text < "\x7f";
    const last = found.at(-1);
    if (last !== undefined && last.text === text && last.column + last.columns === column && STRETCHABLE.includes(text)) {
      last.columns++;
    } else if (ascii && word !== undefined) {
      word.text += text;
      word.columns++;
    } else if (text === " ") {
      word = undefined;
    } else {
      const piece = { text, column, columns };
      found.push(piece);
      word = ascii ? piece : undefined;
    }
    column += columns;
  }
  return found;
}

function drawLines({ look, columns }: Run, x: number, top: number, textColour: Rgb, { colours }: TerminalState, over: string[]): void {
  const width = columns * CELL_WIDTH;
  const line = (y: number, colour: Rgb, dash = ""): void => {
    over.push(
      `<path d="M${round(x)} ${round(top + y)}h${round(width)}" stroke="${hex(colour)}"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}/>`,
    );
  };
  const underline = look.underlineColour === 0 ? textColour : colours.of(look.underlineColour, FOREGROUND);
  if (look.underline === 3) {
    const waves = `q${CURL / 2} -2.4 ${CURL} 0t${CURL} 0`.repeat(columns * 2);
    over.push(`<path d="M${round(x)} ${top + 15.8}${waves}" fill="none" stroke="${hex(underline)}"/>`);
  } else if (look.underline > 0) {
    line(15.5, underline, look.underline === 4 ? "1.5 2" : look.underline === 5 ? "4 2" : "");
    if (look.underline === 2) line(17.3, underline);
  }
  if (look.strike) line(9, textColour);
  if (look.overline) line(1, textColour);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
