/**
 * What `attach` says to the terminal it runs in: a screen of its own on the way in, everything a program may have switched on off
 * again on the way out.
 */

const ESC = "\u001b";
const CSI = `${ESC}[`;
const ST = `${ESC}\\`;

/** Keeps the title, goes to the alternate screen, cleared: what was there comes back with {@link LEAVE}. */
export const ENTER: string = `${CSI}22;0t${CSI}?1049h${CSI}H${CSI}2J`;

/**
 * Every mode that a session's output can have set in this terminal, off. Modes that a terminal does not know it ignores.
 * Kitty's keyboard flags are a stack for each screen: ours is the alternate one's, and it is emptied.
 */
export const MODES_OFF: string = [
  `${CSI}0m${ESC}]8;;${ST}`, // colours and attributes, an open hyperlink
  `${CSI}?6l${CSI}r${CSI}4l${CSI}20l${CSI}?7h${CSI}?45l${CSI}?5l`, // origin, scroll region, insert, line feed mode, wrap, reverse
  `${ESC}(B${ESC})B\u000f`, // character sets
  `${CSI}?1l${ESC}>`, // application cursor keys and keypad
  `${CSI}?9l${CSI}?1000l${CSI}?1001l${CSI}?1002l${CSI}?1003l${CSI}?1005l${CSI}?1006l${CSI}?1015l${CSI}?1016l`, // mouse
  `${CSI}?1004l${CSI}?2004l${CSI}?2026l${CSI}?2031l${CSI}?2048l`, // focus, bracketed paste, held updates, colour and size reports
  `${CSI}<99u${CSI}>4m`, // kitty's and xterm's keyboard protocols
  `${CSI}0 q${CSI}?25h`, // the cursor, in its own shape
  `${CSI}?5W`, // tab stops every eight columns
].join("");

/** Before the bytes of a `restore`: they expect a fresh terminal. */
export const FRESH: string = `${MODES_OFF}${CSI}H${CSI}2J`;

/** Back to the screen and the title from before. */
export const LEAVE: string = `${MODES_OFF}${CSI}?1049l${CSI}23;0t${CSI}?25h`;

/** What only some programs change, and users may have set for themselves: put back only when it was touched. */
export interface Touched {
  /** OSC 4, 5, 10–19: colours. */
  palette: boolean;
  /** OSC 9;4: a progress bar in the tab. */
  progress: boolean;
}

export function leave(touched: Touched): string {
  const palette = touched.palette ? `${ESC}]104${ST}${ESC}]110${ST}${ESC}]111${ST}${ESC}]112${ST}` : "";
  const progress = touched.progress ? `${ESC}]9;4;0${ST}` : "";
  return palette + progress + LEAVE;
}

/** One line over the bottom row. Only between complete sequences: right after a restore. */
export function notice(text: string, cols: number, rows: number): string {
  return `${ESC}7${CSI}?6l${CSI}${rows};1H${CSI}0;7m${text.slice(0, Math.max(0, cols - 1))}${CSI}K${CSI}0m${ESC}8`;
}
