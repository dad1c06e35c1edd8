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
const TOKENS_CELLS = 6;
const KEYS = "n next  ⏎ attach  o peek  p prompt  y answer  x kill  ? help  q quit";

const HELP = [
  "",
  "  j k ↑ ↓      move                 g G          first, last",
  "  Enter a      attach; leave with C-\\ (attach.detach_key)",
  "  n Tab        the next one that needs a person",
  "  o            peek at the screen   r            restart",
  "  p            prompt: type a line, Enter sends it as session.prompt does",
  "  y            answer: peek, and keys go to the session (y 1 Enter Esc …); q ends it",
  "  x            kill the whole process tree, asks first",
  "  b            group by repository",
  "  /            filter by words in name, state, tool, cwd, branch, title, labels; Esc clears",
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
  // Where nobody says how much context is used, the column would only take room.
  const widths = rowWidths(
    size.cols,
    [...state.sessions.values()].some((session) => session.token_count !== null),
  );
  const titles = colours.dim(` ${rowText(["STATE", "NAME", "FOR", "CTX", "CWD", "THOUGHT OR TITLE"], widths).join(" ").trimEnd()}`);
  const room = Math.max(0, size.rows - FIXED_LINES);
  const lines = state.rows.slice(state.top, state.top + room).map((line) => {
    if (line.kind === "group") return colours.bold(truncate(`${printable(homely(line.title, setting.home))}  ${line.count}`, size.cols));
    const session = state.sessions.get(line.id);
    return session === undefined ? "" : row(session, line.id === state.selected, widths, setting);
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

/** Cells of state, name, age, context, cwd and title; a column without room is 0. */
function rowWidths(cols: number, tokens: boolean): number[] {
  const name = Math.min(24, Math.max(8, Math.floor(cols * 0.2)));
  const left = cols - 1 - STATE_CELLS - name - AGE_CELLS - 3;
  if (left < 12) {
    const state = Math.min(STATE_CELLS, Math.max(0, cols - 1));
    return [state, Math.max(0, Math.min(name, cols - 2 - state)), left < 0 ? 0 : AGE_CELLS, 0, 0, 0];
  }
  const context = tokens && left >= 30 ? TOKENS_CELLS : 0;
  const rest = left - (context === 0 ? 0 : context + 1);
  // What it is about says more than where it is.
  const cwd = Math.min(36, Math.floor(rest * 0.4));
  return [STATE_CELLS, name, AGE_CELLS, context, cwd, rest - cwd - 1];
}

/** `45%` of the context where its size is known, else `12k` tokens. */
function contextUse({ token_count: count, context_limit: limit }: SessionSummary): string {
  if (count === null) return "";
  if (limit !== null && limit > 0) return `${Math.round((100 * count) / limit)}%`;
  return count < 1_000 ? String(count) : `${Math.round(count / 1_000)}k`;
}

/** In a repository its name, what is below it, and the branch; elsewhere the path. */
function place(session: SessionSummary, home: string | undefined): string {
  const { repo, cwd } = session;
  if (repo === null || !cwd.startsWith(repo.root)) return printable(homely(cwd, home));
  const name = repo.root.slice(repo.root.lastIndexOf("/") + 1);
  return printable(`${name}${cwd.slice(repo.root.length)}${repo.branch === null ? "" : ` ⎇ ${repo.branch}`}`);
}

function rowText(cells: readonly string[], widths: readonly number[]): string[] {
  return cells.flatMap((cell, index) => {
    const width = widths[index] ?? 0;
    return width > 0 ? [fit(cell, width, index === 2 || index === 3 ? "right" : "left")] : [];
  });
}

function row(session: SessionSummary, selected: boolean, widths: readonly number[], setting: FrameSetting): string {
  const { colours, now, home } = setting;
  const cells = rowText(
    [
      restWords(session.state, session.evidence.confidence, session.rest_state),
      printable(session.name),
      briefAge(now - session.state_since),
      contextUse(session),
      place(session, home),
      printable(titleOf(session)),
    ],
    widths,
  );
  // Reversed without the state's colour: a coloured piece would end the reverse in the middle of the line.
  if (selected) return colours.inverse(`>${cells.join(" ")}`);
  const [first = "", ...rest] = cells;
  return ` ${[block(colours, session.state, first), ...rest].join(" ").trimEnd()}`;
}

/** Who needs a person is a block of colour, found without reading. */
function block(colours: Colours, state: SessionState, text: string): string {
  if (state === "attention") return colours.bgYellow(colours.black(text));
  if (state === "error") return colours.bgRed(colours.white(text));
  return paintState(colours, state, text);
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
  if (mode.kind === "prompt") {
    const name = printable(state.sessions.get(mode.id)?.name ?? mode.id);
    const label = `prompt to ${name}: `;
    // The end of what is typed is what the person looks at.
    const room = Math.max(0, cols - label.length - 1);
    return truncate(`${label}${[...printable(mode.text)].slice(-Math.max(1, Math.floor(room / 2))).join("")}▏`, cols);
  }
  if (mode.kind === "peek") {
    if (mode.answering)
      return colours.bold(
        colours.yellow(
          truncate(
            `keys go to ${printable(state.sessions.get(mode.id)?.name ?? mode.id)}: Enter, Esc, arrows, y, n, 1…9   q: stop answering`,
            cols,
          ),
        ),
      );
    return colours.dim(truncate("y answer   p prompt   a attach   any other key: back", cols));
  }
  if (mode.kind === "help") return colours.dim(truncate("any key: back", cols));
  if (state.message !== null) return truncate(printable(state.message), cols);
  const place =
    state.order.length === 0 || state.selected === null ? "" : `${state.order.indexOf(state.selected) + 1}/${state.order.length}`;
  const filter = state.filter === "" ? "" : `/${printable(state.filter)}`;
  return colours.dim(truncate([place, filter, KEYS].filter((part) => part !== "").join("  "), cols));
}
