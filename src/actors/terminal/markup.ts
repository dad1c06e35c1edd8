/** What html and svg share: escaping, and the colours a look comes out in. */
import type { Look } from "./cells.js";
import { BACKGROUND, FOREGROUND, mix, type Colours, type Rgb } from "./colours.js";

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Agent text for markup, in content or in a quoted attribute. Characters that XML forbids become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "")
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g, "\ufffd");
}

/** Colours with inverse and dim applied; null where it is the screen's own. */
export function lookColours(look: Look, colours: Colours): { foreground: Rgb | null; background: Rgb | null } {
  let foreground: Rgb | null = look.foreground === 0 ? null : colours.of(look.foreground, FOREGROUND);
  let background: Rgb | null = look.background === 0 ? null : colours.of(look.background, BACKGROUND);
  if (look.inverse) [foreground, background] = [background ?? colours.get(BACKGROUND), foreground ?? colours.get(FOREGROUND)];
  if (look.dim) foreground = mix(foreground ?? colours.get(FOREGROUND), background ?? colours.get(BACKGROUND), 0.6);
  return { foreground, background };
}
