/**
 * Terminal output with its text made unreadable and its layout kept, for a bug report: letters become x, X, 漢 (by width) or a combining
 * accent, digits 0. What moves the cursor, colours and draws stays; so do blanks, punctuation, boxes and spinners. Pure.
 *
 * In doubt it is text, and text is masked: strings of the terminal's protocol too (titles, directories, commands, clipboards, images).
 * The number of UTF-16 units stays, so that a recording can be masked as one text and be cut again where it was cut.
 */
import stringWidth from "string-width";

/** A control sequence that has parameters and no text; controls in the middle of it are done at once. */
const CSI = /(?:\u001b\[|\u009b)[0-9:;<=>?\0-\u0017\u0019\u001c-\u001f]*[ -/\0-\u0017\u0019\u001c-\u001f]*[@-~]/y;
const SPLIT_ESCAPE = /\u001b([\0-\u0017\u0019\u001c-\u001f]+)/g;
/** Character sets, keypad modes, saved cursors; not those that begin a string. */
const ESCAPE = /\u001b(?:[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/y;
/** OSC, DCS, SOS, PM, APC, to what ends it: its terminator, an abort, another escape, or the end of all. */
const STRING = /(\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])([^\u0007\u0018\u001a\u001b\u009c]*)/y;
const TEXT = /[^\u001b\u0090\u0098\u009b\u009d-\u009f]+/y;

/** Of OSC: what says nothing in words. Progress, the marks of shells, colours. */
const WORDLESS =
  /^(?:9;4(?:;\d{1,3}){0,2}|133;[A-DN](?:;\d{1,3})?|(?:4|1\d|1\d\d)(?:;(?:\d{1,3}|\?|#[0-9a-fA-F]{3,16}|rgba?:[0-9a-fA-F/]{1,24}))*)$/;
const MARK = /^(133;[A-DN](?:;\d{1,3})?)(;.*)$/s;
const CODE = /^(\d{1,4};)(.*)$/s;
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** `1. Yes`: the numbers of a list. */
const ITEM = /(?<![^\s❯›>│┃|])[1-9](?=\.(?: |$))/gu;

/** @param kept words that may stay: those of a rule that all can read anyway */
export function maskOutput(output: string, kept: ReadonlySet<string>): string {
  const text = output.replace(SPLIT_ESCAPE, "$1\u001b");
  let out = "";
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  while (at < text.length) {
    const plain = take(TEXT);
    if (plain !== null) {
      out += maskText(plain[0], kept);
      continue;
    }
    const string = take(STRING);
    if (string !== null) {
      out += string[1] + maskString(string[1] ?? "", string[2] ?? "", kept);
      continue;
    }
    const control = take(CSI) ?? take(ESCAPE);
    // An introducer of nothing that is known stands alone; what follows is text.
    out += control?.[0] ?? text[at++] ?? "";
  }
  return out;
}

/** One text without control sequences. */
export function maskText(text: string, kept: ReadonlySet<string>): string {
  const items = new Set([...text.matchAll(ITEM)].map(({ index }) => index));
  return text.replace(WORD, (word, at: number) => (kept.has(word) || (word.length === 1 && items.has(at)) ? word : maskWord(word)));
}

function maskString(introducer: string, data: string, kept: ReadonlySet<string>): string {
  if (introducer !== "\u001b]" && introducer !== "\u009d") return maskText(data, NONE);
  if (WORDLESS.test(data)) return data;
  const [, head = "", rest = ""] = MARK.exec(data) ?? CODE.exec(data) ?? ["", "", data];
  // Base64 and percent codes are no words: none of them is known.
  return head + maskText(rest, head === "0;" || head === "2;" ? kept : NONE);
}

const NONE: ReadonlySet<string> = new Set();

function maskWord(word: string): string {
  let out = "";
  for (const character of word) {
    const wide = stringWidth(character) === 2;
    const pair = character.length === 2;
    if (/\p{M}/u.test(character)) out += pair ? "\u0301\u0301" : "\u0301";
    else if (pair) out += wide ? "𠀀" : "𝐱";
    else if (wide) out += /\p{N}/u.test(character) ? "０" : "漢";
    else out += /\p{N}/u.test(character) ? "0" : /\p{Lu}/u.test(character) ? "X" : "x";
  }
  return out;
}
