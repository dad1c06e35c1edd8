/** What tmux knows of a pane beyond its text: one line of numbers, asked for in the same instant as the text. Pure. */

import type { PaneDeath } from "./pane-end.js";

export interface PaneFacts {
  /** Of the server and the session that the client looks at: whoever else took its place is told by these. */
  server: number;
  session: string;
  created: number;
  pane: number;
  pid: number;
  cols: number;
  rows: number;
  cursor: { x: number; y: number; visible: boolean };
  alternate: boolean;
  /** Of the screen behind the alternate one. */
  saved: { x: number; y: number };
  insert: boolean;
  cursorKeys: boolean;
  keypad: boolean;
  wrap: boolean;
  origin: boolean;
  /** DEC private mode numbers of the mouse reports that are on. */
  mouse: number[];
  bracketedPaste: boolean;
  scrollRegion: { top: number; bottom: number };
  historyLines: number;
  dead: PaneDeath | null;
  /** Copy mode, or another mode of tmux's own, takes the keys. */
  inMode: boolean;
}

const FIELDS = [
  "pid",
  "session_id",
  "session_created",
  "pane_id",
  "pane_pid",
  "pane_width",
  "pane_height",
  "cursor_x",
  "cursor_y",
  "cursor_flag",
  "alternate_on",
  "alternate_saved_x",
  "alternate_saved_y",
  "insert_flag",
  "keypad_cursor_flag",
  "keypad_flag",
  "wrap_flag",
  "origin_flag",
  "mouse_standard_flag",
  "mouse_button_flag",
  "mouse_all_flag",
  "mouse_sgr_flag",
  "mouse_utf8_flag",
  // Unknown before tmux 3.6, and then empty.
  "bracket_paste_flag",
  "scroll_region_upper",
  "scroll_region_lower",
  "history_size",
  "pane_dead",
  "pane_dead_status",
  "pane_dead_signal",
  "pane_in_mode",
] as const;

export const PANE_FACTS: string = FIELDS.map((field) => `#{${field}}`).join(":");

/** @returns null when the line is not an answer to {@link PANE_FACTS} */
export function readPaneFacts(line: string): PaneFacts | null {
  const values = line.split(":");
  if (values.length !== FIELDS.length) return null;
  const text = (name: (typeof FIELDS)[number]): string => values[FIELDS.indexOf(name)] ?? "";
  const number = (name: (typeof FIELDS)[number]): number => Number(text(name).replace(/^[%$]/, ""));
  const on = (name: (typeof FIELDS)[number]): boolean => !["", "0"].includes(text(name));
  const cols = number("pane_width");
  const rows = number("pane_height");
  if (!(cols > 0 && rows > 0 && Number.isInteger(number("pane_id")))) return null;
  const mouse = (
    [
      ["mouse_standard_flag", 1000],
      ["mouse_button_flag", 1002],
      ["mouse_all_flag", 1003],
      ["mouse_utf8_flag", 1005],
      ["mouse_sgr_flag", 1006],
    ] as const
  )
    .filter(([name]) => on(name))
    .map(([, mode]) => mode);
  return {
    server: number("pid"),
    session: text("session_id"),
    created: number("session_created"),
    pane: number("pane_id"),
    pid: number("pane_pid"),
    cols,
    rows,
    cursor: { x: number("cursor_x"), y: number("cursor_y"), visible: on("cursor_flag") },
    alternate: on("alternate_on"),
    saved: { x: below(number("alternate_saved_x"), cols), y: below(number("alternate_saved_y"), rows) },
    insert: on("insert_flag"),
    cursorKeys: on("keypad_cursor_flag"),
    keypad: on("keypad_flag"),
    wrap: on("wrap_flag"),
    origin: on("origin_flag"),
    mouse,
    bracketedPaste: on("bracket_paste_flag"),
    scrollRegion: { top: number("scroll_region_upper"), bottom: number("scroll_region_lower") },
    historyLines: number("history_size"),
    dead: on("pane_dead") ? { code: wholeOrNull(text("pane_dead_status")), signal: wholeOrNull(text("pane_dead_signal")) } : null,
    inMode: on("pane_in_mode"),
  };
}

/** A saved cursor that was never saved is 2³² − 1. */
function below(value: number, bound: number): number {
  return value < bound ? value : 0;
}

function wholeOrNull(text: string): number | null {
  return /^[0-9]+$/.test(text) ? Number(text) : null;
}
