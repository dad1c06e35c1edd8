/** Text from outside as a thought may have it: one line, nothing in it that a terminal would act on. Pure. */

export const THOUGHT_CHARS = 120;

// C0, DEL, C1, line and paragraph separators; what reorders text.
const BREAKS = /[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu;
const INVISIBLE = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;
/** An escape sequence goes as a whole: its tail would be left as letters. */
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])|\u009b[0-?]*[ -/]*[@-~]/gu;

/** @param most characters as JavaScript counts them; what is cut ends in `…` */
export function oneLine(text: string, most: number = THOUGHT_CHARS): string {
  // Long input would only be looked at to be thrown away.
  const clean = text
    .slice(0, most * 8)
    .replace(ESCAPES, "")
    .replace(INVISIBLE, "")
    .replace(BREAKS, " ")
    .trim();
  if (clean.length <= most) return clean;
  const cut = clean.slice(0, most - 1);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
