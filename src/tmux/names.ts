/** tmux lets a session be called nearly anything; ours have 1–64 of letters, digits, `. _ -`. Pure. */
import { checkName } from "../session.js";

/** So that a number behind it still fits. */
const BASE_LENGTH = 58;

/**
 * A name for us that people recognise the tmux session by. A name that is ours already stays as it is; where several would come to
 * the same, the later ones get a number.
 * @param taken whether another live session has this name
 */
export function nameFor(tmuxName: string, taken: (name: string) => boolean): string {
  const base = baseFor(tmuxName);
  if (!taken(base)) return base;
  for (let n = 2; ; n++) {
    const numbered = `${base.slice(0, BASE_LENGTH)}-${n}`;
    if (!taken(numbered)) return numbered;
  }
}

/** Whether a name of ours was made from this one of tmux's: it then follows when tmux's is changed. */
export function isNameFor(name: string, tmuxName: string): boolean {
  const base = baseFor(tmuxName);
  const cut = base.slice(0, BASE_LENGTH);
  return name === base || (name.startsWith(cut) && /^-[0-9]+$/.test(name.slice(cut.length)));
}

/** How tmux itself would write a name: it takes colons and dots for its own use. */
export function asTmuxWrites(name: string): string {
  return name.replace(/[:.]/g, "_");
}

function baseFor(tmuxName: string): string {
  if (isOurs(tmuxName)) return tmuxName;
  const words = tmuxName
    .normalize("NFC")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[-.]+|-+$/g, "")
    .slice(0, BASE_LENGTH - "tmux-".length);
  if (!/[A-Za-z0-9]/.test(words)) return "tmux";
  return isOurs(words) ? words : `tmux-${words}`;
}

function isOurs(name: string): boolean {
  const checked = checkName(name);
  return "name" in checked && checked.name === name;
}
