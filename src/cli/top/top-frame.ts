/** A frame of `top`: (state, size, moment) → lines, as many as the terminal has rows and none wider than it. Pure. */
import type { SessionState, SessionSummary, TerminalSize } from "../../session.js";
import { fit, truncate } from "../cells.js";
import type { Colours } from "../colours.js";
import { paintState, restWords, stateWords } from "../colours.js";
import { briefAge } from "../duration.js";
import { homely, printable } from "../printable.js";
import { titleOf } from "../session-table.js";
import { FIXED_LINES } from "./top-state.js";
import type { TopState } from "./top-state.js";

export interface FrameSetting {
  size: TerminalSize;
  /** Milliseconds since 1970. */
  now: number;
  home: string | undefined;
  colours: Colours;
}

const STATE_CELLS = 12;
const AGE_CELLS = 5;
const KEYS = "j/k move  Enter attach  o peek  x kill  r restart  / filter  ? help  q quit";

const HELP = [
  "",
  "  j k ↑ ↓      move                 g G          first, last",
  "  Enter a      attach; leave with C-\\ (attach.detach_key)",
  "  o            peek at the screen   r            restart",
  "  x            kill the whole process tree, asks first",
  "  /            filter by words in name, state, cwd, title, labels; Esc clears",
  "  q            quit: the sessions go on",
  "",
  "  ◆ attention  waits for a person   ✖ error      a command failed",
  "  ● busy       works                ○ idle       waits for input",
  "  ?            after a state: the evidence is weak; `lifeguard show ID` says what it is",
  "  z zz zzz     idle for 30 s, 5 minutes, 30 minutes",
];

export function frame(state: TopState, setting: FrameSetting): string[] {
  const { size, colours } = setting;
  const room = Math.max(0, size.rows - FIXED_LINES);
  const { titles, lines: rows } = body(state, setting);
  const lines = [header(state, setting), figures(state, setting), titles, ...rows.slice(0, room)];
  while (lines.length < size.rows - 1) lines.push("");
  const shown = lines.slice(0, Math.max(0, size.rows - 1));
  shown.push(footer(state, size.cols, colours));
  return shown;
}

/** Counts by state, those that need somebody first. Plain parts are cut before they are painted: a cut never meets a colour. */
function header(state: TopState, setting: FrameSetting): string {
  const { colours, size } = setting;
  const counts = new Map<SessionState, number>();
  for (const session of state.sessions.values()) counts.set(session.state, (counts.get(session.state) ?? 0) + 1);
  const parts: { text: string; paint: (text: string) => string }[] = [
    { text: `lifeguard  ${state.sessions.size} session${state.sessions.size === 1 ? "" : "s"}`, paint: colours.bold },
  ];
  for (const name of ["attention", "error", "busy", "starting", "idle", "exited"] as const) {
    const count = counts.get(name) ?? 0;
    if (count > 0)
      parts.push({ text: `${stateWords(name, "high").slice(0, 1)} ${count} ${name}`, paint: (text) => paintState(colours, name, text) });
  }
  return joined(parts, "   ", size.cols);
}

function joined(parts: readonly { text: string; paint: (text: string) => string }[], between: string, cells: number): string {
  let line = "";
  let used = 0;
  for (const part of parts) {
    const space = used === 0 ? "" : between;
    const room = cells - used - space.length;
    if (room <= 1) break;
    const text = truncate(part.text, room);
    line += space + part.paint(text);
    used += space.length + text.length;
  }
  return line;
}

function figures(state: TopState, setting: FrameSetting): string {
  const { colours, size } = setting;
  if (state.trouble !== null) return colours.red(truncate(printable(state.trouble), size.cols));
  const { status } = state;
  if (status === null) return "";
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
  return colours.dim(
    truncate(
      `daemon ${mebibytes(status.daemonRss)} · keeper ${mebibytes(status.keeperRss)} · ${status.threads} actor threads · up ${briefAge(status.uptimeMs)}`,
      size.cols,
    ),
  );
}

