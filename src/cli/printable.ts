/**
 * Text from agents, made safe for a terminal. A title is written by whatever runs in the session: printed as it is it could move
 * the cursor, rename the window or forge a line of our own table.
 */

// C0, DEL and C1; the marks that turn the direction of what follows; line and paragraph separators; lone surrogates.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** One line, nothing in it that a terminal would act on: `\n` becomes `\n` in two characters, ESC `\e`, others `\x9b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

function escaped(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    case "\u001b":
      return "\\e";
    default: {
      const code = character.charCodeAt(0);
      return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
    }
  }
}

/** A path with the home directory as `~`. */
export function homely(path: string, home: string | undefined): string {
  if (home === undefined || home === "" || home === "/") return path;
  const root = home.endsWith("/") ? home.slice(0, -1) : home;
  if (path === root) return "~";
  return path.startsWith(`${root}/`) ? `~${path.slice(root.length)}` : path;
}

const BARE = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A command line that a person could paste into a shell. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (BARE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
