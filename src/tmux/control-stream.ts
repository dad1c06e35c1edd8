/**
 * What `tmux -C` prints, line by line, as calls: answers to commands, output of panes, notices. Pure.
 *
 * ```
 * %begin 1795243131 271 1        an answer begins: time, number, and 1 when it is to a command of this client
 * …lines, as the command printed them…
 * %end 1795243131 271 1          (or %error), with the same three words
 * %output %0 text\015\012        control characters and backslash as octal, every other byte as it is
 * %extended-output %0 12 : text  the same, with how many milliseconds it is late
 * %session-renamed $3 name       a notice
 * ```
 */

export interface ControlListener {
  /** An answer to a command of ours, in the order of the commands. `lines` are without line ends, valid until this returns. */
  answer(ok: boolean, lines: readonly Buffer[]): void;
  /** Output of pane `%<pane>`. `bytes` is valid until this returns. */
  output(pane: number, bytes: Buffer): void;
  /** `name` without the percent sign; `rest` is what follows it on the line. */
  notice(name: string, rest: string): void;
}

/** A line of more bytes than this is not tmux's: its longest carry some 10 KB, a captured line at most a few hundred. */
const LINE_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;
const PERCENT = 0x25;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const ZERO = 0x30;

const OUTPUT = Buffer.from("%output %");
const EXTENDED = Buffer.from("%extended-output %");
const COLON = Buffer.from(" : ");

export class ControlStream {
  readonly #listener: ControlListener;
  /** The beginning of a line whose end has not come yet. */
  #partial: Buffer[] = [];
  #partialBytes = 0;
  /** The answer that is being read: the three words it ends with, and what it says. */
  #answer: { words: string; ours: boolean; lines: Buffer[] } | null = null;

  constructor(listener: ControlListener) {
    this.#listener = listener;
  }

  /** Takes what has been read; the caller may use the memory again when this returns. @throws Error when it cannot be tmux's */
  push(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      const piece = bytes.subarray(from, end);
      from = end + 1;
      if (this.#partialBytes === 0) {
        this.#line(piece);
        continue;
      }
      const line = Buffer.concat([...this.#partial, piece]);
      this.#partial = [];
      this.#partialBytes = 0;
      this.#line(line);
    }
    if (from === bytes.length) return;
    this.#partialBytes += bytes.length - from;
    if (this.#partialBytes > LINE_BYTES) throw new Error(`a line of more than ${LINE_BYTES} bytes does not come from tmux`);
    this.#partial.push(Buffer.from(bytes.subarray(from)));
  }

  #line(line: Buffer): void {
    const answer = this.#answer;
    if (answer !== null) {
      const words = line[0] === PERCENT ? line.toString("latin1") : "";
      const ok = words === `%end ${answer.words}`;
      if (!ok && words !== `%error ${answer.words}`) {
        // Kept until the answer's end: the memory is read into again before that.
        answer.lines.push(Buffer.from(line));
        return;
      }
      this.#answer = null;
      if (answer.ours) this.#listener.answer(ok, answer.lines);
      return;
    }
    if (line[0] !== PERCENT) return; // Nothing of the protocol: a message of tmux's on its way out.
    if (startsWith(line, OUTPUT)) {
      const at = line.indexOf(SPACE, OUTPUT.length);
      if (at > 0) this.#output(line, OUTPUT.length, at, at + 1);
      return;
    }
    if (startsWith(line, EXTENDED)) {
      const at = line.indexOf(SPACE, EXTENDED.length);
      const colon = line.indexOf(COLON, EXTENDED.length);
      if (at > 0 && colon >= at) this.#output(line, EXTENDED.length, at, colon + COLON.length);
      return;
    }
    const text = line.toString("utf8");
    const space = text.indexOf(" ");
    const name = space < 0 ? text.slice(1) : text.slice(1, space);
    const rest = space < 0 ? "" : text.slice(space + 1);
    if (name === "begin") this.#answer = { words: rest, ours: rest.split(" ")[2] === "1", lines: [] };
    else this.#listener.notice(name, rest);
  }

  #output(line: Buffer, paneFrom: number, paneTo: number, dataFrom: number): void {
    const pane = Number(line.toString("latin1", paneFrom, paneTo));
    if (Number.isInteger(pane)) this.#listener.output(pane, unescapeOctal(line.subarray(dataFrom)));
  }
}

function startsWith(line: Buffer, prefix: Buffer): boolean {
  return line.length > prefix.length && line.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** Bytes with `\ooo` for control characters and backslash, as they were. A backslash that begins no such number stays. */
export function unescapeOctal(escaped: Buffer): Buffer {
  let next = escaped.indexOf(BACKSLASH);
  if (next < 0) return escaped;
  const bytes = Buffer.allocUnsafe(escaped.length);
  let length = 0;
  let from = 0;
  for (; next >= 0; next = escaped.indexOf(BACKSLASH, next)) {
    const value = octalAt(escaped, next + 1);
    if (value === null) {
      next += 1;
      continue;
    }
    length += escaped.copy(bytes, length, from, next);
    bytes[length++] = value;
    next += 4;
    from = next;
  }
  length += escaped.copy(bytes, length, from);
  return bytes.subarray(0, length);
}

function octalAt(bytes: Buffer, at: number): number | null {
  if (at + 3 > bytes.length) return null;
  let value = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) return null;
    value = value * 8 + digit;
  }
  return value > 0xff ? null : value;
}