function body(state: TopState, setting: FrameSetting): { titles: string; lines: string[] } {
  const { colours, size } = setting;
  if (state.mode.kind === "help") return { titles: colours.bold("Keys"), lines: HELP.map((line) => truncate(line, size.cols)) };
  if (state.mode.kind === "peek") return peek(state, state.mode, setting);
  const widths = rowWidths(size.cols);
  const titles = colours.dim(` ${rowText(["STATE", "NAME", "FOR", "CWD", "TITLE"], widths).join(" ").trimEnd()}`);
  const room = Math.max(0, size.rows - FIXED_LINES);
  const lines = state.order.slice(state.top, state.top + room).map((id) => {
    const session = state.sessions.get(id);
    return session === undefined ? "" : row(session, id === state.selected, widths, setting);
  });
  if (lines.length === 0)
    lines.push(
      colours.dim(
        truncate(
          state.filter === "" ? "no sessions: lifeguard new -- COMMAND starts one" : `nothing matches ${JSON.stringify(state.filter)}`,
          size.cols,
        ),
      ),
    );
  return { titles, lines };
}

/** Cells of state, name, age, cwd and title; a column without room is 0. */
function rowWidths(cols: number): number[] {
  const name = Math.min(24, Math.max(8, Math.floor(cols * 0.2)));
  const left = cols - 1 - STATE_CELLS - name - AGE_CELLS - 3;
  if (left < 12) {
    const state = Math.min(STATE_CELLS, Math.max(0, cols - 1));
    return [state, Math.max(0, Math.min(name, cols - 2 - state)), left < 0 ? 0 : AGE_CELLS, 0, 0];
  }
  const cwd = Math.min(36, Math.floor(left * 0.45));
  return [STATE_CELLS, name, AGE_CELLS, cwd, left - cwd - 1];
}

function rowText(cells: readonly string[], widths: readonly number[]): string[] {
  return cells.flatMap((cell, index) => {
    const width = widths[index] ?? 0;
    return width > 0 ? [fit(cell, width, index === 2 ? "right" : "left")] : [];
  });
}

function row(session: SessionSummary, selected: boolean, widths: readonly number[], setting: FrameSetting): string {
  const { colours, now, home } = setting;
  const cells = rowText(
    [
      restWords(session.state, session.evidence.confidence, session.rest_state),
      printable(session.name),
      briefAge(now - session.state_since),
      printable(homely(session.cwd, home)),
      printable(titleOf(session)),
    ],
    widths,
  );
  // Reversed without the state's colour: a coloured piece would end the reverse in the middle of the line.
  if (selected) return colours.inverse(`>${cells.join(" ")}`);
  const [first = "", ...rest] = cells;
  return ` ${[paintState(colours, session.state, first), ...rest].join(" ").trimEnd()}`;
}

function peek(
  state: TopState,
  mode: { id: string; lines: readonly string[] | null },
  setting: FrameSetting,
): { titles: string; lines: string[] } {
  const { colours, size } = setting;
  const session = state.sessions.get(mode.id);
  const titles = colours.bold(
    truncate(
      `screen of ${printable(session?.name ?? mode.id)}${session === undefined ? "" : `, ${session.cols}x${session.rows}`}`,
      size.cols,
    ),
  );
  if (mode.lines === null) return { titles, lines: [""] };
  const room = Math.max(0, size.rows - FIXED_LINES);
  let end = mode.lines.length;
  while (end > 0 && (mode.lines[end - 1] ?? "").trim() === "") end--;
  // The lower part of a screen is where a program talks.
  return { titles, lines: mode.lines.slice(Math.max(0, end - room), end).map((line) => truncate(printable(line), size.cols)) };
}

function footer(state: TopState, cols: number, colours: Colours): string {
  const { mode } = state;
  if (mode.kind === "confirm-kill") {
    const name = printable(state.sessions.get(mode.id)?.name ?? mode.id);
    return colours.bold(colours.red(truncate(`kill ${name} and everything it started? y/n`, cols)));
  }
  if (mode.kind === "filter") return truncate(`/${printable(state.filter)}▏`, cols);
  if (mode.kind === "peek") return colours.dim(truncate("a attach   o refresh   any other key: back", cols));
  if (mode.kind === "help") return colours.dim(truncate("any key: back", cols));
  if (state.message !== null) return truncate(printable(state.message), cols);
  const place =
    state.order.length === 0 || state.selected === null ? "" : `${state.order.indexOf(state.selected) + 1}/${state.order.length}`;
  const filter = state.filter === "" ? "" : `  /${printable(state.filter)}`;
  return colours.dim(truncate(`${KEYS}  ${place}${filter}`.trimEnd(), cols));
}
