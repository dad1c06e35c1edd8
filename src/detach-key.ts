/** The key that leaves an attached session, as the configuration names it. */

export const DETACH_KEY = "C-\\";

export interface DetachKey {
  /** As people write it, `C-\`. */
  label: string;
  /** The control byte. */
  byte: number;
  /** The key's code point without Control, lower case. */
  code: number;
}

/**
 * @param name tmux's name for a key with Control: `C-\`, `C-]`, `C-a`, `C-Space`
 * @throws RangeError with why it cannot be one
 */
export function parseDetachKey(name: string): DetachKey {
  const match = /^(?:C-|\^)(Space|.)$/u.exec(name.trim());
  const key = match?.[1] === "Space" ? " " : match?.[1]?.toLowerCase();
  const code = key?.codePointAt(0);
  if (key === undefined || code === undefined || !/^[a-z@[\\\]^_ ]$/.test(key))
    throw new RangeError(`${JSON.stringify(name)} is no key with Control: write C-\\ or C-] or C-a`);
  const byte = key === " " ? 0 : key.toUpperCase().charCodeAt(0) & 0x1f;
  if (byte === 0x1b) throw new RangeError("cannot be C-[: that is Escape, with which every other key's sequence begins");
  return { label: `C-${key === " " ? "Space" : key}`, byte, code };
}
