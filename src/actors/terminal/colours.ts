/** The palette: what colours mean where somebody looks at them (queries, html, svg), and what the program has changed of it. */
import { MODE, MODE_RGB, RGB } from "./cells.js";
import type { ColourRequest, Engine } from "./engine-shapes.js";

export type Rgb = readonly [red: number, green: number, blue: number];

/** Indexes of the colours that are not in the palette of 256. */
export const FOREGROUND = 256;
export const BACKGROUND = 257;
export const CURSOR = 258;

/** A dark scheme: programs that ask for the background (OSC 11) choose their dark theme. */
const SIXTEEN: readonly string[] = [
  "#1d212b",
  "#e06c75",
  "#8cc570",
  "#e5c07b",
  "#61a8ef",
  "#c678dd",
  "#4fb8c4",
  "#c4cad6",
  "#5c6577",
  "#ef8891",
  "#a6da8b",
  "#f0d399",
  "#84bef7",
  "#d699e8",
  "#74cfd9",
  "#f2f4f8",
];
const NAMED: Readonly<Record<number, string>> = { [FOREGROUND]: "#d5dae5", [BACKGROUND]: "#14171f", [CURSOR]: "#84bef7" };

const STANDARD: readonly Rgb[] = standardPalette();

export class Colours {
  /** What OSC 4, 10, 11 and 12 have set, by index. At most 259. */
  readonly changed: Map<number, Rgb> = new Map();

  constructor(engine: Engine, answer: (text: string) => void) {
    engine.handler.onColor((requests) => {
      for (const request of requests) this.#apply(request, answer);
    });
  }

  /** A palette entry, or one of the three named colours. */
  get(index: number): Rgb {
    return this.changed.get(index) ?? STANDARD[index] ?? [0, 0, 0];
  }

  /** The colour of a cell's colour word; `otherwise` for the default colour. */
  of(word: number, otherwise: number): Rgb {
    const mode = word & MODE;
    if (mode === 0) return this.get(otherwise);
    if (mode === MODE_RGB) return [(word & RGB) >> 16, (word >> 8) & 255, word & 255];
    return this.get(word & 255);
  }

  #apply({ type, index, color }: ColourRequest, answer: (text: string) => void): void {
    if (type === 1) {
      if (index !== undefined && color !== undefined) this.changed.set(index, [color[0], color[1], color[2]]);
    } else if (type === 2) {
      if (index !== undefined) this.changed.delete(index);
      else for (let i = 0; i < 256; i++) this.changed.delete(i);
    } else if (index !== undefined) {
      answer(`\x1b]${colourCommand(index)};${colourSpec(this.get(index))}\x1b\\`);
    }
  }
}

/** `4;<index>` for the palette, 10, 11 and 12 for the named ones. */
export function colourCommand(index: number): string {
  return index < 256 ? `4;${index}` : String(index - FOREGROUND + 10);
}

/** X11's form with 16 bits a channel. */
export function colourSpec(rgb: Rgb): string {
  return `rgb:${rgb.map((part) => part.toString(16).padStart(2, "0").repeat(2)).join("/")}`;
}

export function hex(rgb: Rgb): string {
  return `#${rgb.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** `share` of `a`, the rest of `b`. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const part = (i: 0 | 1 | 2): number => Math.round(a[i] * share + b[i] * (1 - share));
  return [part(0), part(1), part(2)];
}

function standardPalette(): Rgb[] {
  const palette = SIXTEEN.map(parseHex);
  const steps = [0, 95, 135, 175, 215, 255];
  for (const red of steps) for (const green of steps) for (const blue of steps) palette.push([red, green, blue]);
  for (let grey = 8; grey < 248; grey += 10) palette.push([grey, grey, grey]);
  for (const index of [FOREGROUND, BACKGROUND, CURSOR]) palette[index] = parseHex(NAMED[index] ?? "#000000");
  return palette;
}

function parseHex(text: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)) as unknown as Rgb;
}
