/**
 * Box-drawing and block characters as geometry, for svg: drawn by fonts they leave gaps between rows and columns, and frames are
 * most of what a terminal program draws. Lines by their four arms, each none, light, heavy or double.
 */

/** Arms up, right, down, left: 0 none, 1 light, 2 heavy, 3 double. From U+2500; dashed lines as whole ones; "" is not drawn here. */
const ARMS: readonly string[] = (
  "0101 0202 1010 2020 0101 0202 1010 2020 0101 0202 1010 2020 0110 0210 0120 0220 " +
  "0011 0012 0021 0022 1100 1200 2100 2200 1001 1002 2001 2002 1110 1210 2110 1120 " +
  "2120 2210 1220 2220 1011 1012 2011 1021 2021 2012 1022 2022 0111 0112 0211 0212 " +
  "0121 0122 0221 0222 1101 1102 1201 1202 2101 2102 2201 2202 1111 1112 1211 1212 " +
  "2111 1121 2121 2112 2211 1122 1221 2212 1222 2122 2221 2222 0101 0202 1010 2020 " +
  "0303 3030 0310 0130 0330 0013 0031 0033 1300 3100 3300 1003 3001 3003 1310 3130 " +
  "3330 1013 3031 3033 0313 0131 0333 1303 3101 3303 1313 3131 3333 r r r r " +
  "- - - 0001 1000 0100 0010 0002 2000 0200 0020 0201 1020 0102 2010"
).split(" ");

/** Quadrants of U+2596–259F: bits upper left 1, upper right 2, lower left 4, lower right 8. */
const QUADRANTS = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];
const SHADES: Readonly<Record<number, number>> = { 0x2591: 0.25, 0x2592: 0.5, 0x2593: 0.75 };

/** Characters of which several in a row are one wider one. */
export const STRETCHABLE = "─━═█▀▄▁▔";

export interface Cell {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** SVG elements of the character in this cell, or null when it is none that is drawn here. `colour` goes into the elements. */
export function boxElements(character: string, cell: Cell, colour: string): string | null {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x2500 || code > 0x259f || character.length > 1) return null;
  if (code >= 0x2580) return block(code, cell, colour);
  const arms = ARMS[code - 0x2500] ?? "-";
  if (arms === "r") return `<path d="${roundedCorner(code, cell)}" fill="none" stroke="${colour}"/>`;
  if (arms === "-") return null;
  return lines(arms, cell, colour);
}

function lines(arms: string, { x, y, width, height }: Cell, colour: string): string {
  const [up = 0, right = 0, down = 0, left = 0] = [...arms].map(Number);
  const { cx, cy } = middle({ x, y, width, height });
  const thin: string[] = [];
  const thick: string[] = [];
  const horizontal = (weight: number, from: number, to: number): void => {
    if (weight === 3) for (const side of [-1.5, 1.5]) thin.push(`M${fix(from)} ${fix(cy + side)}H${fix(to)}`);
    else if (weight > 0) (weight === 2 ? thick : thin).push(`M${fix(from)} ${fix(cy)}H${fix(to)}`);
  };
  const vertical = (weight: number, from: number, to: number): void => {
    if (weight === 3) for (const side of [-1.5, 1.5]) thin.push(`M${fix(cx + side)} ${fix(from)}V${fix(to)}`);
    else if (weight > 0) (weight === 2 ? thick : thin).push(`M${fix(cx)} ${fix(from)}V${fix(to)}`);
  };
  // Arms reach over the middle by half of what they meet there, so that corners are closed.
  const overX = up === 3 || down === 3 ? 2 : 0.5;
  const overY = left === 3 || right === 3 ? 2 : 0.5;
  if (left === right) horizontal(left, x, x + width);
  else {
    horizontal(left, x, cx + overX);
    horizontal(right, cx - overX, x + width);
  }
  if (up === down) vertical(up, y, y + height);
  else {
    vertical(up, y, cy + overY);
    vertical(down, cy - overY, y + height);
  }
  const path = (parts: string[], stroke: number): string =>
    parts.length === 0 ? "" : `<path d="${parts.join("")}" stroke="${colour}" stroke-width="${stroke}"/>`;
  return path(thin, 1) + path(thick, 2);
}

/** On half pixels, where a line one wide is sharp. */
function middle({ x, y, width, height }: Cell): { cx: number; cy: number } {
  return { cx: Math.floor(x + width / 2) + 0.5, cy: Math.floor(y + height / 2) + 0.5 };
}

/** ╭ ╮ ╯ ╰ */
function roundedCorner(code: number, { x, y, width, height }: Cell): string {
  const { cx, cy } = middle({ x, y, width, height });
  const toRight = code === 0x256d || code === 0x2570;
  const toBottom = code === 0x256d || code === 0x256e;
  const radius = width / 2;
  const edgeX = toRight ? x + width : x;
  const edgeY = toBottom ? y + height : y;
  return `M${fix(edgeX)} ${fix(cy)}Q${fix(cx)} ${fix(cy)} ${fix(cx)} ${fix(cy + (toBottom ? radius : -radius))}V${fix(edgeY)}`;
}

function block(code: number, { x, y, width, height }: Cell, colour: string): string {
  const rect = (left: number, top: number, w: number, h: number, opacity = 1): string =>
    `<rect x="${fix(x + left * width)}" y="${fix(y + top * height)}" width="${fix(w * width)}" height="${fix(h * height)}" fill="${colour}" shape-rendering="crispEdges"${opacity === 1 ? "" : ` fill-opacity="${opacity}"`}/>`;
  const shade = SHADES[code];
  if (shade !== undefined) return rect(0, 0, 1, 1, shade);
  if (code === 0x2580) return rect(0, 0, 1, 0.5);
  if (code <= 0x2588) return rect(0, 1 - (code - 0x2580) / 8, 1, (code - 0x2580) / 8);
  if (code <= 0x258f) return rect(0, 0, (0x2590 - code) / 8, 1);
  if (code === 0x2590) return rect(0.5, 0, 0.5, 1);
  if (code === 0x2594) return rect(0, 0, 1, 0.125);
  if (code === 0x2595) return rect(0.875, 0, 0.125, 1);
  const quadrants = QUADRANTS[code - 0x2596] ?? 0;
  return [0, 1, 2, 3].map((i) => ((quadrants & (1 << i)) === 0 ? "" : rect((i & 1) / 2, i >> 1 === 0 ? 0 : 0.5, 0.5, 0.5))).join("");
}

function fix(value: number): string {
  return String(Math.round(value * 100) / 100);
}
