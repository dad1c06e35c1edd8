/**
 * Named keys and pastes as the bytes a terminal sends. Names are tmux's: `C-c`, `M-x`, `S-Up`, `PageDown`, `F5`, `BSpace`; prefixes
 * combine (`C-M-Left`), `^c` is `C-c`. What is no name is typed as it is, as tmux does.
 */
import { ALL_AS_ESCAPES, DISAMBIGUATE, WITH_TEXT } from "./keyboard.js";

export interface KeyModes {
  /** DECCKM: cursor keys as SS3. */
  applicationCursor: boolean;
  /** DECKPAM: keypad keys as SS3. */
  applicationKeypad: boolean;
  /** Flags of kitty's protocol, 0: off. */
  kitty: number;
  /** xterm's modifyOtherKeys, 0–2. */
  modifyOtherKeys: number;
}

export const LEGACY_MODES: KeyModes = { applicationCursor: false, applicationKeypad: false, kitty: 0, modifyOtherKeys: 0 };

const SHIFT = 1;
const META = 2;
const CONTROL = 4;
const MODIFIERS: Readonly<Record<string, number>> = { C: CONTROL, M: META, S: SHIFT };

/** Keys that end in a letter: CSI letter, CSI 1;m letter, or SS3 letter. */
const LETTERED: Readonly<Record<string, string>> = {
  Up: "A",
  Down: "B",
  Right: "C",
  Left: "D",
  End: "F",
  Home: "H",
  F1: "P",
  F2: "Q",
  F3: "R",
  F4: "S",
};
/** Keys that are numbers: CSI n ~ or CSI n;m ~. */
const NUMBERED: Readonly<Record<string, number>> = {
  IC: 2,
  Insert: 2,
  DC: 3,
  Delete: 3,
  PPage: 5,
  PageUp: 5,
  PgUp: 5,
  NPage: 6,
  PageDown: 6,
  PgDn: 6,
  F5: 15,
  F6: 17,
  F7: 18,
  F8: 19,
  F9: 20,
  F10: 21,
  F11: 23,
  F12: 24,
};
/** Keys that are a character. */
const CHARACTERS: Readonly<Record<string, string>> = { Enter: "\r", Tab: "\t", BSpace: "\x7f", Escape: "\x1b", Space: " " };
/** Keypad keys: what they type, and the letter of their SS3 form. */
const KEYPAD: Readonly<Record<string, readonly [text: string, letter: string]>> = {
  "KP/": ["/", "o"],
  "KP*": ["*", "j"],
  "KP-": ["-", "m"],
  "KP+": ["+", "k"],
  "KP.": [".", "n"],
  KPEnter: ["\r", "M"],
  KP0: ["0", "p"],
  KP1: ["1", "q"],
  KP2: ["2", "r"],
  KP3: ["3", "s"],
  KP4: ["4", "t"],
  KP5: ["5", "u"],
  KP6: ["6", "v"],
  KP7: ["7", "w"],
  KP8: ["8", "x"],
  KP9: ["9", "y"],
};
/** Control with a character that is no letter. */
const CONTROLS: Readonly<Record<string, number>> = {
  "@": 0,
  " ": 0,
  "2": 0,
  "[": 27,
  "3": 27,
  "\\": 28,
  "4": 28,
  "]": 29,
  "5": 29,
  "^": 30,
  "6": 30,
  _: 31,
  "/": 31,
  "-": 31,
  "7": 31,
  "?": 127,
  "8": 127,
};

/** Bytes of the keys, in order. */
export function encodeKeys(keys: readonly string[], modes: KeyModes): Uint8Array {
  return Buffer.from(keys.map((key) => encodeKey(key, modes)).join(""));
}

const PASTE_START = "\x1b[200~";
const PASTE_END = "\x1b[201~";

/**
 * Text as a paste. Line ends become CR, which is what Enter sends and what terminals make of them. Bracketed: the end mark cannot
 * be in the text, so that a paste cannot end itself and type.
 */
export function encodePaste(text: string, bracketed: boolean): Uint8Array {
  const lines = text.replaceAll("\r\n", "\r").replaceAll("\n", "\r");
  if (!bracketed) return Buffer.from(lines);
  let safe = lines;
  // Taking one mark out may join the ends of another.
  while (safe.includes(PASTE_END)) safe = safe.replaceAll(PASTE_END, "");
  return Buffer.from(PASTE_START + safe + PASTE_END);
}

