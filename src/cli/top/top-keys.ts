/** What a person typed into `top`, one name a key. Pure. */
const NAMED: Record<string, string> = {
  "\r": "enter",
  "\n": "enter",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u0003": "ctrl-c",
  "\u000c": "ctrl-l",
  "\u001b": "escape",
  "\t": "tab",
  "\u001b[C": "right",
  "\u001bOC": "right",
  "\u001b[D": "left",
  "\u001bOD": "left",
  "\u001b[A": "up",
  "\u001bOA": "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  "\u001b[5~": "page-up",
  "\u001b[6~": "page-down",
  "\u001b[H": "home",
  "\u001b[1~": "home",
  "\u001bOH": "home",
  "\u001b[F": "end",
  "\u001b[4~": "end",
  "\u001bOF": "end",
};

// A sequence, or one character; what it means is looked up.
// oxlint-disable-next-line no-control-regex
const KEY = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001bO[@-~]|[\s\S]/gu;

/** Names of special keys, and every other character as itself; sequences that mean nothing here are left out. */
export function readKeys(chunk: string): string[] {
  const keys: string[] = [];
  for (const [word] of chunk.matchAll(KEY)) {
    const named = NAMED[word];
    if (named !== undefined) keys.push(named);
    else if (word.length <= 2 && word >= " ") keys.push(word);
  }
  return keys;
}
