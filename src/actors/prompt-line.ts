/** Whether a line of the screen, up to the cursor, looks like a prompt that waits for a command. */

const MAX_PROMPT = 200;
/** The signs prompts end with: bourne shells, root, csh and zsh, others; and what themes like. */
const SIGN = /[$#%>❯➜λ»]$/u;

/**
 * True for `user@host:~$`, `[me@box src]#`, `(venv) $`, `>>>`, `mysql>`, `❯`; false for `45%`, `</div>`, `a -> `, `Total #`.
 * @param line as on the screen; blanks at its end do not count
 */
export function looksLikePrompt(line: string): boolean {
  const text = line.trimEnd();
  const sign = SIGN.exec(text)?.[0];
  if (sign === undefined || text.length > MAX_PROMPT) return false;
  const before = text.slice(0, -sign.length).trimStart();
  if (before === "") return true;
  // Progress, arrows, tags, quoted text and redirections end in these signs too.
  if (sign === "%" && /[0-9]\s*$/.test(before)) return false;
  if (sign === ">" && (/[-=<]$/.test(before) || /<[^>]*$/.test(before))) return false;
  const last = before.at(-1) ?? "";
  if (/\s/.test(last)) {
    // A sign after a blank: only after what prompts are made of.
    return /[@~/\])}:❯]/u.test(before) || (/^\S+$/.test(before.trim()) && /[❯➜λ»]/u.test(sign));
  }
  return /[\p{L}\p{N}~/\])}>.@:_-]/u.test(last) && (sign !== "#" || !/\s/.test(before) || /[@~/\]:]/.test(before));
}
