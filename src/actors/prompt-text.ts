/**
 * A prompt's text: what may be delivered, and how it is found again on a screen, where it is wrapped, indented, its tabs drawn as
 * blanks, its emoji as the terminal has them, and where a long one stands as `[Pasted text #1 +12 lines]`.
 */
import { LifeguardError } from "../errors.js";
import type { Alteration } from "../profiles/profile.js";

/** Everything but tab and line ends: C0, DEL, C1. They would be keys, and could end a paste. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/u;
/** What screens show otherwise than it was written: blanks, marks, symbols and emoji. */
const DROPPED = /[\s\p{C}\p{M}\p{So}\p{Emoji_Modifier}]+/gu;
/** So much of a text's end is looked for before the cursor. */
const TAIL = 48;
/** A part of the text that is shorter proves nothing: a box that scrolls shows more of it. */
const LEAST_PART = 16;

/**
 * The text as it is delivered, blanks at both ends taken off.
 * @param lossy line ends may change: a terminal has one
 * @throws LifeguardError INVALID_PARAMS: blank, or it holds what would be keys and not text, or what no terminal can carry
 */
export function promptText(raw: string, lossy: boolean): string {
  const text = lossy ? raw.trim().replace(/\r\n?/g, "\n") : raw.trim();
  if (text === "")
    throw new LifeguardError("INVALID_PARAMS", "the prompt is empty: text is blanks only, and a blank prompt is none", { field: "text" });
  const control = CONTROL.exec(text);
  if (control !== null) {
    const code = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new LifeguardError(
      "INVALID_PARAMS",
      `text holds the control character U+${code} at ${control.index}: it would be a key and not text. Take it out; keys go with session.keys`,
      { field: "text", at: control.index },
    );
  }
  const carriage = text.indexOf("\r");
  if (carriage >= 0)
    throw new LifeguardError(
      "INVALID_PARAMS",
      `text holds ${text[carriage + 1] === "\n" ? "CRLF" : "CR"} at ${carriage}: a terminal has one line end, and it would arrive as LF. Send LF, or pass lossy: true (--lossy)`,
      { field: "text", at: carriage },
    );
  // Encoding replaces half a character without a word.
  if (/\p{Surrogate}/u.test(text))
    throw new LifeguardError("INVALID_PARAMS", "text holds half of a surrogate pair: it is not valid Unicode", { field: "text" });
  return text;
}

const ALTERED: Record<Alteration, { finds(text: string): boolean; says: string; lossy: boolean }> = {
  tabs: { finds: (text) => text.includes("\t"), says: "makes blanks of tabs", lossy: true },
  decomposed: { finds: (text) => text !== text.normalize("NFC"), says: "composes letters and their accents (NFC)", lossy: true },
  final_backslash: {
    finds: (text) => text.endsWith("\\"),
    says: "takes a backslash before the submit key for a line that goes on",
    lossy: false,
  },
};

/**
 * What the tool would make of the text, in words for a refusal; null: it arrives as it is.
 * @param lossy changed characters are accepted; what would not be submitted is not
 */
export function altered(text: string, alters: readonly Alteration[], lossy: boolean): { what: Alteration; says: string } | null {
  for (const what of alters) {
    const { finds, says, lossy: harmless } = ALTERED[what];
    if (!(lossy && harmless) && finds(text))
      return { what, says: harmless ? `${says}: pass lossy: true (--lossy) to send it all the same` : says };
  }
  return null;
}

/** Bytes of the longest line, for terminals that hand over whole lines. */
export function longestLine(text: string): number {
  return Math.max(...text.split(/\r\n|\r|\n/).map((line) => Buffer.byteLength(line)));
}

export function isMultiLine(text: string): boolean {
  return /[\r\n]/.test(text);
}

/** What of a text survives being shown. */
export function shownText(text: string): string {
  return text.normalize("NFD").replace(DROPPED, "");
}

/** How a box compares with the text: `other` is what neither the empty box nor the text explains. */
export type BoxHolds = "nothing" | "text" | "other";

/** One prompt's text, to be found on screens. */
export class SoughtText {
  readonly #shown: string;
  readonly #tail: string;
  readonly #lengths: number[];
  readonly #collapsed: RegExp;

  /**
   * @param collapsed pattern of what may stand for it
   * @param lines false: it is taken as one. True: line by line, so that only the last line stands before the cursor
   */
  constructor(text: string, collapsed: string, lines: boolean) {
    this.#shown = shownText(text);
    this.#lengths = text.split(/\r\n|\r|\n/).map((line) => line.length);
    const last = lines ? (text.split(/[\r\n]+/).at(-1) ?? "") : text;
    this.#tail = shownText(last.slice(-4 * TAIL)).slice(-TAIL);
    this.#collapsed = new RegExp(`^(?:${collapsed})$`, "iu");
  }

  /**
   * @param before the box's text when it was empty (marks, labels)
   * @param now its text as it is
   */
  inBox(before: string, now: string): BoxHolds {
    const added = addedTo(shownText(before), shownText(now));
    if (added === "") {
      // Only symbols: whatever is there besides the empty box.
      if (this.#shown === "" && now.replace(/\s+/g, "") !== before.replace(/\s+/g, "")) return "text";
      return "nothing";
    }
    if (added === this.#shown || (added.length >= LEAST_PART && this.#shown.includes(added))) return "text";
    const spaced = addedTo(before.trim(), now.trim()).replace(/\s+/g, " ").trim();
    return this.#collapsed.test(spaced) ? "text" : "other";
  }

  /** Whether the text ends right before the cursor. @param upToCursor the screen's rows up to it, without line ends */
  endsAt(upToCursor: string): boolean {
    return this.#tail !== "" && shownText(upToCursor.slice(-16 * TAIL)).endsWith(this.#tail);
  }

  /** How often its end stands in this. */
  timesIn(text: string): number {
    return this.#tail === "" ? 0 : shownText(text).split(this.#tail).length - 1;
  }

  /** Long enough not to be part of something else that a tool shows: a dialog has "Yes" and "1" too. */
  get telling(): boolean {
    return this.#tail.length >= LEAST_PART;
  }

  /** Whether its end stands somewhere in this. */
  standsIn(text: string): boolean {
    return this.#tail !== "" && shownText(text).includes(this.#tail);
  }

  /** About how many rows it takes; wide characters are counted as one column. */
  rows(cols: number): number {
    return this.#lengths.reduce((rows, length) => rows + Math.max(1, Math.ceil(length / cols)), 0);
  }

  /** Of symbols alone: nothing that could be looked for. */
  get invisible(): boolean {
    return this.#tail === "";
  }
}

/** What has come between the beginning and the end that `now` still has in common with `before`. */
function addedTo(before: string, now: string): string {
  let from = 0;
  while (from < before.length && from < now.length && before[from] === now[from]) from++;
  let end = 0;
  while (end < before.length - from && end < now.length - from && before[before.length - 1 - end] === now[now.length - 1 - end]) end++;
  return now.slice(from, now.length - end);
}
