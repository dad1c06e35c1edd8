/**
 * `ESC k title ESC \`: how programs under screen and tmux name their window. tmux takes it out; other terminals print the title as
 * text. So it is taken out here too, also when it comes in pieces. Pure.
 */

const ESCAPE = 0x1b;
const K = 0x6b;
const BACKSLASH = 0x5c;
const BELL = 0x07;
/** An unterminated one ends after this: what follows is text again. */
const TITLE_BYTES = 8_192;

export class ScreenTitles {
  /** `escape`: the last byte was one, and is held back. `title`: inside one; `closing`: inside, after an escape. */
  #state: "text" | "escape" | "title" | "closing" = "text";
  #length = 0;

  /** What is left of `bytes`, which may be `bytes` itself. */
  without(bytes: Buffer): Buffer {
    if (this.#state === "text" && bytes.indexOf(ESCAPE) < 0) return bytes;
    const kept = Buffer.allocUnsafe(bytes.length + 1);
    let length = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#state === "text") {
        const next = byte === ESCAPE ? at : bytes.indexOf(ESCAPE, at);
        const end = next < 0 ? bytes.length : next;
        length += bytes.copy(kept, length, at, end);
        at = end;
        if (next >= 0) this.#state = "escape";
      } else if (this.#state === "escape") {
        if (byte === K) {
          this.#state = "title";
          this.#length = 0;
          continue;
        }
        kept[length++] = ESCAPE;
        if (byte === ESCAPE) continue;
        kept[length++] = byte;
        this.#state = "text";
      } else {
        this.#length += 1;
        if (byte === BELL || (this.#state === "closing" && byte === BACKSLASH) || this.#length > TITLE_BYTES) this.#state = "text";
        else this.#state = byte === ESCAPE ? "closing" : "title";
      }
    }
    return kept.subarray(0, length);
  }
}