function encodeKey(key: string, modes: KeyModes): string {
  const { name, modifiers } = parse(key);
  if (name === "BTab") return functionKey("Z", modifiers === 0 ? 0 : modifiers | SHIFT, "");
  const letter = LETTERED[name];
  if (letter !== undefined) return lettered(letter, modifiers, modes);
  const number = NUMBERED[name];
  if (number !== undefined) return `\x1b[${number}${modifiers === 0 ? "" : `;${modifiers + 1}`}~`;
  const keypad = KEYPAD[name];
  if (keypad !== undefined && modifiers === 0) return modes.applicationKeypad ? `\x1bO${keypad[1]}` : keypad[0];
  const character = keypad?.[0] ?? CHARACTERS[name] ?? name;
  if ([...character].length === 1) return characterKey(character, modifiers, modes);
  // Prefixes before a word that is no key: the user meant text.
  return [...key].map((typed) => characterKey(typed, 0, modes)).join("");
}

function parse(key: string): { name: string; modifiers: number } {
  if (/^\^.$/u.test(key)) return { name: key.slice(1), modifiers: CONTROL };
  let modifiers = 0;
  let name = key;
  for (;;) {
    const modifier = MODIFIERS[name[0] ?? ""];
    if (modifier === undefined || name[1] !== "-" || name.length < 3) return { name, modifiers };
    modifiers |= modifier;
    name = name.slice(2);
  }
}

function lettered(letter: string, modifiers: number, modes: KeyModes): string {
  // kitty: F3 as CSI R is the answer to a cursor query.
  if (modes.kitty !== 0 && letter === "R") return functionKey("~", modifiers, "13");
  if (modifiers !== 0 || modes.kitty !== 0) return functionKey(letter, modifiers, "");
  const isFunction = letter >= "P";
  return isFunction || modes.applicationCursor ? `\x1bO${letter}` : `\x1b[${letter}`;
}

function functionKey(final: string, modifiers: number, number: string): string {
  return modifiers === 0 ? `\x1b[${number}${final}` : `\x1b[${number === "" ? "1" : number};${modifiers + 1}${final}`;
}

function characterKey(character: string, modifiers: number, modes: KeyModes): string {
  if (character === "\t" && modifiers === SHIFT && modes.kitty === 0) return "\x1b[Z";
  if (modes.kitty !== 0) return kittyKey(character, modifiers, modes.kitty);
  const legacy = legacyKey(character, modifiers);
  if (modes.modifyOtherKeys === 0 || modifiers === 0 || (legacy !== null && modes.modifyOtherKeys === 1)) return legacy ?? character;
  // Shift alone is the character itself, unless it is one of the keys that type no character.
  if (modifiers === SHIFT && character > " " && character !== "\x7f") return legacy ?? character;
  return `\x1b[27;${modifiers + 1};${character.codePointAt(0) ?? 0}~`;
}

/** What a VT sends; null when it has no way to say it. */
function legacyKey(character: string, modifiers: number): string | null {
  let typed = character;
  if ((modifiers & CONTROL) !== 0) {
    const lower = character.toLowerCase();
    if (lower >= "a" && lower <= "z" && lower.length === 1) typed = String.fromCharCode(lower.charCodeAt(0) & 31);
    else if (character === "\x7f") typed = "\b";
    else if (CONTROLS[character] !== undefined) typed = String.fromCharCode(CONTROLS[character]);
    else return null;
  }
  if ((modifiers & SHIFT) !== 0) {
    if (character <= " " || character === "\x7f") return null;
    if ((modifiers & CONTROL) === 0) typed = typed.toUpperCase();
  }
  return (modifiers & META) === 0 ? typed : `\x1b${typed}`;
}

/** https://sw.kovidgoyal.net/kitty/keyboard-protocol: which keys become CSI code ; modifiers ; text u. */
function kittyKey(character: string, modifiers: number, flags: number): string {
  const lower = character.toLowerCase();
  const isUpper = lower !== character && [...lower].length === 1;
  const held = modifiers | (isUpper ? SHIFT : 0);
  const isText = character >= " " && character !== "\x7f";
  const plain = isText ? (held & ~SHIFT) === 0 : held === 0 && character !== "\x1b";
  if ((flags & ALL_AS_ESCAPES) === 0 && (plain || (flags & DISAMBIGUATE) === 0)) {
    return legacyKey(character, modifiers) ?? character;
  }
  const code = (isUpper ? lower : character).codePointAt(0) ?? 0;
  const typed = held & SHIFT ? character.toUpperCase() : character;
  const text = (flags & WITH_TEXT) !== 0 && (flags & ALL_AS_ESCAPES) !== 0 && plain && isText ? `;${typed.codePointAt(0) ?? 0}` : "";
  if (held === 0 && text === "") return `\x1b[${code}u`;
  return `\x1b[${code};${held + 1}${text}u`;
}
