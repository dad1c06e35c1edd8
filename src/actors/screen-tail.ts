/** The last words of a screen, for who wants to say what a session is doing. Kept when the terminal is packed away: asking unpacks nothing. */
import type { Terminal } from "./terminal/terminal.js";

/** Characters kept of a packed screen: a thousand sessions' are a few MiB. */
export const TAIL_CHARS = 2_000;

export class ScreenTail {
  #kept = "";

  /** The terminal is about to be packed away. */
  keep(terminal: Terminal): void {
    this.#kept = lastWords(terminal, TAIL_CHARS);
  }

  /**
   * The last lines that are not blank, joined by line feeds.
   * @param terminal null when it is not at hand: what it showed then
   * @param chars at most {@link TAIL_CHARS}
   */
  text(terminal: Terminal | null, chars: number): string {
    if (terminal !== null) return lastWords(terminal, Math.min(chars, TAIL_CHARS));
    return cutFront(this.#kept, chars);
  }
}

function lastWords(terminal: Terminal, chars: number): string {
  const lines: string[] = [];
  let length = 0;
  for (let y = terminal.size.rows - 1; y >= 0 && length <= chars; y--) {
    const row = terminal.row(y);
    if (row === "") continue;
    lines.push(row);
    length += row.length + 1;
  }
  return cutFront(lines.toReversed().join("\n"), chars);
}

/** Never half of a surrogate pair. */
function cutFront(text: string, chars: number): string {
  const cut = text.slice(Math.max(0, text.length - chars));
  return /^[\udc00-\udfff]/.test(cut) ? cut.slice(1) : cut;
}
