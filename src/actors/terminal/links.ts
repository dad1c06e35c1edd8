/**
 * Hyperlinks (OSC 8). A cell holds a small number; this is the table behind it. xterm keeps a marker with three listeners per
 * line and link, never freed while the line lives: a TUI that draws the same link again and again grows it without end and slows
 * every scroll. Here equal links share a number, and numbers no cell uses any more are swept away when the table is full.
 */
import type { Engine, ScreenBuffer } from "./engine-shapes.js";
import { HAS_EXTENDED } from "./cells.js";

/** `id` is the program's own, empty when it gave none. */
export interface Link {
  id: string;
  uri: string;
}

/** Links at once. When as many are in use, new ones are not linked; a screen with its history shows far fewer. */
const MOST_LINKS = 2_000;
/** Longest URI kept, as VTE has it; a longer one is not linked. */
const MOST_URI = 2_083;

export class Links {
  readonly #engine: Engine;
  readonly #byNumber: Map<number, Link> = new Map();
  readonly #byKey: Map<string, number> = new Map();
  /** The next new link's number; never used twice. */
  next = 1;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.core.registerOscHandler(8, (data) => this.#open(data));
  }

  get(number: number): Link | undefined {
    return this.#byNumber.get(number);
  }

  /** The number of a link, 0 when it is refused. */
  number(link: Link): number {
    const key = `${link.id};${link.uri}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (link.uri.length > MOST_URI || link.id.length > MOST_URI) return 0;
    if (this.#byNumber.size >= MOST_LINKS) this.#sweep();
    if (this.#byNumber.size >= MOST_LINKS) return 0;
    const number = this.next++;
    this.#byNumber.set(number, link);
    this.#byKey.set(key, number);
    return number;
  }

  /** Links some cell still uses, by number. */
  entries(): [number, Link][] {
    if (this.#byNumber.size > 0) this.#sweep();
    return [...this.#byNumber];
  }

  /** Puts a link back under the number it had. */
  restore(number: number, link: Link): void {
    this.#byNumber.set(number, link);
    this.#byKey.set(`${link.id};${link.uri}`, number);
  }

  #open(data: string): boolean {
    const semicolon = data.indexOf(";");
    if (semicolon < 0) return true;
    const uri = data.slice(semicolon + 1);
    const id =
      data
        .slice(0, semicolon)
        .split(":")
        .find((part) => part.startsWith("id="))
        ?.slice(3) ?? "";
    const attributes = this.#engine.handler._curAttrData;
    attributes.extended = attributes.extended.clone();
    attributes.extended._urlId = uri === "" ? 0 : this.number({ id, uri });
    attributes.updateExtended();
    return true;
  }

  #sweep(): void {
    const used = new Set<number>([this.#engine.handler._curAttrData.extended._urlId]);
    const { normal, alt } = this.#engine.core._bufferService.buffers;
    for (const buffer of [normal, alt]) markUsed(buffer, used);
    for (const [number, link] of this.#byNumber) {
      if (used.has(number)) continue;
      this.#byNumber.delete(number);
      this.#byKey.delete(`${link.id};${link.uri}`);
    }
  }
}

function markUsed(buffer: ScreenBuffer, used: Set<number>): void {
  for (let y = 0; y < buffer.lines.length; y++) {
    const line = buffer.lines.get(y);
    if (line === undefined) continue;
    for (const key in line._extendedAttrs) {
      const column = Number(key);
      const link = line._extendedAttrs[column]?._urlId ?? 0;
      if (link !== 0 && ((line._data[column * 3 + 2] ?? 0) & HAS_EXTENDED) !== 0) used.add(link);
    }
  }
}
