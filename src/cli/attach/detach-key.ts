/**
 * The key that leaves an attached session, in every form a terminal may send it: as a control byte, or, when the program in the
 * session has switched the keyboard protocol of kitty or xterm on, as a sequence.
 */
import type { DetachKey } from "../../detach-key.js";

const PASTE_BEGIN = "\u001b[200~";
const PASTE_END = "\u001b[201~";
/** Modifier bits of CapsLock and NumLock, which do not make another key. */
const LOCKS = 64 | 128;
const CONTROL = 4;

/** Looks for the key in what is typed. What is pasted is not typed: a file that holds the byte does not detach. */
export class DetachWatch {
  readonly #key: DetachKey;
  #pasting = false;
  /** The end of the last chunk, in case a paste mark is cut in two. */
  #tail = "";

  constructor(key: DetachKey) {
    this.#key = key;
  }

  /** Index in `chunk` where the key begins, or -1. */
  find(chunk: Uint8Array): number {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    let at = 0;
    // A mark cut in two between chunks.
    const joined = this.#tail + text;
    const cut = joined.indexOf(this.#pasting ? PASTE_END : PASTE_BEGIN);
    if (cut !== -1 && cut < this.#tail.length) {
      this.#pasting = !this.#pasting;
      at = cut + PASTE_BEGIN.length - this.#tail.length;
    }
    this.#tail = joined.slice(-(PASTE_BEGIN.length - 1));
    while (at < text.length) {
      if (this.#pasting) {
        const end = text.indexOf(PASTE_END, at);
        if (end === -1) return -1;
        this.#pasting = false;
        at = end + PASTE_END.length;
        continue;
      }
      const begin = text.indexOf(PASTE_BEGIN, at);
      const found = this.#inTyped(text.slice(at, begin === -1 ? undefined : begin));
      if (found !== -1) return at + found;
      if (begin === -1) return -1;
      this.#pasting = true;
      at = begin + PASTE_BEGIN.length;
    }
    return -1;
  }

  #inTyped(text: string): number {
    const plain = text.indexOf(String.fromCharCode(this.#key.byte));
    const encoded = this.#encoded(text);
    if (plain === -1 || encoded === -1) return Math.max(plain, encoded);
    return Math.min(plain, encoded);
  }

  /** `CSI 92;5u`, `CSI 92:124;5:1u` (kitty) and `CSI 27;5;92~` (xterm). */
  #encoded(text: string): number {
    // oxlint-disable-next-line no-control-regex
    const sequences = /\u001b\[(?:(\d+)(?::\d*)*;(\d+)(?::([123]))?(?:;[\d:]*)?u|27;(\d+);(\d+)~)/g;
    for (const match of text.matchAll(sequences)) {
      const code = Number(match[1] ?? match[5]);
      const modifiers = Number(match[2] ?? match[4]) - 1;
      const released = match[3] === "3";
      if (code === this.#key.code && (modifiers & ~LOCKS) === CONTROL && !released) return match.index;
    }
    return -1;
  }
}
