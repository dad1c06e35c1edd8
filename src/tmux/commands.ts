/** Lines for a control client, in tmux's own command language. Pure. */

const PLAIN = /^[A-Za-z0-9 ,./:_@+=-]$/;

/** Any bytes as one word: what could mean something to tmux, and every control character, goes as an octal number. */
export function quoteBytes(bytes: Uint8Array): string {
  let word = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    word += PLAIN.test(character) ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return `"${word}"`;
}

/** Typed as they are, byte by byte, whatever they mean to tmux. A pane in copy mode would take them for its own keys. */
export function typeBytes(pane: number, bytes: Uint8Array): string {
  return `send-keys -t %${pane} -H ${Array.from(bytes, (byte) => byte.toString(16)).join(" ")}`;
}

/** A word of this many bytes at most: four characters each, far below what tmux reads at once. */
const WORD_BYTES = 8_192;

/**
 * Straight to the program, past copy mode, through a paste buffer of our own that is gone afterwards.
 * @param options.paste line feeds become carriage returns, and it is bracketed where the program asked for that: tmux knows
 * @returns one line for each part, and how many answers each brings
 */
export function pasteBytes(
  pane: number,
  buffer: string,
  bytes: Uint8Array,
  options: { paste: boolean },
): { line: string; answers: number }[] {
  const lines: { line: string; answers: number }[] = [];
  for (let at = 0; at < bytes.length; at += WORD_BYTES) {
    const append = at === 0 ? "" : "-a ";
    lines.push({ line: `set-buffer ${append}-b ${buffer} ${quoteBytes(bytes.subarray(at, at + WORD_BYTES))}`, answers: 1 });
  }
  const how = options.paste ? "-p" : "-r";
  lines.push({ line: `paste-buffer -d ${how} -b ${buffer} -t %${pane}`, answers: 1 });
  return lines;
}

/**
 * Resizes the window when nobody but this client looks at it or at its session, and says `resized` or `refused`. tmux makes the
 * choice and the change in one go. The option is what `resize-window` sets and would keep: people who attach later get their own
 * size again. How many answers it brings depends on the choice.
 */
export function resizeWindow(cols: number, rows: number): string {
  const alone = "#{&&:#{==:#{session_attached},1},#{&&:#{==:#{window_active_clients},1},#{==:#{window_panes},1}}}";
  const resize = `resize-window -x ${cols} -y ${rows} ; set-option -w -u window-size ; display-message -p resized`;
  return `if-shell -F "${alone}" { ${resize} } { display-message -p refused }`;
}
