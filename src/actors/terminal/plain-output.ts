/**
 * Output that only writes text: printable characters, CR, LF, TAB, colours (SGR) and erasing within the line (EL). Of such output
 * the terminal keeps nothing but its last lines and its colours, which is why a long run of it need not be parsed (unread-output.ts).
 */

/** Longest parameters of a sequence that is looked at; longer ones are left to the parser. */
const MOST_PARAMETERS = 64;

const NOT_PLAIN = 0;
const TEXT = 1;
const ESCAPE = 2;
const LEAD = 3;

const ESC = 0x1b;
const OPEN_BRACKET = 0x5b;
const SGR = 0x6d;
const ERASE_IN_LINE = 0x4b;

/** What a byte outside of sequences and characters begins. */
const KIND: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === ESC) return ESCAPE;
  if (byte === 0x09 || byte === 0x0a || byte === 0x0d) return TEXT;
  if (byte < 0x20 || byte === 0x7f) return NOT_PLAIN;
  if (byte < 0x80) return TEXT;
  // Well-formed UTF-8 only: what decoders make of anything else is theirs to say.
  return byte >= 0xc2 && byte <= 0xf4 ? LEAD : NOT_PLAIN;
});

export interface PlainEnd {
  /** Everything before this is plain and whole. */
  at: number;
  /** True: what stands there may become plain with more bytes. False: it is something else. */
  cut: boolean;
}

/** Looks at `bytes` from `from`, where no sequence and no character is under way, to `to`. */
export function plainUntil(bytes: Uint8Array, from: number, to: number): PlainEnd {
  let at = from;
  for (;;) {
    while (at < to && KIND[bytes[at] as number] === TEXT) at++;
    if (at >= to) return { at, cut: false };
    const kind = KIND[bytes[at] as number];
    if (kind === NOT_PLAIN) return { at, cut: false };
    const length = kind === ESCAPE ? sequenceLength(bytes, at, to) : characterLength(bytes, at, to);
    if (length <= 0) return { at, cut: length === CUT };
    at += length;
  }
}

const OTHER = 0;
const CUT = -1;

/** Of SGR or EL; {@link OTHER} of another one, {@link CUT} when its end is not there. */
function sequenceLength(bytes: Uint8Array, at: number, to: number): number {
  if (at + 1 >= to) return CUT;
  if (bytes[at + 1] !== OPEN_BRACKET) return OTHER;
  const last = Math.min(to, at + 2 + MOST_PARAMETERS);
  for (let i = at + 2; i < last; i++) {
    const byte = bytes[i] as number;
    // Digits, ':' and ';'.
    if (byte >= 0x30 && byte <= 0x3b) continue;
    return byte === SGR || (byte === ERASE_IN_LINE && plainErase(bytes, at, i)) ? i + 1 - at : OTHER;
  }
  return last === to && to - at < 2 + MOST_PARAMETERS ? CUT : OTHER;
}

/** EL with at most one digit; parameters that no terminal knows are left to the parser. */
function plainErase(bytes: Uint8Array, at: number, end: number): boolean {
  return end === at + 2 || (end === at + 3 && (bytes[at + 2] as number) <= 0x32);
}

function characterLength(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at] as number;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let i = 1; i < length; i++) {
    if (at + i >= to) return CUT;
    const byte = bytes[at + i] as number;
    if ((byte & 0xc0) !== 0x80) return OTHER;
    if (i === 1 && !secondByte(lead, byte)) return OTHER;
  }
  return length;
}

/** No C1 controls, nothing overlong, no surrogates, nothing beyond U+10FFFF. */
function secondByte(lead: number, byte: number): boolean {
  switch (lead) {
    case 0xc2:
    case 0xe0:
      return byte >= 0xa0;
    case 0xed:
      return byte < 0xa0;
    case 0xf0:
      return byte >= 0x90;
    case 0xf4:
      return byte < 0x90;
    default:
      return true;
  }
}

const RESETS: readonly string[] = ["\x1b[m", "\x1b[0m"];

/** Whether colours (as {@link coloursOf} gives them) begin with a reset: what was before them is of no account. */
export function isReset(colours: Buffer): boolean {
  return RESETS.some((reset) => colours.indexOf(reset) === 0);
}

/** All SGR sequences of plain output, in order, from the last one that resets everything. Fed to any terminal, the colours are the same. */
export function coloursOf(plain: Buffer): Buffer {
  const from = Math.max(...RESETS.map((reset) => plain.lastIndexOf(reset)), 0);
  const found: Buffer[] = [];
  for (let at = plain.indexOf(ESC, from); at !== -1;) {
    let end = at + 2;
    while (end < plain.length && (plain[end] as number) < 0x40) end++;
    if (plain[end] === SGR) found.push(plain.subarray(at, end + 1));
    at = plain.indexOf(ESC, end);
  }
  return Buffer.concat(found);
}
