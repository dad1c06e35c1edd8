/** The named places of a screen that rules look at (src/profiles/profile.ts). Rows are read when they are asked for, once. */
import type { PromptBox, RegionName } from "../profiles/profile.js";

/** What is shown now. `row` gives a row's text without blanks at its end. */
export interface Shown {
  cols: number;
  rows: number;
  row(y: number): string;
  title: string;
  /** OSC 9;4 as text: `normal 40`; "" when nothing was said. */
  progress: string;
}

/** A compiled {@link PromptBox}. */
export interface BoxFinder {
  kind: PromptBox["kind"];
  pattern: RegExp;
  first: RegExp | null;
}

interface Span {
  from: number;
  to: number;
}

const RULE_CHARACTERS = /[─━═▔▁╌┄—_-]/gu;
const NO_SPAN: Span = { from: 0, to: 0 };

export class ScreenRegions {
  readonly #shown: Shown;
  readonly #finder: BoxFinder | null;
  readonly #rows: (string | undefined)[] = [];
  #box: { inside: Span; above: number; below: number } | null | undefined;

  constructor(shown: Shown, finder: BoxFinder | null) {
    this.#shown = shown;
    this.#finder = finder;
  }

  /** @param lines of `bottom` and `above_box` */
  region(name: RegionName, lines: number): string[] {
    const { rows } = this.#shown;
    switch (name) {
      case "title":
        return this.#shown.title === "" ? [] : [this.#shown.title];
      case "progress":
        return this.#shown.progress === "" ? [] : [this.#shown.progress];
      case "screen":
        return this.#between(0, rows);
      case "bottom":
        return this.#lastBefore(rows, lines);
      case "after_rule":
        return this.#afterRule();
      case "inside_box": {
        const { from, to } = this.#findBox()?.inside ?? NO_SPAN;
        return this.#between(from, to);
      }
      case "above_box": {
        const box = this.#findBox();
        return box === null ? [] : this.#lastBefore(box.above, lines);
      }
      case "below_box": {
        const box = this.#findBox();
        return box === null ? [] : this.#between(box.below, rows);
      }
    }
  }

  /** Where the prompt box is; null when it is not on the screen. */
  get box(): { from: number; to: number } | null {
    return this.#findBox()?.inside ?? null;
  }

  #row(y: number): string {
    return (this.#rows[y] ??= this.#shown.row(y));
  }

  #between(from: number, to: number): string[] {
    const found: string[] = [];
    for (let y = from; y < to; y++) {
      const row = this.#row(y);
      if (row !== "") found.push(row);
    }
    return found;
  }

  /** The last `count` rows above `end` that are not blank, from the top. */
  #lastBefore(end: number, count: number): string[] {
    const found: string[] = [];
    for (let y = end - 1; y >= 0 && found.length < count; y--) {
      const row = this.#row(y);
      if (row !== "") found.unshift(row);
    }
    return found;
  }

  #afterRule(): string[] {
    const { rows, cols } = this.#shown;
    for (let y = rows - 1; y >= 0; y--) if (isRule(this.#row(y), cols)) return this.#between(y + 1, rows);
    return [];
  }

  #findBox(): { inside: Span; above: number; below: number } | null {
    if (this.#box !== undefined) return this.#box;
    const { first } = this.#finder ?? { first: null };
    const box = this.#finder === null ? null : this.#locate(this.#finder);
    this.#box = box === null || first === null || first.test(this.#row(box.inside.from)) ? box : null;
    return this.#box;
  }

  #locate({ kind, pattern }: BoxFinder): { inside: Span; above: number; below: number } | null {
    const { rows } = this.#shown;
    let last = rows - 1;
    while (last >= 0 && !pattern.test(this.#row(last))) last--;
    if (last < 0) return null;
    if (kind === "mark") {
      let to = last + 1;
      while (to < rows && this.#row(to) !== "") to++;
      return { inside: { from: last, to }, above: last, below: to };
    }
    let first = last - 1;
    if (kind === "edges") {
      while (first >= 0 && !pattern.test(this.#row(first))) first--;
      return first < 0 ? null : { inside: { from: first + 1, to: last }, above: first, below: last + 1 };
    }
    while (first >= 0 && pattern.test(this.#row(first))) first--;
    return { inside: { from: first + 1, to: last + 1 }, above: first + 1, below: last + 1 };
  }
}

/** A horizontal line over at least half the width; a word or two may be set into it. */
export function isRule(row: string, cols: number): boolean {
  if (row.length < cols / 2) return false;
  const drawn = row.match(RULE_CHARACTERS)?.length ?? 0;
  return drawn >= cols / 2 && drawn >= row.trim().length * 0.6;
}
